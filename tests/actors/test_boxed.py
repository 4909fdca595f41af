"""Mailboxes with bounds and times."""

import asyncio
import threading
import time

import pytest
from busy import Busy, Tells, finish

from zanni import Actor, ActorDeadError, Down, Future, Mailbox, MailboxFull, Timeout

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")

# Full


def test_fail_raises_at_the_sender_and_loses_nothing_that_was_taken(system, held):
    ref, seen, gate = held(1000)
    for number in range(1000):
        ref.tell(number)
    with pytest.raises(MailboxFull, match="1000 of 1000 messages"):
        ref.tell(1000)
    assert ref.mailbox().overflowed == 1
    assert system.dead_letters.statistics() == {"overflow": 1}
    finish(ref, gate)
    assert seen == [*range(1000)]


def test_fail_raises_in_an_actor_too_and_in_its_place(system, held):
    ref, seen, gate = held(2)
    tells = system.spawn(Tells)
    with pytest.raises(MailboxFull):
        tells.ask((ref, "abc"), timeout=10)
    finish(ref, gate)
    assert seen == ["a", "b"]


def test_drop_new_drops_what_comes(system, held):
    ref, seen, gate = held(10, "drop_new")
    for number in range(25):
        ref.tell(number)
    lost = [letter.message for letter in system.dead_letters.last]
    assert lost == [*range(10, 25)]
    assert ref.mailbox().overflowed == 15
    assert system.dead_letters.statistics() == {"overflow": 15}
    finish(ref, gate)
    assert seen == [*range(10)]


def test_drop_old_drops_what_has_waited_longest(system, held):
    ref, seen, gate = held(10, "drop_old")
    for number in range(25):
        ref.tell(number)
    lost = [letter.message for letter in system.dead_letters.last]
    assert lost == [*range(15)]
    assert ref.mailbox().overflowed == 15
    assert system.dead_letters.statistics() == {"overflow": 15}
    finish(ref, gate)
    assert seen == [*range(15, 25)]


@pytest.mark.parametrize("overflow", ["fail", "drop_new", "drop_old", "wait"])
def test_an_ask_that_is_lost_says_so(held, overflow):
    ref, seen, gate = held(1, overflow)
    first = ref.ask("first", block=False)
    if overflow == "wait":
        with pytest.raises(Timeout):
            ref.ask("second", timeout=0.05)
        gate.set()
        assert first.get(timeout=10) == "first"
    else:
        second = ref.ask("second", block=False)
        lost, kept = (first, second) if overflow == "drop_old" else (second, first)
        with pytest.raises(MailboxFull):
            lost.get(timeout=10)
        gate.set()
        assert kept.get(timeout=10) == seen[0]
    ref.stop()
    assert len(seen) == 1


def test_threads_fill_a_mailbox_exactly(system, held, in_threads, switching):
    ref, seen, gate = held(500)
    refused = []

    def send():
        for number in range(300):
            try:
                ref.tell((threading.get_ident(), number))
            except MailboxFull:
                refused.append(1)

    in_threads(*[send] * 4)
    finish(ref, gate)
    assert (len(seen), len(refused)) == (500, 700)
    assert system.dead_letters.statistics() == {"overflow": 700}
    for thread in {thread for thread, _ in seen}:
        numbers = [number for sender, number in seen if sender == thread]
        assert numbers == sorted(numbers)


def test_the_runtimes_own_messages_find_room_in_a_full_mailbox(system, held):
    ref, seen, gate = held(1)
    other = system.spawn(Busy, [])
    gate.set()
    ref.ask(("apply", lambda self: self.watch(other)))
    gate = Future()
    held.hold(ref, gate)
    ref.tell("last")
    with pytest.raises(MailboxFull):
        ref.tell("one more")
    other.stop()
    stopped = ref.stop(block=False)
    gate.set()
    assert stopped.get(timeout=10)
    assert seen == [Down(other, "normal"), "last"]


def test_kill_overtakes_a_full_mailbox(system, held):
    ref, seen, _ = held(1000)
    for number in range(1000):
        ref.tell(number)
    exited = ref.exited()
    ref.kill()
    assert exited.get(timeout=10) == "killed"
    assert seen == []
    assert system.dead_letters.counts["dead"] == 1000


def test_a_dead_actors_mailbox_refuses(held):
    ref, _, gate = held(10)
    finish(ref, gate)
    with pytest.raises(ActorDeadError):
        ref.tell("too late")
    with pytest.raises(ActorDeadError):
        ref.ask("too late")
    with pytest.raises(ActorDeadError):
        ref.mailbox()


class AskedAtItsEnd(Actor):
    """Is asked by another thread while its `on_stop` has the core."""

    handoff = 60.0

    def __init__(self, asked):
        super().__init__()
        self.asked = asked

    def on_stop(self):
        asker = threading.Thread(target=self.ask)
        asker.start()
        asker.join()

    def ask(self):
        self.asked.append(self.actor_ref.ask("too late", block=False))


