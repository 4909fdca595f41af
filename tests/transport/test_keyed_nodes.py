"""Nodes with keys, over real sockets: who is let in, what each role may, and what is dropped."""

import sys
from pathlib import Path

import pykka.messages
import pytest
import zmq
from nodes import has, url_of
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew
from zanni_keys import QUICK, SECONDS, Keys, joined, reasons

from zanni import Actor, ActorSystem, Down
from zanni.actors.links import ChildFailed
from zanni.transport.events import (
    KEY_REFUSED,
    KEYS_WANTED,
    NO_KEYS,
    WRONG_KEY,
    AuthenticationLost,
    KeyAccepted,
    KeyMisused,
    KeyRefused,
    KeyRevoked,
    NodeLost,
)
from zanni.transport.frame import Kind, control_frame, node_id
from zanni.transport.keyring import BadKeys, revoke
from zanni.transport.network import make_network
from zanni.transport.security import RefusedAddress
from zanni.transport.zeromq import ZeroMQEndpoint

DEADLINE = 20.0
LISTEN = "tcp://127.0.0.1:0"


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path)


@pytest.fixture
def start(keys):
    """Start a node with its key directory."""
    running = []

    def start_one(name, directory=None, **options):
        directory = keys.folder / name if directory is None else directory
        running.append(ActorSystem(name, keys=directory, config=QUICK, **options))
        return running[-1].start()

    yield start_one
    for system in running:
        system.stop(timeout=0.0)


@pytest.fixture
def bank(keys, start):
    keys.link("bank", "teller")
    return start("bank", listen=LISTEN)


@pytest.fixture
def teller(bank, start):
    system = start("teller", join=url_of(bank))
    wait_for(lambda: joined(system) and joined(bank))
    return system


def as_role(keys, start, role):
    """A bank, and a teller that it takes as that."""
    keys.link("bank", "teller", role)
    bank = start("bank", listen=LISTEN)
    bank.allow(crew.Counter)
    teller = start("teller", join=url_of(bank))
    bank.spawn(crew.Counter, 7, name="ann")
    return bank, teller, wait_for(lambda: teller.whereis("ann@bank"))


# Who is let in


def test_nodes_that_take_each_others_keys_are_nodes_as_any(bank, teller):
    ann = bank.spawn(crew.Counter, 7, name="ann")
    found = teller.whereis("ann@bank")
    assert found == ann
    assert found.ask("total", timeout=DEADLINE) == 7
    watcher = teller.spawn(crew.Watcher)
    watcher.ask(crew.Watched(found), timeout=DEADLINE)
    found.kill()
    [(ref, reason)] = wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
    assert (ref, reason) == (ann, "killed")
    accepted = has(bank, KeyAccepted)
    assert {(event.name, event.role, event.address) for event in accepted} == {
        ("teller", "node", "127.0.0.1")
    }


def test_all_cores_of_a_node_use_its_keys(keys, start):
    keys.link("bank", "teller")
    bank = start("bank", listen=LISTEN, cores=2)
    bank.spawn(crew.Counter, 3, name="far", core=1)
    teller = start("teller", join=url_of(bank))
    far = wait_for(lambda: teller.whereis("far@bank"))
    assert far.core == 1
    assert far.ask("total", timeout=DEADLINE) == 3
    # Without the key nobody gets there either.
    core_1 = next(place.control for place in bank.network.members.siblings.values())
    keys.make("stranger")
    keys.allow("stranger", "bank")
    stranger = start("stranger", join=core_1)
    wait_for(lambda: reasons(stranger)[-1:] == [KEY_REFUSED], SECONDS)


