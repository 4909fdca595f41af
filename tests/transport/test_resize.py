"""More cores and fewer, while the system runs."""

import asyncio
import contextlib
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

from zanni import Actor, ActorSystem, CoreInUse, Members, NodeDown, ShuttingDown, StartError
from zanni.transport import core as core_module
from zanni.transport.events import CoreDied, CoreRemoved

DEADLINE = 20.0


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children():
    """The processes that this one has started and that run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent, *_ = (path / "stat").read_text().rpartition(")")[2].split()
            if int(parent) == os.getpid() and state != "Z":
                found.add(path.name)
    return found


def states(system):
    return [record["state"] for record in system.cores()]


def pids(system):
    return [record["pid"] for record in system.cores()]


def members_of(pool):
    return pool.ask(Members(), timeout=DEADLINE)


class Caller(Actor):
    """Resizes from within a turn."""

    def resize(self, cores):
        self.system.resize(cores=cores)
        return len(self.system.cores())


@pytest.fixture(scope="module")
def system():
    with ActorSystem("sizes", cores=2) as system:
        yield system


@pytest.fixture(autouse=True)
def _two_cores_again(request):
    yield
    if "system" in request.fixturenames:
        system = request.getfixturevalue("system")
        for ref in system.actors():
            if ref.is_alive():
                ref.stop(timeout=DEADLINE)
        system.resize(cores=2)


def test_more_cores_take_new_work_at_once(system):
    before = pids(system)
    system.resize(cores=4)
    assert states(system) == ["up"] * 4
    assert pids(system)[:2] == before
    refs = [system.spawn(crew.Counter, index, core=index) for index in range(4)]
    assert [ref.ask("total", timeout=DEADLINE) for ref in refs] == [0, 1, 2, 3]
    assert [ref.ask("pid", timeout=DEADLINE) for ref in refs] == pids(system)
    assert {system.spawn(crew.Counter, core="spread").core for _ in range(4)} == {0, 1, 2, 3}


def test_the_other_cores_know_the_new_one_at_once(system):
    far = system.spawn(crew.Counter, core=1)
    system.resize(cores=3)
    there = far.call(crew.Counter.spawn_on, 2).get(timeout=DEADLINE)
    assert there.core == 2
    assert there.ask("pid", timeout=DEADLINE) == pids(system)[2]
    spread = [far.call(crew.Counter.spawn_on, "spread").get(timeout=DEADLINE) for _ in range(3)]
    assert {ref.core for ref in spread} == {0, 1, 2}
    watcher = system.spawn(crew.Watcher, core=2)
    assert watcher.ask(("ask", far, "total"), timeout=DEADLINE) == 0


def test_fewer_cores_and_nothing_is_left_of_the_others(system):
    system.resize(cores=4)
    gone = pids(system)[2:]
    system.resize(cores=2)
    assert states(system) == ["up"] * 2
    wait_for(lambda: not any(is_running(pid) for pid in gone))
    removed = [event for event in system.events.last if isinstance(event, CoreRemoved)]
    assert removed[-2:] == [CoreRemoved(3), CoreRemoved(2)]
    assert not any(isinstance(event, CoreDied) for event in system.events.last)
    with pytest.raises(ValueError, match="there is no core 2"):
        system.spawn(crew.Counter, core=2)
    far = system.spawn(crew.Counter, core=1)
    spread = [far.call(crew.Counter.spawn_on, "spread").get(timeout=DEADLINE) for _ in range(4)]
    assert {ref.core for ref in spread} == {0, 1}
    wait_for(lambda: len(far.call(crew.Counter.cores).get(timeout=DEADLINE)) == 2)


def test_a_core_may_come_and_go_again_and_again(system):
    for cores in (3, 2, 4, 2, 3):
        system.resize(cores=cores)
        assert states(system) == ["up"] * cores
        refs = [system.spawn(crew.Counter, core=index) for index in range(cores)]
        assert [ref.ask("pid", timeout=DEADLINE) for ref in refs] == pids(system)
        for ref in refs:
            ref.stop(timeout=DEADLINE)


def test_the_same_number_changes_nothing(system):
    before = pids(system)
    system.resize(cores=2)
    assert pids(system) == before


def test_an_actor_that_cannot_move_holds_its_core_and_all_stays_as_it_was(system):
    system.resize(cores=4)
    before = pids(system)
    holder = system.spawn(crew.Counter, 7, core=2, name="holder")
    pool = system.pool(crew.Counter, 4)
    with pytest.raises(CoreInUse, match=r"Counter 'holder' at sizes/2/.*stop them first") as caught:
        system.resize(cores=1)
    assert caught.value.holders == [holder]
    assert (pids(system), states(system)) == (before, ["up"] * 4)
    assert holder.ask("total", timeout=DEADLINE) == 7
    assert sorted(ref.core for ref in members_of(pool)) == [0, 1, 2, 3]
    assert system.spawn(crew.Counter, core=3).ask("pid", timeout=DEADLINE) == before[3]
    far = system.spawn(crew.Counter, core=1)
    assert far.call(crew.Counter.spawn_on, 3).get(timeout=DEADLINE).core == 3


def test_many_holders_are_counted_and_the_first_ones_named(system):
    system.resize(cores=3)
    refs = [system.spawn(crew.Counter, core=2) for _ in range(120)]
    with pytest.raises(CoreInUse, match="and 110 more cannot move") as caught:
        system.resize(cores=2)
    assert caught.value.holders == refs[:100]


def test_members_of_pools_move_and_finish_what_they_have(system):
    system.resize(cores=4)
    pool = system.pool(crew.Counter, 8)
    far = system.spawn(crew.Counter, core=1)
    away = far.call(crew.Counter.make_pool, 4).get(timeout=DEADLINE)
    answers = [each.ask(("slow", n), block=False) for n in range(40) for each in (pool, away)]
    system.resize(cores=2)
    answers += [pool.ask(("slow", n), block=False) for n in range(8)]
    assert {answer.get(timeout=DEADLINE)[0] for answer in answers} == {"slow"}
    assert Counter(ref.core for ref in members_of(pool)) == {0: 4, 1: 4}
    assert Counter(ref.core for ref in members_of(away)) == {0: 2, 1: 2}
    assert states(system) == ["up"] * 2
    assert far.ask("total", timeout=DEADLINE) == 0


def test_what_a_member_has_spawned_moves_with_it(system):
    system.resize(cores=3)
    pool = system.pool(crew.Counter, 3, router="broadcast")
    children = pool.call(crew.Counter.spawn_child).get(timeout=DEADLINE)
    assert sorted(child.core for child in children) == [0, 1, 2]
    system.resize(cores=2)
    assert Counter(ref.core for ref in members_of(pool)) == {0: 2, 1: 1}
    (gone,) = [child for child in children if child.core == 2]
    with pytest.raises(NodeDown):
        gone.ask("total", timeout=DEADLINE)


def test_members_that_were_placed_by_an_index_hold_their_core(system):
    system.resize(cores=3)
    pool = system.pool(crew.Counter, 2, core=2)
    with pytest.raises(CoreInUse) as caught:
        system.resize(cores=2)
    assert set(caught.value.holders) == set(members_of(pool))


def test_a_member_that_does_not_end_is_ended_by_force():
    with ActorSystem("force", cores=2, config={"drain_timeout": 0.3, "kill_timeout": 1}) as system:
        pool = system.pool(crew.Counter, 2)
        for _ in range(2):
            pool.cast(crew.Counter.wait_for_ever)
        gone = pids(system)[1]
        system.resize(cores=1)
        assert not is_running(gone)
        assert {ref.core for ref in members_of(pool)} == {0}
        pool.kill()


def test_watchers_hear_of_an_end_with_the_core(system):
    system.resize(cores=3)
    watcher = system.spawn(crew.Watcher)
    pool = system.pool(crew.Counter, 3)
    (member,) = [ref for ref in members_of(pool) if ref.core == 2]
    watcher.ask(crew.Watched(member), timeout=DEADLINE)
    system.resize(cores=2)
    downs = wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
    assert [ref for ref, _ in downs] == [member]


def test_a_system_of_one_core_gets_more_and_goes_back():
    with ActorSystem("alone") as system:
        here = system.spawn(crew.Counter, 3, name="here")
        system.resize(cores=3)
        refs = [system.spawn(crew.Counter, core=index) for index in range(3)]
        assert [ref.ask("pid", timeout=DEADLINE) for ref in refs] == pids(system)
        watcher = system.spawn(crew.Watcher, core=2)
        assert watcher.ask(("ask", here, "total"), timeout=DEADLINE) == 3
        for ref in (*refs, watcher):
            ref.stop(timeout=DEADLINE)
        gone = pids(system)[1:]
        system.resize(cores=1)
        assert here.ask("total", timeout=DEADLINE) == 3
        assert states(system) == ["up"]
        assert not any(is_running(pid) for pid in gone)
        directory = Path(system.run_directory)
    assert not directory.exists()


def test_an_actor_may_resize_its_system():
    with ActorSystem("inner") as system:
        caller = system.spawn(Caller)
        assert caller.call(Caller.resize, 2).get(timeout=DEADLINE) == 2
        assert caller.call(Caller.resize, 1).get(timeout=DEADLINE) == 1


def test_only_core_0_resizes(system):
    far = system.spawn(crew.Counter, core=1)
    with pytest.raises(RuntimeError, match="core 0"):
        far.call(crew.Counter.resize, 3).get(timeout=DEADLINE)


def test_two_at_once_are_refused(system, monkeypatch):
    entered, gate = threading.Event(), threading.Event()
    resize = system.network.resize

    def slow(cores):
        entered.set()
        gate.wait(DEADLINE)
        resize(cores)

    monkeypatch.setattr(system.network, "resize", slow)
    thread = threading.Thread(target=lambda: system.resize(cores=3))
    thread.start()
    assert entered.wait(DEADLINE)
    with pytest.raises(RuntimeError, match="under way"):
        system.resize(cores=4)
    gate.set()
    thread.join(DEADLINE)
    assert len(system.cores()) == 3


def test_a_core_that_does_not_come_up_leaves_all_as_it_was(system, monkeypatch):
    before = pids(system)
    monkeypatch.setattr(core_module, "_code", lambda: "raise SystemExit(9)")
    with pytest.raises(StartError, match="exit:9"):
        system.resize(cores=4)
    monkeypatch.undo()
    assert (pids(system), states(system)) == (before, ["up"] * 2)
    with pytest.raises(ValueError, match="there is no core 2"):
        system.spawn(crew.Counter, core=2)
    system.resize(cores=3)
    assert system.spawn(crew.Counter, core=2).ask("total", timeout=DEADLINE) == 0


def test_a_new_core_that_dies_is_started_again(system):
    system.resize(cores=3)
    os.kill(pids(system)[2], signal.SIGKILL)
    wait_for(lambda: system.cores()[2]["restarts"] == 1 and states(system)[2] == "up")
    assert system.spawn(crew.Counter, core=2).ask("total", timeout=DEADLINE) == 0


@pytest.mark.parametrize("cores", [0, -1, 1025, 1.5, True, "many", None])
def test_a_number_that_cannot_be_is_refused(system, cores):
    with pytest.raises(ValueError, match="cores="):
        system.resize(cores=cores)


def test_on_an_asyncio_thread_the_remedy_is_said(system):
    async def wrong():
        system.resize(cores=3)

    async def right():
        await asyncio.to_thread(system.resize, cores=3)

    with pytest.raises(RuntimeError, match=r"asyncio\.to_thread"):
        asyncio.run(wrong())
    asyncio.run(right())
    assert len(system.cores()) == 3


@pytest.mark.parametrize(("first", "then"), [(1, 3), (2, 4), (3, 1)])
def test_a_system_that_stops_meanwhile_leaves_nothing_behind(first, then):
    before = children()
    system = ActorSystem("halved", cores=first).start()
    pool = system.pool(crew.Counter, 3)
    errors = []

    def resize():
        try:
            system.resize(cores=then)
        except ShuttingDown as error:
            errors.append(error)

    thread = threading.Thread(target=resize)
    thread.start()
    wait_for(lambda: system.open_cores != first or len(system.cores()) != first or errors)
    system.stop()
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert not pool.is_alive()
    assert children() <= before


def test_after_the_end_it_is_refused():
    with ActorSystem("over") as system:
        pass
    with pytest.raises(ShuttingDown, match="stopped"):
        system.resize(cores=2)