@pytest.mark.parametrize(
    "settings",
    [{"capacity": 9}, {"priority": lambda _: 0}, {"timed": True}],
    ids=["bounded", "priority", "timed"],
)
def test_who_asks_while_an_idle_actor_ends_hears_of_its_death(system, tools, settings):  # G9
    mailbox = Mailbox(**settings)
    for _ in range(20):  # its core may be handed over meanwhile, and look into the mailbox
        asked = []
        parent = system.spawn(tools.Hooked, [])
        parent.ask(("apply", lambda it, into=asked: it.spawn(AskedAtItsEnd, into, mailbox=mailbox)))
        parent.stop()
        with pytest.raises(ActorDeadError):
            asked[0].get(timeout=5)


def test_a_bound_in_bytes(system, held):
    ref, seen, gate = held(max_bytes=100_000)
    for _ in range(9):
        ref.tell(bytes(10_000))
    assert 90_000 < ref.mailbox().bytes < 100_000
    with pytest.raises(MailboxFull, match="of 100000 bytes"):
        ref.tell(bytes(10_000))
    ref.tell("small")
    with pytest.raises(MailboxFull):
        ref.tell([bytes(10_000)])
    finish(ref, gate)
    assert len(seen) == 10


def test_a_message_larger_than_the_mailbox_is_refused_whatever_it_says(held):
    for overflow in ("fail", "wait"):
        ref, seen, gate = held(max_bytes=1000, overflow=overflow)
        with pytest.raises(MailboxFull, match="of 1000 bytes"):
            ref.tell(bytes(2000))
        finish(ref, gate)
    ref, seen, gate = held(max_bytes=1000, overflow="drop_old")
    ref.tell("kept")
    ref.tell(bytes(2000))
    finish(ref, gate)
    assert seen == ["kept"]


def test_drop_old_drops_as_many_as_the_bytes_need(held):
    ref, seen, gate = held(max_bytes=5000, overflow="drop_old")
    for number in range(4):
        ref.tell(bytes(1000 + number))
    ref.tell(bytes(2500))
    finish(ref, gate)
    assert [len(each) for each in seen] == [1002, 1003, 2500] or len(seen[-1]) == 2500


# Waiting


def test_wait_parks_the_turn_of_a_sender_and_leaves_its_core(system, held, eventually):
    ref, seen, gate = held(3, "wait")
    told = system.spawn(Tells).ask((ref, range(50)), block=False)
    eventually(lambda: ref.mailbox().waiting == 1)
    assert system.spawn(Busy, []).ask("the core is free", timeout=10)
    assert ref.mailbox().length == 3
    gate.set()
    assert told.get(timeout=10) == 50
    ref.stop()
    assert seen == [*range(50)]


def test_wait_blocks_a_thread_and_keeps_its_order(held, in_threads, eventually):
    ref, seen, gate = held(3, "wait")

    def send(name):
        for number in range(30):
            ref.tell((name, number))

    in_threads(
        *[lambda name=name: send(name) for name in "abc"],
        lambda: eventually(lambda: ref.mailbox().waiting == 3) and gate.set(),
    )
    ref.stop(timeout=10)
    assert len(seen) == 90
    for name in "abc":
        assert [number for sender, number in seen if sender == name] == [*range(30)]


def test_an_ask_with_a_timeout_waits_no_longer_for_room(system, held):
    ref, seen, gate = held(1, "wait")
    ref.tell("first")
    with pytest.raises(Timeout):
        ref.ask("second", timeout=0.05)

    class Asks(Actor):
        def on_receive(self, message):
            return ref.ask(message, timeout=0.05)

    with pytest.raises(Timeout):
        system.spawn(Asks).ask("third", timeout=10)
    assert ref.mailbox().waiting == 0
    finish(ref, gate)
    assert seen == ["first"]


def test_a_sender_killed_while_it_waits_sends_nothing(system, held, eventually):
    ref, seen, gate = held(1, "wait")
    tells = system.spawn(Tells)
    asked = tells.ask((ref, "ab"), block=False)
    eventually(lambda: ref.mailbox().waiting == 1)
    tells.kill()
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)
    assert ref.mailbox().waiting == 0
    finish(ref, gate)
    assert seen == ["a"]


def test_senders_that_wait_hear_of_the_death(system, held, eventually):
    ref, _, _ = held(1, "wait")
    told = system.spawn(Tells).ask((ref, "ab"), block=False)
    asked = []

    def ask():
        try:
            ref.ask("c")
        except ActorDeadError as error:
            asked.append(error)

    eventually(lambda: ref.mailbox().waiting == 1)
    thread = threading.Thread(target=ask)
    thread.start()
    eventually(lambda: ref.mailbox().waiting == 2)
    ref.kill()
    with pytest.raises(ActorDeadError):
        told.get(timeout=10)
    thread.join(10)
    assert len(asked) == 1


