"""What is lost on the data lane: whoever asked hears of it, and nobody else does."""

from itertools import count
from types import SimpleNamespace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers import make_peer

from zanni import ConnectionLost
from zanni.actors.address import CoreAddress
from zanni.actors.observe import Events
from zanni.transport.buffers import Lent
from zanni.transport.chunks import CHUNK, chunks
from zanni.transport.credit import Limits
from zanni.transport.events import FramesLost
from zanni.transport.frame import (
    PROBES,
    Kind,
    Lane,
    Route,
    Source,
    pack_header,
    unpack_frames,
    unpack_header,
)
from zanni.transport.losses import Losses
from zanni.transport.peer import State

HOMES = CoreAddress("one", 0, 11), CoreAddress("other", 1, 22)


class Wire:
    """A link, and what is under way on it."""

    def __init__(self):
        self.flight = []
        self.late = []
        """What an earlier connection still brings."""

    def send(self, frames):
        self.flight.append(frames)
        return True

    def close(self):
        pass


class Ask:
    def __init__(self, number):
        self.number = number
        self.settled = []

    def resolve(self, value):
        self.settled.append(value)

    reject = resolve


class Side:
    """One of two cores, with its half of all that there is between them."""

    def __init__(self, me, *, is_confirming=True):
        here, there = HOMES[me], HOMES[1 - me]
        self.next_ask = count(1).__next__
        source = Source(me, here.core, here.incarnation)
        self.peer = make_peer(there, source, next_ask=self.next_ask)
        self.peer.state = State.UP
        self.peer.data.is_confirming = is_confirming
        self.wires = {lane: Wire() for lane in Lane}
        for lane, wire in self.wires.items():
            self.peer.attach(lane, wire)
        self.events = Events()
        self.losses = Losses(SimpleNamespace(events=self.events), {there[:2]: self.peer})
        self.asks, self.heard = [], []
        self.broke_at = 0
        """Asks from here on were made after all that was lost."""

    def ask(self):
        ask = Ask(self.next_ask())
        self.asks.append(ask)
        self.peer.data.post(msgpack.packb(["ask", ask.number]), ask.number, ask)
        return ask

    def answer(self):
        if self.heard:
            number = self.heard.pop()
            self.peer.data.answer(msgpack.packb(["answer", number]), is_error=False)

    def flush(self):
        self.peer.flush()

    def share(self):
        """From now on answers share frames with messages, or the other way round."""
        data = self.peer.data
        if "_can_send_all" in vars(data):
            del data._can_send_all
        else:
            data._can_send_all = lambda *_: False

    def step(self):
        self.losses.step()

    def take(self, frames):
        header, batch = unpack_frames(frames)
        if header.kind is Kind.HEARTBEAT:
            self.losses.take(self.peer, msgpack.unpackb(batch)["got"])
        elif header.kind in PROBES:
            self.losses.probed(self.peer, header)
        elif self.peer.arrivals.accept(header):
            unpacker = msgpack.Unpacker()
            unpacker.feed(batch)
            for kind, number in unpacker:
                if kind == "ask":
                    self.heard.append(number)
                elif (reply := self.peer.data.pending.pop(number, None)) is not None:
                    reply.resolve("answer")
            self.losses.look(self.peer)


class Line:
    def __init__(self, **settings):
        self.sides = [Side(me, **settings) for me in (0, 1)]

    def do(self, me, what):
        side, other = self.sides[me], self.sides[1 - me]
        if what in ("data", "control", "late"):
            wire = side.wires[Lane.CONTROL if what == "control" else Lane.DATA]
            waiting = wire.late if what == "late" else wire.flight
            if waiting:
                other.take(waiting.pop(0))
        elif what in ("break", "break late", "break control"):
            wire = side.wires[Lane.CONTROL if what == "break control" else Lane.DATA]
            if wire.flight:
                kept = wire.flight[: len(wire.flight) // 2]
                wire.late += kept if what == "break late" else []
                wire.flight = []
                for each in self.sides:
                    each.broke_at = each.next_ask()
        else:
            getattr(side, what)()

    def run(self):
        """All that is under way arrives."""
        for me in (0, 1):
            self.do(me, "flush")
        while any(wire.flight for side in self.sides for wire in side.wires.values()):
            for me in (0, 1):
                for what in ("data", "control"):
                    self.do(me, what)

    def beat(self):
        """Two heartbeats in which nothing is lost."""
        for _ in range(2):
            self.run()
            for me in (0, 1):
                self.do(me, "step")
            self.run()


WHAT = ["ask", "ask", "answer", "flush", "flush", "share", "step", "data", "data", "control"]
BREAKS = ["late", "break", "break late", "break control"]
steps = st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from(WHAT + BREAKS)), max_size=80)


@given(steps)
def test_whatever_is_lost_each_ask_ends_once_and_none_that_was_made_later(script):
    line = Line()
    for me, what in script:
        line.do(me, what)
    line.beat()
    for side, other in (line.sides, reversed(line.sides)):
        for ask in side.asks:
            assert ask.settled or ask.number in other.heard, "neither ended nor owed"
        while other.heard:
            other.answer()
    line.beat()
    for side in line.sides:
        assert side.peer.data.pending == {}
        for ask in side.asks:
            (outcome,) = ask.settled
            if outcome != "answer":
                assert type(outcome) is ConnectionLost
                assert ask.number < side.broke_at, "made after all that was lost"


def is_given_up(ask):
    return [type(each) for each in ask.settled] == [ConnectionLost]


