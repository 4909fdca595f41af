"""What a supervisor builds on, with one written by hand: `supervisor=ref` and its signals."""

import threading
from types import SimpleNamespace

import pytest

from zanni import Actor, ActorDeadError, ActorSystem, Down, Future, Ignore, Timeout
from zanni.actors.links import ChildFailed
from zanni.actors.oversight import Judge
from zanni.actors.process import Bury, Died, Kill, Restart, Shutdown

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")


class Boss(Judge, Actor):
    """Spawns children under itself and keeps what it hears of them; the test gives the verdicts."""

    def __init__(self, failures):
        self.failures = failures

    def on_receive(self, message):
        match message:
            case ChildFailed():
                self.failures.append(message)
            case ("spawn", cls, args, options):
                return self.spawn(cls, *args, supervisor=self.actor_ref, **options)
        return None


class Child(Actor):
    def __init__(self, journal, fail_start=None):
        self.journal, self.fail_start, self.count = journal, fail_start or [], 0
        journal.append("init")

    def on_start(self):
        if self.fail_start:
            raise self.fail_start.pop(0)
        self.journal.append("start")

    def on_restart(self, reason):
        self.journal.append(("restart", reason))

    def on_stop(self):
        self.journal.append("stop")

    def on_failure(self, kind, value, traceback):
        self.journal.append("failure")

    def on_receive(self, message):
        match message:
            case ("raise", error):
                raise error
            case ("get", future):
                return future.get()
            case ("apply", function):
                return function(self)
            case _:
                self.count += 1
                self.journal.append(message)
                return self.count


class World:
    def __init__(self, system, tools, eventually):
        self.system, self.eventually = system, eventually
        self.journal, self.failures, self.downs = [], [], []
        self.boss = system.spawn(Boss, self.failures)
        self.watcher = system.spawn(tools.Watcher, self.downs)

    def spawn(self, *args, cls=Child, **options):
        return self.boss.ask(("spawn", cls, (self.journal, *args), options), timeout=10)

    def failed(self, count=1):
        self.eventually(lambda: len(self.failures) >= count)
        return self.failures[-1]

    def watch(self, ref):
        self.watcher.tell(("watch", ref))
        self.watcher.ask("sync")

    def restart(self, ref, reason):
        started = Future()
        ref.process.signal(Restart(reason, started))
        return started.get(timeout=10)


@pytest.fixture
def world(system, tools, eventually):
    made = World(system, tools, eventually)
    yield made
    made.boss.stop(timeout=10)


def test_spawn_returns_when_on_start_is_done(world):
    world.spawn()
    assert world.journal == ["init", "start"]


def test_spawn_raises_what_on_start_raised_and_nothing_is_left(world):
    for error in (KeyError("mine"), Ignore("leave me out")):
        with pytest.raises(type(error)) as caught:
            world.spawn([error], name="ann")
        assert caught.value is error
        assert world.system.whereis("ann") is None
    assert world.failures == []
    assert len(world.system.actors()) == 2
    assert world.spawn(name="ann").ask("alive") == 1


def test_a_failure_is_reported_and_the_child_waits(world):
    child = world.spawn(name="ann")
    world.watch(child)
    error = KeyError("mine")
    child.tell(("raise", error))
    assert world.failed() == ChildFailed(child, error)
    assert world.journal == ["init", "start", "failure"]
    assert world.watcher.ask("sync") == []
    assert world.system.whereis("ann") == child
    child.tell("queued")
    asked = child.ask("queued too", block=False)
    assert not asked.done()
    world.restart(child, error)
    assert asked.get(timeout=10) == 2


def test_a_restart_keeps_ref_name_and_queue_and_does_not_repeat_the_message(world):  # B3
    child = world.spawn(name="ann")
    world.watch(child)
    gate, error = Future(), KeyError("mine")
    child.ask("before")
    child.tell(("get", gate))
    child.tell(("raise", error))
    for number in range(3):
        child.tell(number)
    gate.set()
    world.failed()
    world.restart(child, error)
    assert child.ask("after", timeout=10) == 4  # a new count: it is a new object
    assert world.journal == [
        "init", "start", "before", "failure", "init", ("restart", error), "start",
        0, 1, 2, "after",
    ]  # fmt: skip
    assert world.system.whereis("ann") == child
    assert world.watcher.ask("sync") == []
    assert len(world.failures) == 1


