"""Frames of two lanes in any mixture: nothing is taken in before what was sent before it."""

from collections import deque
from math import inf
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers import make_peer

from zanni import ActorDeadError, ConnectionLost
from zanni.actors.address import Address, CoreAddress
from zanni.actors.observe import Events
from zanni.actors.process import Died, Watch
from zanni.transport import intake, patience
from zanni.transport.buffers import Lent, Parcel
from zanni.transport.chunks import CHUNK
from zanni.transport.codec import Envelope, EnvelopeKind
from zanni.transport.control_lane import ACK_DELAY, ACK_EVERY
from zanni.transport.events import FramesLost
from zanni.transport.frame import (
    Kind,
    Lane,
    Route,
    Source,
    control_frame,
    pack_header,
    unpack_frames,
)
from zanni.transport.intake import BAD_LIMIT, HOLD, Intake
from zanni.transport.losses import Losses
from zanni.transport.observation import BadObservation
from zanni.transport.peer import State

US, THEM = CoreAddress("us", 0, 11), CoreAddress("them", 1, 22)
ACTOR, ASK = 5, 77


class FakeLink:
    def __init__(self):
        self.taken = deque()

    def send(self, frames):
        self.taken.append(list(frames))
        return True


class Recorder:
    """The process that hears everything, in the order in which it is taken in."""

    def __init__(self, address):
        self.address = address
        self.heard = []

    def deliver(self, message, sender, reply, headers):
        self.heard.append(message)

    def signal(self, signal):
        self.heard.append(signal[0].number)


class Numbered:
    """A process of theirs; a signal is known by its number."""

    def __init__(self, number):
        self.number = number
        self.address = Address(*THEM, 100 + number)


class Line:
    """A peer that sends, a peer that takes in, and the frames in between."""

    def __init__(self):
        self.envelopes = []
        self.kinds = []
        self.timers = {HOLD: [], ACK_DELAY: []}
        self.sender = make_peer(US, Source(1, 1, THEM.incarnation))
        self.links = {lane: FakeLink() for lane in Lane}
        self.receiver = make_peer(THEM, Source(2, 0, US.incarnation), make_codec=self._new_codec)
        self.sender.state = self.receiver.state = State.UP
        for lane, link in self.links.items():
            self.sender.attach(lane, link)
        self.actor = Recorder(Address(*US, ACTOR))
        core = SimpleNamespace(processes={ACTOR: self.actor}, home=US, call_later=self._call_later)
        self.dropped = []
        letters = SimpleNamespace(
            count=lambda why, message, *_: self.dropped.append((why, message))
        )
        host = SimpleNamespace(core=core, note_end=lambda _: None, dead_letters=letters)
        self.events = Events()
        config = SimpleNamespace(down_after=15.0)
        system = SimpleNamespace(core=core, home=US, events=self.events, config=config)
        members = SimpleNamespace(
            by_header=lambda _: self.receiver,
            observers=SimpleNamespace(take=lambda header, body, own: False),
            associations=SimpleNamespace(bad=0),
            liveness=SimpleNamespace(heard=lambda home, moment: None, overdue_at=inf),
            step=self.step,
            lose=lambda home, reason: pytest.fail(reason),
            flow=SimpleNamespace(took=lambda peer: None, probed=lambda peer: None),
            losses=Losses(system, {}),
        )
        self.members = members
        self.intake = Intake(system, host, members, gossip=None)

    def step(self):
        """The timer of the heartbeat: the receiver has lost who has lost it."""
        self.members.liveness.overdue_at = inf
        self.receiver = None

    def _new_codec(self, _peer):
        return SimpleNamespace(
            decode=self._decode, decode_parcel=lambda batch, _buffers: self._decode(batch)
        )

    def _decode(self, batch):
        return iter([self.envelopes[number] for number in bytes(batch)])

    def _call_later(self, seconds, function):
        self.timers[seconds].append(function)

    def post(self, kind, sender=None, large=0):
        """Post one of each kind; what the actor is to hear of it is its number."""
        number = len(self.envelopes)
        process = Numbered(number)
        if kind in ("tell", "ask"):
            ask = ASK if kind == "ask" else None
            what = EnvelopeKind.TELL if ask is None else EnvelopeKind.ASK
            envelope = Envelope(ACTOR, sender, int(what), ask, number, None)
        elif kind == "watch":
            envelope = Envelope(ACTOR, None, int(EnvelopeKind.SIGNAL), None, Watch(process), None)
        else:
            self.receiver.watch(process.address.id, self.actor)
            signal = Died(process, "normal")
            envelope = Envelope(ACTOR, None, int(EnvelopeKind.SIGNAL), None, signal, None)
        self.envelopes.append(envelope)
        self.kinds.append(kind)
        lane = self.sender.data if kind in ("tell", "ask") else self.sender.control
        envelope = bytes([number])
        lane.post(Parcel(envelope, [Lent(bytes(large), mutable=False)]) if large else envelope)

    def end_after(self, tells):
        """Have the end of who sent so many tells arrive before them, each in a frame of its own."""
        for _ in range(tells):
            self.post("tell")
            self.sender.flush()
        self.post("died")
        self.sender.flush()
        self.arrive(Lane.CONTROL)

    def arrive(self, lane):
        if self.links[lane].taken:
            self.intake.receive(self.links[lane].taken.popleft(), own=True)


