"""Two real processes: what works within a core works across, and a lost core is healed."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew
from zanni_large import Heartbeats, Keeper

import zanni
from zanni import (
    Actor,
    ActorDeadError,
    ActorSystem,
    EncodeError,
    MessageTooLarge,
    NameInUse,
    NodeDown,
    ShuttingDown,
    SpawnError,
)
from zanni.supervisors import Supervisor
from zanni.transport.events import CoreDied, CoreStarted
from zanni.transport.gossip import Gossip

DEADLINE = 20.0
SLACK = 10.0
"""Seconds that a busy machine may be late."""


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture(scope="module")
def system():
    with ActorSystem("pair", cores=2) as system:
        yield system


@pytest.fixture(scope="module")
def there(system):
    return system.spawn(crew.Counter, 10, core=1)


def test_a_small_frame_cap_bounds_a_message_and_not_what_travels_with_it():
    with ActorSystem("small", cores=2, config={"frame_cap": 1000}) as system:
        there = system.spawn(crew.Counter, 0, core=1)
        for _ in range(200):
            there.tell(crew.Add(1))
        assert there.ask("total", timeout=DEADLINE) == 200
        with pytest.raises(MessageTooLarge):
            there.tell(b"x" * 1000)


def test_nobody_reports_on_all_cores_for_a_spawn_on_one_of_them(system, monkeypatch):
    cores, here, reports = Gossip.cores, threading.get_ident(), []

    def counted(gossip):
        if threading.get_ident() == here:  # not for a heartbeat, which has its own thread
            reports.append(gossip)
        return cores(gossip)

    monkeypatch.setattr(Gossip, "cores", counted)
    system.spawn(crew.Counter, core=1).stop()
    assert reports == []


def test_nothing_holds_what_an_actor_was_given_but_the_actor(system):
    there = system.spawn(crew.Lender, {1, 2}, core=1)
    assert there.ask("is it gone?", timeout=DEADLINE)


def test_as_many_actors_as_another_core_has_are_listed():
    with ActorSystem("many", cores=2) as system:
        there = system.spawn(crew.Counter, core=1)
        many = 15_000  # whose refs have no room in one answer
        there.call(crew.Counter.spawn_many, many).get(timeout=DEADLINE)
        assert len(set(system.actors())) == 1 + many


@pytest.fixture
def other_pid(there):
    return there.ask("pid", timeout=DEADLINE)


def test_an_actor_on_another_core_lives_in_another_process(there, other_pid):
    assert there.core == 1
    assert other_pid != os.getpid()


def test_tell_and_ask(there):
    before = there.ask("total")
    for _ in range(1000):
        there.tell(crew.Add(1))
    assert there.ask("total") == before + 1000


def test_call_cast_and_proxy(there):
    assert there.call(crew.Counter.double, 4).get(timeout=DEADLINE) == 8
    there.cast(crew.Counter.double, 4)
    assert there.proxy().double(5).get(timeout=DEADLINE) == 10


def test_proxies_of_senders_elsewhere_do_not_take_one_class_for_another(system):
    viewer = system.spawn(crew.Viewer)
    senders = [system.spawn(each, core=1) for each in (crew.Plain, crew.Callable, crew.Plain)]
    for sender in senders:
        sender.call(sender.actor_class.show_to, viewer).get(timeout=DEADLINE)
    seen = wait_for(lambda: len(found := viewer.proxy().kinds.get(timeout=DEADLINE)) == 3 and found)
    assert seen == ["Future", "CallableProxy", "Future"]


def test_what_asks_the_owner_says_on_an_asyncio_thread_what_to_do(system):
    unknown = system.spawn(crew.Threads, core=1)

    async def main():
        with pytest.raises(RuntimeError, match=r"to_thread\(ref.proxy\)"):
            unknown.proxy()
        with pytest.raises(RuntimeError, match=r"to_thread\(ref.mailbox\)"):
            unknown.mailbox()
        assert (await asyncio.to_thread(unknown.mailbox)).length == 0

    asyncio.run(main())
    unknown.stop(timeout=DEADLINE)


def test_async_methods(there):
    assert there.call(crew.Counter.later, 4).get(timeout=DEADLINE) == 5


def test_a_dispatcher_may_be_chosen_there(system):
    where = system.spawn(crew.Threads, core=1, dispatcher="asyncio").ask("thread", timeout=DEADLINE)
    assert "asyncio" in where
    assert "asyncio" not in system.spawn(crew.Threads, core=1).ask("thread", timeout=DEADLINE)
    with pytest.raises(ValueError, match="dispatcher="):
        system.spawn(crew.Threads, core=1, dispatcher="threads")


def test_refs_and_tuples_arrive_as_such(system, there):
    here = system.spawn(crew.Counter)
    value = there.ask(("pair", [here, (there, 1)]), timeout=DEADLINE)
    assert value == ("pair", [here, (there, 1)])
    assert isinstance(value[1][1], tuple)
    assert value[1][0].ask("pid", timeout=DEADLINE) == os.getpid()


def test_messages_of_one_sender_arrive_in_order(system, there):
    sender = system.spawn(crew.Watcher)
    target = system.spawn(crew.Counter, core=1)
    seen = sender.ask(("flood", target, 5000), timeout=DEADLINE)
    assert seen == list(range(5000))


def test_an_actor_asks_across_cores_and_the_sender_is_known(system, there):
    asker = system.spawn(crew.Watcher)
    assert asker.ask(("ask", there, "sender"), timeout=DEADLINE) == asker


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("built-in", ValueError), ("declared", crew.Overdrawn), ("unknown", zanni.RemoteError)],
)
def test_exceptions_cross(there, kind, expected):
    with pytest.raises(expected) as caught:
        there.call(crew.Counter.fail, kind).get(timeout=DEADLINE)
    if expected is not zanni.RemoteError:
        assert caught.value.args in {("no", 7), (7,)}


def test_a_reply_that_cannot_be_encoded_is_an_error_of_the_asker(there):
    with pytest.raises(EncodeError):
        there.call(crew.Counter.fail, "lambda").get(timeout=DEADLINE)


def test_a_message_that_cannot_be_encoded_is_an_error_of_the_teller(there):
    with pytest.raises(EncodeError):
        there.tell(lambda: None)
    with pytest.raises(EncodeError):
        there.ask([threading.Lock()])
    assert there.ask("total", timeout=DEADLINE) >= 0


def test_a_constructor_that_fails_elsewhere(system):
    with pytest.raises(SpawnError) as caught:
        system.spawn(crew.Broken, core=1)
    assert "Overdrawn" in str(caught.value)


def test_names_are_of_the_node(system):
    named = system.spawn(crew.Counter, name="far", core=1)
    assert system.whereis("far") == named
    assert system.whereis("far").name == named.name == "far"
    with pytest.raises(zanni.NameInUse):
        system.spawn(crew.Counter, name="far")
    named.stop(timeout=DEADLINE)
    wait_for(lambda: system.whereis("far") is None)


def test_a_watch_across_cores_ends_in_one_down(system):
    watcher = system.spawn(crew.Watcher)
    watched = system.spawn(crew.Counter, core=1)
    watcher.ask(crew.Watched(watched), timeout=DEADLINE)
    watched.stop(timeout=DEADLINE)
    wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
    assert watcher.ask("downs", timeout=DEADLINE) == [(watched, "normal")]


def test_a_watch_of_an_actor_that_is_gone_says_noproc(system):
    watcher = system.spawn(crew.Watcher)
    watched = system.spawn(crew.Counter, core=1)
    watched.stop(timeout=DEADLINE)
    watcher.ask(crew.Watched(watched), timeout=DEADLINE)
    downs = wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
    assert downs == [(watched, "noproc")]


def test_an_ask_to_an_actor_that_is_gone(system):
    gone = system.spawn(crew.Counter, core=1)
    gone.stop(timeout=DEADLINE)
    with pytest.raises(ActorDeadError):
        gone.ask("total", timeout=DEADLINE)


def test_a_cancelled_task_drops_its_ask_to_another_core(system, there, other_pid):  # D4
    (peer,) = system.network.members.peers.values()
    late = system.dead_letters.counts["late"]

    async def wait_for_answer():
        return await there.ask("total", block=False)

    async def main():
        pending = peer.statistics()["pending_asks"]
        asking = asyncio.create_task(wait_for_answer())
        os.kill(other_pid, signal.SIGSTOP)  # so that no answer is there before its time
        try:
            await asyncio.sleep(0)
            assert peer.statistics()["pending_asks"] == pending + 1
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert peer.statistics()["pending_asks"] == pending
        finally:
            os.kill(other_pid, signal.SIGCONT)
        return await there.ask("pid", block=False)

    assert asyncio.run(main()) == there.ask("pid", timeout=DEADLINE)
    wait_for(lambda: system.dead_letters.counts["late"] == late + 1)


def test_an_ask_of_a_closed_loop_hinders_nobody(system, there):
    async def main():
        there.ask("total", block=False)

    asyncio.run(main())
    assert there.ask("pid", timeout=DEADLINE)


def test_a_stopped_actor_elsewhere_is_known_to_be_dead(system):
    ref = system.spawn(crew.Counter, core=1)
    assert ref.is_alive()
    assert ref.stop(timeout=DEADLINE)
    assert not ref.is_alive()


def test_an_actor_elsewhere_is_known_to_be_dead_once_an_ask_says_so(system):
    other = system.spawn(crew.Watcher, core=1)
    ref = system.spawn(crew.Counter, core=1)
    assert other.ask(("end", ref), timeout=DEADLINE)
    assert ref.is_alive()
    with pytest.raises(ActorDeadError):
        ref.ask("total", timeout=DEADLINE)
    # At once, but on a busy machine: the answer waits 0.2 s at most for the word of the end.
    wait_for(lambda: not ref.is_alive())


def test_one_whose_ask_found_another_dead_is_alive(system):
    dead = system.spawn(crew.Counter, core=1)
    asker = system.spawn(crew.Watcher, core=1)
    assert asker.ask(("end", dead), timeout=DEADLINE)
    with pytest.raises(ActorDeadError):
        asker.ask(("ask", dead, "total"), timeout=DEADLINE)
    assert asker.is_alive()


def test_a_stopped_child_elsewhere_that_is_started_again_is_alive(system):
    supervisor = system.spawn(crew.Keeper, core=1)
    ref = supervisor.call(Supervisor.which_children).get(timeout=DEADLINE)[0][1]
    assert ref.stop(timeout=DEADLINE)
    assert ref.is_alive()
    assert ref.ask("total", timeout=DEADLINE) == 1
    supervisor.stop(timeout=DEADLINE)


class Stuck(Actor):
    def on_receive(self, message):
        inside, gate, left, there = message
        inside.set()
        gate.wait(DEADLINE)
        try:
            there.tell(("see", "from a dead actor"))
        finally:
            left.set()


def test_nothing_of_a_turn_that_was_given_up_gets_to_another_core(system):
    there = system.spawn(crew.Counter, core=1)
    inside, gate, left = (threading.Event() for _ in range(3))
    ref = system.spawn(Stuck)
    ref.tell((inside, gate, left, there))
    assert inside.wait(DEADLINE)
    ref.kill()
    ref.wait(timeout=DEADLINE)
    gate.set()
    assert left.wait(DEADLINE)
    there.tell(("see", "from a living one"))
    assert there.ask("seen", timeout=DEADLINE) == ["from a living one"]


def test_who_supervises_nobody_elsewhere_is_refused_as_supervisor(system, there):
    with pytest.raises(TypeError, match="Counter, which supervises nobody"):
        system.spawn(crew.Linker, supervisor=there)


def test_under_one_elsewhere_whose_class_is_not_known_a_child_ends_when_it_fails(system):
    plain, head = system.spawn(crew.Counter), system.spawn(crew.Head, core=1)
    child = head.call(crew.Head.have, crew.Linker, None, supervisor=plain).get(timeout=DEADLINE)
    child.tell(("raise", KeyError("mine")))
    assert isinstance(child.wait(timeout=DEADLINE), KeyError)


def test_what_an_actor_said_comes_before_its_end(system):
    watcher, friend = system.spawn(crew.Watcher), system.spawn(crew.Counter)
    leaver = system.spawn(crew.Farewell, core=1)
    watcher.ask(crew.Watched(leaver), timeout=DEADLINE)
    leaver.tell((friend, 2000))
    wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
    assert friend.ask("seen", timeout=DEADLINE) == list(range(2000))


def test_cores_are_listed(system):
    records = wait_for(system.cores)
    assert [record["index"] for record in records] == [0, 1]
    assert [record["state"] for record in records] == ["up", "up"]


def test_a_child_is_on_its_parents_core_and_near_is_on_the_others(system, there):
    assert there.call(crew.Counter.spawn_child).get(timeout=DEADLINE).core == 1
    assert system.spawn(crew.Counter, near=there).core == 1
    assert system.spawn(crew.Counter).core == 0


def test_each_core_reports_its_load_to_all():
    with ActorSystem("loads", cores=2, config={"heartbeat": 0.02}) as system:
        busy = system.spawn(crew.Counter, core=1)

        def seen_by(cores):
            busy.call(crew.Counter.work, 0.05).get(timeout=DEADLINE)
            return len(cores()) == 2 and cores()[1]["load"]["cpu"] > 0.5

        wait_for(lambda: seen_by(system.cores))
        wait_for(lambda: seen_by(lambda: busy.call(crew.Counter.cores).get(timeout=DEADLINE)))
        assert system.cores()[1]["actors"] == 1
        for cores in (system.cores(), busy.call(crew.Counter.cores).get(timeout=DEADLINE)):
            assert [core["name"] for core in cores] == ["loads/0", "loads/1"]


@pytest.mark.parametrize(
    ("how", "busy"), [(crew.Counter.block_until, (0, 1)), (crew.Counter.work_until, (1,))]
)
def test_heartbeats_go_on_while_a_handler_blocks_or_computes(tmp_path, how, busy):
    path = tmp_path / "enough"
    with ActorSystem("beats", cores=2, config={"heartbeat": 0.05}) as system:
        there = system.spawn(Keeper, core=1)
        done = [system.spawn(crew.Counter, core=core).call(how, str(path)) for core in busy]
        there.call(Keeper.listen).get(timeout=DEADLINE)
        here = Heartbeats()
        try:
            wait_for(lambda: here.count() >= 10)
            wait_for(lambda: there.call(Keeper.heartbeats_heard).get(timeout=DEADLINE) >= 10)
            assert not any(each.done() for each in done)
        finally:
            here.stop()
            path.touch()
        for each in done:
            each.get(timeout=DEADLINE)


def test_the_least_loaded_core_is_chosen_by_the_reports():
    with ActorSystem("loads", cores=2, config={"heartbeat": 0.02}) as system:
        busy = system.spawn(crew.Counter, core=1)

        def busy_and_elsewhere():
            busy.call(crew.Counter.work, 0.1).get(timeout=DEADLINE)
            return system.spawn(crew.Counter, core="least-loaded").core == 0

        wait_for(busy_and_elsewhere)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this platform")
def test_pinned_cores_have_a_cpu_each_also_when_started_again():
    mask = sorted(os.sched_getaffinity(0))
    with ActorSystem("pinned", cores=2, pin=True) as system:
        for _ in range(2):
            refs = [system.spawn(crew.Counter, core=index) for index in (0, 1)]
            pins = [ref.call(crew.Counter.cpus).get(timeout=DEADLINE) for ref in refs]
            assert pins == [[mask[index % len(mask)]] for index in (0, 1)]
            for ref in refs:  # blocks, so that another thread takes the core
                ref.cast(crew.Counter.block)
            others = [system.spawn(crew.Counter, near=ref) for ref in refs]
            assert [ref.call(crew.Counter.cpus).get(timeout=DEADLINE) for ref in others] == pins
            os.kill(refs[1].ask("pid", timeout=DEADLINE), signal.SIGKILL)
            wait_for(lambda ref=refs[1]: not ref.is_alive())
        assert sorted(os.sched_getaffinity(0)) == mask  # the user's own thread is free


def test_cores_that_do_not_finish_are_drained_in_one_time():
    config = {"drain_timeout": 4.0, "kill_timeout": 1.0}
    system = ActorSystem("slow", cores=2, config=config).start()
    for index in (0, 1):
        system.spawn(crew.Counter, core=index).cast(crew.Counter.wait_for_ever)
    began = time.monotonic()
    assert system.stop() is False
    assert time.monotonic() - began < 2 * 4.0


def test_a_core_that_ends_while_the_system_stops_is_waited_for_no_longer():
    config = {"drain_timeout": 100, "kill_timeout": 100}
    system = ActorSystem("ends", cores=2, config=config).start()
    system.spawn(crew.LastWords, "exit", core=1)
    done = []
    stopping = threading.Thread(target=lambda: done.append(system.stop()))
    stopping.start()
    stopping.join(DEADLINE)
    assert done == [False]  # its actors have not finished


def test_a_stop_says_whether_the_actors_of_all_cores_have_finished():
    config = {"drain_timeout": 0.3, "kill_timeout": 5}
    for core, drained in ((0, False), (1, False), (None, True)):
        system = ActorSystem("slow", cores=2, config=config).start()
        if core is not None:
            system.spawn(crew.LastWords, "wait", core=core)
        assert system.stop() is drained


def test_what_is_asked_of_a_system_that_stops_or_has_stopped_is_answered():
    system = ActorSystem("asked", cores=2).start()
    stopped, answers = threading.Event(), []

    def ask():
        while not stopped.is_set():
            system.actors()
        answers.append(system.actors())

    asker = threading.Thread(target=ask, daemon=True)
    asker.start()
    system.stop()
    stopped.set()
    asker.join(DEADLINE)
    assert answers == [[]]
    with pytest.raises(ShuttingDown, match="takes nothing new"):
        system.join("tcp://127.0.0.1:7400")


def test_a_killed_core_is_told_to_watchers_once_and_started_again():
    with ActorSystem("phoenix", cores=2) as system:
        watcher = system.spawn(crew.Watcher)
        watched = system.spawn(crew.Counter, core=1)
        watcher.ask(crew.Watched(watched), timeout=DEADLINE)
        waiting = watched.ask("total", block=False)
        waiting.get(timeout=DEADLINE)
        pid = watched.ask("pid", timeout=DEADLINE)
        os.kill(pid, signal.SIGSTOP)
        pending = watched.ask("total", block=False)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(NodeDown):
            pending.get(timeout=DEADLINE)
        downs = wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
        assert downs == [(watched, "noconnection")]
        with pytest.raises(NodeDown):
            watched.ask("total", timeout=DEADLINE)
        assert not watched.is_alive()
        again = system.spawn(crew.Counter, core=1)
        assert again.ask("pid", timeout=DEADLINE) not in {pid, os.getpid()}
        watched.tell("too late")
        assert again.ask("seen", timeout=DEADLINE) == []
        assert system.dead_letters.statistics().get("stale") == 1
        assert watcher.ask("downs", timeout=DEADLINE) == [(watched, "noconnection")]
        assert CoreDied(1, "signal:9") in system.events.last
        assert sum(isinstance(event, CoreStarted) for event in system.events.last) == 2


def test_a_core_that_runs_and_was_given_up_is_started_again():
    """What was declared down cannot come back: so it does not stay, holding its actors for ever."""
    with ActorSystem("lost", cores=2, config={"heartbeat": 0.1}) as system:
        lost = system.spawn(crew.Counter, core=1)
        pid = lost.ask("pid", timeout=DEADLINE)
        members = system.network.members
        system.core.post(members.lose, lost.address.home, "too many bad frames")
        wait_for(lambda: [event for event in system.events.last if isinstance(event, CoreDied)])
        assert not lost.is_alive()
        assert system.spawn(crew.Counter, core=1).ask("pid", timeout=DEADLINE) != pid
        assert not is_running(pid)


def test_nothing_is_left_after_stop():
    before = threading.active_count()
    system = ActorSystem("brief", cores=3).start()
    refs = [system.spawn(crew.Counter, core=index) for index in (1, 2)]
    pids = [ref.ask("pid", timeout=DEADLINE) for ref in refs]
    directory = Path(system.run_directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    system.stop()
    assert [pid for pid in pids if is_running(pid)] == []
    assert not directory.exists()
    wait_for(lambda: threading.active_count() <= before)


PARENT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import zanni_crew as crew
from zanni import ActorSystem

if __name__ == "__main__":
    with ActorSystem("parent", cores=2) as system:
        print(system.spawn(crew.Counter, core=1).ask("pid"), flush=True)
        time.sleep(60)
"""


