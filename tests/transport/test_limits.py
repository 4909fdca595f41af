"""What each role may send, envelope by envelope."""

import functools
from types import SimpleNamespace

import pykka.messages
import pytest

from zanni import Actor, ActorSystem
from zanni.actors.address import KERNEL_ID, Address, CoreAddress
from zanni.actors.deadlock import Withdraw
from zanni.actors.kernel import FOR_OTHER_NODES, ListActors, StopRequest, WhereIs
from zanni.actors.links import Down
from zanni.actors.observe import DeadLetters
from zanni.actors.pool import Members, Move, Resize
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
from zanni.supervisors import DynamicSupervisor, Keyed, PartitionSupervisor, Supervisor
from zanni.transport import limits
from zanni.transport.codec import Envelope, EnvelopeKind
from zanni.transport.keyring import Role
from zanni.transport.limits import OF_THE_RUNTIME, trespass, within

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
SET_STOP = pykka.messages.ProxySetAttr(("stop",), None)


def envelope(message, kind="ASK", target=ACTOR, headers=None):
    ask = 9 if kind == "ASK" else None
    return Envelope(target, 7, int(EnvelopeKind[kind]), ask, message, headers)


def refusal(role, envelope, process=None):
    return trespass(role, envelope, process)


@pytest.mark.parametrize("role", [Role.CLIENT, Role.ADMIN])
@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: type(signal).__name__)
def test_system_messages_are_for_nodes(role, signal):
    assert type(signal).__name__ in refusal(role, envelope(signal, "SIGNAL"))
    assert refusal(Role.NODE, envelope(signal, "SIGNAL")) is None


@pytest.mark.parametrize("role", [Role.CLIENT, Role.ADMIN])
@pytest.mark.parametrize("kind", ["TELL", "ASK"])
@pytest.mark.parametrize("cls", OF_THE_RUNTIME)
def test_what_an_actor_hears_of_its_own_runtime_is_nobodys_to_send(role, kind, cls):
    message = object.__new__(cls)
    assert cls.__name__ in refusal(role, envelope(message, kind))
    assert refusal(Role.NODE, envelope(message, kind)) is None


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", ["TELL", "ASK"])
@pytest.mark.parametrize("message", ["text", CALL], ids=["text", "call"])
def test_everybody_may_tell_ask_and_call(role, kind, message):
    assert refusal(role, envelope(message, kind)) is None


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("kind", ["REPLY", "ERROR"])
def test_everybody_may_answer(role, kind):
    assert refusal(role, envelope(STOP, kind)) is None


@pytest.mark.parametrize("kind", ["TELL", "ASK"])
@pytest.mark.parametrize(
    "stop", [STOP, CALL._replace(attr_path=("stop",)), SET_STOP], ids=["stop", "call", "set"]
)
def test_a_client_may_not_stop_an_actor(kind, stop):
    assert refusal(Role.CLIENT, envelope(stop, kind)) == "stop an actor"
    assert refusal(Role.ADMIN, envelope(stop, kind)) is None
    assert refusal(Role.NODE, envelope(stop, kind)) is None


class Branch(Supervisor):
    opened = 0

    def greet(self):
        return "hello"


@pytest.fixture
def system():
    with ActorSystem("us") as running:
        yield running


def test_a_client_may_not_tell_a_supervisor_whom_to_keep_running(system):
    branch = system.spawn(Branch).process
    messages = [
        make(name)
        for name in ("start_child", "terminate_child", "intensity", "children")
        for make in (
            lambda name: pykka.messages.ProxyCall((name,), (), {}),
            lambda name: pykka.messages.ProxySetAttr((name,), 0),
        )
    ]
    for message in messages:
        assert "keeps running" in refusal(Role.CLIENT, envelope(message), branch)
        assert refusal(Role.ADMIN, envelope(message), branch) is None
        assert refusal(Role.NODE, envelope(message), branch) is None
    other = system.spawn(Actor).process  # which may have methods of these names for everybody
    assert [refusal(Role.CLIENT, envelope(message), other) for message in messages] == [None] * 8


def test_a_client_may_use_what_a_supervisor_has_for_everybody(system):
    branch = system.spawn(Branch).process
    for message in (
        pykka.messages.ProxyCall(("greet",), (), {}),
        pykka.messages.ProxyCall(("which_children",), (), {}),
        pykka.messages.ProxyGetAttr(("intensity",)),
        pykka.messages.ProxySetAttr(("opened",), 1),
    ):
        assert refusal(Role.CLIENT, envelope(message), branch) is None


READ_ONLY = {"count_children", "route", "which_children"}


@pytest.mark.parametrize("cls", [Supervisor, DynamicSupervisor, PartitionSupervisor])
def test_all_that_a_supervisor_has_for_others_is_to_be_read_or_is_a_control(cls):
    offered = {name for name in dir(cls) if not name.startswith("_")} - {*dir(Actor)}
    assert offered - READ_ONLY <= cls._controls
    assert not READ_ONLY & cls._controls


@pytest.mark.parametrize(
    "message",
    [
        STOP,
        SET_STOP,
        Down(None, "gone"),
        Resize(2),
        pykka.messages.ProxyCall(("start_child",), (), {}),
        pykka.messages.ProxySetAttr(("max_children",), 0),
        Keyed("k", STOP),
    ],
    ids=repr,
)
def test_a_client_may_send_none_of_it_by_way_of_a_supervisor_that_passes_it_on(system, message):
    branches = system.spawn(functools.partial(PartitionSupervisor, Branch)).process
    assert refusal(Role.CLIENT, envelope(Keyed("k", message)), branches)
    assert refusal(Role.CLIENT, envelope(Keyed("k", CALL)), branches) is None
    assert refusal(Role.NODE, envelope(Keyed("k", message)), branches) is None


def test_a_client_may_not_change_a_pool(system):
    pool = system.pool(Branch, 1).process
    call = pykka.messages.ProxyCall(("terminate_child",), ("till",), {})  # is for the members
    for message in (Resize(2), Move(None), call):
        assert "keeps running" in refusal(Role.CLIENT, envelope(message), pool)
        assert refusal(Role.ADMIN, envelope(message), pool) is None
    assert refusal(Role.CLIENT, envelope(Members()), pool) is None
    assert refusal(Role.CLIENT, envelope("text"), pool) is None


def test_a_client_may_not_spawn_and_an_admin_may():
    assert refusal(Role.CLIENT, envelope(SPAWN, target=KERNEL_ID)) == "spawn"
    assert refusal(Role.ADMIN, envelope(SPAWN, target=KERNEL_ID)) is None


@pytest.mark.parametrize("role", [Role.CLIENT, Role.ADMIN])
def test_a_core_is_asked_for_names_and_nothing_else(role):
    assert refusal(role, envelope(WhereIs("ann"), target=KERNEL_ID)) is None
    for cls in {*FOR_OTHER_NODES, ListActors, StopRequest} - {WhereIs, RemoteSpawn}:
        assert refusal(role, envelope(object.__new__(cls), target=KERNEL_ID))
    assert refusal(role, envelope("text", target=KERNEL_ID))


class Refusing:
    """A host with one actor, and a peer of a role."""

    def __init__(self, monkeypatch):
        self.dead_letters = DeadLetters()
        self.core = SimpleNamespace(home=US, processes={})
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
