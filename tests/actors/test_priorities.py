"""Mailboxes with priorities."""

import random

import pytest
from busy import Busy, Tells, finish

from zanni import Down, Future, Mailbox

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")


class Ranked(Busy):
    mailbox = Mailbox(priority=lambda message: message if isinstance(message, int) else 0)


@pytest.fixture
def ranked(system, eventually):
    seen, gate = [], Future()
    ref = system.spawn(Ranked, seen)
    ref.tell(gate)
    eventually(lambda: ref.mailbox().length == 0)
    return ref, seen, gate


def test_lower_priorities_come_first_and_equal_ones_as_they_came(ranked):
    ref, seen, gate = ranked
    told = random.Random(1).choices([-1, 1, 2, True, "a", "b"], k=1000)
    for each in told:
        ref.tell(each)
    finish(ref, gate)
    assert seen == sorted(told, key=lambda each: each if isinstance(each, int) else 0)


def test_stop_keeps_its_place_among_priorities(ranked):
    ref, seen, gate = ranked
    ref.tell(5)
    stopped = ref.stop(block=False)
    ref.tell(1)
    gate.set()
    assert stopped.get(timeout=10)
    assert seen == [5]


def test_calls_have_priority_0(ranked):
    ref, seen, gate = ranked
    ref.tell(1)
    ref.tell(-1)
    called = ref.call(Busy.on_receive, "called")
    gate.set()
    called.get(timeout=10)
    ref.stop()
    assert seen == [-1, "called", 1]


def test_drop_old_with_priorities_drops_the_last_in_line(held):
    ref, seen, gate = held(3, "drop_old", lambda m: 0 if isinstance(m, Future) else m[0])
    for each in ((1, "a"), (2, "a"), (2, "b"), (0, "a"), (2, "c"), (3, "a"), (0, "b")):
        ref.tell(each)
    finish(ref, gate)
    assert seen == [(0, "a"), (0, "b"), (1, "a")]


def test_a_priority_that_is_no_int_is_the_senders_error(system, held):
    ref, seen, gate = held(priority=lambda m: 0 if isinstance(m, Future) else m)
    with pytest.raises(TypeError, match=r"gave 0\.5, no int"):
        ref.tell(0.5)
    with pytest.raises(TypeError, match="gave 'high', no int"):
        ref.ask("high")
    broken, _, opened = held(priority=lambda message: 1 / 0 if message == "x" else 0)
    with pytest.raises(ZeroDivisionError):
        broken.tell("x")
    finish(ref, gate)
    finish(broken, opened)
    assert seen == []


def test_down_overtakes_priorities_but_not_what_the_dead_one_sent(system, ranked):
    ref, seen, gate = ranked
    gate.set()
    dying = system.spawn(Tells)
    ref.ask(("apply", lambda self: self.watch(dying)))
    gate = Future()
    ref.tell(gate)
    ref.tell(-1)
    dying.ask((ref, [1, 2]))
    ref.tell(3)
    dying.stop()
    finish(ref, gate)
    assert seen == [-1, 1, 2, Down(dying, "normal"), 3]