def test_a_normal_end_is_reported_too(world):
    child = world.spawn()
    assert child.stop(timeout=10) is True
    assert world.failed() == ChildFailed(child, "normal")
    child.process.signal(Bury())
    assert child.wait(timeout=10) in ("normal", "noproc")


def test_bury_ends_it_with_one_down_and_the_name_is_free(world):
    child = world.spawn(name="ann")
    world.watch(child)
    error = KeyError("mine")
    child.tell(("raise", error))
    world.failed()
    asked = child.ask("queued", block=False)
    child.process.signal(Bury())
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)
    world.eventually(lambda: world.downs)
    assert world.watcher.ask("sync") == [Down(child, error)]
    assert world.system.whereis("ann") is None
    assert not child.is_alive()
    with pytest.raises(ActorDeadError):
        child.tell("hello")


def test_many_restarts_end_in_one_down(world):
    child = world.spawn()
    world.watch(child)
    for number in range(1, 21):
        child.tell(("raise", KeyError(number)))
        reason = world.failed(number).reason
        world.restart(child, reason)
        assert child.ask("alive", timeout=10) == 1
    child.process.signal(Shutdown("shutdown"))
    world.eventually(lambda: world.downs)
    assert world.watcher.ask("sync") == [Down(child, "shutdown")]
    assert world.journal[-1] == "stop"
    assert len(world.failures) == 20


def test_a_restart_leaves_no_empty_collections_behind(world):
    child = world.spawn()
    world.watch(child)
    ties = child.process.ties
    child.tell(("raise", KeyError("first")))
    world.failed()
    world.restart(child, "first")
    kept = [slot for slot in ties.__slots__ if slot[0] == "_" and getattr(ties, slot) is not None]
    assert kept == ["_watchers"]
    assert ties.watchers


def test_an_exit_is_not_reported(world):
    child = world.spawn()
    exited = child.exited()
    child.process.signal(Shutdown("shutdown"))
    assert exited.get(timeout=10) == "shutdown"
    world.boss.ask(1)
    assert world.failures == []


def test_a_kill_is_reported_and_a_restart_may_follow(world):
    child, entered = world.spawn(), threading.Event()

    def waits(self):
        entered.set()
        Future().get()

    asked = child.ask(("apply", waits), block=False)
    assert entered.wait(10)
    child.process.signal(Kill())
    assert world.failed().reason == "killed"
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)
    world.restart(child, "killed")
    assert child.ask("alive", timeout=10) == 1


def test_a_restart_that_fails_tells_and_waits_on(world):
    fail_start = []
    child = world.spawn(fail_start)
    child.tell(("raise", KeyError("first")))
    world.failed()
    error = ValueError("in on_start")
    fail_start.append(error)
    with pytest.raises(ValueError, match="in on_start"):
        world.restart(child, "first")
    assert len(world.failures) == 1  # the reply told it
    world.restart(child, error)
    assert child.ask("alive", timeout=10) == 1


def test_a_restart_that_fails_when_no_other_will_follow_is_the_end(world):
    class Waits(Child):
        def on_start(self):
            if self.fail_start:
                self.fail_start.pop().get()

    fail_start, gate, started = [], Future(), Future()
    child = world.spawn(fail_start, cls=Waits, name="it")
    child.tell(("raise", KeyError("first")))
    world.failed()
    fail_start.append(gate)
    exited = child.exited()
    child.process.signal(Restart("first", started))
    child.process.signal(Bury())
    world.eventually(lambda: not fail_start)
    error = ValueError("in on_start")
    gate.set_exception(error)
    with pytest.raises(ValueError, match="in on_start"):
        started.get(timeout=10)
    assert exited.get(timeout=10) is error
    assert world.system.whereis("it") is None


def test_a_restart_of_one_that_runs_is_refused(world):
    child = world.spawn()
    with pytest.raises(ActorDeadError):
        world.restart(child, "why")
    assert child.ask("alive") == 1


def test_a_restart_of_one_that_is_gone_is_refused(world):
    child = world.spawn()
    child.process.signal(Shutdown("shutdown"))
    child.wait(timeout=10)
    with pytest.raises(ActorDeadError):
        world.restart(child, "why")


