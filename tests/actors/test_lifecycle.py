"""How actors begin and end: hooks, watches, children, failures."""

import asyncio
import gc
import logging
import sys
import threading
import weakref

import pytest

from zanni import Actor, ActorDeadError, Down, Future, RemoteError, supervisors
from zanni.actors.process import Unwatch
from zanni.actors.signalled import Signalled


@pytest.fixture
def watching(system, tools):
    """Watch refs by an actor of its own; what it got, at any time."""

    class Watching:
        def __init__(self):
            self.seen = []
            self.ref = system.spawn(tools.Watcher, self.seen)

        def watch(self, *refs):
            for ref in refs:
                self.ref.tell(("watch", ref))
            self.sync()

        def sync(self):
            return self.ref.ask("sync")

        def downs(self, count, eventually):
            eventually(lambda: len(self.seen) >= count)
            return self.sync()

    return Watching


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


# Watching


def test_a_watch_ends_in_one_down(system, tools, watching, eventually):  # G6
    downs = watching()
    one, two, three = (system.spawn(tools.Hooked, []) for _ in range(3))
    downs.watch(one, two, three)
    error = KeyError("mine")
    one.stop()
    two.tell(("raise", error))
    two.wait(timeout=10)
    three.kill()
    assert downs.downs(3, eventually) == [
        Down(one, "normal"),
        Down(two, error),
        Down(three, "killed"),
    ]


def test_a_watch_of_the_dead_is_noproc(system, tools, watching, eventually):  # G6
    downs = watching()
    ref = system.spawn(tools.Recorder)
    ref.stop()
    downs.watch(ref)
    assert downs.downs(1, eventually) == [Down(ref, "noproc")]


def test_watching_twice_is_watching_once(system, tools, watching, eventually):
    downs = watching()
    ref = system.spawn(tools.Recorder)
    downs.watch(ref, ref)
    ref.stop()
    assert downs.downs(1, eventually) == [Down(ref, "normal")]


def test_watching_again_before_the_down_is_handled_is_watching_once(system, tools, eventually):
    seen = []
    ref, watcher = system.spawn(tools.Recorder), system.spawn(tools.Watcher, seen)

    def turn(self):
        self.watch(ref)
        ref.stop()  # the Down is in the queue when this returns
        self.watch(ref)

    watcher.ask(("apply", turn), timeout=10)
    assert watcher.ask("sync") == [Down(ref, "normal")]
    assert watcher.ask("sync") == [Down(ref, "normal")]


def test_watching_anew_after_the_down_is_noproc(system, tools, watching, eventually):
    downs = watching()
    ref = system.spawn(tools.Recorder)
    downs.watch(ref)
    ref.stop()
    downs.downs(1, eventually)
    downs.watch(ref)
    assert downs.downs(2, eventually) == [Down(ref, "normal"), Down(ref, "noproc")]


def test_unwatch(system, tools, watching, eventually):
    downs = watching()
    watched, other = system.spawn(tools.Recorder), system.spawn(tools.Recorder)
    downs.watch(watched, other)
    downs.ref.tell(("unwatch", watched))
    downs.sync()
    watched.stop()
    other.stop()
    assert downs.downs(1, eventually) == [Down(other, "normal")]


def test_unwatch_takes_back_a_down_that_is_queued_already(system, tools):
    seen = []
    ref, watcher = system.spawn(tools.Recorder), system.spawn(tools.Watcher, seen)

    def turn(self):
        self.watch(ref)
        ref.stop()
        self.unwatch(ref)

    watcher.ask(("apply", turn), timeout=10)
    assert watcher.ask("sync") == []
    assert watcher.ask("sync") == []


def test_unwatch_of_what_was_not_watched_is_nothing(system, tools, watching):
    downs = watching()
    downs.ref.tell(("unwatch", system.spawn(tools.Recorder)))
    assert downs.sync() == []