def test_a_node_whose_key_is_not_allowed_is_refused_until_it_is(keys, start):
    keys.link("bank", "carl")
    keys.make("teller")
    keys.allow("teller", "bank")
    bank = start("bank", listen=LISTEN)
    teller = start("teller", join=url_of(bank))
    wait_for(lambda: reasons(teller)[-1:] == [KEY_REFUSED], SECONDS)
    refused = wait_for(lambda: has(bank, KeyRefused))
    assert (refused[0].key, refused[0].address) == (keys.public("teller"), "127.0.0.1")
    assert joined(bank) == joined(teller) == []
    keys.allow("bank", "teller")
    wait_for(lambda: joined(bank) and joined(teller))


def test_a_node_that_has_another_key_than_the_one_known_is_told_of(keys, start):
    keys.link("bank", "teller")
    keys.make("other")
    keys.allow("teller", "bank", key=keys.public("other"))
    bank = start("bank", listen=LISTEN)
    teller = start("teller", join=url_of(bank))
    wait_for(lambda: reasons(teller)[-1:] == [WRONG_KEY], SECONDS)
    assert joined(bank) == joined(teller) == []


def test_one_side_without_keys_is_told_so(keys, start):
    keys.link("bank", "teller")
    bank = start("bank", listen=LISTEN)
    with (
        ActorSystem("plain", join=url_of(bank), config=QUICK) as plain,
        ActorSystem("open", listen=LISTEN, config=QUICK) as open_,
    ):
        teller = start("teller", join=url_of(open_).replace("//", "//bank@"))
        wait_for(lambda: reasons(plain)[-1:] == [KEYS_WANTED], SECONDS)
        wait_for(lambda: reasons(teller)[-1:] == [NO_KEYS], SECONDS)
        assert joined(bank) == joined(plain) == joined(teller) == joined(open_) == []


def test_a_node_may_not_bear_another_name_than_its_key(keys, start, bank):
    keys.make("carl")
    keys.allow("bank", "carl")
    teller = start("teller", join=url_of(bank))
    wait_for(lambda: joined(bank) and joined(teller))
    carl = ActorSystem("teller", keys=keys.folder / "teller2", join=url_of(bank), config=QUICK)
    (keys.folder / "carl").rename(keys.folder / "teller2")
    keys.allow("teller2", "bank")
    with carl:
        misused = wait_for(lambda: has(bank, KeyMisused))
        assert (misused[0].name, misused[0].what) == ("carl", "send as another node")
        assert joined(carl) == []
    assert len(joined(bank)) == 1
    assert has(bank, NodeLost) == []


# What is dropped


def test_the_links_of_a_key_that_is_revoked_are_dropped(keys, bank, teller):
    ann = bank.spawn(crew.Counter, name="ann")
    found = teller.whereis("ann@bank")
    watcher = bank.spawn(crew.Watcher)
    teller.spawn(crew.Counter, name="tim")
    watcher.ask(crew.Watched(bank.whereis("tim@teller")), timeout=DEADLINE)
    revoke(keys.folder / "bank", "teller")
    lost = wait_for(lambda: has(bank, NodeLost), SECONDS)
    assert lost[0].reason == "its key was revoked"
    assert has(bank, KeyRevoked) == [KeyRevoked("teller", keys.public("teller"))]
    [(_, reason)] = wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
    assert reason == "noconnection"
    assert teller.whereis("nobody") is None
    found.tell(crew.Add(1))  # its link is there until it hears nothing for long
    wait_for(lambda: bank.network.intake.statistics()["turned_away"])
    wait_for(lambda: has(teller, NodeLost))
    assert ann.ask("total", timeout=DEADLINE) == 0
    assert len(joined(bank)) == 1
    keys.allow("bank", "teller")
    wait_for(lambda: len(joined(bank)) == len(joined(teller)) == 2)
    found = wait_for(lambda: teller.whereis("ann@bank"))
    found.tell(crew.Add(1))
    assert found.ask("total", timeout=DEADLINE) == 1