def test_timers_and_watches_of_the_last_incarnation_are_gone(world, tools):  # B13
    child = world.spawn()
    other = world.system.spawn(tools.Recorder)

    def ties(self):
        self.after(0.02, "from the first life")
        self.every(0.02, "from the first life")
        self.watch(other)

    child.ask(("apply", ties))
    child.tell(("raise", KeyError("mine")))
    world.restart(child, world.failed().reason)
    other.stop()
    later = []

    def turn(self):
        self.after(0.05, later)

    child.ask(("apply", turn))
    world.eventually(lambda: world.journal[-1] is later)
    assert "from the first life" not in world.journal[world.journal.index("failure") :]
    assert not any(isinstance(entry, Down) for entry in world.journal)


def test_a_down_that_was_queued_does_not_reach_the_next_incarnation(world, tools):
    child, other = world.spawn(), world.system.spawn(tools.Recorder)

    def turn(self):
        self.watch(other)
        other.stop()  # its Down is queued here
        raise KeyError("mine")

    child.tell(("apply", turn))
    world.restart(child, world.failed().reason)
    child.ask("alive", timeout=10)
    assert not any(isinstance(entry, Down) for entry in world.journal)


def test_children_of_the_last_incarnation_are_gone_before_the_report(world, tools):
    child = world.spawn()
    inner = child.ask(("apply", lambda self: self.spawn(tools.Recorder)))
    child.tell(("raise", KeyError("mine")))
    world.failed()
    assert not inner.is_alive()


class Parent(Child):
    def on_start(self):
        self.child = self.spawn(Child, self.journal)


def test_after_a_kill_the_report_comes_when_the_last_child_has_ended(tools, eventually):
    with ActorSystem(config={"kill_timeout": 3600.0}) as system:
        world = World(system, tools, eventually)
        parent = world.spawn(cls=Parent)
        child = parent.proxy().child.get()
        parent.process.signal(Kill())
        assert world.failed().reason == "killed"
        assert not child.is_alive()


def test_after_a_kill_a_child_that_does_not_end_holds_the_report_up_no_longer_than_a_while(
    tools, eventually
):
    class Deaf:
        def signal(self, signal):
            pass

    with ActorSystem(config={"kill_timeout": 0.01}) as system:
        world = World(system, tools, eventually)
        parent = world.spawn()
        parent.process.need_ties().children[parent.address] = SimpleNamespace(process=Deaf())
        parent.process.signal(Kill())
        assert world.failed().reason == "killed"
        world.restart(parent, "killed")
        assert parent.ask("alive", timeout=10) == 1
        parent.process.need_ties().children.clear()


def test_watchers_of_a_suspended_child_still_hear_its_end(world):
    child = world.spawn()
    error = KeyError("mine")
    child.tell(("raise", error))
    world.failed()
    world.watch(child)
    child.process.signal(Bury())
    world.eventually(lambda: world.downs)
    assert world.watcher.ask("sync") == [Down(child, error)]


def test_the_end_of_a_supervisor_ends_a_suspended_child(world):
    child = world.spawn(name="ann")
    child.tell(("raise", KeyError("mine")))
    world.failed()
    exited = child.exited()
    assert world.boss.stop(timeout=10) is True
    exited.get(timeout=10)
    assert world.system.whereis("ann") is None


def test_a_kill_of_a_supervisor_takes_its_children_along(world):
    running, suspended = world.spawn(name="one"), world.spawn(name="two")
    suspended.tell(("raise", KeyError("mine")))
    world.failed()
    ends = [running.exited(), suspended.exited()]
    world.boss.kill()
    for end in ends:
        end.get(timeout=10)
    assert world.system.whereis("one") is None
    assert world.system.whereis("two") is None


def test_the_end_of_the_system_ends_suspended_children(tools, eventually):
    with ActorSystem("ending") as system:
        world = World(system, tools, eventually)
        child = world.spawn()
        child.tell(("raise", KeyError("mine")))
        world.failed()
    assert not child.is_alive()
    assert system.actors() == []


def test_a_child_whose_supervisor_is_gone_ends_when_it_fails(world):
    """Its supervisor is not its parent here: nobody else would end it."""
    supervisor = world.system.spawn(Boss, [])
    orphan = world.system.spawn(Child, world.journal, supervisor=supervisor, name="orphan")
    supervisor.stop()
    exited, error = orphan.exited(), KeyError("mine")
    orphan.tell(("raise", error))
    assert exited.get(timeout=10) is error
    assert world.system.whereis("orphan") is None


