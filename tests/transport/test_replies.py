"""Answers to system messages: they go the way that those came, and are no more lost than they."""

from types import SimpleNamespace

import pytest
from peers import make_peer

from zanni import RemoteError
from zanni.actors.ref import ActorRef
from zanni.transport.aliases import Aliases
from zanni.transport.codec import Codec, EnvelopeKind
from zanni.transport.control_lane import BATCH_BYTES
from zanni.transport.remote import PeerResolver

ASK = 7


@pytest.fixture
def peer():
    return make_peer(make_codec=lambda _: Codec(SimpleNamespace(), ref_type=ActorRef))


@pytest.fixture
def posted():
    return []


@pytest.fixture
def reply(peer, posted):
    host = SimpleNamespace(posted=posted.append)
    return PeerResolver(peer, host, None, Aliases()).reply(ASK)


def answers(peer):
    """What waits to be sent on the control lane, and nothing on the other."""
    assert peer.data.queued == 0
    envelopes = peer.control.take()
    assert all(len(each) < BATCH_BYTES for each in envelopes)
    return [envelope for each in envelopes for envelope in peer.codec.decode(each)]


def test_an_answer_to_a_system_message_goes_on_the_control_lane_once(peer, posted, reply):
    assert reply.resolve("normal")
    assert not reply.resolve("again")
    assert not reply.reject(ValueError("again"))
    [(target, _, kind, _, value, _)] = answers(peer)
    assert (target, kind, value) == (ASK, EnvelopeKind.REPLY, "normal")
    assert posted == [peer]


@pytest.mark.parametrize("value", [object(), "x" * 10**6, b"x" * 10**6, ValueError("x" * 10**6)])
def test_what_cannot_go_there_is_answered_by_its_text(peer, reply, value):
    reply.resolve(value)
    [(_, _, kind, _, text, _)] = answers(peer)
    assert kind == EnvelopeKind.REPLY
    if not isinstance(value, Exception):  # which is shortened as it is packed
        assert type(text) is str
        assert text[:10] == repr(value)[:10]


def test_an_error_is_an_error_still(peer, reply):
    class Odd(Exception):
        pass

    reply.reject(Odd(object()))
    [(_, _, kind, _, error, _)] = answers(peer)
    assert kind == EnvelopeKind.ERROR
    assert type(error) is RemoteError
    assert error.type.endswith("Odd")


def test_who_is_down_hears_nothing(peer, posted, reply):
    peer.close()
    assert reply.resolve("normal")
    assert posted == []