def test_every_watcher_hears(system, tools, watching, eventually):
    watchers = [watching() for _ in range(5)]
    ref = system.spawn(tools.Recorder)
    for each in watchers:
        each.watch(ref)
    ref.stop()
    for each in watchers:
        assert each.downs(1, eventually) == [Down(ref, "normal")]


def test_who_is_killed_while_a_coroutine_of_it_is_watching_ends(system, tools, monkeypatch):
    real = Signalled.signal

    def signal(cell, signal):
        if type(signal) is Unwatch:  # just now, as the coroutine's thread may at any moment
            signal.watcher.actor.watch(other)
        real(cell, signal)

    watched, other = system.spawn(tools.Recorder), system.spawn(tools.Recorder)
    watcher = system.spawn(tools.Watcher, [])
    watcher.tell(("watch", watched))
    watcher.ask("sync")
    monkeypatch.setattr(Signalled, "signal", signal)
    exited = watcher.exited()
    watcher.kill()
    assert exited.get(timeout=5) == "killed"


def test_a_dead_watcher_is_forgotten(system, tools, watching):
    downs = watching()
    ref = system.spawn(tools.Recorder)
    downs.watch(ref)
    downs.ref.stop()
    ref.ask(1)
    before = dict(system.dead_letters.counts)
    ref.stop()
    assert dict(system.dead_letters.counts) == before


def test_nothing_comes_from_an_actor_after_its_down(system, tools, eventually):  # G7
    seen = []
    watcher = system.spawn(tools.Watcher, seen)

    class Chatty(Actor):
        def on_receive(self, message):
            for number in range(100):
                watcher.tell(number)
            self.exit("done")

        def on_stop(self):
            watcher.tell("last words")

    chatty = system.spawn(Chatty)
    watcher.tell(("watch", chatty))
    watcher.ask("sync")
    chatty.tell("go")
    eventually(lambda: Down(chatty, "done") in seen)
    assert watcher.ask("sync") == [*range(100), "last words", Down(chatty, "done")]


def test_an_actor_may_watch_itself_and_its_dead_self_gets_nothing(system, tools):
    watcher = system.spawn(tools.Watcher, seen := [])
    watcher.tell(("watch", watcher))
    watcher.ask("sync")
    assert watcher.stop(timeout=10) is True
    assert seen == []


def test_the_name_is_free_when_the_down_comes(system, tools, eventually):
    found = []

    class Heir(Actor):
        def on_receive(self, message):
            if isinstance(message, Down):
                found.append(self.system.whereis("ann"))
                found.append(self.system.spawn(tools.Recorder, name="ann"))
            else:
                self.watch(message)

    first = system.spawn(tools.Recorder, name="ann")
    system.spawn(Heir).ask(first)
    first.stop()
    eventually(lambda: len(found) == 2)
    assert found[0] is None
    assert found[1].is_alive()


# Children


@pytest.fixture
def family(system, tools):
    """A parent with two children and a grandchild, who write to one journal."""
    journal = []
    parent = system.spawn(tools.Hooked, journal, "parent")
    one = parent.ask(("spawn", tools.Hooked, journal, "one"))
    two = parent.ask(("spawn", tools.Hooked, journal, "two"))
    inner = one.ask(("spawn", tools.Hooked, journal, "inner"))
    for ref in (parent, one, two, inner):
        ref.ask(("apply", lambda self: None))
    journal.clear()
    return journal, parent, one, two, inner


def test_children_stop_before_their_parents_on_stop(family):
    journal, parent, one, two, inner = family
    ends = [one.exited(), two.exited(), inner.exited()]
    assert parent.stop(timeout=10) is True
    assert [end.get(timeout=10) for end in ends] == ["shutdown"] * 3
    assert sorted(journal) == ["stop inner", "stop one", "stop parent", "stop two"]
    assert journal[-1] == "stop parent"
    assert journal.index("stop inner") < journal.index("stop one")


