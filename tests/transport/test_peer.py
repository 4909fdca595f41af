"""A peer on a link that refuses when told to, and that keeps what it took."""

import pytest
from peers import make_peer

from zanni import Config
from zanni.actors.address import Address, CoreAddress
from zanni.actors.process import Broken, Died
from zanni.transport.batches import BATCH_BYTES, BATCH_MESSAGES
from zanni.transport.credit import Limits
from zanni.transport.failures import Lost
from zanni.transport.frame import Kind, Lane, Source, unpack_frames
from zanni.transport.peer import State

BUDGET = Limits().size
HOME = CoreAddress("other", 1, 77)
ME = Source(1, 0, 99)


class FakeLink:
    def __init__(self):
        self.taken = []
        self.open = True
        self.closed = False

    def send(self, frames):
        if self.open:
            self.taken.append(unpack_frames(frames))
        return self.open

    def close(self):
        self.closed = True


class FakeReply:
    def __init__(self):
        self.answer = None

    def resolve(self, value):
        self.answer = value
        return True

    reject = resolve


class FakeWatcher:
    def __init__(self, identifier):
        self.address = Address("me", 0, 99, identifier)


@pytest.fixture
def due():
    return []


@pytest.fixture
def links():
    return {Lane.DATA: FakeLink(), Lane.CONTROL: FakeLink()}


@pytest.fixture
def peer(due, links):
    made = make_peer(HOME, ME, due=due.append)
    for lane, link in links.items():
        made.attach(lane, link)
    made.state = State.UP
    return made


def batches(link):
    return [bytes(batch) for _, batch in link.taken]


def test_what_is_posted_goes_in_one_batch(peer, links, due):
    for item in (b"a", b"b", b"c"):
        assert peer.data.post(item) is None
    assert set(due) == {peer}
    assert peer.flush()
    assert batches(links[Lane.DATA]) == [b"abc"]
    header, _ = links[Lane.DATA].taken[0]
    assert (header.kind, header.seq, header.after) == (Kind.DATA, 1, 0)
    assert header.source == ME
    assert header.destination_incarnation == 77


