"""How actors begin and end: hooks and failures; and that nothing is left of them."""

import asyncio
import gc
import logging
import sys
import threading
import weakref

import pytest

from zanni import Actor, ActorDeadError, Future, RemoteError, supervisors

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")

# Beginning


def test_on_start_comes_before_the_first_message(system, tools):
    journal = []
    system.spawn(tools.Hooked, journal).tell("message")
    ref = system.spawn(tools.Hooked, [])
    ref.ask(("apply", lambda self: None))
    assert journal == ["start it", "message"]


def test_an_error_in_init_is_the_spawners_and_the_name_is_free(system):  # B1
    class Fails(Actor):
        def __init__(self, number):
            raise KeyError(number)

    before = len(system.core.processes)
    for number in range(100):
        with pytest.raises(KeyError, match=str(number)):
            system.spawn(Fails, number, name="ann")
        assert system.whereis("ann") is None
    assert system.actors() == []
    system.spawn(Actor, name="ann").ask(1)
    assert len(system.core.processes) == before + 1


def test_an_error_in_on_start_is_logged_and_the_name_is_free(  # B1
    system, watching, eventually, caplog
):
    class Fails(Actor):
        def on_start(self):
            raise KeyError("on_start")

        def on_stop(self):
            raise AssertionError("never begun")

        def on_receive(self, message):
            raise AssertionError("never begun")

    downs = watching()
    with caplog.at_level(logging.ERROR, "zanni"):
        for number in range(100):
            ref = system.spawn(Fails, name="ann")
            downs.watch(ref)
            asked = ref.ask("hello", block=False)
            with pytest.raises(ActorDeadError):
                asked.get(timeout=10)
            eventually(lambda number=number: len(downs.seen) == number + 1)
            assert system.whereis("ann") is None
    assert len(caplog.records) == 100
    assert {down.ref.is_alive() for down in downs.sync()} == {False}
    for down in downs.seen:
        assert down.reason == "noproc" or isinstance(down.reason, KeyError)
    system.spawn(Actor, name="ann").ask(1)


def test_any_error_of_on_start_is_logged(system, caplog):
    class Fails(Actor):
        def on_start(self):
            raise ActorDeadError("somebody whom on_start asked")

    with caplog.at_level(logging.ERROR, "zanni"):
        system.spawn(Fails).wait(timeout=10)
        system.spawn(Actor).ask(1)
    assert "somebody whom on_start asked" in caplog.text


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_a_base_exception_in_on_start_ends_that_actor_alone(system, kind):
    class Fails(Actor):
        def on_start(self):
            raise kind

    other = system.spawn(Actor)
    exited = system.spawn(Fails).wait(timeout=10)
    assert exited == "noproc" or isinstance(exited, kind)
    assert other.ask(1, timeout=10) is None


def test_a_stop_during_a_slow_on_start(system):  # B14
    journal, gate, entered = [], Future(), threading.Event()

    class Slow(Actor):
        def on_start(self):
            journal.append("start")
            entered.set()
            gate.get()

        def on_receive(self, message):
            journal.append(message)

        def on_stop(self):
            journal.append("stop")

    slow = system.spawn(Slow)
    assert entered.wait(10)
    stopped = slow.stop(block=False)
    behind = slow.ask("behind the stop", block=False)
    gate.set()
    assert stopped.get(timeout=10) is True
    assert journal == ["start", "stop"]
    with pytest.raises(ActorDeadError):
        behind.get(timeout=10)


def test_a_kill_during_a_slow_on_start(system):
    journal, entered = [], threading.Event()

    class Slow(Actor):
        def on_start(self):
            entered.set()
            try:
                Future().get()
            finally:
                journal.append("unwound")

        def on_stop(self):
            journal.append("stop")

    slow = system.spawn(Slow, name="slow")
    assert entered.wait(10)
    exited = slow.exited()
    slow.kill()
    assert exited.get(timeout=10) == "killed"
    assert journal == ["unwound"]
    assert system.whereis("slow") is None