def test_children_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen(
        [sys.executable, str(script), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(zanni.__file__).parents[1])},
    ) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
        wait_for(lambda: not is_running(pid), 3.0 + SLACK)


MAIN = """
from zanni import Actor, ActorSystem, message

@message
class Add:
    amount: int

class Adder(Actor):
    total = 0
    def on_receive(self, message):
        match message:
            case Add(amount):
                self.total += amount
            case "total":
                return self.total, __name__

if __name__ == "__main__":
    with ActorSystem("main", cores=2) as system:
        adder = system.spawn(Adder, core=1)
        adder.tell(Add(3))
        print(adder.ask("total", timeout=20))
"""


def test_classes_of_the_main_script_work_on_other_cores(tmp_path):
    script = tmp_path / "adding.py"
    script.write_text(MAIN)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(zanni.__file__).parents[1])},
    )
    assert (done.returncode, done.stdout) == (0, "(3, 'adding')\n"), done.stderr


class Parent(Actor):
    def on_receive(self, message):
        return self.spawn(*message, core=1)


def test_a_parent_forgets_its_children_elsewhere_when_they_have_ended(system):
    parent = system.spawn(Parent)
    for _ in range(10):
        parent.ask((crew.Counter, 0), timeout=DEADLINE).stop()
        parent.ask((crew.Brief,), timeout=DEADLINE)  # may have ended before its parent knew it
    wait_for(lambda: not parent.process.ties.children)
    parent.stop()


