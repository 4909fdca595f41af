"""Large messages on the way to a peer: in their place, a part at a time, and back as a whole."""

import pytest
from peers import make_peer

from zanni.transport.buffers import Lent, Parcel
from zanni.transport.chunks import CHUNK, Assembly
from zanni.transport.data_lane import PASS
from zanni.transport.frame import Kind, Lane, unpack_header
from zanni.transport.peer import State

SMALL = b"a small envelope"


class FakeLink:
    """Takes all, or as many frames as there is room for."""

    def __init__(self):
        self.taken = []
        self.room = 1 << 30

    def send(self, frames):
        if len(self.taken) >= self.room:
            return False
        self.taken.append(frames)
        return True

    def kinds(self):
        return [unpack_header(frames[0]).kind for frames in self.taken]

    def close(self):
        pass


@pytest.fixture
def link():
    return FakeLink()


@pytest.fixture
def peer(link):
    made = make_peer()
    made.attach(Lane.DATA, link)
    made.attach(Lane.CONTROL, FakeLink())
    made.state = State.UP
    return made


def parcel_of(*sizes):
    return Parcel(b"its envelope", [Lent(bytes(size), mutable=False) for size in sizes])


def test_the_buffers_of_a_message_go_before_its_envelope_and_after_what_was_posted_before(
    peer, link
):
    parcel = parcel_of(CHUNK + 1, CHUNK)
    for envelope in (SMALL, SMALL, parcel, SMALL):
        assert peer.data.post(envelope) is None
    assert peer.flush()
    assert link.kinds() == [Kind.DATA, Kind.CHUNK, Kind.CHUNK, Kind.CHUNK, Kind.DATA, Kind.DATA]
    headers = [unpack_header(frames[0]) for frames in link.taken]
    assert [header.seq for header in headers] == list(range(1, 7))
    assert [header.length for header in headers] == [len(frames[1]) for frames in link.taken]
    assembly = Assembly(1 << 30)
    for header, frames in zip(headers[1:4], link.taken[1:4], strict=True):
        assembly.add(header.seq, *frames[1:])
    assert assembly.take(5) == [bytes(CHUNK + 1), bytes(CHUNK)]
    assert [bytes(frames[1]) for frames in link.taken[4:]] == [parcel.envelope, SMALL]
    assert peer.statistics()["queued_bytes"] == 0


def test_a_large_message_is_given_to_the_link_a_part_at_a_time(peer, link):
    peer.data.post(parcel_of(3 * PASS))
    for part in range(1, 4):
        assert not peer.flush()
        assert len(link.taken) == part * PASS // CHUNK
        assert peer.data.is_paused
    assert peer.flush()
    assert not peer.data.is_paused
    assert link.kinds()[-1] is Kind.DATA


def test_a_link_that_refuses_is_no_pause(peer, link):
    link.room = 2
    peer.data.post(parcel_of(3 * CHUNK))
    assert not peer.flush()
    assert not peer.data.is_paused
    link.room = 4
    assert peer.flush()


def test_a_message_of_which_a_part_is_sent_is_handed_back_whole(peer, link):
    parcel = parcel_of(3 * CHUNK)
    link.room = 2
    peer.data.post(parcel)
    peer.data.post(SMALL)
    peer.flush()
    assert peer.close().envelopes == [parcel, SMALL]


def test_a_message_that_is_sent_is_not_handed_back(peer):
    peer.data.post(parcel_of(3 * CHUNK))
    peer.flush()
    assert peer.close().envelopes == []


def test_what_a_large_message_takes_is_counted_until_it_is_sent(peer, link):
    parcel = parcel_of(2 * CHUNK)
    link.room = 0
    peer.data.post(parcel)
    assert peer.statistics()["queued_bytes"] == len(parcel)
    link.room = 1
    peer.flush()
    assert peer.statistics()["queued_bytes"] == len(parcel) - CHUNK
