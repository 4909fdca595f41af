"""What is stashed, what restarts leave in a mailbox, and what can be read of it."""

import threading
from collections import deque
from itertools import pairwise

import pytest
from busy import Busy, finish

from zanni import Actor, DeadlockError, Future, Mailbox, MailboxFull, MailboxHigh
from zanni.actors.cell import COMPACT
from zanni.supervisors import Supervisor, child

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")


def test_a_restart_keeps_the_queue_the_stash_and_the_bound(system, eventually):
    seen, gate = [], Future()

    class Keeps(Supervisor):
        def children(self):
            return [child(Stashes, seen, id="it", name="it", mailbox=Mailbox(3))]

    class Stashes(Busy):
        stashing = True

        def on_receive(self, message):
            if message == "set me aside" and "go on" not in self.seen:
                return self.stash()
            return super().on_receive(message)

    system.spawn(Keeps)
    ref = system.whereis("it")
    ref.tell("set me aside")
    eventually(lambda: ref.mailbox().stashed == 1)
    ref.tell(gate)
    eventually(lambda: ref.mailbox().length == 0)
    for each in (("raise", KeyError("crash")), "go on", "end"):
        ref.tell(each)
    with pytest.raises(MailboxFull):
        ref.tell("no room")
    gate.set()
    eventually(lambda: "end" in seen)
    assert seen == ["go on", "end"]
    assert ref.mailbox().stashed == 1


def test_the_stash_holds_as_much_as_the_mailbox(system):
    class Stashes(Busy):
        mailbox = Mailbox(2)

        def on_receive(self, message):
            if message == "open":
                return self.unstash_all()
            return self.stash() if message == "aside" else super().on_receive(message)

    ref = system.spawn(Stashes, [])
    aside = [ref.ask("aside", block=False)]
    ref.ask("sync")
    aside.append(ref.ask("aside", block=False))
    ref.ask("sync")
    assert ref.mailbox().stashed == 2
    with pytest.raises(MailboxFull, match="stash"):
        ref.ask("aside", timeout=10)
    assert ref.mailbox().stashed == 2
    assert not any(future.done() for future in aside)


class Stashes(Actor):
    """Sets aside what comes until it is to open; fails where it is told to."""

    def __init__(self):
        super().__init__()
        self.seen, self.is_open = [], False

    def on_receive(self, message):
        match message:
            case "open":
                self.is_open = True
                self.unstash_all()
            case "close":
                seen, self.seen, self.is_open = self.seen, [], False
                return seen
            case _ if self.is_open:
                self.seen.append(message)
            case _:
                self.stash()
                if message == "fail":
                    raise KeyError(message)
        return None


EITHER = pytest.mark.parametrize(
    "mailbox", [Mailbox(), Mailbox(max_bytes=1000)], ids=["plain", "bounded"]
)


@EITHER
def test_one_that_is_stashed_and_fails_is_handled_no_more_and_those_before_it_are(system, mailbox):
    ref = system.spawn(Stashes, mailbox=mailbox)
    ref.tell("first")
    with pytest.raises(KeyError):
        ref.ask("fail", timeout=10)
    ref.tell("open")
    assert ref.ask("close", timeout=10) == ["first"]


@EITHER
def test_what_is_stashed_no_more_takes_no_room_of_the_stash(system, mailbox):
    ref = system.spawn(Stashes, mailbox=mailbox)
    for _ in range(40):
        with pytest.raises(KeyError):
            ref.ask("fail", timeout=10)
    for _ in range(20):
        ref.tell("x" * 400)
        ref.tell("open")
        assert ref.ask("close", timeout=10) == ["x" * 400]


def test_what_can_be_read_of_a_mailbox(system, held, eventually):
    ref, _, gate = held(10, max_bytes=10_000)
    assert ref.mailbox().oldest is None
    ref.tell("old")
    eventually(lambda: ref.mailbox().oldest > 0.01)
    before = ref.mailbox()
    ref.tell("new")
    after = ref.mailbox()
    assert (before.length, after.length) == (1, 2)
    assert before.bytes < after.bytes
    assert before.oldest < after.oldest
    finish(ref, gate)


def test_a_mailbox_without_settings_tells_its_length(system, tools, eventually):
    gate = Future()
    ref = system.spawn(tools.Hooked, [])
    ref.tell(("get", gate))
    for number in range(100):
        ref.tell(number)
    eventually(lambda: ref.mailbox().length == 100)
    assert (ref.mailbox().oldest, ref.mailbox().bytes) == (None, None)
    gate.set()


