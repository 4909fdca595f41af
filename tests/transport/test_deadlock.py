"""Cycles of actors that wait for one another across processes: found within a second."""

import random
import sys
import threading
import time
from itertools import product
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


def ring(system, cores, *classes):
    """Actors on these cores, of which each asks the next, and the last the first."""
    classes = classes or [crew.Caller] * len(cores)
    members = [system.spawn(each, core=core) for each, core in zip(classes, cores, strict=True)]
    for member, following in zip(members, [*members[1:], members[0]], strict=True):
        member.ask(("know", following), timeout=DEADLINE)
    return members


def deadlock(future):
    with pytest.raises(DeadlockError) as caught:
        future.get(timeout=DEADLINE)
    return caught.value


RINGS = [(0, 1), (1, 2), (0, 1, 2), (0, 0, 1, 1, 2, 0), (1, 1, 1)]


@pytest.mark.parametrize("verb", ["ask", "call", "ask for long"])
def test_a_ring_across_cores_is_a_deadlock(system, verb):
    rings = [ring(system, cores) for cores in RINGS]
    began = time.monotonic()
    answers = [members[0].ask((verb, "on"), block=False) for members in rings]
    errors = [deadlock(answer) for answer in answers]
    assert time.monotonic() - began < DEADLINE / 2
    for members, error in zip(rings, errors, strict=True):
        assert set(error.cycle) == set(members)
        assert len(error.cycle) == len(members)
        assert "Caller at waits/" in str(error)
        assert {member.ask("alive", timeout=DEADLINE) for member in members} == {"alive"}


A, F, D = crew.Caller, crew.Passer, crew.Debtor
FORWARDED = [
    ((0, 0, 1), (A, F, A)),
    ((0, 1, 0), (A, F, A)),
    ((0, 1, 1), (A, F, A)),
    ((0, 1, 2), (A, F, A)),
    ((1, 2, 2), (A, F, A)),
    ((1, 2, 1, 0), (A, F, F, A)),
    ((0, 1, 2, 1), (A, F, A, F)),
    ((2, 1, 2, 0, 1, 2), (A, F, F, A, F, F)),
    ((1, 2), (A, F)),
    ((0, 1, 2), (A, F, F)),
]


def test_who_an_ask_was_forwarded_to_is_of_the_cycle(system):
    rings = [ring(system, cores, *classes) for cores, classes in FORWARDED]
    answers = [members[0].ask(("ask", "on"), block=False) for members in rings]
    for (_, classes), members, answer in zip(FORWARDED, rings, answers, strict=True):
        error = deadlock(answer)
        waited = [member for member, each in zip(members, classes, strict=True) if each is A]
        assert set(error.cycle) == set(waited)
        assert len(error.cycle) == len(waited)
        assert {member.ask("alive", timeout=DEADLINE) for member in members} == {"alive"}
        assert {member.ask("heard", timeout=DEADLINE) for member in waited} == {1}


def test_who_a_pool_passed_an_ask_to_is_of_the_cycle(system):
    routers = ["round_robin", "random", "smallest_mailbox"]
    asked = []
    for router, (asker, member) in product(routers, [(1, 1), (1, 2), (2, 0)]):
        pool = system.pool(crew.Caller, 1, router=router, core=member)
        first = system.spawn(crew.Caller, core=asker)
        first.ask(("know", pool), timeout=DEADLINE)
        pool.ask(("know", first), timeout=DEADLINE)
        asked.append((pool, first, first.ask(("ask", "on"), block=False)))
    for pool, first, answer in asked:
        error = deadlock(answer)
        assert len(error.cycle) == 2
        assert first in error.cycle
        assert pool.ask("alive", timeout=DEADLINE) == "alive"


def test_a_member_elsewhere_that_asks_its_pool(system):
    pool = system.pool(crew.Caller, 1, core=1)
    pool.ask(("know", pool), timeout=DEADLINE)
    assert len(deadlock(pool.ask(("ask", "on"), block=False)).cycle) == 1


@pytest.mark.parametrize("cores", [(0, 1), (1, 2)])
def test_an_ask_set_aside_on_another_core_is_still_owed(system, cores):
    members = ring(system, cores, A, crew.Stasher)
    assert set(deadlock(members[0].ask(("ask", "on"), block=False)).cycle) == set(members)


def test_an_answer_put_off_across_cores_is_no_edge(system):
    owing = [((0, 1), (A, D)), ((0, 1, 2), (A, F, D)), ((1, 2, 2), (A, F, D))]
    rings = [ring(system, cores, *classes) for cores, classes in owing]
    answers = [members[0].ask(("ask", "on"), block=False) for members in rings]
    # Though whoever put it off waited for the asker.
    assert [each.get(timeout=DEADLINE) for each in answers] == ["by another"] * len(rings)


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


VERBS = ("ask", "ask", "ask for a while", "call", "do not wait", "pause", "put off", "forward")


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
    for _ in range(rounds):
        asked = [
            rambler.ask(("follow", plan_of(rng, i + 1 if ordered else 0, 12, 3)), block=False)
            for i, rambler in enumerate(ramblers)
        ]
        for future in asked:
            future.get(timeout=DEADLINE)
    return sum(rambler.ask("found", timeout=DEADLINE) for rambler in ramblers)


def test_random_asks_across_cores_without_a_cycle_are_no_deadlock(system):
    assert ramble(system, 1, rounds=4, ordered=True) == 0


def test_random_asks_across_cores_all_end(system):
    assert ramble(system, 2, rounds=2, ordered=False) > 0


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_many_random_asks_across_cores(system):
    assert ramble(system, 3, rounds=60, ordered=True) == 0
    assert ramble(system, 4, rounds=40, ordered=False) > 0