def test_children_stop_before_their_parents_on_failure(family):
    journal, parent, *children = family
    ends = [child.exited() for child in children]
    parent.tell(("raise", KeyError("mine")))
    assert [end.get(timeout=10) for end in ends] == ["shutdown"] * 3
    parent.wait(timeout=10)
    assert journal[-1] == "failure parent KeyError"
    assert sorted(journal[:-1]) == ["stop inner", "stop one", "stop two"]


def test_children_of_a_killed_parent_end(family):
    _, parent, *children = family
    ends = [child.exited() for child in children]
    parent.kill()
    for end in ends:
        assert end.get(timeout=10) in ("killed", "shutdown")


def test_a_failing_child_leaves_its_parent_alone(family):
    journal, parent, one, two, inner = family
    one.tell(("raise", KeyError("mine")))
    one.wait(timeout=10)
    inner.wait(timeout=10)
    assert parent.is_alive()
    assert two.is_alive()
    assert parent.stop(timeout=10) is True
    assert journal == ["stop inner", "failure one KeyError", "stop two", "stop parent"]


def test_a_dead_child_is_forgotten(family, system):
    _, parent, one, two, inner = family
    for child in (inner, one, two):
        assert child.stop(timeout=10)
    assert parent.ask(("apply", lambda self: len(self._cell.ties.children))) == 0
    assert one.wait(timeout=10) == "noproc"


def test_children_of_an_actor_whose_on_start_fails_end(system, tools):
    children = []

    class Fails(Actor):
        def on_start(self):
            children.append(self.spawn(tools.Recorder))
            raise KeyError("mine")

    system.spawn(Fails)
    system.spawn(Actor).ask(1)
    assert children[0].wait(timeout=10) in ("killed", "noproc", "shutdown")


@pytest.mark.parametrize("spawner", ["thread", "turn"])
def test_children_of_an_actor_whose_init_fails_end(system, tools, spawner):
    children = []

    class Fails(Actor):
        def __init__(self):
            children.append(self.spawn(tools.Recorder))
            raise KeyError("mine")

    def turn(self):
        with pytest.raises(KeyError):
            self.system.spawn(Fails)

    if spawner == "thread":
        with pytest.raises(KeyError):
            system.spawn(Fails)
    else:
        system.spawn(tools.Hooked, []).ask(("apply", turn))
    assert children[0].wait(timeout=10) in ("killed", "noproc", "shutdown")


def test_a_child_spawned_in_init_stops_with_its_parent(system, tools):
    class Parent(Actor):
        def __init__(self):
            self.child = self.spawn(tools.Recorder)

    parent = system.spawn(Parent)
    child = parent.proxy().child.get()
    assert child.ask(1) == 1
    exited = child.exited()
    assert parent.stop(timeout=10) is True
    assert exited.get(timeout=10) == "shutdown"


def test_a_child_spawned_by_a_coroutine_stops_with_its_parent(system, tools):
    class Parent(Actor):
        async def on_receive(self, message):
            await asyncio.sleep(0)
            return self.spawn(tools.Recorder)

    parent = system.spawn(Parent)
    child = parent.ask(1)
    exited = child.exited()
    assert parent.stop(timeout=10) is True
    assert exited.get(timeout=10) == "shutdown"


@pytest.mark.parametrize("hook", ["on_stop", "on_failure"])
def test_children_spawned_in_a_last_hook_end_with_it(system, tools, hook):
    children = []

    def last(self, *_):
        children.append(self.spawn(tools.Recorder, name="late"))

    cls = type("Parent", (tools.Hooked,), {hook: last})
    parent = system.spawn(cls, [])
    if hook == "on_stop":
        parent.stop()
    else:
        parent.tell(("raise", KeyError("mine")))
    parent.wait(timeout=10)
    assert children[0].wait(timeout=10) in ("killed", "noproc")
    assert system.actors() == []
    assert system.whereis("late") is None