def told_of(system, ref):
    """How long the mailbox was, each time that an event told of it."""
    events = [event for event in system.events.last if isinstance(event, MailboxHigh)]
    assert all(event.ref == ref for event in events)
    lengths = [event.length for event in events]
    assert all(length >= 10_000 for length in lengths)
    assert all(later >= 2 * earlier for earlier, later in pairwise(lengths))
    return lengths


@pytest.mark.parametrize("settings", [{}, {"timed": True}])
def test_a_mailbox_that_grows_long_is_told_of_at_each_doubling(system, settings):
    seen, gate = [], Future()
    ref = system.spawn(Busy, seen, mailbox=Mailbox(**settings))
    ref.tell(gate)
    for number in range(50_000):
        ref.tell(number)
    gate.set()
    ref.ask("all handled", timeout=20)
    assert told_of(system, ref)


@pytest.mark.parametrize("settings", [{}, {"timed": True}])
def test_one_that_grows_long_again_when_it_was_empty_is_told_of_again(system, settings):
    ref = system.spawn(Busy, [], mailbox=Mailbox(**settings))
    for count in (1, 2):
        gate = Future()
        ref.tell(gate)
        for number in range(12_000):
            ref.tell(number)
        gate.set()
        ref.ask("all handled", timeout=20)
        events = [event for event in system.events.last if isinstance(event, MailboxHigh)]
        assert len(events) == count


class Stuck(Actor):
    """Blocks its thread."""

    def on_receive(self, message):
        if isinstance(message, threading.Event):
            assert message.wait(60)
        return message


class KnownToBlock(Stuck):
    blocking = True


LATE = pytest.mark.parametrize(
    ("cls", "options"), [(Stuck, {}), (KnownToBlock, {}), (Stuck, {"dispatcher": "pinned"})]
)


@LATE
def test_a_mailbox_that_grows_long_while_its_actor_is_stuck_is_told_of(
    system, eventually, cls, options
):
    gate = threading.Event()
    ref = system.spawn(cls, **options)
    ref.tell(gate)
    for number in range(20_000):
        ref.tell(number)
    eventually(lambda: told_of(system, ref))
    ref.kill()
    gate.set()


@LATE
def test_what_was_handled_leaves_a_mailbox_that_never_empties(system, cls, options):
    ref = system.spawn(cls, **options)
    asked = deque(ref.ask(number, block=False) for number in range(10))
    most = 0
    for number in range(5_000):
        asked.append(ref.ask(number, block=False))
        asked.popleft().get(timeout=20)
        most = max(most, len(ref.process.queue or ()))
    assert most <= 2 * COMPACT


def test_a_finaliser_may_send_to_the_mailbox_that_is_being_filled(system, held):
    ref, seen, gate = held(100)
    box = ref.process.box
    append = box._append

    def append_and_send(entry):
        append(entry)
        if entry.item[0] == "outer":
            ref.tell("inner")

    type(box)._append, plain = lambda _, entry: append_and_send(entry), type(box)._append
    try:
        ref.tell("outer")
    finally:
        type(box)._append = plain
    finish(ref, gate)
    assert seen == ["outer", "inner"]


def test_a_cycle_of_asks_through_a_bounded_mailbox_is_found(system, eventually):
    class Asks(Actor):
        mailbox = Mailbox(10)

        def on_receive(self, message):
            match message:
                case ("know", other):
                    self.other = other
                case "ask":
                    return self.other.ask("ask")
            return message

    one, other = system.spawn(Asks), system.spawn(Asks)
    one.ask(("know", other))
    other.ask(("know", one))
    with pytest.raises(DeadlockError):
        one.ask("ask", timeout=10)
    eventually(lambda: one.mailbox().length == 0)
    assert one.ask("alive", timeout=10) == "alive"


def test_self_sends_do_not_reach_the_next_incarnation(system, eventually):
    seen = []

    class Keeps(Supervisor):
        def children(self):
            return [child(Crashes, seen, id="it", name="it", mailbox=Mailbox(10))]

    class Crashes(Busy):
        def on_receive(self, message):
            if message == "crash":
                self.actor_ref.tell("mine")
                raise KeyError(message)
            return super().on_receive(message)

    system.spawn(Keeps)
    ref, gate = system.whereis("it"), Future()
    ref.tell(gate)
    ref.tell("crash")
    ref.tell("yours")
    gate.set()
    eventually(lambda: seen)
    assert ref.ask("end", timeout=10) == "end"
    assert seen == ["yours", "end"]
    assert system.dead_letters.counts["stale"] == 1
