"""What is handed on of what came from a peer, and to whom."""

from types import SimpleNamespace

import pytest
from peers import make_peer

from zanni.actors.address import Address, CoreAddress
from zanni.actors.errors import DecodeError
from zanni.actors.observe import DeadLetters
from zanni.actors.process import Died, Unwatch, Watch
from zanni.actors.ref import ActorRef
from zanni.transport.aliases import Aliases
from zanni.transport.codec import Codec, Envelope, EnvelopeKind, Undecodable
from zanni.transport.remote import PeerResolver, RemoteProcess, receive, settle_leftovers

HERE, THERE = CoreAddress("here", 0, 5), CoreAddress("there", 1, 77)


def new_codec(peer):
    return Codec(PeerResolver(peer, None, None, Aliases()), ref_type=ActorRef)


@pytest.fixture
def peer():
    return make_peer(THERE, own=False, make_codec=new_codec)


class FakeReply:
    def __init__(self):
        self.heard = []

    def resolve(self, value):
        self.heard.append(value)
        return True

    reject = resolve


class FakeProcess:
    def __init__(self, identifier):
        self.address = Address(*HERE, identifier)
        self.heard = []

    def signal(self, signal):
        self.heard.append(signal)


@pytest.fixture
def host():
    """A core on which nobody lives."""
    return SimpleNamespace(
        posted=lambda peer: None,
        loss_reason=lambda home: "noconnection",
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


@pytest.fixture
def watched(host, peer):
    """An actor here, and its watcher there."""
    ours, watcher = FakeProcess(3), RemoteProcess(Address(*THERE, 9), host, peer)
    host.core.processes[3] = ours
    receive(host, peer, [signalled(Watch(watcher))])
    assert ours.heard.pop() == Watch(watcher)
    return ours, watcher


def signalled(signal):
    return Envelope(3, None, int(EnvelopeKind.SIGNAL), None, signal, None)


def test_who_is_watched_is_watched_no_more_by_a_core_that_is_lost(host, peer, watched):
    ours, watcher = watched
    settle_leftovers(host, peer, peer.close())
    assert ours.heard == [Unwatch(watcher)]


def test_what_a_core_watches_no_more_is_not_kept(host, peer, watched):
    ours, watcher = watched
    receive(host, peer, [signalled(Unwatch(watcher))])
    assert ours.heard.pop() == Unwatch(watcher)
    receive(host, peer, [signalled(Watch(watcher))])
    watcher.signal(Died(ours, "normal"))  # it has ended
    assert peer.watched == {}
    ours.heard.clear()
    settle_leftovers(host, peer, peer.close())
    assert ours.heard == []
