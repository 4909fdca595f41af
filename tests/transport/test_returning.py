"""A node that another one lost while it lived: it is joined again, and its actors have lived on."""

import sys
from pathlib import Path

import pytest
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew

from zanni import ActorSystem, NodeDown
from zanni.transport.events import JoinRefused, NodeJoined, NodeLost

DEADLINE = 20.0
QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 3.0}


def told(system, kind, name):
    """What was told of that kind about core 0 of the node of that name."""
    events = [event for event in list(system.events.last) if isinstance(event, kind)]
    return [event for event in events if (event.node, event.core) == (name, 0)]


@pytest.fixture
def bank():
    with ActorSystem("bank", listen="tcp://127.0.0.1:0", config=QUICK) as system:
        yield system


@pytest.fixture
def join(bank):
    started = []

    def join(name):
        (here,) = [node for node in bank.nodes() if node["name"] == "bank"]
        system = ActorSystem(name, join=here["urls"][0], config=QUICK)
        started.append(system)
        system.start()
        wait_for(lambda: told(system, NodeJoined, "bank") and told(bank, NodeJoined, name))
        return system

    yield join
    for system in started:
        system.stop()


def lose(system, name, core=0):
    """Have this node declare a core of that one down, which is there all the while."""
    members = system.network.members
    home = members.current[name, core].home
    system.network.on_loop(lambda: members.lose(home, "it is to be lost"))


def lose_and_wait(teller, bank):
    lose(teller, "bank")
    for one, other in ((teller, bank), (bank, teller)):
        wait_for(lambda one=one, other=other: len(told(one, NodeJoined, other.name)) == 2)


def test_it_is_joined_again_and_found_with_the_state_that_it_had(bank, join):
    teller = join("teller")
    ann = bank.spawn(crew.Counter, 7, name="ann")
    before = teller.whereis("ann@bank")
    before.tell(crew.Add(1))
    assert before.ask("total", timeout=DEADLINE) == 8
    lose_and_wait(teller, bank)
    after = wait_for(lambda: teller.whereis("ann@bank"))
    after.tell(crew.Add(1))
    assert after.ask("total", timeout=DEADLINE) == 9
    assert after.ask(ann, timeout=DEADLINE) == after
    for one, other in ((teller, bank), (bank, teller)):
        assert len(told(one, NodeLost, other.name)) == 1
        (record,) = [node for node in one.nodes() if node["name"] == other.name]
        assert record["state"] == "up"
        assert record["incarnation"] == told(one, NodeJoined, other.name)[-1].incarnation
        assert not [event for event in one.events.last if isinstance(event, JoinRefused)]


def test_refs_of_before_stay_dead_and_nothing_goes_through_them(bank, join):
    teller = join("teller")
    bank.spawn(crew.Counter, 7, name="ann")
    before = teller.whereis("ann@bank")
    pending = before.ask(("slow", 1), block=False)
    pending.get(timeout=DEADLINE)
    lose_and_wait(teller, bank)
    after = wait_for(lambda: teller.whereis("ann@bank"))
    assert before != after
    assert not before.is_alive()
    before.tell(crew.Add(1))
    assert teller.dead_letters.statistics() == {"stale": 1}
    with pytest.raises(NodeDown):
        before.ask("total", timeout=DEADLINE)
    assert after.ask("total", timeout=DEADLINE) == 7


def test_both_sides_hear_of_the_loss_once_and_may_watch_again(bank, join):
    teller = join("teller")
    nodes = (teller, bank)
    for node in nodes:
        node.spawn(crew.Counter, name="ann")
    watchers = [node.spawn(crew.Watcher) for node in nodes]
    for watcher, node, other in zip(watchers, nodes, reversed(nodes), strict=True):
        ann = node.whereis(f"ann@{other.name}")
        watcher.ask(crew.Watched(ann), timeout=DEADLINE)
    lose_and_wait(teller, bank)
    for watcher, node, other in zip(watchers, nodes, reversed(nodes), strict=True):
        downs = wait_for(lambda watcher=watcher: watcher.ask("downs", timeout=DEADLINE))
        assert [reason for _, reason in downs] == ["noconnection"]
        after = wait_for(lambda node=node, other=other: node.whereis(f"ann@{other.name}"))
        watcher.ask(crew.Watched(after), timeout=DEADLINE)
        after.stop()
        wait_for(lambda watcher=watcher: len(watcher.ask("downs", timeout=DEADLINE)) == 2)
        assert watcher.ask("downs", timeout=DEADLINE)[1] == (after, "normal")


def test_asks_of_both_sides_that_are_under_way_end(bank, join):
    teller = join("teller")
    nodes = (teller, bank)
    for node in nodes:
        node.spawn(crew.Counter, name="ann")
    asks = [
        node.whereis(f"ann@{other.name}").call(crew.Counter.wait_for_ever)
        for node, other in zip(nodes, reversed(nodes), strict=True)
    ]
    lose_and_wait(teller, bank)
    for ask in asks:
        with pytest.raises(NodeDown):
            ask.get(timeout=DEADLINE)
    for node in nodes:
        node.whereis("ann").kill()


def test_who_did_not_lose_it_notices_nothing_and_names_it_to_who_did(bank, join):
    teller, north = join("teller"), join("north")
    url = next(node["urls"][0] for node in north.nodes() if node["name"] == "north")
    teller.join(url)
    wait_for(lambda: teller.whereis("nobody@north") is None and told(north, NodeJoined, "teller"))
    ann = bank.spawn(crew.Counter, 7, name="ann")
    at_north, before = north.whereis("ann@bank"), teller.whereis("ann@bank")
    keepers = [north.spawn(crew.Counter, name="keeper"), teller.spawn(crew.Counter, name="keeper")]
    for keeper in keepers:
        assert keeper.ask(ann, timeout=DEADLINE) == ann
    lose_and_wait(teller, bank)
    after = wait_for(lambda: teller.whereis("ann@bank"))
    assert told(north, NodeLost, "bank") == []
    assert at_north.ask("total", timeout=DEADLINE) == 7
    # What north has is for teller the one that came back, and whatever teller has, is for north
    # the one that never was away.
    keeper = teller.whereis("keeper@north")
    for sent in (after, before):
        keeper.tell(("see", sent))
        assert keeper.ask("seen", timeout=DEADLINE)[-1] == after
    assert keepers[0].ask("seen", timeout=DEADLINE) == [at_north] * 2
    assert keeper.ask("seen", timeout=DEADLINE)[0].ask("total", timeout=DEADLINE) == 7


def test_another_core_of_a_node_is_lost_and_reached_again_alone(bank, join):
    bank.resize(cores=2)
    teller = join("teller")
    bank.spawn(crew.Counter, 7, name="ann", core=1)
    before = teller.whereis("ann@bank")
    assert before.ask("total", timeout=DEADLINE) == 7
    lose(teller, "bank", 1)
    with pytest.raises(NodeDown):
        before.ask("total", timeout=DEADLINE)
    after = teller.whereis("ann@bank")
    assert after.ask("total", timeout=DEADLINE) == 7
    assert told(teller, NodeLost, "bank") == []
