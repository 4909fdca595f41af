"""Children end with their parents, and before them."""

import asyncio
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from zanni import Actor, ActorDeadError, Down, Future

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")


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


@pytest.fixture
def stopping(system, tools):
    """Have a parent stop, and a child hold it up: its stop, the child's end, and what helps."""
    is_stopping, go_on = threading.Event(), threading.Event()

    class Slow(Actor):
        def on_stop(self):
            is_stopping.set()
            assert go_on.wait(10)

    def begin(parent):
        ended = parent.ask(("spawn", Slow)).exited()
        stopped = parent.stop(block=False)
        assert is_stopping.wait(10)
        return stopped, ended, go_on

    yield begin
    go_on.set()


def test_an_actor_that_stops_its_children_spawns_no_others(system, tools, stopping):
    parent = system.spawn(tools.Hooked, [])
    actor = parent.ask(("apply", lambda self: self))
    stopped, _, go_on = stopping(parent)
    with pytest.raises(ActorDeadError, match="stops its children: it spawns none any more"):
        actor.spawn(tools.Recorder)  # as a task or a thread might that it has left behind
    assert not stopped.done()
    go_on.set()
    assert stopped.get(timeout=10) is True


def test_a_child_that_was_being_made_when_the_others_were_stopped_ends_with_them(
    system, tools, stopping
):
    making, made = threading.Event(), threading.Event()

    class Late(Actor):
        def __init__(self):
            making.set()
            assert made.wait(10)

    parent = system.spawn(tools.Hooked, [])
    actor = parent.ask(("apply", lambda self: self))
    with ThreadPoolExecutor(1) as thread:
        late = thread.submit(actor.spawn, Late)
        assert making.wait(10)
        stopped, _, go_on = stopping(parent)
        made.set()
        assert late.result(10).wait(timeout=10) in ("shutdown", "noproc")
        assert not stopped.done()  # for the other one
        go_on.set()
        assert stopped.get(timeout=10) is True


def test_an_actor_on_the_asyncio_loop_waits_for_its_children(system, tools, stopping):
    class Parent(tools.Hooked):
        dispatcher = "asyncio"

        def on_stop(self):
            asyncio.get_running_loop()  # it is still one
            super().on_stop()

    parent = system.spawn(Parent, journal := [])
    parent.ask(("spawn", tools.Hooked, journal, "child"))
    stopped, ended, go_on = stopping(parent)
    go_on.set()
    assert stopped.get(timeout=10) is True
    assert ended.get(timeout=10) == "shutdown"
    assert journal == ["start it", "start child", "stop child", "stop it"]


def test_children_that_take_too_long_are_killed_together(system, tools, monkeypatch):
    monkeypatch.setattr("zanni.actors.actor.CHILD_SHUTDOWN", 0.05)
    began, go_on = threading.Semaphore(0), threading.Event()

    class Stuck(Actor):
        def on_receive(self, message):
            began.release()
            go_on.wait(60)

    parent = system.spawn(tools.Hooked, [])
    stuck = [parent.ask(("spawn", Stuck)) for _ in range(3)]
    quick = parent.ask(("spawn", tools.Recorder))
    ends = [child.exited() for child in (*stuck, quick)]
    for child in stuck:
        child.tell("wait")
        assert began.acquire(timeout=10)
    try:
        assert parent.stop(timeout=20) is True
        assert [end.get(timeout=10) for end in ends] == ["killed"] * 3 + ["shutdown"]
    finally:
        go_on.set()


def test_a_parent_that_watches_its_child_hears_of_it_once_and_may_unwatch_it(system):
    heard = []

    class Parent(Actor):
        def on_receive(self, message):
            if callable(message):
                return message(self)
            return heard.append(message)

    parent = system.spawn(Parent)
    watched, left = (parent.ask(lambda self: self.spawn(Actor)) for _ in range(2))
    for child in (watched, left):
        parent.ask(lambda self, child=child: self.watch(child))
    parent.ask(lambda self: self.unwatch(left))
    assert watched.stop(timeout=10)
    assert left.stop(timeout=10)
    assert parent.ask(lambda self: len(self._cell.ties.children)) == 0
    parent.ask(lambda self: None)  # after what the ends may have sent
    assert heard == [Down(watched, "normal")]


def test_a_child_takes_little_more_memory_than_any_actor(system, tools):
    parent = system.spawn(tools.Hooked, [])

    def bytes_each(spawn):
        before, _ = tracemalloc.get_traced_memory()
        refs = [spawn(Actor) for _ in range(1000)]
        refs[-1].ask(1)
        return (tracemalloc.get_traced_memory()[0] - before) / len(refs)

    tracemalloc.start()
    try:
        of_any = bytes_each(system.spawn)
        of_a_child = parent.ask(("apply", lambda self: bytes_each(self.spawn)))
    finally:
        tracemalloc.stop()
    assert of_a_child - of_any < 500
