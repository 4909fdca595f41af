"""What each role may send, envelope by envelope."""

from types import SimpleNamespace

import pykka.messages
import pytest

from zanni.actors.address import KERNEL_ID, Address, CoreAddress
from zanni.actors.deadlock import Withdraw
from zanni.actors.kernel import FOR_OTHER_NODES, ListActors, StopRequest, WhereIs
from zanni.actors.observe import DeadLetters
from zanni.actors.process import (
    Broken,
    Bury,
    Died,
    Failed,
    Kill,
    Link,
    Restart,
    Shutdown,
    Suspend,
    Unlink,
    Unlinked,
    Unwatch,
    Watch,
)
from zanni.actors.spawn_request import RemoteSpawn, SpawnRequest
from zanni.transport import limits
from zanni.transport.codec import Envelope, EnvelopeKind
from zanni.transport.keyring import Role
from zanni.transport.limits import trespass, within

US, THEM = CoreAddress("us", 0, 1), CoreAddress("them", 0, 2)
ACTOR = 5
SIGNALS = [
    Kill(),
    Bury(),
    Shutdown("now"),
    Restart("now", None),
    Suspend("now", None),
    *(cls(None) for cls in (Watch, Unwatch, Link, Unlink, Unlinked)),
    *(cls(None, "normal") for cls in (Died, Broken)),
    Failed(None, "forged", None),
]
SPAWN = RemoteSpawn(SpawnRequest("shop:Till", (), {}, None, None, None))
CALL = pykka.messages.ProxyCall(("add",), (1,), {})
STOP = pykka.messages._ActorStop()


def envelope(message, kind="ASK", target=ACTOR, headers=None):
    ask = 9 if kind == "ASK" else None
    return Envelope(target, 7, int(EnvelopeKind[kind]), ask, message, headers)


@pytest.mark.parametrize("role", [Role.CLIENT, Role.ADMIN])
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: type(signal).__name__)
def test_system_messages_are_for_nodes(role, signal):
    assert type(signal).__name__ in trespass(role, envelope(signal, "SIGNAL"))
    assert trespass(Role.NODE, envelope(signal, "SIGNAL")) is None


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", ["TELL", "ASK"])
@pytest.mark.parametrize("message", ["text", CALL], ids=["text", "call"])
def test_everybody_may_tell_ask_and_call(role, kind, message):
    assert trespass(role, envelope(message, kind)) is None


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", ["REPLY", "ERROR"])
def test_everybody_may_answer(role, kind):
    assert trespass(role, envelope(STOP, kind)) is None


@pytest.mark.parametrize("kind", ["TELL", "ASK"])
@pytest.mark.parametrize("stop", [STOP, CALL._replace(attr_path=("stop",))], ids=["stop", "call"])
def test_a_client_may_not_stop_an_actor(kind, stop):
    assert trespass(Role.CLIENT, envelope(stop, kind)) == "stop an actor"
    assert trespass(Role.ADMIN, envelope(stop, kind)) is None
    assert trespass(Role.NODE, envelope(stop, kind)) is None


def test_a_client_may_not_spawn_and_an_admin_may():
    assert trespass(Role.CLIENT, envelope(SPAWN, target=KERNEL_ID)) == "spawn"
    assert trespass(Role.ADMIN, envelope(SPAWN, target=KERNEL_ID)) is None


@pytest.mark.parametrize("role", [Role.CLIENT, Role.ADMIN])
def test_a_core_is_asked_for_names_and_nothing_else(role):
    assert trespass(role, envelope(WhereIs("ann"), target=KERNEL_ID)) is None
    for cls in {*FOR_OTHER_NODES, ListActors, StopRequest} - {WhereIs, RemoteSpawn}:
        assert trespass(role, envelope(object.__new__(cls), target=KERNEL_ID))
    assert trespass(role, envelope("text", target=KERNEL_ID))


