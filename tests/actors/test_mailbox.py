"""What a `Mailbox` may say, and where it may be said."""

import dataclasses

import pytest

from zanni import Actor, Mailbox
from zanni.actors.errors import SpecError
from zanni.supervisors import child


def test_the_default_has_no_bound():
    assert Actor.mailbox == Mailbox()
    assert dataclasses.astuple(Mailbox()) == (None, "fail", None, None, False)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"capacity": 0}, ValueError, "capacity= takes 1 or more messages"),
        ({"capacity": -1}, ValueError, "capacity= takes 1 or more messages"),
        ({"capacity": 1.5}, TypeError, "capacity= takes a whole number"),
        ({"capacity": True}, TypeError, "capacity= takes a whole number"),
        ({"capacity": "10"}, TypeError, "capacity= takes a whole number"),
        ({"max_bytes": 0}, ValueError, "max_bytes= takes 1 or more bytes"),
        ({"max_bytes": "1 MB"}, TypeError, "max_bytes= takes a whole number"),
        ({"overflow": "drop"}, ValueError, "'drop_new', 'drop_old', 'wait', not 'drop'"),
        ({"overflow": None}, ValueError, "overflow= takes one of"),
        ({"overflow": ["fail"]}, ValueError, "overflow= takes one of"),
        ({"priority": 3}, TypeError, "priority= takes a function"),
        ({"timed": 1}, TypeError, "timed= takes True or False"),
    ],
)
def test_settings_that_cannot_be(settings, error, text):
    with pytest.raises(error, match=text):
        Mailbox(**settings)


def test_a_class_with_something_else_for_its_mailbox_is_refused():
    with pytest.raises(TypeError, match=r"Odd\.mailbox takes a zanni\.Mailbox\(\.\.\.\), not 100"):

        class Odd(Actor):
            mailbox = 100


@pytest.mark.parametrize("given", [100, "fail", Mailbox, {"capacity": 3}])
def test_spawn_takes_a_mailbox_and_nothing_else(system, tools, given):
    with pytest.raises(TypeError, match=r"mailbox= takes a zanni\.Mailbox"):
        system.spawn(tools.Recorder, mailbox=given)
    assert system.actors() == []


def test_a_childs_spec_takes_a_mailbox_and_nothing_else():
    with pytest.raises(SpecError, match="mailbox"):
        child(Actor, id="it", mailbox=100)
    assert child(Actor, id="it", mailbox=Mailbox(3)).mailbox == Mailbox(3)