def test_an_actor_that_is_killed_before_its_start_does_not_start(system, tools):
    class Spawner(tools.Hooked):
        handoff = 3600.0  # the core stays with its turn, in which the other has none

    def turn(actor):
        ref = actor.spawn(tools.Hooked, journal)
        ref.kill()
        return ref

    journal = []
    ref = system.spawn(Spawner, []).ask(("apply", turn))
    assert ref.wait(timeout=10) in ("killed", "noproc")
    assert journal == []


def test_exit_in_init_and_in_on_start(system):
    class AtOnce(Actor):
        def __init__(self, where):
            if where == "init":
                self.exit("at once")
            self.where = where

        def on_start(self):
            if self.where == "start":
                self.exit("at once")

        def on_stop(self):
            stopped.append(self.where)

    stopped = []
    for where in ("init", "start"):
        ref = system.spawn(AtOnce, where)
        assert ref.wait(timeout=10) in ("at once", "noproc")
    assert stopped == ["init", "start"]


# Ending


def test_an_actor_that_stops_itself_handles_what_is_queued(system, tools):
    journal, gate = [], Future()
    hooked = system.spawn(tools.Hooked, journal)
    hooked.tell(("get", gate))
    hooked.tell(("stop",))
    hooked.tell("queued")
    exited = hooked.exited()
    gate.set()
    assert exited.get(timeout=10) == "normal"
    assert journal == ["start it", "queued", "stop it"]


def test_exit_drops_what_is_queued(system, tools):
    journal, gate = [], Future()
    hooked = system.spawn(tools.Hooked, journal)
    hooked.tell(("get", gate))
    hooked.tell(("exit", "enough"))
    hooked.tell("queued")
    exited = hooked.exited()
    gate.set()
    assert exited.get(timeout=10) == "enough"
    assert journal == ["start it", "stop it"]
    assert system.dead_letters.counts["dead"] == 1


def test_exit_answers_the_ask_in_hand(system):
    class Last(Actor):
        def on_receive(self, message):
            self.exit("done")
            return "answer"

    assert system.spawn(Last).ask(1) == "answer"


def test_an_error_runs_on_failure_and_is_the_reason(system, tools, caplog):
    journal = []
    hooked = system.spawn(tools.Hooked, journal)
    exited = hooked.exited()
    error = KeyError("mine")
    with caplog.at_level(logging.ERROR, "zanni"):
        hooked.tell(("raise", error))
        assert exited.get(timeout=10) is error
    assert journal == ["start it", "failure it KeyError"]
    assert "Unhandled exception" in caplog.text


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), SystemExit(3), GeneratorExit(), asyncio.CancelledError(), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_a_base_exception_ends_that_actor_alone(system, tools, error):  # B6, B7
    hooked, other = system.spawn(tools.Hooked, []), system.spawn(tools.Recorder)
    exited = hooked.exited()
    hooked.tell(("raise", error))
    assert exited.get(timeout=10) is error
    assert other.ask("alive", timeout=10) == "alive"
    assert system.spawn(tools.Recorder).ask("new", timeout=10) == "new"


def test_endless_recursion_ends_that_actor_alone(system, tools):  # B9
    class Deep(Actor):
        def on_receive(self, message):
            return self.on_receive(message)

    deep, other = system.spawn(Deep), system.spawn(tools.Recorder)
    with pytest.raises(RecursionError):
        deep.ask(1)
    exited = deep.exited()
    deep.tell(1)
    assert isinstance(exited.get(timeout=10), RecursionError)
    assert other.ask("alive", timeout=10) == "alive"


