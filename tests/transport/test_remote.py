"""What is handed on of what came from a peer, and to whom."""

from types import SimpleNamespace

import pytest
from peers import make_peer

from zanni.actors.address import KERNEL_ID, Address, CoreAddress
from zanni.actors.errors import DecodeError, MailboxFull
from zanni.actors.kernel import MailboxOf
from zanni.actors.observe import DeadLetters
from zanni.actors.process import Bury, Died, Failed, Unlink, Unlinked, Unwatch, Watch
from zanni.actors.ref import ActorRef
from zanni.actors.spawn_request import SpawnRequest
from zanni.transport import remote
from zanni.transport.aliases import Aliases
from zanni.transport.codec import Codec, Envelope, EnvelopeKind, Undecodable
from zanni.transport.failures import FORBIDDEN, Lost
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


def test_of_the_end_of_another_nodes_actor_nobody_hears(host, peer):  # N13
    ours, ended = FakeProcess(3), []
    host.core.processes[3] = ours
    host.note_end = ended.append
    peer.watch(9, ours)
    third = RemoteProcess(Address("third", 0, 5, 9), host, peer)
    receive(host, peer, [signalled(Died(third, "normal"))])
    assert host.dead_letters.statistics() == {"forged": 1}
    assert (ours.heard, ended) == ([], [])


@pytest.mark.parametrize(("reason", "is_noted"), [("normal", True), (FORBIDDEN, False)])
def test_whose_end_was_told_is_known_to_be_gone(host, peer, reason, is_noted):
    host.core.processes[3], ended = FakeProcess(3), []
    host.note_end = ended.append
    theirs = RemoteProcess(Address(*THERE, 9), host, peer)
    receive(host, peer, [signalled(Died(theirs, reason))])
    assert ended == [theirs.address] * is_noted


def test_of_the_senders_of_a_peer_so_many_are_kept_at_hand(host, peer, monkeypatch):
    monkeypatch.setattr(remote, "SENDERS", 4)
    senders = []
    deliver = lambda message, sender, *_: senders.append(sender.address.id)  # noqa: E731
    host.core.processes[3] = SimpleNamespace(deliver=deliver)
    tells = [Envelope(3, number, int(EnvelopeKind.TELL), None, "it", None) for number in range(10)]
    receive(host, peer, [*tells, tells[0]])
    assert senders == [*range(10), 0]
    assert len(peer.senders) <= 4


@pytest.mark.parametrize(
    ("sent", "heard"), [(Unlink, Unlinked), (lambda ours: Failed(ours, "odd", None), Bury)]
)
def test_who_waits_for_what_a_core_would_say_that_is_down_hears_it(host, peer, sent, heard):
    ours, theirs = FakeProcess(3), RemoteProcess(Address(*THERE, 9), host, peer)
    peer.close()
    theirs.signal(sent(ours))
    assert ours.heard == [Unlinked(theirs) if heard is Unlinked else Bury()]


def test_for_want_of_room_a_request_to_spawn_is_refused_and_what_is_small_goes(host, peer):
    """It bears what users gave, which may be large."""
    posted, reply = [], FakeReply()
    host.overflow, host.sleeping = "wait", False
    peer.data.post = lambda *_: Lost.OVERFLOW
    peer.data.post_anyway = lambda *_: posted.append(1)
    kernel = RemoteProcess(Address(*THERE, KERNEL_ID), host, peer)
    kernel.deliver(SpawnRequest("a.B", (), {}, None, None, None), None, reply, None)
    (error,) = reply.heard
    assert isinstance(error, MailboxFull)
    assert posted == []
    kernel.deliver(MailboxOf(3), None, FakeReply(), None)
    assert posted == [1]
