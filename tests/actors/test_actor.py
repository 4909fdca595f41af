"""`Actor` as an object: what its attributes say of mistakes, and what users may add."""

import pytest

from zanni import Actor


class Account(Actor):
    connection = None

    @property
    def total(self):
        return self.connection.amount

    def read(self):
        return self.total

    def misspelt(self):
        return self.totl


def test_an_error_within_a_property_is_told_as_it_is(system):
    account = system.spawn(Account)
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'amount'"):
        account.call(Account.read).get(timeout=10)
    with pytest.raises(AttributeError, match="'Account' object has no attribute 'totl'"):
        account.call(Account.misspelt).get(timeout=10)


def test_an_actor_may_answer_for_what_it_has_not(system):
    class Delegates(Actor):
        def __getattr__(self, name):
            return name.upper()

        def on_receive(self, message):
            return getattr(self, message), self.actor_ref

    delegates = system.spawn(Delegates)
    assert delegates.ask("other") == ("OTHER", delegates)