class Refusing:
    """A host with one actor, and a peer of a role."""

    def __init__(self, monkeypatch):
        self.dead_letters = DeadLetters()
        self.core = SimpleNamespace(home=US)
        self.misuse, self.answers = [], []
        self.told = []
        codec = SimpleNamespace(encode_signal=lambda *what: what)
        control = SimpleNamespace(post=lambda told: self.told.append(told) or True)
        self.peer = SimpleNamespace(home=THEM, codec=codec, control=control)
        monkeypatch.setattr(limits, "RemoteReply", self.reply)

    def reply(self, peer, ask, host):
        return SimpleNamespace(reject=lambda error: self.answers.append((ask, error)))

    def posted(self, peer):
        assert peer is self.peer

    def process_of(self, address):
        return SimpleNamespace(address=address)

    def pass_(self, *envelopes):
        note = lambda *what: self.misuse.append(what)  # noqa: E731
        return list(within(Role.CLIENT, self, self.peer, envelopes, note))


@pytest.fixture
def refusing(monkeypatch):
    return Refusing(monkeypatch)


def test_what_may_be_sent_goes_on_in_its_order(refusing):
    first, second = envelope("first", "TELL"), envelope(CALL)
    assert refusing.pass_(first, envelope(STOP), second) == [first, second]


def test_an_ask_is_answered_with_the_reason(refusing):
    refusing.pass_(envelope(STOP))
    [(ask, error)] = refusing.answers
    assert (ask, type(error)) == (9, PermissionError)
    assert str(error) == "a key of role 'client' may not stop an actor"
    assert refusing.misuse == [("them", "stop an actor")]


def test_a_tell_is_a_dead_letter(refusing):
    refusing.pass_(envelope(STOP, "TELL"), envelope(Kill(), "SIGNAL"))
    assert refusing.dead_letters.statistics() == {"forbidden": 2}
    assert len(refusing.misuse) == 2


@pytest.mark.parametrize(("cls", "end"), [(Watch, Died), (Link, Broken)])
def test_a_watch_hears_that_it_is_forbidden(refusing, cls, end):
    refusing.pass_(envelope(cls(SimpleNamespace(address=Address(*THEM, 7))), "SIGNAL"))
    [(watcher, sender, signal)] = refusing.told
    assert (watcher, sender) == (7, None)
    assert (type(signal), signal.reason) == (end, "forbidden")
    assert signal.process.address == Address(*US, ACTOR)
    assert refusing.misuse == []


@pytest.mark.parametrize("cls", [Watch, Link])
@pytest.mark.parametrize("home", [US, CoreAddress("others", 0, 3)])
def test_in_the_name_of_others_nobody_hears_of_an_end(refusing, cls, home):
    """Or a client could end the watches and links of actors that are none of its own."""
    forged = SimpleNamespace(
        address=Address(*home, 7), signal=lambda signal: pytest.fail(repr(signal))
    )
    refusing.pass_(envelope(cls(forged), "SIGNAL"))
    assert refusing.told == []
    assert refusing.dead_letters.statistics() == {"forbidden": 1}


def test_what_an_honest_runtime_sends_by_itself_is_no_misuse(refusing):
    withdraw = object.__new__(Withdraw)
    refusing.pass_(envelope(Died(None, "normal"), "SIGNAL"), envelope(withdraw, target=KERNEL_ID))
    assert refusing.misuse == []
    assert [type(error) for _, error in refusing.answers] == [PermissionError]


def test_another_nodes_actor_is_not_given_as_the_sender(refusing):
    false, true = Address("us", 0, 1, 8), Address("them", 1, 3, 8)
    passed = refusing.pass_(
        envelope("false", "TELL", headers={"sender": false, "deadline": 1.0}),
        envelope("true", "TELL", headers={"sender": true}),
    )
    assert [each.headers for each in passed] == [{"deadline": 1.0}, {"sender": true}]
