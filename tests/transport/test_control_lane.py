"""The control lane between two fakes: whatever is lost on the way, each message comes once."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.transport import control_lane
from zanni.transport.control_lane import GIVE_UP, RESEND, ControlLane
from zanni.transport.frame import BadFrame, Kind, Lane, Route, Source, unpack_frames


class FakeLink:
    def __init__(self):
        self.taken = []
        self.open = True

    def send(self, frames):
        if self.open:
            self.taken.append(unpack_frames(frames))
        return self.open


class End:
    """One side: its lane, its link, and what it has taken in."""

    def __init__(self, node):
        self.due = 0
        self.lane = ControlLane(Route(Source(node, 0, 1), 1), threading.RLock(), self._note_due)
        self.link = self.lane.link = FakeLink()
        self.got = []

    def _note_due(self):
        self.due += 1

    def send(self, *messages):
        for message in messages:
            assert self.lane.post(message)
            self.lane.frame(self.lane.batch(self.lane.take()), 0)
        return self.lane.pump()

    def take_in(self, header, batch):
        if header.ack:
            self.lane.acknowledged(header.ack)
        if header.kind is Kind.CONTROL and self.lane.accept(header):
            self.got.append(bytes(batch))


class Line:
    """Two ends, and a clock of their own."""

    def __init__(self, patch):
        self.moment = 100.0
        patch.setattr(control_lane, "now", lambda: self.moment)
        patch.setattr(control_lane, "random_float", lambda: 0.0)
        self.here, self.there = End(1), End(2)

    def carry(self, *, count=None):
        """Bring what was sent from here to there, up to so many frames."""
        frames, self.here.link.taken = self.here.link.taken, []
        for header, batch in frames[:count]:
            self.there.take_in(header, batch)

    def answer(self):
        self.there.lane.acknowledge()
        for header, batch in self.there.link.taken:
            self.here.take_in(header, batch)
        self.there.link.taken.clear()

    def pass_(self, seconds):
        self.moment += seconds
        going_on = self.here.lane.step(0.0)
        self.here.lane.pump()
        return going_on


@pytest.fixture
def line(monkeypatch):
    return Line(monkeypatch)


def seqs(link):
    return [header.seq for header, _ in link.taken if header.kind is Kind.CONTROL]


def test_what_is_acknowledged_is_not_sent_again(line):
    line.here.send(b"1", b"2")
    line.carry()
    assert line.there.got == [b"1", b"2"]
    assert line.here.lane.queued == 2
    line.answer()
    assert line.here.lane.queued == 0
    assert line.pass_(10 * RESEND)
    assert line.here.link.taken == []


def test_what_is_not_acknowledged_is_sent_again_in_order_and_taken_in_once(line):
    line.here.send(b"1", b"2", b"3")
    line.carry(count=1)
    line.pass_(RESEND / 2)
    assert seqs(line.here.link) == []
    line.pass_(RESEND / 2)
    assert seqs(line.here.link) == [1, 2, 3]
    assert line.here.lane.resent == 3
    line.here.send(b"4")
    line.carry()
    assert line.there.got == [b"1", b"2", b"3", b"4"]
    assert line.there.lane.duplicates == 1


def test_a_frame_after_a_gap_is_not_taken_in_before_those_in_it(line):
    line.here.send(b"1")
    line.here.link.taken.clear()
    line.here.send(b"2")
    line.carry()
    assert (line.there.got, line.there.lane.lost_frames) == ([], 0)
    line.pass_(RESEND)
    line.carry()
    assert line.there.got == [b"1", b"2"]


def test_a_duplicate_is_acknowledged_again(line):
    line.here.send(b"1")
    line.carry()
    line.there.lane.acknowledge()
    line.there.link.taken.clear()  # lost
    line.pass_(RESEND)
    line.carry()
    line.answer()
    assert line.here.lane.queued == 0
    assert line.there.got == [b"1"]


def test_any_frame_of_the_lane_takes_the_acknowledgement_along(line):
    line.here.send(b"1")
    line.carry()
    line.there.send(b"mine")
    header, _ = line.there.link.taken[0]
    assert header.ack == 1
    line.there.lane.acknowledge()
    assert len(line.there.link.taken) == 1


def test_an_acknowledgement_that_the_link_refuses_goes_later(line):
    line.here.send(b"1")
    line.carry()
    line.there.link.open = False
    line.there.lane.acknowledge()
    line.there.link.open = True
    line.answer()
    assert line.here.lane.queued == 0


def test_what_a_link_refuses_goes_later_and_in_order(line):
    line.here.link.open = False
    assert not line.here.send(b"1")
    assert not line.here.send(b"2")
    line.here.link.open = True
    assert line.here.send(b"3")
    line.carry()
    assert line.there.got == [b"1", b"2", b"3"]


@pytest.mark.parametrize(("name", "fits"), [("WINDOW_MESSAGES", 3), ("WINDOW_BYTES", 30)])
def test_no_more_than_a_window_is_on_its_way_and_the_rest_follows(line, monkeypatch, name, fits):
    monkeypatch.setattr(control_lane, name, fits)
    messages = [str(number).encode() * 10 for number in range(8)]
    assert line.here.send(*messages)
    assert seqs(line.here.link) == [1, 2, 3]
    line.here.due = 0
    line.carry()
    line.answer()
    assert line.here.due == 1
    line.here.lane.pump()
    line.carry()
    line.answer()
    line.here.lane.pump()
    line.carry()
    assert line.there.got == messages


def test_a_peer_that_acknowledges_nothing_is_given_up(line):
    line.here.send(b"1")
    for _ in range(int(GIVE_UP) - 1):
        assert line.pass_(1.0)
    assert not line.pass_(1.0)


def test_so_is_one_that_takes_nothing(line):
    line.here.link.open = False
    line.here.send(b"1")
    assert line.pass_(GIVE_UP - 1)
    assert not line.pass_(1.0)


def test_the_time_runs_anew_with_each_acknowledgement_and_not_while_this_core_stands_still(line):
    line.here.send(b"1", b"2")
    line.pass_(GIVE_UP - 1)
    line.here.link.taken.clear()
    line.pass_(RESEND)
    line.carry(count=1)
    line.answer()
    assert line.pass_(GIVE_UP - 1)
    line.moment += GIVE_UP
    assert line.here.lane.step(GIVE_UP)
    assert not line.pass_(1.0)


def test_an_idle_lane_is_never_given_up(line):
    assert line.pass_(10 * GIVE_UP)
    line.here.send(b"1")
    assert line.pass_(1.0)


def test_an_acknowledgement_of_what_was_never_sent_is_a_bad_frame(line):
    line.here.send(b"1")
    with pytest.raises(BadFrame, match="acknowledgement of 2, where 1 were sent"):
        line.here.lane.acknowledged(2)


def test_a_peer_of_an_earlier_version_is_sent_each_frame_once_and_gaps_are_counted(line):
    for end in (line.here, line.there):
        end.lane.is_acknowledged = False
    line.here.send(b"1", b"2", b"3")
    assert line.here.lane.queued == 0
    del line.here.link.taken[1]
    line.carry()
    assert line.pass_(10 * GIVE_UP)
    line.carry()
    assert line.there.got == [b"1", b"3"]
    assert line.there.lane.lost_frames == 1


def test_what_waits_is_handed_over_and_nothing_is_taken_once_closed(line):
    first, second = line.here.lane, End(1).lane
    first.post(b"1")
    first.hand_over(second)
    assert first.post(b"2")
    assert second.take() == [b"1", b"2"]
    second.close()
    assert not first.post(b"3")
    assert second.queued == 0


steps = st.lists(st.sampled_from(["post", "deliver", "lose", "repeat", "answer", "tick"]))


@given(steps)
def test_each_message_is_taken_in_once_and_in_order_whatever_is_lost(script):
    with pytest.MonkeyPatch.context() as patch:
        line = Line(patch)
        posted = []
        for step in script:
            play(line, step, posted)
        for _ in range(len(posted) + 1):
            line.pass_(RESEND)
            line.carry()
            line.answer()
        assert line.there.got == posted
        assert line.here.lane.queued == 0


def play(line, step, posted):
    on_the_way = line.here.link.taken
    if step == "post":
        posted.append(str(len(posted)).encode())
        line.here.send(posted[-1])
    elif step == "tick":
        line.pass_(RESEND)
    elif step == "answer":
        line.answer()
    elif on_the_way and step == "lose":
        on_the_way.pop()
    elif on_the_way:
        line.there.take_in(*on_the_way[0 if step == "deliver" else -1])
        if step == "deliver":
            on_the_way.pop(0)


def test_a_lane_is_of_control_frames():
    end = End(1)
    end.send(b"1")
    header, _ = end.link.taken[0]
    assert (header.kind, header.lane, header.destination_incarnation) == (
        Kind.CONTROL,
        Lane.CONTROL,
        1,
    )