class Clock:
    """A clock that stands still, but for what a test adds to its `moment`."""

    def __init__(self, monkeypatch):
        self.moment = 100.0
        for module in (intake, patience):
            monkeypatch.setattr(module, "now", lambda: self.moment)


steps = st.lists(st.sampled_from(["tell", "watch", "died", "flush"]), max_size=40)


@given(steps, st.lists(st.sampled_from(list(Lane)), max_size=80))
def test_nothing_is_taken_in_before_what_it_was_posted_after(script, order):
    line = Line()
    for step in script:
        if step == "flush":
            line.sender.flush()
        else:
            line.post(step)
    line.sender.flush()
    for lane in [*order, *[each for each in Lane for _ in script]]:
        line.arrive(lane)
    heard = line.actor.heard
    assert sorted(heard) == list(range(len(line.kinds)))
    when = {number: position for position, number in enumerate(heard)}
    first = {"tell": ("tell", "watch"), "watch": ("watch",), "died": ("tell", "died")}
    for later, kind in enumerate(line.kinds):
        for earlier in range(later):
            if line.kinds[earlier] in first[kind]:
                assert when[earlier] < when[later], (line.kinds, heard)


def test_what_came_while_this_core_stood_still_for_too_long_is_from_nobody(monkeypatch):
    clock = Clock(monkeypatch)
    line = Line()
    line.members.liveness.overdue_at = clock.moment + 1
    for kind in ("tell", "watch", "tell", "ask"):
        line.post(kind)
        line.sender.flush()
    line.arrive(Lane.DATA)
    clock.moment += 1
    for lane in (Lane.DATA, Lane.CONTROL, Lane.DATA):
        line.arrive(lane)
    assert line.actor.heard == [0]
    assert line.intake.statistics()["strays"] == 3


def test_an_end_waits_for_a_large_message_of_the_dead_while_that_comes_in():
    line = Line()
    line.post("tell", large=3 * CHUNK)
    line.post("died")
    line.sender.flush()
    line.arrive(Lane.CONTROL)
    for _ in range(3):
        line.arrive(Lane.DATA)
        line.timers[HOLD].pop()()
        assert line.actor.heard == []
    line.arrive(Lane.DATA)
    assert line.actor.heard == [0, 1]


def test_an_end_waits_for_messages_while_some_come_in():
    line = Line()
    line.end_after(tells=3)
    for heard in ([0], [0, 1]):
        line.arrive(Lane.DATA)
        line.timers[HOLD].pop()()
        assert line.actor.heard == heard
    line.timers[HOLD].pop()()
    assert line.actor.heard == [0, 1, 3]


