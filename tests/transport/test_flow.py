"""Flow between cores, with real processes: who does not keep up costs others nothing."""

import os
import signal
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import zanni_flow as crew
from peers import make_peer
from waiting import DEADLINE, wait_for

from zanni import ActorSystem, MailboxFull, Timeout
from zanni.actors.cell import Cell
from zanni.actors.observe import Events
from zanni.transport.events import NodeBusy, NodeReady
from zanni.transport.flow import BUSY_LIMIT, Flow
from zanni.transport.frame import Kind, Lane, unpack_frames
from zanni.transport.msgpack_typed import unpackb
from zanni.transport.peer import State

SIZE = 100
"""Bytes of a message."""
MESSAGES = 2000
"""The window in messages."""
SMALL = {"peer_messages": MESSAGES, "peer_bytes": 1 << 20, "heartbeat": 0.2}
PATIENT = {"suspect_after": 60.0, "down_after": 120.0}


@contextmanager
def running(cores=2, **settings):
    with ActorSystem("flowing", cores=cores, config={**SMALL, **settings}) as system:
        yield system


def peer_of(ref, system):
    return system.network.members.current[ref.address[:2]]


def tell_all(ref, count, size=SIZE):
    for number in range(count):
        ref.tell((number, b"x" * size))


def test_an_actor_that_does_not_keep_up_costs_a_window_and_holds_no_other_up():  # A7
    with running() as system:
        slow, other = (
            system.spawn(crew.Consumer, 0.01, core=1),
            system.spawn(crew.Consumer, core=1),
        )
        peer = peer_of(slow, system)
        told, longest, most = 15_000, 0, 0
        for start in range(0, told, 500):
            for number in range(start, start + 500):
                slow.tell((number, b"x" * SIZE))
            assert other.call(crew.Consumer.numbers).get(timeout=DEADLINE) == []
            longest = max(longest, slow.mailbox().length)
            most = max(most, peer.statistics()["queued_bytes"])
        # The window, what waited here when it was full, and what was on its way.
        assert longest < 4 * MESSAGES
        assert most <= SMALL["peer_bytes"] + 200
        lost = system.dead_letters.counts["overflow"]
        assert lost > 0
        slow.kill()
        assert slow.wait(timeout=DEADLINE) in ("killed", "noproc")


def test_many_actors_that_do_not_keep_up_hold_no_other_up():
    with running() as system:
        stuck = [system.spawn(crew.Asker, core=1) for _ in range(20)]
        silent, other = system.spawn(crew.Slow, core=0), system.spawn(crew.Consumer, core=1)
        for ref in stuck:
            ref.cast(crew.Asker.ask, silent)
        for start in range(0, 1000, 100):
            for ref in stuck:
                for number in range(start, start + 100):
                    ref.tell((number, b""))
        assert other.call(crew.Consumer.numbers).get(timeout=DEADLINE) == []
        for ref in stuck:
            ref.kill()


def test_who_waits_for_room_loses_nothing_and_its_core_goes_on():
    with running(peer_overflow="wait", **PATIENT) as system:
        consumer = system.spawn(crew.Consumer, core=1)
        producer, other = system.spawn(crew.Producer), system.spawn(crew.Producer)
        pid = consumer.call(crew.Consumer.pid).get(timeout=DEADLINE)
        peer = peer_of(consumer, system)
        with stopped(pid):
            done = producer.call(crew.Producer.produce, consumer, 15_000, SIZE)
            wait_for(lambda: peer.data._rooms)
            assert other.call(crew.Producer.alive).get(timeout=DEADLINE)
        while not done._done:
            assert other.call(crew.Producer.alive).get(timeout=DEADLINE)
            assert peer.statistics()["queued_bytes"] <= SMALL["peer_bytes"] + 200
            time.sleep(0.05)
        tell_all(consumer, 100)  # a thread waits, too, if it has to
        seen = consumer.call(crew.Consumer.numbers).get(timeout=DEADLINE)
        assert seen == [*range(15_000), *range(100)]
        assert not system.dead_letters.counts


def test_a_turn_that_must_not_wait_does_not_and_loses_nothing(monkeypatch):
    monkeypatch.setattr(Cell, "waits_for_room", False)  # as a pool's, which passes on what waited
    with running(peer_overflow="wait", **PATIENT) as system:
        consumer, producer = system.spawn(crew.Consumer, core=1), system.spawn(crew.Producer)
        with stopped(consumer.call(crew.Consumer.pid).get(timeout=DEADLINE)):
            told = producer.call(crew.Producer.produce, consumer, 1000, 10_000)
            assert told.get(timeout=DEADLINE) == 1000
        assert consumer.call(crew.Consumer.numbers).get(timeout=DEADLINE) == [*range(1000)]


@contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_core_that_stands_still_costs_no_other_core_anything():  # G11, E3
    with running(cores=3, **PATIENT) as system:
        still, other = system.spawn(crew.Consumer, core=1), system.spawn(crew.Consumer, core=2)
        pid = still.call(crew.Consumer.pid).get(timeout=DEADLINE)
        events = []
        system.events.subscribe(events.append)
        peer = peer_of(still, system)
        told = MESSAGES + 1000
        with stopped(pid):
            tell_all(still, told)
            tell_all(other, 5000)
            seen = other.call(crew.Consumer.numbers).get(timeout=DEADLINE)
            assert seen == list(range(5000))
            assert 0 < peer.statistics()["queued_bytes"] < SMALL["peer_bytes"]
            wait_for(lambda: any(isinstance(event, NodeBusy) for event in events))
        seen = still.call(crew.Consumer.numbers).get(timeout=DEADLINE)
        assert seen == list(range(told))
        wait_for(lambda: any(isinstance(event, NodeReady) for event in events))
        told_of = [event for event in events if isinstance(event, NodeBusy | NodeReady)]
        assert [type(event) for event in told_of] == [NodeBusy, NodeReady]
        assert {(event.node, event.core) for event in told_of} == {("flowing", 1)}
        assert not system.dead_letters.counts


