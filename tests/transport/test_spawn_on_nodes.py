"""Spawning on another node: only what it allows, by name, whatever a peer asks for."""

import functools
import os
import signal
import sys
from pathlib import Path

import pytest
from nodes import has, url_of
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew

from zanni import (
    Actor,
    ActorSystem,
    DecodeError,
    Down,
    EncodeError,
    Future,
    Mailbox,
    NameInUse,
    NodeDown,
    SpawnError,
    Timeout,
    ZanniError,
    message,
)
from zanni.actors.address import KERNEL_ID, Address
from zanni.actors.kernel import ListActors
from zanni.actors.process import Bury, Failed
from zanni.actors.ref import ActorRef
from zanni.actors.spawn_request import RemoteSpawn, SpawnRequest
from zanni.transport.events import CoreStarted, NodeJoined

DEADLINE = 20.0
QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 2.0}
COUNTER = "zanni_crew:Counter"


@pytest.fixture
def bank():
    with ActorSystem("bank", listen="tcp://127.0.0.1:0", config=QUICK) as system:
        yield system


@pytest.fixture
def teller(bank):
    with ActorSystem("teller", join=url_of(bank), config=QUICK) as system:
        wait_for(lambda: has(system, NodeJoined) and has(bank, NodeJoined))
        yield system


@pytest.fixture(scope="module")
def nodes():
    """Two nodes of two cores; every core of each knows the other node."""
    with (
        ActorSystem("bank", cores=2, listen="tcp://127.0.0.1:0", config=QUICK) as bank,
        ActorSystem("teller", cores=2, join=url_of(bank), config=QUICK) as teller,
    ):
        bank.allow(crew.Counter)
        wait_for(lambda: has(teller, NodeJoined) and has(bank, NodeJoined))
        wait_for(lambda: ("bank", 1) in teller.network.members.known)
        yield bank, teller


@pytest.fixture
def pair(nodes):
    bank, _ = nodes
    yield nodes
    for ref in bank.actors():
        ref.stop()
    wait_for(lambda: bank.actors() == [])


def asked(system, request, core=0):
    """What a core of the other node answers, whatever it is asked."""
    answer = Future()
    kernel = system.process_of(Address("bank", core, 0, KERNEL_ID))
    kernel.deliver(request, None, answer, None)
    return answer.get(timeout=DEADLINE)


def request(class_name=COUNTER, core=None, **fields):
    named = {"args": (), "kwargs": {}, "name": None, "parent": None, "supervisor": None, **fields}
    return RemoteSpawn(SpawnRequest(class_name, **named), core)


# Where it lives, and what travels


def test_an_actor_lives_where_it_was_spawned_and_its_name_is_of_that_node(bank, teller):
    bank.allow(crew.Counter)
    ann = teller.spawn(crew.Counter, 7, name="ann", node="bank")
    assert (ann.node, ann.core, ann.actor_class) == ("bank", 0, crew.Counter)
    assert ann.call(crew.Counter.double, 4).get(timeout=DEADLINE) == 8
    assert ann.ask("total", timeout=DEADLINE) == 7
    assert bank.whereis("ann") == ann == teller.whereis("ann@bank")
    assert teller.whereis("ann") is None
    assert bank.actors() == [ann]


def test_arguments_that_collide_go_through_a_partial(bank, teller):
    bank.allow(crew.Counter)
    ann = teller.spawn(functools.partial(crew.Counter, start=3), node="bank")
    assert ann.ask("total", timeout=DEADLINE) == 3


def test_the_nodes_own_name_is_here(bank, teller):
    assert teller.spawn(crew.Counter, node="teller").node == "teller"
    assert teller.spawn(crew.Head).call(crew.Head.have, crew.Counter, "teller").get().core == 0


@pytest.mark.parametrize(("core", "taken"), [(None, 0), ("here", 0), (1, 1), ("spread", None)])
def test_the_core_is_one_of_that_node(pair, core, taken):
    _, teller = pair
    ann = teller.spawn(crew.Counter, node="bank", core=core, name="ann")
    assert ann.core in ([taken] if taken is not None else [0, 1])
    assert ann.ask("pid", timeout=DEADLINE) != os.getpid() or ann.core == 0
    assert teller.spawn(crew.Counter, node="bank", near=ann).core == ann.core
    assert teller.whereis("ann@bank") == ann