def test_a_child_that_will_not_stop_is_killed(system, tools, monkeypatch):
    monkeypatch.setattr("zanni.actors.actor.CHILD_SHUTDOWN", 0.05)

    class Stubborn(Actor):
        def on_stop(self):
            Future().get()

    parent = system.spawn(tools.Hooked, journal := [])
    child = parent.ask(("spawn", Stubborn))
    exited = child.exited()
    assert parent.stop(timeout=10) is True
    assert exited.get(timeout=10) == "killed"
    assert journal == ["start it", "stop it"]


def test_a_parent_killed_while_it_stops_its_children(system, tools):
    entered = threading.Event()

    class Stubborn(Actor):
        def on_stop(self):
            entered.set()
            Future().get()

    parent = system.spawn(tools.Hooked, journal := [])
    child = parent.ask(("spawn", Stubborn))
    ends = [parent.exited(), child.exited()]
    parent.stop(block=False)
    assert entered.wait(10)
    parent.kill()
    assert [end.get(timeout=10) for end in ends] == ["killed", "killed"]
    assert journal == ["start it"]


def test_many_children_stop_at_once(system, tools):
    parent = system.spawn(tools.Hooked, [])
    children = [parent.ask(("spawn", tools.Recorder)) for _ in range(300)]
    assert parent.stop(timeout=10) is True
    assert not any(child.is_alive() for child in children)
    assert system.actors() == []


def test_a_parent_may_watch_its_child(system, tools, eventually):
    seen = []
    parent = system.spawn(tools.Watcher, seen)
    child = parent.ask(("apply", lambda self: self.spawn(tools.Recorder)))
    parent.tell(("watch", child))
    parent.ask("sync")
    child.stop()
    eventually(lambda: seen)
    assert parent.ask("sync") == [Down(child, "normal")]


# Sender and system


def test_sender(system, tools):
    class Asks(Actor):
        def on_receive(self, message):
            return self.sender

        def who(self):
            return self.sender

        async def who_async(self):
            await asyncio.sleep(0)
            return self.sender

    class Between(Actor):
        def on_receive(self, target):
            return (target.ask(1), target.call(Asks.who).get(), target.call(Asks.who_async).get())

        async def later(self, target):
            await asyncio.sleep(0)
            return await target.ask(1, block=False)

    asks, between = system.spawn(Asks), system.spawn(Between)
    assert asks.ask(1) is None
    assert between.ask(asks) == (between, between, between)
    assert between.call(Between.later, asks).get() == between


def test_sender_is_still_there_after_a_wait(system):
    class Asks(Actor):
        def on_receive(self, future):
            before = self.sender
            future.get()
            return (before, self.sender)

    class Between(Actor):
        def on_receive(self, message):
            target, future = message
            return target.ask(future)

    gate, asks, between = Future(), system.spawn(Asks), system.spawn(Between)
    asked = between.ask((asks, gate), block=False)
    gate.set()
    assert asked.get(timeout=10) == (between, between)


def test_sender_is_none_in_hooks_and_of_timers(system):
    senders = []

    class Child(Actor):
        def on_start(self):
            senders.append(self.sender)
            self.after(0, "tick")

        def on_receive(self, message):
            senders.append(self.sender)
            self.exit()

        def on_stop(self):
            senders.append(self.sender)

    class Parent(Actor):
        def on_receive(self, message):
            return self.spawn(Child)

    system.spawn(Parent).ask(1).wait(timeout=10)
    system.spawn(Actor).ask(1)
    assert senders == [None, None, None]


def test_actor_ref_and_system(system):
    class Knows(Actor):
        def __init__(self):
            self.early = self.actor_ref

        def on_receive(self, message):
            return self.early, self.actor_ref, self.system

    ref = system.spawn(Knows)
    assert ref.ask(1) == (ref, ref, system)


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
