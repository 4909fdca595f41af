"""Mailboxes of actors on another core: what travels, and what its senders see."""

import sys
from pathlib import Path

import pytest
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_boxes as boxes

from zanni import ActorDeadError, ActorSystem, Mailbox, MailboxFull, RemoteError

DEADLINE = 20.0


@pytest.fixture(scope="module")
def system():
    with ActorSystem("boxes", cores=2) as system:
        yield system


@pytest.fixture
def held(system):
    """An actor on the other core that waits for a gate, and a function that opens it."""

    def held(actor_class=boxes.Gated, **options):
        ref = system.spawn(actor_class, core=1, **options)
        gate = system.spawn(boxes.Gate)
        held_up = ref.call(actor_class.hold, gate)

        def let_go():
            gate.tell("open")
            held_up.get(timeout=DEADLINE)
            wait_for(lambda: ref.mailbox().length == 0)
            return ref.ask("seen", timeout=DEADLINE)

        wait_for(lambda: gate.mailbox().stashed == 1)
        return ref, let_go

    return held


@pytest.mark.parametrize("overflow", ["fail", "wait"])
def test_an_ask_that_finds_a_full_mailbox_elsewhere_says_so(held, overflow):
    ref, let_go = held(mailbox=Mailbox(2, overflow))
    kept = [ref.ask(number, block=False) for number in range(2)]
    with pytest.raises(MailboxFull, match="2 of 2 messages"):
        ref.ask("one more", timeout=DEADLINE)
    assert let_go() == [0, 1]
    assert [future.get(timeout=DEADLINE) for future in kept] == [0, 1]


@pytest.mark.parametrize("overflow", ["fail", "wait", "drop_new", "drop_old"])
def test_a_tell_that_finds_a_full_mailbox_elsewhere_is_counted_there(held, overflow):
    ref, let_go = held(mailbox=Mailbox(3, overflow))
    for number in range(10):
        ref.tell(number)
    wait_for(lambda: ref.mailbox().overflowed == 7)
    assert ref.mailbox().length == 3
    assert let_go() == ([7, 8, 9] if overflow == "drop_old" else [0, 1, 2])


def test_priorities_of_the_class_hold_elsewhere(held):
    ref, let_go = held(boxes.Ranked)
    for number in (3, 1, 2, 1):
        ref.tell(number)
    wait_for(lambda: ref.mailbox().length == 4)
    assert let_go() == [1, 1, 2, 3]


def test_a_priority_that_exits_loses_no_other_message(system):
    ref = system.spawn(boxes.Exiting, core=1)
    for each in (1, "bad", 2):
        ref.tell(each)
    with pytest.raises(RemoteError, match="SystemExit"):
        ref.ask("bad", timeout=DEADLINE)
    assert ref.ask("seen", timeout=DEADLINE) == [1, 2]


def test_a_function_cannot_go_to_another_core(system):
    with pytest.raises(ValueError, match=r"write  mailbox = Mailbox\(priority=\.\.\.\)  in Gated"):
        system.spawn(boxes.Gated, core=1, mailbox=Mailbox(priority=lambda _: 0))


def test_a_mailbox_elsewhere_can_be_read(held):
    ref, let_go = held(mailbox=Mailbox(10, max_bytes=10_000))
    ref.tell("waits")
    wait_for(lambda: ref.mailbox().length == 1)
    record = ref.mailbox()
    assert record.bytes > 0
    assert record.oldest >= 0
    let_go()
    ref.stop()
    with pytest.raises(ActorDeadError):
        ref.mailbox()