def test_words_are_understood_by_the_core_that_knows_the_others(pair):
    _, teller = pair
    spread = [teller.spawn(crew.Counter, node="bank", core="spread").core for _ in range(4)]
    assert sorted(spread) == [0, 0, 1, 1]
    assert teller.spawn(crew.Counter, node="bank", core="least-loaded").node == "bank"


def test_from_any_core_to_any_core(pair):
    bank, teller = pair
    head = teller.spawn(crew.Head, core=1)
    child = head.call(crew.Head.have_counter, "bank", 1).get(timeout=DEADLINE)
    assert (child.node, child.core) == ("bank", 1)
    assert child.ask("total", timeout=DEADLINE) == 5
    assert bank.actors() == [child]
    head.stop()
    wait_for(lambda: bank.actors() == [])


def test_options_travel(bank, teller):
    bank.allow(crew.Threads, crew.Counter)
    names = [
        teller.spawn(crew.Threads, node="bank", dispatcher=each).ask("name", timeout=DEADLINE)
        for each in ("core", "asyncio", "pinned")
    ]
    assert len(set(names)) == 3
    teller.spawn(crew.Counter, name="ann", node="bank", mailbox=Mailbox(max_bytes=1000))
    assert bank.whereis("ann").mailbox().bytes == 0  # None where there is no bound


def test_a_core_that_was_started_again_takes_what_was_allowed_before(pair):
    bank, teller = pair
    first = teller.spawn(crew.Counter, node="bank", core=1)
    os.kill(first.ask("pid", timeout=DEADLINE), signal.SIGKILL)
    wait_for(lambda: len(has(bank, CoreStarted)) == 2)  # and all that was sent before is lost
    assert teller.spawn(crew.Counter, 2, node="bank", core=1).ask("total", timeout=DEADLINE) == 2


# What is refused


def test_a_class_that_is_not_allowed_says_what_to_do(bank, teller):
    with pytest.raises(SpawnError, match=r"'bank'.*call system\.allow\(Counter\).*are: none"):
        teller.spawn(crew.Counter, name="ann", node="bank")
    bank.allow(crew.Brief, crew.Watcher)
    with pytest.raises(SpawnError, match=r"are: zanni_crew:Brief, zanni_crew:Watcher$") as caught:
        teller.spawn(crew.Counter, name="ann", node="bank")
    assert caught.value.type == "PermissionError"
    bank.spawn(crew.Counter, name="ann")  # the name is free


def test_what_is_allowed_is_core_0s_to_say(pair):
    _, teller = pair
    with pytest.raises(RuntimeError, match="core 0"):
        teller.spawn(crew.Head, core=1).call(crew.Head.allow_counters).get(timeout=DEADLINE)
    teller.spawn(crew.Head).call(crew.Head.allow_counters).get(timeout=DEADLINE)
    assert teller.allowed.find(COUNTER) is crew.Counter


def test_a_subclass_is_another_class(bank, teller):
    bank.allow(crew.Caller)
    teller.spawn(crew.Caller, node="bank")
    with pytest.raises(SpawnError, match="Passer"):
        teller.spawn(crew.Passer, node="bank")


