"""The data lane: what waits for credit, what does not, and what waits for actors that are busy."""

import threading
from functools import partial

import msgpack
import pytest
from peers import make_peer

from zanni import Config
from zanni.actors.address import CoreAddress
from zanni.actors.ref import ActorRef
from zanni.transport import data_lane
from zanni.transport.batches import sender_of, target_of
from zanni.transport.codec import Codec, EnvelopeKind
from zanni.transport.credit import Limits
from zanni.transport.failures import Lost
from zanni.transport.frame import Kind, Lane, Source, unpack_frames
from zanni.transport.peer import State

LIMITS = Limits(messages=100, size=10_000)
CONFIG = Config(peer_messages=LIMITS.messages, peer_bytes=LIMITS.size)


class FakeLink:
    def __init__(self):
        self.taken = []
        self.open = True

    def send(self, frames):
        if self.open:
            self.taken.append(unpack_frames(frames))
        return self.open

    def close(self):
        pass


def message(target, number=0, sender=None):
    return msgpack.packb([target, sender, 0, None, number])


@pytest.fixture
def peer():
    peer = make_peer(config=CONFIG)
    for lane in Lane:
        peer.attach(lane, FakeLink())
    peer.state = State.UP
    peer.data.account.open(LIMITS)
    return peer


def items(batch):
    unpacker = msgpack.Unpacker()
    unpacker.feed(batch)
    return [item[4] for item in unpacker]


def sent(peer):
    """What went since the last time: the kind of each frame, and what it carried."""
    taken, peer.data.link.taken = peer.data.link.taken, []
    return [(header.kind, items(batch)) for header, batch in taken]


def numbers(peer):
    return [number for _, carried in sent(peer) for number in carried]


def test_a_frame_says_what_it_spends_and_waits_when_there_is_no_credit(peer):
    for _ in range(100):
        peer.data.post(message(7))
    assert peer.flush()
    header, batch = peer.data.link.taken[0]
    assert (header.credit_messages, header.credit_bytes) == (100, len(batch))
    peer.data.post(message(7, 1))
    assert peer.flush()  # the link does not refuse it
    assert numbers(peer) == [0] * 100
    assert peer.data.stalled_since is not None
    assert peer.statistics()["stalls"] == 1
    assert peer.statistics()["credit_messages"] == 0
    peer.data.account.grant(1, *LIMITS)
    assert peer.flush()
    assert numbers(peer) == [1]
    assert peer.data.stalled_since is None


def test_answers_share_frames_with_the_rest_while_there_is_credit(peer):
    peer.data.answer(message(1, "an answer"), is_error=False)
    peer.data.post(message(7, "a message"))
    peer.flush()
    assert sent(peer) == [(Kind.DATA, ["a message", "an answer"])]


def test_answers_pass_what_waits_for_credit_and_spend_none(peer):
    for number in range(101):
        peer.data.post(message(7, number))
    peer.flush()
    for number in range(150):
        peer.data.post(message(7, number))
    peer.data.answer(message(1, "an answer"), is_error=False)
    sent(peer)
    peer.flush()
    (header, _) = peer.data.link.taken[0]
    assert (header.kind, header.credit_messages, header.seq) == (Kind.ANSWERS, 0, 1)
    assert numbers(peer) == ["an answer"]


def test_answers_have_a_sequence_of_their_own(peer):
    other = make_peer(CoreAddress("me", 0, 99), Source(2, 1, 77))
    header, _ = unpack_frames([peer.control._route.header(Kind.ANSWERS, Lane.DATA, 0, 3), b""])
    arrivals = other.arrivals
    assert arrivals.accept(header)
    assert not arrivals.accept(header)
    assert (arrivals.lost_frames, arrivals.duplicates, arrivals.seq_in) == (2, 1, 0)
    assert arrivals.accept(header._replace(kind=Kind.DATA, seq=1))


