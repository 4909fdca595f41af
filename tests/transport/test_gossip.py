"""What cores tell each other with their heartbeats: where the others of their nodes listen."""

import tracemalloc
from types import SimpleNamespace

import msgpack
import pytest

from zanni.actors.address import CoreAddress
from zanni.actors.network import IDLE, CoreReport, Load
from zanni.transport.aliases import Aliases
from zanni.transport.frame import CONTROL_CAP
from zanni.transport.gossip import BODY_LIMIT, PLACES, BadHeartbeat, Gossip
from zanni.transport.handshake import CorePlace
from zanni.transport.peer import State
from zanni.transport.strangers import Strangers

PLACE = CorePlace(0, 5, "tcp://127.0.0.1:1", "tcp://127.0.0.1:2")
THEM = CoreAddress("b", 0, 5)
CORE_0 = SimpleNamespace(home=CoreAddress("a", 0, 1), own=True, codec=None)


class Hearing:
    """A core that takes in what core 1 of the node b tells."""

    def __init__(self):
        gate = SimpleNamespace(checked_url=lambda url: url)
        strangers = Strangers(1.0)
        self.members = SimpleNamespace(
            known={}, dead={}, current={}, aliases=Aliases(), gate=gate, strangers=strangers
        )
        self.system = system = SimpleNamespace(
            name="a",
            index=1,
            open_cores=2,
            home=CoreAddress("a", 1, 2),
            meter=SimpleNamespace(last=IDLE),
            allowed=SimpleNamespace(take=lambda names: None),
        )
        self.gossip = Gossip(system, self.members, SimpleNamespace(outside=None), None)

    def hear(self):
        peer = SimpleNamespace(home=CoreAddress("b", 1, 6), own=False, codec=None)
        self.gossip.take(peer, msgpack.packb({"places": [list(PLACE)]}))
        return self.members.known


@pytest.fixture
def hearing():
    return Hearing()


def test_the_other_cores_of_a_node_are_known_by_one_of_them(hearing):
    assert hearing.hear() == {("b", 0): PLACE}


@pytest.mark.parametrize("in_order", [True, False])
def test_a_core_that_has_ended_is_at_no_place(hearing, in_order):
    """The others of its node may tell of it for a moment longer than it is there."""
    hearing.members.dead[THEM] = in_order
    assert hearing.hear() == {}


def test_a_core_that_was_lost_while_it_lived_is_where_it_was(hearing):
    hearing.members.dead[THEM] = False
    hearing.members.aliases.renew(THEM, 1)
    assert hearing.hear() == {("b", 0): PLACE}


@pytest.mark.parametrize(
    "body",
    [b"\xdc\xff\xff" * 1020 + b"\xc0" * 62_000, b"\x81\xa6places" + b"\x91" * 300 + b"\xc0"],
    ids=["claims much", "is deep"],
)
def test_a_heartbeat_out_of_bounds_is_refused_before_anything_is_made_of_it(hearing, body):
    tracemalloc.start()
    try:
        with pytest.raises(BadHeartbeat, match=r"nested deeper|more than 100000 items"):
            hearing.gossip.take(SimpleNamespace(home=THEM, own=False, codec=None), body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_a_core_that_was_told_last_that_it_starts_is_up(hearing):
    """So what it starts by itself may be placed on it, as the members of a pool are."""
    told = [[0, "up", 5, 100, 1, 0, IDLE], [1, "starting", 6, 101, 0, 0, IDLE]]
    cores = [dict(zip(CoreReport.__annotations__, values, strict=True)) for values in told]
    hearing.gossip._told = cores
    assert [each["state"] for each in hearing.gossip.cores()] == ["up", "up"]


@pytest.mark.parametrize("index", [0, 1])
def test_what_a_core_tells_of_the_cores_is_the_callers(hearing, index):
    """Whoever changes it changes nothing that is known here."""
    gossip = [Core0(1).gossip, hearing.gossip][index]
    if index:
        told = [0, "up", 5, 100, 1, 0, dict(IDLE)]
        gossip._told = [dict(zip(CoreReport.__annotations__, told, strict=True))]
    before = gossip.cores()
    for record in gossip.cores():
        record["load"].clear()
        record.clear()
    assert gossip.cores() == before
    assert before[0]["load"] == IDLE


def test_the_order_on_the_wire_is_not_that_in_which_a_record_was_made():
    gossip = Core0(1).gossip
    gossip._system.meter.last = Load(cpu=0.5, delay=0.25, messages=3, queued=2)
    told = msgpack.unpackb(gossip.bodies()[0][0])
    assert told["load"] == [-1, 2, 3, 0.25, 0.5]
    assert told["cores"][0][:3] == [0, "up", 1]


def states(hearing):
    return {each["name"]: each["state"] for each in hearing.gossip.nodes()}


def test_a_core_tells_of_a_node_as_it_sees_it_itself_or_else_as_core_0_does(hearing):
    for body in Core0(2).gossip.bodies()[0]:
        hearing.gossip.take(CORE_0, body)
    hearing.members.current["node 1", 0] = SimpleNamespace(state=State.UP)
    assert states(hearing) == {"a": "up", "node 0": "suspect", "node 1": "up"}


def test_the_nodes_of_a_core_0_that_tells_no_states_are_known(hearing):
    """One of an earlier version."""
    for body in Core0(1).gossip.bodies()[0]:
        told = msgpack.unpackb(body)
        told.pop("states", None)
        hearing.gossip.take(CORE_0, msgpack.packb(told))
    assert states(hearing) == {"a": "up", "node 0": "known"}


class Core0:
    """Core 0 of the node a, which knows so many cores of other nodes."""

    def __init__(self, count):
        self.known = {
            (f"node {n}", 0): CorePlace(0, n, f"tcp://{n}", "tcp://x") for n in range(count)
        }
        self.siblings = {n: CorePlace(n, n, f"tcp://{n}", "tcp://x") for n in range(count)}
        self.current = {key: SimpleNamespace(state=State.SUSPECT) for key in self.known}
        system = SimpleNamespace(
            name="a",
            index=0,
            open_cores=2,
            home=CoreAddress("a", 0, 1),
            meter=SimpleNamespace(last=IDLE),
            core=SimpleNamespace(processes={}),
            allowed=SimpleNamespace(names=[]),
            tcp_host=None,
        )
        listeners, children = SimpleNamespace(outside=None), SimpleNamespace(all=[])
        self.gossip = Gossip(system, self, listeners, children)


def test_however_many_nodes_there_are_each_heartbeat_has_room_in_a_frame(hearing):
    core_0 = Core0(3 * PLACES + 1)
    own, others = core_0.gossip.bodies()
    assert max(map(len, own)) < CONTROL_CAP
    assert max(map(len, others)) <= BODY_LIMIT
    before = Core0(1)
    for body in before.gossip.bodies()[0]:
        hearing.gossip.take(CORE_0, body)
    for lost in range(1, len(own)):  # none is known in part
        for body in own[:lost] + own[lost + 1 :]:
            hearing.gossip.take(CORE_0, body)
        assert hearing.members.known == before.known
    for body in own:
        hearing.gossip.take(CORE_0, body)
    assert hearing.members.known == core_0.known
    for body in Core0(0).gossip.bodies()[0]:
        hearing.gossip.take(CORE_0, body)
    assert hearing.members.known == {}