def test_a_core_that_stood_still_itself_looks_once_more_before_it_tells_an_end(monkeypatch):
    clock = Clock(monkeypatch)
    line = Line()
    line.post("tell")
    line.post("died")
    line.sender.flush()
    line.arrive(Lane.CONTROL)
    clock.moment += 3.0  # the timer is that late: what came meanwhile is not read yet
    line.timers[HOLD].pop()()
    line.arrive(Lane.DATA)
    assert line.actor.heard == [0, 1]


def test_an_end_waits_no_longer_than_for_the_loss_of_a_node(monkeypatch):
    clock = Clock(monkeypatch)
    line = Line()
    line.end_after(tells=20)
    while line.timers[HOLD]:
        clock.moment += 1.0
        line.arrive(Lane.DATA)
        line.timers[HOLD].pop()()
    assert line.actor.heard == [*range(15), 20]


def test_an_end_does_not_wait_for_a_large_message_of_which_nothing_has_come():
    line = Line()
    line.post("tell", large=3 * CHUNK)
    line.post("died")
    line.sender.flush()
    line.arrive(Lane.CONTROL)
    line.timers[HOLD].pop()()
    assert line.actor.heard == [1]


@pytest.mark.parametrize(
    ("first", "then", "lost"),
    [("watch", "tell", Lane.CONTROL), ("tell", "died", Lane.DATA)],
)
def test_what_is_lost_is_waited_for_a_little_only(first, then, lost):
    line = Line()
    line.post(first)
    line.post(then)
    line.sender.flush()
    line.links[lost].taken.clear()
    for lane in Lane:
        line.arrive(lane)
    assert line.actor.heard == []
    for timer in line.timers[HOLD]:
        timer()
    assert line.actor.heard == [1]


def test_ends_that_wait_for_what_a_probe_shows_to_be_lost_go_on_at_once_and_in_order():
    line = Line()
    line.post("tell")
    line.post("died")
    line.sender.flush()
    line.links[Lane.DATA].taken.clear()
    line.arrive(Lane.CONTROL)
    assert line.actor.heard == []
    line.sender.data.is_confirming = True
    line.sender.data.probe()
    line.arrive(Lane.DATA)
    line.post("died")
    line.sender.flush()
    line.arrive(Lane.CONTROL)
    assert line.actor.heard == [1, 2]


def test_a_watch_that_was_lost_holds_up_messages_once():
    line = Line()
    line.post("watch")
    line.post("tell")
    line.sender.flush()
    line.links[Lane.CONTROL].taken.clear()
    line.arrive(Lane.DATA)
    line.timers[HOLD].pop()()
    line.post("tell")
    line.sender.flush()
    line.arrive(Lane.DATA)
    assert line.actor.heard == [1, 2]


def test_bad_data_that_waited_is_counted_as_any_and_holds_up_nothing_behind_it():
    line = Line()
    line.post("watch")
    line.sender.data.post(bytes([99]))
    line.sender.flush()
    line.post("tell")
    line.sender.flush()
    for _ in range(2):
        line.arrive(Lane.DATA)
    assert line.receiver.bad_frames == 0
    line.arrive(Lane.CONTROL)
    assert line.receiver.bad_frames == 1
    assert line.actor.heard == [0, 1]


def test_an_end_that_waits_for_data_does_so_no_more_though_that_is_bad():
    line = Line()
    line.sender.data.post(bytes([99]))
    line.post("died")
    line.sender.flush()
    line.arrive(Lane.CONTROL)
    assert line.actor.heard == []
    line.arrive(Lane.DATA)
    assert line.receiver.bad_frames == 1
    assert line.actor.heard == [0]


def test_a_peer_that_sends_many_bad_frames_is_given_up_once_and_for_good():
    line, lost = Line(), []

    def lose(home, reason, *, for_good):
        lost.append((home, reason, for_good))
        line.receiver.state = State.DOWN

    line.intake._members.lose = lose
    line.sender.data.post(bytes([99]))
    line.sender.flush()
    header, batch = unpack_frames(line.links[Lane.DATA].taken.popleft())
    for seq in range(1, BAD_LIMIT + 3):
        assert len(lost) == (seq > BAD_LIMIT)
        line.intake.receive((pack_header(header._replace(seq=seq)), batch), own=True)
    assert lost == [(THEM, "too many bad frames", True)]