def test_nothing_is_imported_because_a_peer_names_it(bank, teller, tmp_path, monkeypatch):
    (tmp_path / "zanni_spy.py").write_text("from zanni import Actor\nclass Spy(Actor): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("zanni_spy:Spy", "os:system", "zanni.actors.actor:Actor", "", ":"):
        with pytest.raises(SpawnError, match="PermissionError"):
            asked(teller, request(name))
    for name in (7, ["os"]):
        with pytest.raises(DecodeError, match=r"message\.request\.class_name: .* is no str"):
            asked(teller, request(name))
    assert "zanni_spy" not in sys.modules
    assert bank.actors() == []


@pytest.mark.parametrize("core", [0, 1])
def test_every_core_refuses_what_is_not_for_it(pair, core):
    bank, teller = pair
    for kernels_own in (ListActors(), request().request):
        with pytest.raises(ZanniError, match="nothing else"):
            asked(teller, kernels_own, core=core)
    if core == 1:  # what is allowed is core 0's to say
        with pytest.raises(SpawnError, match="PermissionError"):
            asked(teller, request(), core=core)
    assert bank.actors() == []


@message
class Thing:
    """Not a ref, though it has what a ref has."""

    address: Address
    node: str
    process: object = None


def test_a_peer_spawns_children_of_its_own_actors_only(bank, teller):
    bank.allow(crew.Counter)
    theirs, mine = bank.spawn(crew.Head), teller.spawn(crew.Head)
    stranger = ActorRef(teller.process_of(Address("third", 0, 1, 1)), crew.Head)
    thing = Thing(mine.address, "teller")
    for field in ("parent", "supervisor"):
        for other in (theirs, stranger):
            with pytest.raises(ZanniError, match=r"teller/0 may "):
                asked(teller, request(**{field: other}))
        with pytest.raises(TypeError, match="by its ref"):
            asked(teller, request(**{field: thing}))
        assert asked(teller, request(**{field: mine})).node == "bank"
    assert len(bank.actors()) == 3


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": "a@b"}, ValueError),
        ({"name": ""}, ValueError),
        ({"name": 7}, DecodeError),
        ({"mailbox": 7}, TypeError),
        ({"start_timeout": "soon"}, DecodeError),
        ({"start_timeout": float("nan")}, ValueError),
        ({"dispatcher": "thread"}, ValueError),
        ({"dispatcher": ["core"]}, DecodeError),
        ({"core": 9}, ValueError),
        ({"core": "nearby"}, ValueError),
        ({"core": [1]}, DecodeError),
        ({"args": 7}, DecodeError),
        ({"kwargs": {"colour": 7}}, SpawnError),
        ({"kwargs": 7}, DecodeError),
    ],
)
def test_fields_that_cannot_be_make_nothing(bank, teller, fields, error):
    bank.allow(crew.Counter)
    with pytest.raises(error):
        asked(teller, request(**{"name": "ann", **fields}))
    wait_for(lambda: bank.actors() == [])
    assert teller.spawn(crew.Counter, 1, name="ann", node="bank").ask("total") == 1


def test_what_is_no_spawn_request_is_refused(bank, teller):
    for nonsense in (7, None, crew.Add(1)):
        with pytest.raises(DecodeError, match=r"message\.request: .* is no .*SpawnRequest"):
            asked(teller, RemoteSpawn(nonsense))
    assert bank.actors() == []


def test_nobody_fails_in_anothers_name(bank, teller):
    """Else a peer could have a supervisor here restart a child that is not its own."""
    supervisor, victim = bank.spawn(crew.Head), bank.spawn(crew.Counter)
    found = teller.ref_of(supervisor.address, None)
    found.process.signal(Failed(victim.process, "forged", None))
    found.process.signal(Failed(teller.spawn(crew.Counter).process, "own", None))
    heard = wait_for(lambda: supervisor.ask("heard", timeout=DEADLINE))
    assert [failed.reason for failed in heard] == ["own"]
    assert bank.dead_letters.statistics().get("forged") == 1


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"node": "nowhere"}, NodeDown, r"'nowhere' is not joined.*'bank'"),
        ({"node": ""}, NodeDown, r"'' is not joined"),
        ({"node": ("bank", "other")}, TypeError, "name of one node"),
        ({"node": 7}, TypeError, "name of one node"),
        ({"node": "bank", "core": 5}, ValueError, r"no core 5: node 'bank' has 1"),
        ({"node": "bank", "core": "nearby"}, ValueError, "least-loaded"),
        ({"node": "bank", "name": "a@b"}, ValueError, "no @"),
        ({"node": "bank", "name": 7}, ValueError, "printable"),
        ({"node": "bank", "mailbox": 7}, TypeError, "mailbox="),
        ({"node": "bank", "mailbox": Mailbox(priority=len)}, ValueError, "priority"),
        ({"node": "bank", "dispatcher": "thread"}, ValueError, "dispatcher="),
        ({"node": "bank", "supervisor": "boss"}, TypeError, "supervisor="),
        ({"node": "bank", "near": "ann"}, TypeError, "near="),
    ],
)
def test_options_that_cannot_be(bank, teller, options, error, text):
    bank.allow(crew.Counter)
    with pytest.raises(error, match=text):
        teller.spawn(crew.Counter, **options)
    head = teller.spawn(crew.Head)
    with pytest.raises(error, match=text):
        head.call(crew.Head.have, crew.Counter, **options).get(timeout=DEADLINE)
    assert bank.actors() == []
    assert head.call(crew.Head.children).get() == []