def test_a_probe_says_what_was_sent_and_what_is_missing_is_lost(peer):
    for _ in range(3):
        peer.data.post(message(7))
        peer.flush()
    for _ in range(200):
        peer.data.post(message(7))
    peer.flush()
    sent(peer)
    peer.data.is_confirming = True
    peer.data.probe()
    [(header, _)] = peer.data.link.taken
    assert (header.kind, header.seq) == (Kind.PROBE, 4)
    peer.arrivals.probed(header)
    assert (peer.arrivals.seq_in, peer.arrivals.lost_frames) == (4, 4)
    peer.arrivals.probed(header._replace(seq=2))
    assert peer.arrivals.seq_in == 4


def test_answers_have_as_much_room_again_and_errors_once_more(peer):
    big = b"x" * (LIMITS.size + 1)
    assert peer.data.post(big) is None
    assert peer.data.post(message(7)) is Lost.OVERFLOW
    assert peer.data.answer(big, is_error=False) is None
    assert peer.data.answer(message(1), is_error=False) is Lost.OVERFLOW
    assert peer.data.answer(message(1), is_error=True) is None
    assert peer.data.answer(big, is_error=True) is None
    assert not peer.data.is_deaf
    assert peer.data.answer(message(1), is_error=True) is Lost.OVERFLOW
    assert peer.data.answer(message(1), is_error=False) is Lost.OVERFLOW
    assert peer.data.is_deaf


def test_what_must_not_be_lost_is_taken_also_by_a_successor_and_not_at_the_end(peer):
    ask, reply = 9, object()
    assert peer.data.post(b"x" * (LIMITS.size + 1)) is None
    assert peer.data.post(message(0)) is Lost.OVERFLOW
    assert peer.data.post_anyway(message(0), ask, reply) is None
    assert peer.data.pending == {ask: reply}
    successor = make_peer(peer.home, peer.source, config=CONFIG)
    peer.hand_over(successor)
    assert peer.data.post(message(0)) is Lost.OVERFLOW
    assert peer.data.post_anyway(message(0), None, None) is None
    assert len(successor.close().envelopes) == 3
    assert peer.data.post_anyway(message(0), None, None) is Lost.NOCONNECTION


def test_what_is_for_a_busy_actor_waits_and_others_go(peer):
    peer.data.set_aside([7, 300])
    for number, target in enumerate([7, 8, 300, 7, 9, 7]):
        peer.data.post(message(target, number))
    peer.flush()
    assert numbers(peer) == [1, 4]
    peer.data.set_aside([300])
    peer.data.post(message(7, 6))
    peer.flush()
    assert numbers(peer) == [0, 3, 5, 6]  # in the order posted
    peer.data.set_aside([])
    peer.flush()
    assert numbers(peer) == [2]
    assert peer.data.queued == 0
    peer.data.post(message(7, 7))
    peer.flush()
    assert numbers(peer) == [7]


