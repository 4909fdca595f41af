"""What an actor has left behind, as a thread of its own, begins nothing once it has ended."""

import pytest

from zanni import Actor, ActorDeadError
from zanni.actors.oversight import Overseer

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")


class Parent(Actor):
    """Gives itself away, as to a thread that outlives it."""

    def on_receive(self, message):
        if message == "fail":
            raise RuntimeError
        return self


class Ends(Actor):
    """Ends its parent while it is being made."""

    def __init__(self, parent):
        super().__init__()
        parent.stop()


def begin_each(parent):
    for begin in (
        lambda: parent.spawn(Actor, name="late"),
        lambda: parent.after(0, "late"),
        lambda: parent.every(1, "late"),
    ):
        with pytest.raises(ActorDeadError, match=r"Parent .* has ended: it begins nothing"):
            begin()


def test_an_actor_that_has_ended_starts_no_children_and_sets_no_timers(system):
    ref = system.spawn(Parent)
    parent = ref.ask("yourself")
    ref.stop()
    begin_each(parent)
    assert system.actors() == []
    assert system.whereis("late") is None


def test_nor_does_one_that_awaits_its_supervisors_verdict(system, eventually):
    class Undecided(Overseer, Actor):
        def on_receive(self, message):
            heard.append(message)

    heard = []
    supervisor = system.spawn(Undecided)
    ref = system.spawn(Parent, supervisor=supervisor)
    parent = ref.ask("yourself")
    ref.tell("fail")
    eventually(lambda: heard)
    begin_each(parent)


def test_a_child_whose_parent_ends_while_it_is_made_ends_too(system, eventually):
    ref = system.spawn(Parent)
    parent = ref.ask("yourself")
    with pytest.raises(ActorDeadError, match="has ended"):
        parent.spawn(Ends, ref, name="late")
    eventually(lambda: system.actors() == [])
    eventually(lambda: system.whereis("late") is None)


def test_a_timer_that_comes_when_its_actor_has_ended_is_a_dead_letter(system):
    ref = system.spawn(Parent)
    parent = ref.ask("yourself")
    ref.stop()
    parent._remind("tick")
    assert system.dead_letters.statistics() == {"dead": 1}