def test_errors_in_the_last_hooks_are_logged_and_the_end_goes_on(system, watching, caplog):
    class Fails(Actor):
        def on_stop(self):
            raise KeyError("in on_stop")

        def on_failure(self, *_):
            raise KeyError("in on_failure")

        def on_receive(self, message):
            raise ValueError("in on_receive")

    with caplog.at_level(logging.ERROR, "zanni"):
        stopped, failed = system.spawn(Fails, name="one"), system.spawn(Fails, name="two")
        reasons = [stopped.exited(), failed.exited()]
        assert stopped.stop(timeout=10) is True
        failed.tell("go")
        assert reasons[0].get(timeout=10) == "normal"
        assert isinstance(reasons[1].get(timeout=10), ValueError)
    assert "in on_stop" in caplog.text
    assert "in on_failure" in caplog.text
    assert system.whereis("one") is None
    assert system.whereis("two") is None


def test_an_actor_whose_log_line_cannot_be_written_fails_alone(system, tools, monkeypatch):
    """User code runs in a log line, too: `__str__`, filters, handlers."""

    def refuse(_):
        raise KeyError("a filter's")

    class Unspeakable(Actor):
        def on_receive(self, message):
            raise ValueError("unspeakable")

        def __str__(self):
            raise KeyError("in __str__")

    logger = logging.getLogger("zanni")
    monkeypatch.setattr(logger, "filters", [refuse])
    ref = system.spawn(Unspeakable)
    exited = ref.exited()
    with pytest.raises(ValueError, match="unspeakable"):
        ref.ask(1, timeout=10)
    ref.tell(1)
    assert isinstance(exited.get(timeout=10), ValueError)
    assert system.spawn(tools.Recorder).ask("alive", timeout=10) == "alive"


def test_an_error_in_del_harms_nobody(system, tools, monkeypatch):  # B15
    raised = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)

    class Bad(Actor):
        def __del__(self):
            raise KeyError("in __del__")

    bad = system.spawn(Bad)
    assert bad.stop(timeout=10) is True
    del bad
    gc.collect()
    assert system.spawn(tools.Recorder).ask("alive", timeout=10) == "alive"
    assert raised


def test_a_finaliser_may_tell_and_settle(system, tools):  # B15
    told = Future()
    recorder = system.spawn(tools.Recorder)

    class Last(Actor):
        def __del__(self):
            recorder.tell("from __del__")
            told.set("settled")

    system.spawn(Last).stop(timeout=10)
    gc.collect()
    assert told.get(timeout=10) == "settled"
    assert recorder.ask(("get",), timeout=10) == ["from __del__"]


def test_a_kill_breaks_off_a_wait_and_finally_runs(system):
    journal, entered = [], threading.Event()

    class Waits(Actor):
        def on_receive(self, message):
            try:
                entered.set()
                Future().get()
            except Exception:
                journal.append("not for users")
            finally:
                journal.append("finally")

    waits = system.spawn(Waits)
    asked = waits.ask(1, block=False)
    assert entered.wait(10)
    exited = waits.exited()
    waits.kill()
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)
    assert exited.get(timeout=10) == "killed"
    assert journal == ["finally"]


def test_a_kill_cannot_be_refused(system):
    entered = threading.Event()

    class Stubborn(Actor):
        def on_receive(self, message):
            entered.set()
            for _ in range(3):
                try:
                    Future().get()
                except BaseException as error:
                    refused.append(type(error).__name__)
            return "survived?"

    refused = []
    stubborn = system.spawn(Stubborn)
    stubborn.tell(1)
    assert entered.wait(10)
    exited = stubborn.exited()
    stubborn.kill()
    assert exited.get(timeout=10) == "killed"
    assert len(refused) == 3


def exit_normally(actor):
    actor.exit()


def exit_for_another_reason(actor):
    actor.exit("finished")


def fail(actor):
    raise ValueError("as it unwinds")


def leave_the_program(actor):
    sys.exit()