class Client:
    """A raw connection that shows a node's key, and says whatever it likes."""

    def __init__(self, keys, name, url, key):
        self.pair = keys.pair(name)
        self.endpoint = ZeroMQEndpoint(self)
        self.link = self.endpoint.connect(url, key)

    def admits(self, key, address):
        return True

    def failed(self, reason):
        pytest.fail(reason)

    def send(self, frames):
        def taken():
            self.endpoint.wait(0.01)
            return self.link.send(frames)

        wait_for(taken)


@pytest.fixture
def client(keys):
    made = []

    def make(*arguments):
        made.append(Client(keys, *arguments))
        return made[-1]

    yield make
    for each in made:
        each.endpoint.close()


def test_who_writes_as_another_node_is_dropped_and_told_of(keys, bank, teller, start, client):
    keys.make("carl")
    keys.allow("bank", "carl")
    keys.allow("carl", "bank")
    carl = start("carl", join=url_of(bank))
    wait_for(lambda: len(joined(bank)) == 2)
    forger = client("carl", url_of(bank), keys.public("bank"))
    as_teller = (node_id("teller"), 0, teller.home.incarnation)
    goodbye = control_frame(Kind.GOODBYE, as_teller, bank.home.incarnation, b"\x80")
    forger.send(goodbye)
    misused = wait_for(lambda: has(bank, KeyMisused))
    assert (misused[0].name, misused[0].what) == ("carl", "send as another node")
    lost = wait_for(lambda: has(bank, NodeLost))
    assert [(event.node, event.reason) for event in lost] == [("carl", "it sent as another node")]
    assert carl.whereis("nobody") is None
    bank.spawn(crew.Counter, name="ann")
    assert teller.whereis("ann@bank").ask("total", timeout=DEADLINE) == 0


def test_a_stranger_whose_connection_names_itself_as_anothers_is_not_heard(bank, teller, client):
    """Who takes another's routing id gets nothing of it, and the other loses nothing."""
    before = bank.network.intake.statistics()["strays"]
    echo = client("teller", url_of(bank), bank.network.members.gate.pair.public)
    stray = (node_id("teller"), 0, 12345)
    echo.send(control_frame(Kind.HEARTBEAT, stray, bank.home.incarnation, b"\x80"))
    wait_for(lambda: bank.network.intake.statistics()["strays"] > before)
    assert has(bank, NodeLost) == []


def test_nobody_is_let_in_any_more_when_keys_cannot_be_looked_at(keys, bank, teller, start):
    keys.make("carl")
    keys.allow("bank", "carl")
    keys.allow("carl", "bank")
    wait_for(lambda: bank.network.members.gate.key_of("carl"))
    gate, admits = bank.network.members.gate, bank.network.members.gate.admits

    def admits_and_breaks(key, address):
        sockets = [socket for socket, _ in bank.network._endpoint._listeners.values()]
        next(socket for socket in sockets if socket.type == zmq.REP).close()
        return admits(key, address)

    gate.admits = admits_and_breaks
    carl = start("carl", join=url_of(bank))
    wait_for(lambda: has(bank, AuthenticationLost))
    assert wait_for(lambda: reasons(carl), SECONDS)
    assert joined(carl) == []
    bank.spawn(crew.Counter, name="ann")
    assert teller.whereis("ann@bank").ask("total", timeout=DEADLINE) == 0


# What a role may


class Spy(Actor):
    """Has what nobody but itself may reach."""

    def __init__(self):
        super().__init__()
        self.seen, self._hidden = [], "secret"

    def on_receive(self, message):
        self.seen.append(message)
        return len(self.seen)

    def _private(self):
        self.seen.append("private")

    def public(self):
        return "public"


def test_a_client_may_ask_for_names_and_tell_and_ask(keys, start):
    _, teller, ann = as_role(keys, start, "client")
    ann.tell(crew.Add(1))
    assert ann.ask("total", timeout=DEADLINE) == 8
    assert ann.call(crew.Counter.double, 4).get(timeout=DEADLINE) == 8
    assert ann.proxy().double(4).get(timeout=DEADLINE) == 8
    asker = teller.spawn(crew.Watcher)
    assert asker.ask(("ask", ann, "total"), timeout=DEADLINE) == 8


