"""What is handed on of what came from a peer, and to whom."""

from types import SimpleNamespace

import pytest

from zanni.actors.address import Address, CoreAddress
from zanni.actors.errors import DecodeError
from zanni.actors.observe import DeadLetters
from zanni.transport.aliases import Aliases
from zanni.transport.codec import Envelope, EnvelopeKind, Undecodable
from zanni.transport.frame import Source
from zanni.transport.peer import Peer
from zanni.transport.remote import PeerResolver, receive

HERE = CoreAddress("here", 0, 5)


@pytest.fixture
def peer():
    return Peer(CoreAddress("there", 1, 77), Source(1, 0, 99), own=False, due=lambda _: None)


class FakeReply:
    def __init__(self):
        self.heard = []

    def resolve(self, value):
        self.heard.append(value)
        return True

    reject = resolve


@pytest.fixture
def host():
    """A core on which nobody lives."""
    return SimpleNamespace(
        next_ask=iter(range(100)).__next__,
        core=SimpleNamespace(home=HERE, processes={}),
        dead_letters=DeadLetters(),
        gone=lambda identifier: SimpleNamespace(address=Address(*HERE, identifier)),
    )


def test_a_signal_that_cannot_be_made_here_is_counted(host, peer):
    unmade = Undecodable(DecodeError("message", "no system message"))
    receive(host, peer, [Envelope(3, None, int(EnvelopeKind.SIGNAL), None, unmade, None)])
    assert host.dead_letters.statistics() == {"DecodeError": 1}


@pytest.mark.parametrize(("kind", "answer"), [("REPLY", True), ("ERROR", ValueError("no"))])
def test_the_answer_to_a_system_message_is_given_up_with_no_ask(host, peer, kind, answer):
    """It comes on the control lane, whatever the data lane has lost."""
    reply = FakeReply()
    number = PeerResolver(peer, host, None, Aliases()).reply_id(reply)
    assert peer.data.take_asks(number + 1) == []
    answered = Envelope(number, None, int(EnvelopeKind[kind]), None, answer, None)
    receive(host, peer, [answered, answered])
    assert reply.heard == [answer]
    assert host.dead_letters.statistics() == {"late": 1}