@pytest.fixture
def small():
    """Two cores, of which little may wait for each other."""
    config = {"peer_bytes": 100_000, "peer_overflow": "drop_new"}
    with ActorSystem("small", cores=2, config=config) as system:
        yield system


class Held(Actor):
    def on_receive(self, message):
        if isinstance(message, threading.Event):
            message.wait(DEADLINE)


def test_the_name_of_an_actor_that_ends_when_no_more_may_wait_is_free(small):
    gate, held = threading.Event(), small.spawn(Held)
    held.tell(gate)
    namer = small.spawn(crew.Namer, name="ann", core=1)
    namer.call(crew.Namer.flood, held, 100).get(timeout=DEADLINE)
    wait_for(lambda: namer not in small.actors())  # who waits for its end knows of it by that
    wait_for(lambda: small.whereis("ann") is None)
    small.spawn(crew.Counter, name="ann")
    gate.set()


def test_the_name_of_an_actor_that_took_its_core_along_is_free(small):
    namer = small.spawn(crew.Namer, core=1)
    with pytest.raises(NodeDown):
        namer.call(crew.Namer.name, crew.Fatal, "ann", 1).get(timeout=DEADLINE)
    assert small.spawn(crew.Counter, name="ann", core=1).ask("total", timeout=DEADLINE) == 0


class Gate(Actor):
    """Answers who waits when it is opened."""

    def on_receive(self, message):
        match message:
            case "wait":
                self.waiting = self.reply_later()
            case "open":
                self.waiting.set()
            case "is waited for":
                return hasattr(self, "waiting")
        return None


def test_a_start_on_another_core_whose_spawner_was_killed_comes_to_nothing(system):
    gate, namer = system.spawn(Gate), system.spawn(crew.Namer)
    namer.cast(crew.Namer.name_free, crew.StartsLater, "later", 1, gate)
    wait_for(lambda: gate.ask("is waited for"))
    namer.kill()
    namer.wait(timeout=DEADLINE)
    with pytest.raises(NameInUse, match="an actor being made"):
        system.spawn(crew.Counter, name="later")
    gate.tell("open")

    def spawn_again():
        with suppress(NameInUse):
            return system.spawn(crew.Counter, name="later")

    assert wait_for(spawn_again).ask("total", timeout=DEADLINE) == 0
    assert not any("StartsLater" in ref.type_name for ref in system.actors())