def test_near_and_supervisor_are_of_the_right_node(bank, teller):
    bank.allow(crew.Counter)
    here, there = teller.spawn(crew.Head), bank.spawn(crew.Head)
    with pytest.raises(ValueError, match="node= says 'bank'"):
        teller.spawn(crew.Counter, node="bank", near=here)
    with pytest.raises(ValueError, match="not both"):
        teller.spawn(crew.Counter, node="bank", near=there, core=0)
    with pytest.raises(ValueError, match="give node='bank' as well"):
        teller.spawn(crew.Counter, near=there)
    with pytest.raises(ValueError, match="not of 'bank'"):
        teller.spawn(crew.Counter, node="bank", supervisor=there)
    assert bank.actors() == [there]


def test_a_class_that_nobody_can_find(bank, teller):
    class Local(Actor):
        pass

    with pytest.raises(SpawnError, match="top of a module"):
        teller.spawn(Local, node="bank")


def test_an_argument_that_cannot_travel_is_named(bank, teller):
    bank.allow(crew.Counter)
    with pytest.raises(EncodeError, match=r"request\.args\[0\]"):
        teller.spawn(crew.Counter, object(), name="ann", node="bank")
    assert bank.actors() == []


def test_a_node_that_is_lost(bank, teller):
    bank.allow(crew.Counter)
    bank.stop()
    with pytest.raises(NodeDown, match=r"joined are: \[\]"):
        wait_for(lambda: teller.spawn(crew.Counter, node="bank") and None)


def test_a_node_that_is_lost_core_by_core_is_not_said_to_be_joined(pair):
    _, teller = pair
    members = teller.network.members
    teller.spawn(crew.Counter, node="bank", core=1).ask("total", timeout=DEADLINE)

    def ask_while_the_other_core_is_there():
        members.lose(members.current["bank", 0].home, "a test")
        assert ("bank", 1) in members.current
        teller.network.kernel("bank", 0)

    with pytest.raises(NodeDown, match=r"'bank' is not joined, or lost; joined are: \[\]$"):
        teller.network.on_loop(ask_while_the_other_core_is_there)
    wait_for(lambda: [each["state"] for each in teller.nodes()] == ["up", "up"])


def test_a_system_that_has_joined_nobody():
    with ActorSystem("alone") as system, pytest.raises(NodeDown, match="joined no node: no bank"):
        system.spawn(crew.Counter, node="bank")


# Starts that fail


def test_errors_of_init_are_spawn_errors_and_the_name_is_free(pair):
    bank, teller = pair
    bank.allow(crew.Broken)
    for core in (0, 1):
        with pytest.raises(SpawnError, match="Overdrawn") as caught:
            teller.spawn(crew.Broken, name="ann", node="bank", core=core)
        assert (caught.value.type, "3" in caught.value.text) == ("Overdrawn", True)
        ann = teller.spawn(crew.Counter, name="ann", node="bank", core=core)
        ann.stop()
        wait_for(lambda: bank.whereis("ann") is None)


def test_a_supervised_start_is_waited_for_and_bounded(bank, teller):
    bank.allow(crew.BadStart, crew.SlowStart)
    head = teller.spawn(crew.Head)
    with pytest.raises(SpawnError, match="Overdrawn"):
        teller.spawn(crew.BadStart, name="ann", node="bank", supervisor=head)
    slow = head.call(crew.Head.have_soon, 0.1, crew.SlowStart, node="bank", name="ann")
    with pytest.raises(Timeout, match=r"0\.1 s"):
        slow.get(timeout=DEADLINE)
    wait_for(lambda: bank.actors() == [])
    bank.spawn(crew.Counter, name="ann")


def test_a_name_that_is_taken_there(bank, teller):
    bank.allow(crew.Counter)
    ann = bank.spawn(crew.Counter, name="ann")
    with pytest.raises(NameInUse, match="ann"):
        teller.spawn(crew.Counter, name="ann", node="bank")
    ann.stop()
    assert teller.spawn(crew.Counter, 4, name="ann", node="bank").ask("total") == 4