@pytest.mark.parametrize("overflow", ["drop_new", "fail"])
def test_what_finds_no_room_is_a_dead_letter_and_if_so_set_an_error(overflow):
    with running(peer_overflow=overflow, **PATIENT) as system:
        still = system.spawn(crew.Consumer, core=1)
        pid = still.call(crew.Consumer.pid).get(timeout=DEADLINE)
        told, errors, lost = 0, 0, system.dead_letters.counts
        peer = peer_of(still, system)
        with stopped(pid):
            while not lost["overflow"]:
                if peer.data.stalled_since is None:  # what follows would find room later
                    wait_for(lambda: peer.data.stalled_since or not peer.data.queued)
                told += 1
                try:
                    still.tell((told, b"x" * 10_000))
                except MailboxFull:
                    errors += 1
            with pytest.raises(MailboxFull):
                still.ask((0, b"x" * 10_000), timeout=DEADLINE)
        assert errors == (overflow == "fail")
        wait_for(lambda: not peer.data.queued)
        seen = still.call(crew.Consumer.numbers).get(timeout=DEADLINE)
        assert seen == list(range(1, told))


def test_who_waits_for_room_waits_no_longer_than_its_asker_and_coroutines_do_not():
    with running(peer_overflow="wait", **PATIENT) as system:
        still, producer = system.spawn(crew.Consumer, core=1), system.spawn(crew.Producer)
        pid = still.call(crew.Consumer.pid).get(timeout=DEADLINE)
        with stopped(pid):
            filling = producer.call(crew.Producer.produce, still, 1000, 10_000)
            peer = peer_of(still, system)
            wait_for(lambda: peer.data._rooms)
            with pytest.raises(Timeout):
                still.ask((0, b"x" * 1_000_000), timeout=0.1)
            coroutine = system.spawn(crew.Producer)
            full = coroutine.call(crew.Producer.produce_there, still, 3, 1_000_000)
            assert full.get(timeout=DEADLINE) == 3
        assert filling.get(timeout=DEADLINE) == 1000
        seen = still.call(crew.Consumer.numbers).get(timeout=DEADLINE)
        assert [number for number in seen if number != 0] == list(range(1, 1000))


def test_whoever_waits_for_room_hears_of_the_end_of_the_core():
    with running(peer_overflow="wait", **PATIENT) as system:
        still, producer = system.spawn(crew.Consumer, core=1), system.spawn(crew.Producer)
        pid = still.call(crew.Consumer.pid).get(timeout=DEADLINE)
        with stopped(pid):
            filling = producer.call(crew.Producer.produce, still, 1000, 10_000)
            peer = peer_of(still, system)
            wait_for(lambda: peer.data._rooms)
            os.kill(pid, signal.SIGKILL)
            assert filling.get(timeout=DEADLINE) == 1000
        assert system.dead_letters.counts["noconnection"] > 0


def test_an_answer_does_not_wait_for_credit():
    """Whoever asks has a full window of messages from there in its own mailbox."""
    with running() as system:
        asker, slow = system.spawn(crew.Asker, core=1), system.spawn(crew.Slow, core=0)
        answer = asker.call(crew.Asker.ask, slow)
        wait_for(lambda: slow.process.find_actor().owed)
        tell_all(asker, 2 * MESSAGES)
        slow.tell("now")
        assert answer.get(timeout=DEADLINE) == "answer"
        seen = asker.call(crew.Asker.numbers).get(timeout=DEADLINE)
        assert seen == list(range(2 * MESSAGES))


def test_an_answer_for_which_there_is_no_room_is_an_error():
    with running(frame_cap=1 << 20, **PATIENT) as system:
        large = system.spawn(crew.Large, core=1)
        answers = [large.ask(900_000, block=False) for _ in range(200)]
        sizes, full = 0, 0
        for answer in answers:
            try:
                sizes += len(answer.get(timeout=DEADLINE))
            except MailboxFull:
                full += 1
        assert sizes == (200 - full) * 900_000


@pytest.fixture
def alone():
    """Flow to one peer, whose link keeps the frames."""
    peer, sent = make_peer(), []
    peer.attach(Lane.CONTROL, SimpleNamespace(send=lambda frames: sent.append(frames) or True))
    peer.state = State.UP
    return Flow(SimpleNamespace(events=Events()), {peer.home[:2]: peer}, lambda _: None), peer, sent


def test_a_grant_may_be_lost_and_is_repeated_with_each_heartbeat(alone):
    flow, peer, sent = alone
    flow.step()
    assert sent == []  # who knows of no credit is granted none
    peer.data.window.take(1, SIZE)
    for count in (1, 2):
        flow.step()
        assert [unpack_frames(frames)[0].kind for frames in sent] == [Kind.CREDIT] * count


def test_of_busy_actors_no_more_are_told_of_than_the_peer_takes(alone):
    flow, peer, sent = alone
    peer.data.window.busy = dict.fromkeys(range(BUSY_LIMIT + 1))
    flow.probed(peer)
    header, body = unpack_frames(sent[0])
    assert unpackb(body) == [*range(BUSY_LIMIT)]
    flow.take(peer, header, body)
