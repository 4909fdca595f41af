"""Cycles of actors that wait for one another across processes: found within a second."""

import random
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew

from zanni import ActorSystem, DeadlockError, Timeout

DEADLINE = 20.0
CORES = 3


@pytest.fixture(scope="module")
def system():
    with ActorSystem("waits", cores=CORES) as system:
        yield system


def ring(system, cores):
    """Actors on these cores, of which each asks the next, and the last the first."""
    members = [system.spawn(crew.Caller, core=core) for core in cores]
    for member, following in zip(members, [*members[1:], members[0]], strict=True):
        member.ask(("know", following), timeout=DEADLINE)
    return members


def deadlock(future):
    with pytest.raises(DeadlockError) as caught:
        future.get(timeout=DEADLINE)
    return caught.value


@pytest.mark.parametrize("cores", [(0, 1), (1, 2), (0, 1, 2), (0, 0, 1, 1, 2, 0), (1, 1, 1)])
@pytest.mark.parametrize("verb", ["ask", "call", "ask for long"])
def test_a_ring_across_cores_is_a_deadlock(system, cores, verb):
    members = ring(system, cores)
    began = time.monotonic()
    error = deadlock(members[0].ask((verb, "on"), block=False))
    assert time.monotonic() - began < DEADLINE / 2
    assert set(error.cycle) == set(members)
    assert len(error.cycle) == len(members)
    assert "Caller at waits/" in str(error)
    assert [member.ask("alive", timeout=DEADLINE) for member in members] == ["alive"] * len(cores)


def test_only_one_of_the_ring_hears_of_it_from_the_runtime(system):
    members = ring(system, (0, 1, 2))
    deadlock(members[0].ask(("ask", "on"), block=False))
    raised = [member.ask("own errors", timeout=DEADLINE) for member in members]
    assert sum(raised) == 1


def test_asks_across_cores_that_cross(system):
    first, second = ring(system, (1, 2))
    meeting = system.spawn(crew.Caller)
    asked = [each.ask(("cross", meeting), block=False) for each in (first, second)]
    errors = []
    for future in asked:
        try:
            future.get(timeout=DEADLINE)
        except DeadlockError as error:
            errors.append(error)
    assert len(errors) == 1


def test_a_long_wait_across_cores_is_no_cycle(system):
    first, second, third = ring(system, (0, 1, 2))
    assert first.ask(("slow", 1.0), timeout=DEADLINE) == "slow"
    assert second.ask(("slow", 0.6), timeout=DEADLINE) == "slow"
    assert third.ask("alive", timeout=DEADLINE) == "alive"


def test_a_wait_that_is_broken_off_by_its_time_is_no_cycle(system):
    first, second = ring(system, (0, 1))
    with pytest.raises(Timeout):
        first.ask(("ask for", 0.05, ("slow here", 0.5)), timeout=DEADLINE)
    assert second.ask(("ask", "alive"), timeout=DEADLINE) == "alive"


def test_between_nodes():
    with (
        ActorSystem("left", listen="tcp://127.0.0.1:0") as left,
        ActorSystem("right", join=left.nodes()[0]["urls"]) as right,
    ):
        one, two = left.spawn(crew.Caller, name="one"), right.spawn(crew.Caller, name="two")
        end = time.monotonic() + DEADLINE
        while (other := left.whereis("two@right")) is None:
            assert time.monotonic() < end
            threading.Event().wait(0.01)
        one.ask(("know", other), timeout=DEADLINE)
        two.ask(("know", right.whereis("one@left")), timeout=DEADLINE)
        error = deadlock(one.ask(("ask", "on"), block=False))
        assert {ref.address for ref in error.cycle} == {one.address, two.address}
        assert sorted(str(error).split(" -> ")[:2]) == ["Caller 'one'", "Caller 'two'"]


VERBS = ("ask", "ask", "ask for a while", "call", "do not wait", "pause")


def plan_of(rng, least, count, depth):
    """Moves of an actor; with `least`, each asks only such as come after it: there is no cycle."""
    moves = []
    for _ in range(rng.choice((1, 1, 2)) if depth and least < count else 0):
        target = rng.randrange(least, count)
        following = plan_of(rng, target + 1 if least else 0, count, depth - 1)
        moves.append((rng.choice(VERBS), target, following))
    return moves


def ramble(system, seed, rounds, ordered):
    rng = random.Random(seed)
    ramblers = [system.spawn(crew.Rambler, core=i % CORES) for i in range(12)]
    for rambler in ramblers:
        rambler.ask(("peers", ramblers), timeout=DEADLINE)
    found = 0
    for _ in range(rounds):
        asked = [
            rambler.ask(("follow", plan_of(rng, i + 1 if ordered else 0, 12, 3)), block=False)
            for i, rambler in enumerate(ramblers)
        ]
        found += sum(future.get(timeout=DEADLINE) for future in asked)
    return found


def test_random_asks_across_cores_without_a_cycle_are_no_deadlock(system):
    assert ramble(system, 1, rounds=4, ordered=True) == 0


def test_random_asks_across_cores_all_end(system):
    assert ramble(system, 2, rounds=2, ordered=False) > 0


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_many_random_asks_across_cores(system):
    assert ramble(system, 3, rounds=60, ordered=True) == 0
    assert ramble(system, 4, rounds=40, ordered=False) > 0