def test_who_cannot_wait_gets_mailbox_full(system, held, eventually):
    ref, seen, gate = held(1, "wait")
    gate.set()
    with pytest.raises(MailboxFull, match="cannot wait"):
        ref.ask(("apply", lambda self: [self.actor_ref.tell(each) for each in "ab"]))
    ref.ask(("apply", lambda self: self.every(0.001, "tick") and None))
    eventually(lambda: "tick" in seen)
    gate = Future()
    ref.tell(gate)
    before = system.dead_letters.counts["overflow"]
    eventually(lambda: system.dead_letters.counts["overflow"] > before)  # timers go on

    async def tell():
        for _ in range(3):
            ref.tell("from a loop")

    with pytest.raises(MailboxFull, match="cannot wait"):
        asyncio.run(tell())
    count = seen.count("tick")
    gate.set()
    eventually(lambda: seen.count("tick") > count + 2)


def test_a_stopping_system_lets_those_go_that_wait(system, held, eventually):
    ref, _, _ = held(1, "wait")
    told = system.spawn(Tells).ask((ref, "ab"), block=False)
    eventually(lambda: ref.mailbox().waiting == 1)
    system.stop(timeout=0.05)
    with pytest.raises(ActorDeadError):
        told.get(timeout=10)


# With the other kinds of cells


@pytest.mark.parametrize("dispatcher", ["core", "asyncio"])
@pytest.mark.parametrize("reentrant", [False, True])
def test_every_kind_of_actor_may_have_a_bound_priorities_and_a_stash(
    system, eventually, dispatcher, reentrant
):
    class Any(Actor):
        mailbox = Mailbox(3, priority=lambda m: m if isinstance(m, int) else 0)
        seen = ()

        def on_receive(self, message):
            if message == "aside" and "open" not in self.seen:
                return self.stash()
            self.seen += (message,)
            if message == "open":
                self.unstash_all()
            return message

    Any.dispatcher, Any.reentrant = dispatcher, reentrant
    ref = system.spawn(Any)
    aside = ref.ask("aside", block=False)
    eventually(lambda: ref.mailbox().stashed == 1)
    assert ref.ask("open", timeout=10) == "open"
    assert aside.get(timeout=10) == "aside"
    refused = 0
    for number in range(3000, 0, -1):
        try:
            ref.tell(number)
        except MailboxFull:
            refused += 1
    eventually(lambda: ref.mailbox().length == 0)
    assert ref.ask("end", timeout=10) == "end"
    assert ref.mailbox().overflowed == refused
    seen = ref.proxy().seen.get(timeout=10)
    assert len(seen) == 3 + 3000 - refused
    ref.stop(timeout=10)


@pytest.mark.parametrize("dispatcher", ["core", "asyncio"])
@pytest.mark.parametrize("reentrant", [False, True])
def test_become_holds_for_every_kind_of_actor(system, dispatcher, reentrant):
    class Any(Changes):
        pass

    Any.dispatcher, Any.reentrant = dispatcher, reentrant
    ref = system.spawn(Any)
    assert ref.ask(1, timeout=10) == ("plain", 1)
    ref.ask("become", timeout=10)
    assert ref.ask(2, timeout=10) == ("other", 2)
    ref.ask("unbecome", timeout=10)
    assert ref.ask(3, timeout=10) == ("plain", 3)


class Changes(Actor):
    def on_receive(self, message):
        if message == "become":
            self.become(self.other)
        return "plain", message

    def other(self, message):
        if message == "unbecome":
            self.unbecome()
        return "other", message


class Naps(Busy):
    """Blocks its thread now and then, so that its core goes on without it."""

    def on_receive(self, message):
        if message == 50:
            time.sleep(0.005)
        return super().on_receive(message)


@pytest.mark.parametrize("overflow", ["fail", "drop_new", "drop_old", "wait"])
@pytest.mark.parametrize("priority", [None, lambda m: m % 3 if isinstance(m, int) else 9])
def test_what_is_sent_is_handled_once_or_lost(
    system, eventually, in_threads, switching, overflow, priority
):
    seen, told = [], []
    ref = system.spawn(Naps, seen, mailbox=Mailbox(5, overflow, priority))

    class Sends(Actor):
        def on_receive(self, message):
            send()

    def send():
        for number in range(100):
            try:
                ref.tell(number)
                told.append(number)
            except MailboxFull:
                pass

    others = [system.spawn(Sends).ask("go", block=False) for _ in range(3)]
    in_threads(send, send, send)
    for other in others:
        other.get(timeout=20)
    eventually(lambda: ref.mailbox().length == 0)
    ref.stop(timeout=10)
    lost = system.dead_letters.counts["overflow"]
    assert len(seen) + lost == 600
    assert (lost == 0) == (overflow == "wait")
    if overflow == "fail":
        assert sorted(told) == sorted(seen)


def test_what_comes_while_the_thread_blocks_overtakes_all_the_same(system, held, eventually):
    ref, seen, gate = held(10)
    dying = system.spawn(Busy, [])
    gate.set()
    ref.ask(("apply", lambda self: self.watch(dying)))
    began, go_on = threading.Event(), threading.Event()
    ref.tell(("apply", lambda _: began.set() or go_on.wait(10)))
    assert began.wait(10)
    ref.tell("first")
    dying.stop()
    eventually(lambda: ref.process.interrupted)
    assert ref.mailbox().length == 1
    go_on.set()
    ref.stop(timeout=10)
    assert seen == [Down(dying, "normal"), "first"]
