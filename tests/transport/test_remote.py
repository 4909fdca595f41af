"""What is handed on of what came from a peer, and to whom."""

from types import SimpleNamespace

import pytest

from zanni.actors.address import Address, CoreAddress
from zanni.actors.errors import DecodeError
from zanni.actors.observe import DeadLetters
from zanni.transport.codec import Envelope, EnvelopeKind, Undecodable
from zanni.transport.frame import Source
from zanni.transport.peer import Peer
from zanni.transport.remote import receive

HERE = CoreAddress("here", 0, 5)


@pytest.fixture
def peer():
    return Peer(CoreAddress("there", 1, 77), Source(1, 0, 99), own=False, due=lambda _: None)


@pytest.fixture
def host():
    """A core on which nobody lives."""
    return SimpleNamespace(
        core=SimpleNamespace(home=HERE, processes={}),
        dead_letters=DeadLetters(),
        gone=lambda identifier: SimpleNamespace(address=Address(*HERE, identifier)),
    )


def test_a_signal_that_cannot_be_made_here_is_counted(host, peer):
    unmade = Undecodable(DecodeError("message", "no system message"))
    receive(host, peer, [Envelope(3, None, int(EnvelopeKind.SIGNAL), None, unmade, None)])
    assert host.dead_letters.statistics() == {"DecodeError": 1}