def test_a_client_may_not_stop_spawn_kill_or_watch(keys, start):
    bank, teller, ann = as_role(keys, start, "client")
    with pytest.raises(PermissionError, match="stop an actor"):
        ann.stop(timeout=DEADLINE)
    with pytest.raises(PermissionError, match="stop an actor"):
        ann.proxy().stop().get(timeout=DEADLINE)
    with pytest.raises(PermissionError, match="may not spawn"):
        teller.spawn(crew.Counter, node="bank")
    watcher = teller.spawn(crew.Watcher)
    watcher.ask(crew.Watched(ann), timeout=DEADLINE)
    ann.kill()
    wait_for(lambda: bank.dead_letters.statistics().get("forbidden", 0) >= 2)
    assert ann.ask("total", timeout=DEADLINE) == 7
    downs = wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
    assert downs == [(ann, "forbidden")]
    whats = {event.what for event in wait_for(lambda: has(bank, KeyMisused))}
    assert whats <= {"stop an actor", "spawn", "send a system message (Kill)"}


def test_a_client_can_neither_end_nor_double_what_a_supervisor_keeps_running(keys, start):
    bank, teller, _ = as_role(keys, start, "client")
    keeper = bank.spawn(crew.Keeper, name="keeper")
    there = wait_for(lambda: teller.whereis("keeper@bank"))
    [(_, kept, *_)] = keeper.call(crew.Keeper.which_children).get(timeout=DEADLINE)
    forged = teller.ref_of(kept.address, None)
    for message in (Down(forged, "gone"), ChildFailed(forged, "normal")):
        there.tell(message)
        with pytest.raises(PermissionError, match="system message"):
            there.ask(message, timeout=DEADLINE)
    with pytest.raises(PermissionError, match="terminate_child"):
        there.call(crew.Keeper.terminate_child, "kept").get(timeout=DEADLINE)
    [(_, still, *_)] = there.call(crew.Keeper.which_children).get(timeout=DEADLINE)
    assert still == forged
    assert kept.ask("total", timeout=DEADLINE) == 1
    assert bank.dead_letters.statistics()["forbidden"] >= 2


def test_a_watch_that_is_refused_ends_no_watch_the_other_way(keys, start):
    bank, teller, _ = as_role(keys, start, "client")
    clerk = teller.spawn(crew.Watcher, name="clerk")
    guard = bank.spawn(crew.Watcher, name="guard")
    found = wait_for(lambda: bank.whereis("clerk@teller"))
    guard.ask(crew.Watched(found), timeout=DEADLINE)
    watched = teller.whereis("guard@bank")
    clerk.ask(crew.Watched(watched), timeout=DEADLINE)
    assert wait_for(lambda: clerk.ask("downs", timeout=DEADLINE)) == [(watched, "forbidden")]
    assert watched.is_alive()
    teller.stop()
    assert wait_for(lambda: guard.ask("downs", timeout=DEADLINE)) == [(found, "noconnection")]


def test_a_client_reaches_public_names_alone(keys, start):
    bank, teller, _ = as_role(keys, start, "client")
    bank.spawn(Spy, name="spy")
    spy = teller.whereis("spy@bank")
    paths = [
        ("_private",),
        ("_hidden",),
        ("__class__",),
        ("on_receive", "__func__", "__globals__"),
        ("system", "stop"),
        ("actor_ref", "kill"),
        ("spawn",),
        ("exit",),
        ("on_stop",),
        ("become",),
        ("throughput",),
    ]
    for path in paths:
        for message in (
            pykka.messages.ProxyCall(path, ("x",), {}),
            pykka.messages.ProxyGetAttr(path),
            pykka.messages.ProxySetAttr(path, "x"),
        ):
            with pytest.raises(AttributeError):
                spy.ask(message, timeout=DEADLINE)
            spy.tell(message)
    with pytest.raises(AttributeError, match="not traversable"):
        spy.ask(pykka.messages.ProxyCall(("seen", "append"), ("x",), {}), timeout=DEADLINE)
    assert spy.call(Spy.public).get(timeout=DEADLINE) == "public"
    assert spy.ask("first", timeout=DEADLINE) == 1