def test_a_child_that_awaits_the_verdict_of_a_supervisor_that_is_lost_ends(world):
    """One elsewhere, as it would hear of that."""
    orphan = world.system.spawn(Child, world.journal, supervisor=world.boss, name="orphan")
    exited, error = orphan.exited(), KeyError("mine")
    orphan.tell(("raise", error))
    assert world.failed().ref == orphan
    orphan.process.signal(Died(world.boss.process, "noconnection"))
    assert exited.get(timeout=10) is error
    assert world.system.whereis("orphan") is None


def test_a_child_whose_supervisor_ends_without_a_verdict_ends(world, tools):
    class Held(Judge, tools.Hooked):
        pass

    gate = Future()
    supervisor = world.system.spawn(Held, [])
    orphan = world.system.spawn(Child, world.journal, supervisor=supervisor)
    supervisor.tell(("get", gate))
    supervisor.tell(("exit", "enough"))
    exited, ended = orphan.exited(), supervisor.exited()
    error = KeyError("mine")
    orphan.tell(("raise", error))
    world.system.spawn(Actor).ask("it has failed")
    gate.set()
    assert ended.get(timeout=10) == "enough"
    assert exited.get(timeout=10) is error


def test_what_an_incarnation_sent_itself_never_reaches_the_next(world):  # B13
    child = world.spawn()
    piped, late = Future(), Future()
    piped.set("piped")

    def begin(actor):
        me = actor.actor_ref
        me.tell("told")
        actor.after(0.0, "after")
        actor.every(0.001, "every")
        actor.pipe(piped)
        actor.pipe(late)
        asked = me.ask("asked", block=False)
        actor.stop()
        with pytest.raises(Timeout):
            Future().get(timeout=0.02)  # meanwhile the timers' messages are queued
        return asked

    gate = Future()
    busy = child.ask(("get", gate), block=False)
    begun = child.ask(("apply", begin), block=False)
    child.tell(("raise", KeyError("mine")))
    child.tell("kept")
    gate.set()
    asked = begun.get(timeout=10)
    busy.get(timeout=10)
    world.failed()
    late.set("late")
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)
    world.restart(child, "again")
    assert child.ask("last") == 2
    assert world.journal[-2:] == ["kept", "last"]
    assert {"told", "after", "every", "piped", "late", "asked"}.isdisjoint(
        each for each in world.journal if isinstance(each, str)
    )
    assert world.system.dead_letters.counts["stale"] >= 4  # told, stop, after, every


def test_what_one_sent_itself_whose_on_start_failed_never_reaches_the_next(world):  # B13
    class Tells(Child):
        def on_start(self):
            self.actor_ref.tell(f"of life {self.journal.count('init')}")
            super().on_start()

    fail_start = []
    child = world.spawn(fail_start, cls=Tells)
    child.tell(("raise", KeyError("mine")))
    world.failed()
    fail_start.append(ValueError("in on_start"))
    with pytest.raises(ValueError, match="in on_start"):
        world.restart(child, "first")
    world.restart(child, "again")
    assert child.ask("last", timeout=10) == 2
    assert world.journal[-2:] == ["of life 3", "last"]
    assert "of life 2" not in world.journal


def test_an_answer_owed_by_an_incarnation_is_actor_dead_when_it_ends(world):
    child = world.spawn()
    answer = child.ask(("apply", lambda actor: actor.reply_later()), block=False)
    child.ask("sync")
    child.tell(("raise", KeyError("mine")))
    with pytest.raises(ActorDeadError):
        answer.get(timeout=10)


def test_a_restart_ends_no_link_and_the_last_end_does(world, tools):
    child = world.spawn()
    other = world.system.spawn(tools.Hooked, [])
    other.ask(("apply", lambda actor: actor.link(child)))
    child.tell(("raise", KeyError("mine")))
    world.failed()
    world.restart(child, "again")
    assert child.ask("alive") == 1
    assert other.ask(("apply", lambda actor: "alive")) == "alive"
    end = other.exited()
    child.process.signal(Shutdown("enough"))
    assert end.get(timeout=10) == "enough"


def test_the_end_of_a_linked_one_is_a_failure_that_the_supervisor_hears_of(world, tools):
    child = world.spawn()
    other = world.system.spawn(tools.Hooked, [])
    other.ask(("apply", lambda actor: actor.link(child)))
    error = ValueError("odd")
    other.tell(("raise", error))
    assert world.failed().reason is error
    world.restart(child, error)
    assert child.ask("alive") == 1