def test_batches_are_bounded_in_messages_and_bytes(peer, links):
    for _ in range(BATCH_MESSAGES * 2 + 1):
        peer.data.post(b"x")
    assert peer.is_full
    peer.flush()
    assert [len(batch) for batch in batches(links[Lane.DATA])] == [256, 256, 1]
    for _ in range(3):
        peer.data.post(b"y" * (BATCH_BYTES // 2 + 1))
    peer.flush()
    assert [len(batch) for batch in batches(links[Lane.DATA])[3:]] == [BATCH_BYTES // 2 + 1] * 3
    assert [header.seq for header, _ in links[Lane.DATA].taken] == [1, 2, 3, 4, 5, 6]


def test_a_batch_is_full_by_what_came_since_the_last_flush(peer, links):
    links[Lane.DATA].open = False
    peer.data.post(b"x" * BATCH_BYTES)
    assert peer.is_full
    assert not peer.flush()
    peer.data.post(b"y")  # what the link refused does not make it full again
    assert not peer.is_full
    peer.data.post(b"y" * BATCH_BYTES)
    assert peer.is_full
    links[Lane.DATA].open = True
    assert peer.flush()
    peer.data.post(b"z" * (BATCH_BYTES - 1))
    assert not peer.is_full
    peer.data.post(b"z")
    assert peer.is_full


def test_the_first_two_posts_to_a_lane_after_a_flush_say_that_one_is_due(peer, due):
    for _ in range(2):
        due.clear()
        for lane in (peer.data, peer.data, peer.control, peer.data):
            lane.post(b"x")
        assert due == [peer, peer, peer]
        peer.flush()


def test_what_a_link_refuses_goes_later_and_in_order(peer, links):
    links[Lane.DATA].open = False
    peer.data.post(b"1")
    assert not peer.flush()
    peer.data.post(b"2")
    assert not peer.flush()
    links[Lane.DATA].open = True
    peer.data.post(b"3")
    assert peer.flush()
    assert batches(links[Lane.DATA]) == [b"1", b"2", b"3"]
    assert peer.statistics()["queued_bytes"] == 0


def test_nothing_goes_before_the_peer_is_up(peer, links, due):
    peer.state = State.CONNECTING
    peer.data.post(b"1")
    assert peer.flush()
    assert links[Lane.DATA].taken == []
    peer.state = State.UP
    peer.flush()
    assert batches(links[Lane.DATA]) == [b"1"]


def test_who_waits_for_room_goes_on_when_the_incarnation_of_its_peer_is_known():
    unknown, successor = (
        make_peer(HOME._replace(incarnation=incarnation), config=Config(peer_bytes=1000))
        for incarnation in (0, HOME.incarnation)
    )
    for _ in range(3):
        unknown.data.post(b"x" * 400)
    room = unknown.data.room_for(b"x")
    assert not room.done()
    unknown.hand_over(successor)
    assert room.get(timeout=0) is None
    assert successor.data.queued == 1200


def test_control_says_after_which_data_it_was_posted(peer, links):
    peer.data.post(b"d1")
    peer.control.post(b"c1")
    peer.flush()
    peer.control.post(b"c2")
    peer.flush()
    assert [header.after for header, _ in links[Lane.CONTROL].taken] == [1, 1]
    assert [header.seq for header, _ in links[Lane.CONTROL].taken] == [1, 2]


def test_what_waits_is_bounded(peer, links):
    links[Lane.DATA].open = False
    piece = b"x" * (1024 * 1024)
    while peer.data.post(piece) is None:
        peer.flush()
        assert peer.statistics()["queued_bytes"] <= BUDGET + len(piece)
    assert peer.data.post(piece, ask=1, reply=FakeReply()) is Lost.OVERFLOW
    assert peer.data.pending == {}
    assert peer.control.post(b"c")
    links[Lane.DATA].open = True
    peer.flush()
    assert peer.data.post(piece) is None


def test_frames_are_delivered_once_and_gaps_counted(peer, links):
    for _ in range(4):
        peer.data.post(b"x")
        peer.flush()
    first, second, _, fourth = [header for header, _ in links[Lane.DATA].taken]
    receiver = make_peer(HOME, ME)
    assert receiver.arrivals.accept(first)
    assert receiver.arrivals.accept(second)
    assert not receiver.arrivals.accept(second)
    assert not receiver.arrivals.accept(first)
    assert receiver.arrivals.accept(fourth)
    assert (receiver.arrivals.duplicates, receiver.arrivals.lost_frames) == (2, 1)


def test_the_end_hands_everything_back_once(peer, links):
    reply = FakeReply()
    watcher = FakeWatcher(4)
    links[Lane.DATA].open = False
    peer.data.post(b"framed")
    peer.flush()
    peer.data.post(b"queued", 1, reply)
    assert peer.watch(9, watcher)
    assert peer.watch(9, watcher)
    left = peer.close()
    assert left.envelopes == [b"framed", b"queued"]
    assert left.pending == [reply]
    assert left.watches == [(Died, 9, watcher)]
    assert all(link.closed for link in links.values())
    assert peer.close() == ([], [], [], [])
    assert peer.data.post(b"x") is Lost.NOCONNECTION
    assert not peer.watch(9, watcher)


def test_who_waits_for_the_answer_to_a_system_message_hears_of_the_end_too(peer, due):
    waiting = make_peer(CoreAddress("other", 1, 0), ME, due=due.append)
    reply = FakeReply()
    waiting.control.pending[3] = reply
    waiting.hand_over(peer)
    assert peer.close().pending == [reply]
    assert waiting.close().pending == peer.close().pending == []


def test_a_forgotten_ask_and_watch_are_not_handed_back(peer):
    peer.data.post(b"x", 1, FakeReply())
    peer.forget(1)
    peer.watch(9, FakeWatcher(4))
    peer.unwatch(9, 4)
    left = peer.close()
    assert (left.pending, left.watches) == ([], [])


def test_a_link_and_a_watch_between_the_same_two_are_two(peer):
    one = FakeWatcher(4)
    peer.watch(9, one)
    peer.watch(9, one, Broken)
    assert peer.unwatch(9, 4) is one
    assert peer.unwatch(9, 4) is None
    assert peer.close().watches == [(Broken, 9, one)]


def test_what_waits_for_whoever_lives_there_is_handed_over(peer, links, due):
    waiting = make_peer(CoreAddress("other", 1, 0), ME, due=due.append)
    reply, later = FakeReply(), FakeReply()
    waiting.data.post(b"a", 1, reply)
    waiting.hand_over(peer)
    assert waiting.data.post(b"b", 2, later) is None
    assert waiting.watch(9, FakeWatcher(4))
    peer.flush()
    assert batches(links[Lane.DATA]) == [b"ab"]
    waiting.forget(1)
    left = peer.close()
    assert left.pending == [later]
    assert len(left.watches) == 1
    assert waiting.data.post(b"c") is Lost.NOCONNECTION