def test_an_admin_may_stop_and_spawn_but_send_no_system_message(keys, start):
    bank, teller, ann = as_role(keys, start, "admin")
    spawned = teller.spawn(crew.Counter, 3, node="bank")
    assert spawned.ask("total", timeout=DEADLINE) == 3
    spawned.stop(timeout=DEADLINE)
    ann.kill()
    wait_for(lambda: bank.dead_letters.statistics().get("forbidden"))
    assert ann.ask("total", timeout=DEADLINE) == 7


def test_a_role_that_changes_holds_at_once(keys, start):
    bank, _, ann = as_role(keys, start, "node")
    keys.allow("bank", "teller", "client")
    wait_for(lambda: all(p.role.value == "client" for p in bank.network.members.current.values()))
    with pytest.raises(PermissionError, match="stop an actor"):
        ann.stop(timeout=DEADLINE)
    assert has(bank, NodeLost) == []


# What is refused before anything starts


@pytest.mark.parametrize("url", ["tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://10.0.0.1:0"])
def test_a_public_address_needs_keys(url):
    with pytest.raises(RefusedAddress, match="zanni keys new"):
        ActorSystem("bank", listen=url).start()


def test_a_public_address_needs_somebody_who_may_link(keys):
    keys.make("bank")
    system = ActorSystem("bank", listen="tcp://10.255.255.1:0", keys=keys.folder / "bank")
    with pytest.raises(RefusedAddress, match=r"nobody may link.*zanni keys allow"):
        system.start()


def test_every_address_of_the_machine_is_no_address_to_answer_at(keys):
    keys.link("bank", "teller")
    system = ActorSystem("bank", listen="tcp://0.0.0.0:0", keys=keys.folder / "bank")
    with pytest.raises(RefusedAddress, match="by which they reach it"):
        system.start()


def test_a_host_that_is_not_known_is_refused_by_name(keys):
    keys.link("bank", "teller")
    system = ActorSystem("bank", join="tcp://nobody.invalid:7400", keys=keys.folder / "bank")
    with pytest.raises(RefusedAddress, match=r"nobody\.invalid:7400': its host is not known"):
        system.start()


def test_a_host_may_be_named(keys, start, bank, monkeypatch):
    monkeypatch.setattr("zanni.transport.security.number_of", {"bank.example": "127.0.0.1"}.get)
    named = url_of(bank).replace("127.0.0.1", "bank@bank.example")
    teller = start("teller", join=named)
    wait_for(lambda: joined(bank) and joined(teller))


def test_keys_that_cannot_be_used_are_refused(keys, tmp_path):
    with pytest.raises(BadKeys, match="zanni keys new"):
        ActorSystem("bank", listen=LISTEN, keys=tmp_path / "nowhere").start()
    keys.make("bank")
    (keys.folder / "bank" / "secret.key").chmod(0o644)
    with pytest.raises(BadKeys, match="chmod"):
        ActorSystem("bank", listen=LISTEN, keys=str(keys.folder / "bank")).start()
    with pytest.raises(ValueError, match="keys="):
        ActorSystem("bank", keys=5)


def test_a_libzmq_without_curve_is_refused(keys, monkeypatch):
    keys.make("bank")
    monkeypatch.setattr("zmq.has", lambda what: False)
    with pytest.raises(OSError, match="without CURVE"):
        make_network(ActorSystem("bank", listen=LISTEN, keys=keys.folder / "bank"))