def test_what_is_for_busy_actors_has_half_of_the_room(peer):
    peer.data.set_aside([7])
    size = len(message(7))
    taken = [peer.data.post(message(7)) for _ in range(LIMITS.size // size)]
    assert taken.count(None) == LIMITS.size // 2 // size + 1
    assert peer.data.post(message(8)) is None
    unsent = peer.close().envelopes
    assert len(unsent) == taken.count(None) + 1


def pass_before_the_end(data):
    data.let_pass(1)


def be_busy_no_more(data):
    data.set_aside([8])
    data.set_aside([7])


@pytest.mark.parametrize("go_on", [pass_before_the_end, be_busy_no_more])
def test_what_has_gone_on_takes_no_room_from_what_is_for_busy_actors(peer, go_on):
    counts = []
    for _ in range(2):
        peer.data.set_aside([7])
        taken = [peer.data.post(message(7, 0, 1)) for _ in range(LIMITS.size)]
        counts.append(taken.count(None))
        go_on(peer.data)
        peer.flush()
    assert counts[0] == counts[1] < LIMITS.size


def test_whoever_waits_for_room_goes_on_when_half_of_it_is_free(peer):
    peer.data.link.open = False
    half = b"x" * (LIMITS.size // 2)
    for _ in range(2):
        peer.data.post(half)
    room = peer.data.room_for(message(7))
    given_up = peer.data.room_for(message(7))
    peer.data.give_up(given_up)
    peer.flush()
    assert not room._done
    peer.data.link.open = True
    peer.flush()
    assert room.get(timeout=0) is None
    assert not given_up._done
    assert peer.data.room_for(message(7)).get(timeout=0) is None


def test_whoever_waits_for_a_busy_actor_goes_on_when_it_is_so_no_more(peer):
    peer.data.set_aside([7, 8])
    room, other = peer.data.room_for(message(7)), peer.data.room_for(message(8))
    peer.data.set_aside([8])
    assert room.get(timeout=0) is None
    assert not other._done
    peer.close()
    assert other.get(timeout=0) is None
    assert peer.data.room_for(message(8)).get(timeout=0) is None


def test_threads_post_to_actors_that_become_busy_and_free_and_keep_their_order(peer):
    peer.data.account.open(Limits(1 << 30, 1 << 40))
    threads = [
        threading.Thread(
            target=lambda each=each: [
                peer.data.post(message(each % 2, (each, number))) for number in range(60)
            ]
        )
        for each in range(4)
    ]
    for thread in threads:
        thread.start()
    seen = []
    turn = 0
    while any(thread.is_alive() for thread in threads):
        peer.data.set_aside([turn % 2] if turn % 3 else [])
        peer.flush()
        seen += numbers(peer)
        turn += 1
    peer.data.set_aside([])
    peer.flush()
    seen += numbers(peer)
    for each in range(4):
        assert [number for who, number in seen if who == each] == list(range(60))


@pytest.mark.parametrize("target", [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 32, 1 << 62])
def test_the_target_of_an_envelope_is_found_in_its_bytes(target):
    codec = Codec(None, ref_type=ActorRef)
    encode = partial(codec.encode_parts, target, None, int(EnvelopeKind.TELL), None, "hello")
    assert target_of(encode(None)) == target
    assert target_of(encode({"deadline": 1.0})) == target


def test_what_an_actor_has_sent_to_busy_ones_goes_before_its_end(peer):
    """Or it would come after that, and nothing may (G7)."""
    peer.data.set_aside([7, 300])
    for number, (target, sender) in enumerate(((7, 1), (7, 2), (300, 1), (7, 1), (300, 200))):
        peer.data.post(message(target, number, sender))
    peer.data.let_pass(1)
    peer.flush()
    assert numbers(peer) == [0, 3, 2]
    peer.data.let_pass(200)
    peer.flush()
    assert numbers(peer) == [4]
    peer.data.set_aside([])
    peer.flush()
    assert numbers(peer) == [1]
    assert peer.data.queued == 0


def test_an_end_looks_at_nothing_aside_where_its_actor_has_none_of_it(peer, monkeypatch):
    looks = []

    def counted(envelope):
        looks.append(envelope)
        return sender_of(envelope)

    monkeypatch.setattr(data_lane, "sender_of", counted)
    peer.data.set_aside([7])
    for number in range(50):
        peer.data.post(message(7, number, 1))
    for _ in range(3):
        peer.data.let_pass(2)
    assert looks == []
    peer.data.let_pass(1)
    found = len(looks)
    peer.data.let_pass(1)  # nothing of it is left
    assert len(looks) == found
    peer.flush()
    assert numbers(peer) == [*range(50)]


def test_of_who_has_sent_to_busy_ones_that_are_so_no_more_little_is_kept(peer):
    """Though another one stays busy."""
    peer.data.set_aside([7])
    peer.data.post(message(7, 0, 1))
    for number in range(1, 90):
        peer.data.set_aside([7, 300])
        peer.data.post(message(300, number, 1 + number))
        peer.data.set_aside([7])
        peer.flush()
    assert len(peer.data._aside_senders) < 10
    peer.data.let_pass(1)
    peer.flush()
    assert numbers(peer)[-1] == 0


@pytest.mark.parametrize("sender", [None, 0, 1, 127, 128, 192, 255, 256, 1 << 16, 1 << 40])
@pytest.mark.parametrize("target", [1, 128, 1 << 40])
def test_the_sender_of_an_envelope_is_its_second_item(target, sender):
    envelope = message(target, 0, sender)
    assert target_of(envelope) == target
    assert sender_of(envelope) == (-1 if sender is None else sender)