@pytest.mark.parametrize(("kind", "lane"), [("watch", Lane.CONTROL), ("tell", Lane.DATA)])
def test_a_frame_on_the_wrong_lane_is_bad(kind, lane):
    line = Line()
    line.post(kind)
    line.sender.flush()
    header, batch = unpack_frames(line.links[lane].taken.popleft())
    other = Lane.DATA if lane is Lane.CONTROL else Lane.CONTROL
    line.intake.receive((pack_header(header._replace(lane=other)), batch), own=True)
    assert line.receiver.bad_frames == 1
    assert line.actor.heard == []


def test_nothing_is_of_a_core_of_our_own_that_comes_from_outside():
    line = Line()
    line.intake._members.observers = SimpleNamespace(take=lambda header, body, own: False)
    for kind in ("tell", "watch"):
        line.post(kind)
    line.sender.flush()
    for link in line.links.values():
        line.intake.receive(link.taken.popleft(), own=False)
    assert line.actor.heard == []
    assert line.intake.statistics()["strays"] == 2


def test_nothing_comes_from_the_dead_once_their_end_is_told():
    """An end waits for messages a little only; those that come still later are counted."""
    line = Line()
    line.post("tell", sender=100 + 2)
    line.post("tell", sender=100)
    line.post("died")
    line.sender.flush()
    line.arrive(Lane.CONTROL)
    assert line.actor.heard == []
    line.timers[HOLD].pop()()
    assert line.actor.heard == [2]
    line.arrive(Lane.DATA)
    assert line.actor.heard == [2, 1]
    assert line.dropped == [("after its end", 0)]
    assert line.receiver.arrivals.ended == {}


def test_an_ask_that_comes_after_the_end_of_its_asker_was_told_is_an_error():
    """Another may wait for the answer: whoever has the future."""
    line = Line()
    line.post("ask", sender=100 + 1)
    line.post("died")
    line.sender.flush()
    line.arrive(Lane.CONTROL)
    line.timers[HOLD].pop()()
    answers = []
    line.receiver.codec.encode = lambda envelope: answers.append(envelope) or b"an answer"
    line.intake._host.posted = lambda peer: None
    line.arrive(Lane.DATA)
    assert line.actor.heard == [1]
    assert line.dropped == [("after its end", 0)]
    ((target, _, kind, _, error, _),) = answers
    assert (target, kind) == (ASK, EnvelopeKind.ERROR)
    assert type(error) is ActorDeadError
    assert "it was not handled" in str(error)


def test_frames_that_are_lost_are_an_event():
    line = Line()
    for _ in range(4):
        line.post("tell")
        line.sender.flush()
    del line.links[Lane.DATA].taken[1]
    del line.links[Lane.DATA].taken[1]
    line.arrive(Lane.DATA)
    line.arrive(Lane.DATA)
    assert line.actor.heard == [0, 3]
    assert list(line.events.last) == [FramesLost(THEM.node, THEM.core, 2)]


def test_what_shows_that_frames_are_lost_is_taken_in_before_any_ask_is_given_up():
    line = Line()
    answers = []
    for ask in (1, 2, 3):
        reply = SimpleNamespace(
            resolve=lambda value, ask=ask: answers.append((ask, value)),
            reject=lambda error, ask=ask: answers.append((ask, type(error))),
        )
        line.receiver.data.pending[ask] = reply
    line.sender.arrivals.asked = 3  # the last one was made later
    for ask in (1, 2):
        answer = Envelope(ask, None, int(EnvelopeKind.REPLY), None, "answered", None)
        line.envelopes.append(answer)
        line.sender.data.answer(bytes([line.envelopes.index(answer)]), is_error=False)
        line.sender.flush()
    line.links[Lane.DATA].taken.popleft()
    line.arrive(Lane.DATA)
    assert answers == [(2, "answered"), (1, ConnectionLost)]
    assert list(line.receiver.data.pending) == [3]