@pytest.mark.parametrize("lost", ["ask", "answer"])
@pytest.mark.parametrize("alone", [False, True], ids=["shared frames", "frames of answers"])
def test_what_is_lost_behind_the_last_frame_shows_with_a_heartbeat(lost, alone):
    line = Line()
    one, other = line.sides
    if alone:
        other.share()
    early, owed = one.ask(), other.ask()
    line.run()
    if lost == "answer":
        other.answer()
        other.flush()
        line.do(1, "break")
    else:
        one.ask()
        one.flush()
        line.do(0, "break")
    new = one.ask()
    line.run()
    line.beat()
    assert is_given_up(early)
    assert new.settled == []
    assert new.number in other.heard
    if lost == "ask" or alone:  # frames of answers bear no asks
        assert owed.settled == []
    frames = [FramesLost(*home[:2], 1) for home in HOMES]
    if lost == "answer":
        assert (list(one.events.last), list(other.events.last)) == ([frames[1]], [])
    else:
        assert (list(one.events.last), list(other.events.last)) == ([], [frames[0]])


def test_it_is_asked_until_it_is_answered_and_then_no_more():
    line = Line()
    one, other = line.sides
    one.ask()
    one.flush()
    line.do(0, "data")
    for _ in range(3):
        one.step()
        assert len(one.wires[Lane.DATA].flight) == 1
        line.do(0, "data")
        line.do(1, "break control")
    line.beat()
    one.step()
    other.step()
    assert [wire.flight for side in line.sides for wire in side.wires.values()] == [[]] * 4


def test_frames_that_wait_for_credit_are_not_taken_for_lost():
    line = Line()
    one, _ = line.sides
    one.peer.data.account.open(Limits(1, 1000))
    first = one.ask()
    one.flush()
    line.do(0, "break")
    second = one.ask()
    one.flush()  # a frame that stays here
    line.beat()
    assert is_given_up(first)
    assert second.settled == []
    one.peer.data.account.grant(1, 1, 1000)
    line.run()
    assert line.sides[1].heard == [second.number]


def test_an_earlier_version_is_asked_only_where_something_waits_for_credit():
    line = Line(is_confirming=False)
    one, other = line.sides
    other.share()
    one.ask()
    line.run()
    other.answer()
    line.run()
    one.step()
    other.step()
    assert one.wires[Lane.DATA].flight == other.wires[Lane.DATA].flight == []
    one.peer.data.account.open(Limits(1, 1000))
    one.ask()
    one.flush()
    one.step()
    ((header, _),) = map(unpack_frames, one.wires[Lane.DATA].flight)
    assert header.kind is Kind.PROBE


def test_an_earlier_version_is_told_nothing_that_it_would_take_for_something_else():
    """To it, what stands there on the data lane is an acknowledgement of system messages."""
    one, other = Line().sides
    ask = one.ask()
    one.flush()
    (header, batch), *_ = (unpack_frames(each) for each in one.wires[Lane.DATA].flight)
    assert header.asked > ask.number
    other.take((pack_header(header._replace(asked_before=0, asked=0)), batch))
    for _ in range(2):
        other.heard.append(ask.number)
        other.answer()
        other.flush()
    other.step()
    sent = [unpack_frames(each)[0] for each in other.wires[Lane.DATA].flight]
    assert [(each.kind, each.ack) for each in sent] == [(Kind.DATA, 0)] * 2 + [(Kind.PROBE, 0)]


@pytest.mark.parametrize("got", [None, [], [1, 2], [1, 2, "3"], {"a": 1}, [1, 2, 3, 4]])
def test_what_says_nothing_of_how_far_all_has_come_is_refused(got):
    one, _ = Line().sides
    with pytest.raises(ValueError, match="does not say how far"):
        one.losses.take(one.peer, got)


def test_what_is_lost_is_told_of_once():
    side = Side(0)
    side.peer.arrivals.lost_frames = 3
    assert side.losses.look(side.peer)
    assert not side.losses.look(side.peer)
    assert list(side.events.last) == [FramesLost(*HOMES[1][:2], 3)]
    assert len(side.wires[Lane.CONTROL].flight) == 1


@pytest.mark.parametrize("kinds", [(Kind.DATA, Kind.ANSWERS), (Kind.ANSWERS, Kind.DATA)])
def test_a_gap_that_says_less_takes_nothing_back(kinds):
    side = Side(0)
    arrivals, route = side.peer.arrivals, Route(side.peer.source, side.peer.link_name)
    for kind, asks in zip(kinds, (9, 4), strict=True):
        header = route.header(kind, Lane.DATA, 0, seq=3, ack=asks, asks=(asks, asks))
        assert arrivals.accept(unpack_header(header))
    assert (arrivals.unasked, arrivals.unanswered) == (9, 9)


LARGE_ONES = {Kind.PROBE: "assembly", Kind.ANSWER_PROBE: "answer_assembly"}


@pytest.mark.parametrize("kind", LARGE_ONES)
@pytest.mark.parametrize(("probed", "is_kept"), [(1, True), (2, False)])
def test_what_has_come_of_a_large_message_is_let_go_when_the_rest_is_lost(kind, probed, is_kept):
    side = Side(0)
    peer, arrivals = side.peer, side.peer.arrivals
    for assembly in LARGE_ONES.values():
        getattr(peer, assembly).add(1, *next(chunks([Lent(bytes(2 * CHUNK), mutable=False)])))
    arrivals.seq_in = arrivals.answers_in = 1
    route = Route(peer.source, peer.link_name)
    side.losses.probed(peer, unpack_header(route.header(kind, Lane.DATA, 0, probed)))
    for other, assembly in LARGE_ONES.items():
        assert getattr(peer, assembly).is_begun is (is_kept or other is not kind)