@pytest.mark.parametrize("act", [exit_normally, exit_for_another_reason, fail, leave_the_program])
@pytest.mark.parametrize("way", ["tell", "ask", "on_start"])
def test_whatever_it_does_as_it_unwinds_the_reason_is_the_kill(system, caplog, way, act):
    entered = threading.Event()

    class Unwinds(Actor):
        crash_on_ask_error = True

        def on_start(self):
            if way == "on_start":
                self.wait()

        def on_receive(self, message):
            self.wait()

        def wait(self):
            try:
                entered.set()
                Future().get()
            finally:
                act(self)

    unwinds = system.spawn(Unwinds)
    exited = unwinds.exited()
    asked = None if way == "tell" else unwinds.ask(1, block=False)
    if asked is None:
        unwinds.tell(1)
    assert entered.wait(10)
    unwinds.kill()
    assert exited.get(timeout=10) == "killed"
    if asked is not None:
        with pytest.raises((ActorDeadError, ValueError, RemoteError)):
            asked.get(timeout=10)
    failed = act in (fail, leave_the_program)
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * failed


def test_an_exit_without_a_reason_is_a_normal_one(system, tools):
    ref = system.spawn(tools.Hooked, [])
    exited = ref.exited()
    ref.tell(("exit", None))
    assert exited.get(timeout=10) == "normal"


def test_an_actor_may_kill_itself(system):
    class Suicidal(Actor):
        def on_receive(self, message):
            self.actor_ref.kill()

        def on_stop(self):
            stopped.append(1)

    stopped = []
    ref = system.spawn(Suicidal)
    exited = ref.exited()
    ref.tell(1)
    assert exited.get(timeout=10) == "killed"
    assert stopped == []


# Memory


def test_cycles_of_actors_timers_and_futures_are_freed_after_stop(  # H3
    system, tools, monkeypatch
):
    monkeypatch.setattr(logging.getLogger("zanni"), "disabled", True)  # pytest keeps log records

    class Knot(Actor):
        def __init__(self):
            self.me = self
            self.future = Future()
            self.future.add_done_callback(self.on_receive)

        def on_start(self):
            self.timer = self.every(1000, self)
            self.once = self.after(1000, self)
            self.watch(self.spawn(Actor))

        def on_receive(self, message):
            self.kept = message, self.actor_ref
            if message == "fail":
                raise KeyError(self)
            return weakref.ref(self)

    stopped, failed, killed = (system.spawn(Knot) for _ in range(3))
    freed = [ref.ask(1) for ref in (stopped, failed, killed)]
    stopped.stop()
    failed.tell("fail")
    failed.wait(timeout=10)
    killed.kill()
    killed.wait(timeout=10)
    refs = (stopped, failed, killed)
    system.spawn(Actor).ask(1)
    gc.collect()
    assert [ref() for ref in freed[::2]] == [None, None]
    del refs, stopped, failed, killed
    gc.collect()
    assert [ref() for ref in freed] == [None, None, None]


def test_the_dead_leave_nothing_in_the_core(system, tools):
    ref = system.spawn(tools.Hooked, [])
    ref.ask(("apply", lambda self: None))
    before = len(system.core.processes)
    for _ in range(50):
        parent = system.spawn(tools.Hooked, [], name="ann")
        parent.ask(("spawn", tools.Recorder))
        parent.stop()
    assert len(system.core.processes) == before


@pytest.mark.parametrize("unwatched", [False, True])
def test_a_parent_forgets_a_child_that_has_ended(system, tools, eventually, unwatched):
    def spawns(self):
        child = self.spawn(tools.Recorder)
        if unwatched:
            self.watch(child)
            self.unwatch(child)
        return child

    seen = []
    parent = system.spawn(tools.Watcher, seen)
    for _ in range(3):
        parent.ask(("apply", spawns)).stop()
    eventually(lambda: not parent.process.ties.children)
    assert parent.ask("sync") == []


def test_a_parent_that_was_killed_and_restarted_forgets_its_last_lifes_children(system, eventually):
    class Parent(Actor):
        def on_start(self):
            self.watch(self.spawn(Actor))

    class Tree(supervisors.Supervisor):
        def children(self):
            return [supervisors.child(Parent, id="parent", name="parent")]

    system.spawn(Tree)
    parent = system.whereis("parent")
    first = next(iter(parent.process.ties.children))
    parent.kill()
    eventually(lambda: first not in (children := parent.process.ties.children) and children)