# Parents and children


def test_the_end_of_a_child_there_is_told_once_and_forgotten(bank, teller):
    bank.allow(crew.Linker)
    head = teller.spawn(crew.Head)
    child = head.call(crew.Head.have, crew.Linker, "bank").get(timeout=DEADLINE)
    child.tell(("raise", ValueError("odd")))
    heard = wait_for(lambda: head.ask("heard", timeout=DEADLINE))
    assert [(type(down), down.ref, type(down.reason)) for down in heard] == [
        (Down, child, ValueError)
    ]
    assert head.call(crew.Head.children).get(timeout=DEADLINE) == []
    assert not teller.process_of(head.address).ties.watchers
    for system, other in ((bank, "teller"), (teller, "bank")):
        assert not system.network.members.current[other, 0].watches


def test_children_there_stop_with_their_parent_and_with_its_node(bank, teller):
    bank.allow(crew.Counter)
    head = teller.spawn(crew.Head)
    head.call(crew.Head.have, crew.Counter, "bank", name="ann").get(timeout=DEADLINE)
    head.stop()
    assert bank.whereis("ann") is None
    other = teller.spawn(crew.Head)
    other.call(crew.Head.have, crew.Counter, "bank", name="ann").get(timeout=DEADLINE)
    teller.stop()
    wait_for(lambda: bank.whereis("ann") is None)
    assert bank.actors() == []


class Ear:
    """A process that hears."""

    def __init__(self, system):
        self.address = Address(*system.home, system.core.next_id())
        self.heard = Future()

    def signal(self, signal):
        self.heard.resolve(signal)


def test_who_fails_to_a_supervisor_whose_node_is_lost_is_buried(bank, teller):
    supervisor = teller.ref_of(bank.spawn(crew.Head).address, None)
    supervisor.ask("heard", timeout=DEADLINE)
    bank.stop()
    wait_for(lambda: not supervisor.is_alive())
    ear = Ear(teller)
    supervisor.process.signal(Failed(ear, "odd", None))
    assert isinstance(ear.heard.get(timeout=DEADLINE), Bury)


NODE = """
import sys, time
sys.path.insert(0, sys.argv[1])
import zanni_crew as crew
from zanni import ActorSystem
from zanni.transport.events import NodeJoined

if __name__ == "__main__":
    config = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 2.0}
    with ActorSystem("teller", join=sys.argv[2], config=config) as system:
        while not any(isinstance(event, NodeJoined) for event in list(system.events.last)):
            time.sleep(0.01)
        head = system.spawn(crew.Head)
        head.call(crew.Head.have, crew.Counter, "bank", name="child").get()
        system.spawn(crew.Counter, name="free", node="bank")
        system.spawn(crew.Linker, name="supervised", node="bank", supervisor=head)
        system.spawn(crew.Linker, name="waiting", node="bank", supervisor=head).tell(("exit", 1))
        while not head.ask("heard"):
            time.sleep(0.01)
        print("up", flush=True)
        time.sleep(60)
"""


def test_whose_parent_or_supervisor_is_lost_with_its_node_ends_and_its_name_is_free(
    bank, start_node, tmp_path
):
    bank.allow(crew.Counter, crew.Linker)
    script = tmp_path / "teller.py"
    script.write_text(NODE)
    teller = start_node(script, Path(__file__).parent, url_of(bank))
    assert teller.stdout.readline() == b"up\n"
    found = {name: bank.whereis(name) for name in ("child", "free", "supervised")}
    assert None not in found.values()
    with pytest.raises(NameInUse):  # it awaits its supervisor's verdict
        bank.spawn(crew.Counter, name="waiting")
    teller.kill()
    wait_for(lambda: bank.whereis("child") is None)
    bank.spawn(crew.Counter, name="child")
    wait_for(lambda: not found["child"].is_alive())
    wait_for(lambda: bank.whereis("waiting") is None)
    assert found["supervised"].is_alive()  # until it ends an incarnation
    found["supervised"].tell(("exit", "odd"))
    wait_for(lambda: bank.whereis("supervised") is None)
    assert bank.whereis("free").ask("total", timeout=DEADLINE) == 0
