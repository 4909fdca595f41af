"""Pools whose members are on several cores."""

import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew

from zanni import (
    ActorDeadError,
    ActorSystem,
    EncodeError,
    Future,
    Members,
    NodeDown,
    Resize,
    SpawnError,
)

DEADLINE = 20.0


@pytest.fixture(scope="module")
def system():
    with ActorSystem("pools", cores=3) as system:
        yield system


def members_of(pool):
    return pool.ask(Members(), timeout=DEADLINE)


@pytest.fixture(params=["round_robin", "random", "smallest_mailbox"])
def pool(system, request):
    pool = system.pool(crew.Counter, 3, 10, router=request.param)
    yield pool
    pool.stop()


def test_members_are_spread_and_behave_like_one_actor(pool):
    assert sorted(ref.core for ref in members_of(pool)) == [0, 1, 2]
    assert {pool.ask("total", timeout=DEADLINE) for _ in range(9)} == {10}
    assert pool.call(crew.Counter.double, 4).get(timeout=DEADLINE) == 8
    assert pool.proxy().double(5).get(timeout=DEADLINE) == 10
    pool.cast(crew.Counter.double, 4)
    with pytest.raises(ValueError, match="no"):
        pool.call(crew.Counter.fail, "built-in").get(timeout=DEADLINE)


def test_nothing_is_lost_and_each_member_gets_its_messages_in_order(pool):
    for number in range(900):
        pool.tell(("see", number))
    seen = [ref.ask("seen", timeout=DEADLINE) for ref in members_of(pool)]
    assert sorted(number for each in seen for number in each) == list(range(900))
    assert [sorted(each) for each in seen] == seen


def test_an_actor_on_another_core_uses_the_pool(system, pool):
    far = system.spawn(crew.Watcher, core=1)
    assert far.ask(("ask", pool, "total"), timeout=DEADLINE) == 10
    far.ask(("flood", pool, 300), timeout=DEADLINE)
    counts = [len(ref.ask("seen", timeout=DEADLINE)) for ref in members_of(pool)]
    assert sum(counts) == 300
    assert far.ask(("ask", pool, Resize(5)), timeout=DEADLINE) == 5
    assert far.ask(("ask", pool, Members()), timeout=DEADLINE) == members_of(pool)


def test_a_broadcast_over_cores(system):
    pool = system.pool(crew.Counter, 3, router="broadcast")
    assert pool.ask("pid", timeout=DEADLINE) == [
        ref.ask("pid", timeout=DEADLINE) for ref in members_of(pool)
    ]
    pool.tell(crew.Add(2))
    far = system.spawn(crew.Watcher, core=2)
    assert far.ask(("ask", pool, "total"), timeout=DEADLINE) == [2, 2, 2]
    with pytest.raises(EncodeError):
        pool.ask(lambda: None, timeout=DEADLINE)
    pool.stop()


def test_the_smallest_mailbox_is_known_across_cores(system):
    pool = system.pool(crew.Counter, 3, router="smallest_mailbox")
    members = members_of(pool)
    held = [ref for ref in members if ref.core != 2]
    for _ in held:
        pool.cast(crew.Counter.wait_for_ever)  # one each: of equals, each in turn
    busy = [pool.ask("pid", block=False) for _ in range(3)]
    answered = wait_for(lambda: [each for each in busy if each.done()])
    pid = answered[0].get()
    assert {pool.ask("pid", timeout=DEADLINE) for _ in range(10)} == {pid}
    pool.kill()


def test_a_pool_made_on_another_core(system):
    maker = system.spawn(crew.Counter, core=1)
    pool = maker.call(crew.Counter.make_pool, 3).get(timeout=DEADLINE)
    assert pool.core == 1
    wait_for(lambda: pool.ask(Resize(6), timeout=DEADLINE) == 6)
    assert pool.ask("total", timeout=DEADLINE) == 0
    assert pool.stop() is True
    with pytest.raises(ActorDeadError):
        pool.ask("total", timeout=DEADLINE)


def test_a_class_that_other_cores_cannot_find_is_refused_with_the_remedy(system):
    class Local(crew.Counter):
        pass

    with pytest.raises(SpawnError, match="top of a module"):
        system.pool(Local, 3)
    assert system.pool(Local, 2, core="here").ask("total") == 0


def test_the_members_of_a_lost_core_are_replaced():
    with ActorSystem("heals", cores=3) as system:
        pool = system.pool(crew.Counter, 6)
        before = members_of(pool)
        (pid,) = {ref.ask("pid", timeout=DEADLINE) for ref in before if ref.core == 2}
        os.kill(pid, signal.SIGKILL)
        lost = {ref for ref in before if ref.core == 2}
        wait_for(lambda: not lost & set(members_of(pool)) and len(members_of(pool)) == 6)
        answers = Counter(pool.ask("pid", timeout=DEADLINE) for _ in range(12))
        assert pid not in answers
        assert [ref for ref in members_of(pool) if ref in before] == [
            ref for ref in before if ref.core != 2
        ]


@pytest.mark.parametrize("router", ["round_robin", "smallest_mailbox"])
def test_every_ask_ends_while_cores_die_and_come_and_go(router):
    config = {"restart_intensity": 100, "drain_timeout": 5.0}
    with ActorSystem("storm", cores=3, config=config) as system:
        pool = system.pool(crew.Counter, 6, router=router)
        stop, ended = threading.Event(), Counter()

        def ask():
            while not stop.is_set():
                try:
                    ended[pool.ask(("slow", 1), timeout=DEADLINE)[0]] += 1
                except (ActorDeadError, NodeDown) as error:
                    ended[type(error).__name__] += 1

        askers = [threading.Thread(target=ask) for _ in range(3)]
        for asker in askers:
            asker.start()
        for step in range(4):
            count = ended["slow"]
            if step % 2:
                system.resize(cores=2 if len(system.cores()) == 3 else 3)
            else:
                os.kill(system.cores()[-1]["pid"], signal.SIGKILL)
            wait_for(lambda count=count: ended["slow"] > count + 50)
            wait_for(lambda: all(each["state"] == "up" for each in system.cores()))
        stop.set()
        for asker in askers:
            asker.join(DEADLINE)
            assert not asker.is_alive()
        wait_for(lambda: len(members_of(pool)) == 6)
        assert {*ended} <= {"slow", "ActorDeadError", "NodeDown"}


def test_a_system_with_a_pool_stops_after_its_work():
    with ActorSystem("ends", cores=2) as system:
        pool = system.pool(crew.Counter, 4)
        answers: list[Future] = [pool.ask("total", block=False) for _ in range(40)]
    assert [each.get(timeout=DEADLINE) for each in answers] == [0] * 40