def test_a_frame_of_control_is_acknowledged_soon_and_many_at_once():
    line = Line()
    back = FakeLink()
    line.receiver.attach(Lane.CONTROL, back)
    line.post("watch")
    line.sender.flush()
    line.arrive(Lane.CONTROL)
    assert (len(back.taken), len(line.timers[ACK_DELAY])) == (0, 1)
    line.timers[ACK_DELAY].pop()()
    assert [unpack_frames(frames)[0].ack for frames in back.taken] == [1]
    for _ in range(ACK_EVERY):
        line.post("watch")
        line.sender.flush()
        line.arrive(Lane.CONTROL)
    assert [unpack_frames(frames)[0].ack for frames in back.taken] == [1, ACK_EVERY + 1]


def test_what_comes_again_on_the_control_lane_is_acknowledged_again():
    line = Line()
    line.post("watch")
    line.sender.flush()
    frames = line.links[Lane.CONTROL].taken[0]
    line.arrive(Lane.CONTROL)
    back = FakeLink()
    line.receiver.attach(Lane.CONTROL, back)
    line.receiver.control.acknowledge()
    line.intake.receive(frames, own=True)
    line.timers[ACK_DELAY].pop()()
    assert [unpack_frames(frames)[0].ack for frames in back.taken] == [1, 1]
    assert line.actor.heard == [0]


def test_an_acknowledgement_of_what_was_never_sent_is_a_bad_frame():
    line = Line()
    header = Route(Source(2, 0, 22), US.incarnation).header(Kind.HEARTBEAT, Lane.CONTROL, 1, ack=9)
    line.intake.receive((header, b"\x80"), own=True)
    assert line.receiver.bad_frames == 1


def test_a_frame_that_comes_again_is_not_taken_in_again():
    line = Line()
    line.post("tell")
    line.sender.flush()
    frames = line.links[Lane.DATA].taken[0]
    for _ in range(3):
        line.intake.receive(frames, own=True)
    assert line.actor.heard == [0]
    assert line.receiver.arrivals.duplicates == 2


def test_a_node_may_not_ask_what_observers_may():
    line = Line()
    line.intake.receive(
        control_frame(Kind.OBSERVE, Source(2, 0, 22), US.incarnation, b""), own=True
    )
    assert line.receiver.bad_frames == 1
    assert line.actor.heard == []


def test_a_frame_of_another_major_version_is_for_the_handshakes():
    line = Line()
    told = []
    line.intake._members.associations = SimpleNamespace(
        bad=3, receive_other_version=lambda body, own, key: told.append((bytes(body), own))
    )
    header = bytearray(control_frame(Kind.HELLO, Source(7, 0, 7), 1, b"")[0])
    header[4] += 1
    line.intake.receive((bytes(header), b"a body"), own=False)
    line.intake.receive((bytes(header),), own=False)
    assert told == [(b"a body", False)]
    counted = {"bad_frames": 2, "bad_handshakes": 3, "strays": 0, "turned_away": 0}
    assert line.intake.statistics() == counted


def test_a_frame_of_no_peer_is_offered_to_the_observers():
    line = Line()
    line.receiver = None
    answers = deque([True, False])
    members = line.intake._members
    members.observers = SimpleNamespace(take=lambda header, body, own: answers.popleft())
    for strays in (0, 1):
        line.intake.receive(control_frame(Kind.OBSERVE, Source(7, 0, 7), 1, b""), own=False)
        assert line.intake.statistics()["strays"] == strays

    def refuse(header, body, own):
        raise BadObservation("none")

    members.observers.take = refuse
    line.intake.receive(control_frame(Kind.OBSERVE, Source(7, 0, 7), 1, b""), own=False)
    assert line.intake.statistics()["bad_frames"] == 1
