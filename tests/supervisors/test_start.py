"""Rules 1, 8 and 9: start in order, stop in reverse, fail whole."""

import functools

import pytest

from zanni import Actor, Future, Ignore, RemoteError, StartError, Timeout
from zanni.actors.errors import SpecError
from zanni.supervisors import Supervisor, child

IDS = ("delta", "alpha", "echo", "bravo", "charlie")  # not in alphabetical order


def test_children_start_in_order_and_stop_in_reverse(world):
    supervisor = world.supervise(*[world.child(each) for each in IDS], wait=False)
    world.until_noted(*[f"start {each}" for each in IDS])
    world.journal.clear()
    supervisor.stop(timeout=10)
    assert world.journal == [f"stop {each}" for each in reversed(IDS)]


def test_its_reason_after_a_stop_is_normal(world):
    supervisor = world.supervise(world.child("a"))
    exited = supervisor.exited()
    supervisor.stop(timeout=10)
    assert exited.get(timeout=10) == "normal"


def test_the_first_failure_stops_those_started_in_reverse(world):
    error = ValueError("no")
    world.fail_start["c"] = [error]
    reason = world.refused(*[world.child(each) for each in "abcd"])
    assert isinstance(reason, StartError)
    assert (reason.id, reason.reason) == ("c", error)
    assert world.journal == ["start a", "start b", "fail c", "stop b", "stop a"]
    assert [report.id for report in world.kinds("start_error")] == ["c"]
    assert world.system.actors() == []


@pytest.mark.parametrize("where", ["__init__", "on_start"])
def test_a_child_that_exits_as_it_starts_fails_as_any_other(world, tools, where):
    class Exits(tools.Worker):
        def __init__(self, world, id):
            super().__init__(world, id)
            if where == "__init__":
                raise SystemExit("no config")

    world.fail_start["b"] = [SystemExit("no config")]
    reason = world.refused(world.child("a"), child(Exits, world, "b", id="b")).reason
    assert isinstance(reason, RemoteError)
    assert (reason.type, reason.text) == ("SystemExit", "no config")
    assert isinstance(reason.__cause__, SystemExit)
    assert world.journal[-1] == "stop a"
    assert world.system.actors() == []


def test_a_failed_supervisor_fails_the_start_of_its_parent(world):
    world.fail_start["b"] = [ValueError("no")]

    class Inner(Supervisor):
        def children(self):
            return [world.child("a"), world.child("b")]

    reason = world.refused(world.child("first"), child(Inner, id="inner"))
    assert (reason.id, reason.reason.id) == ("inner", "b")
    assert world.journal == ["start first", "start a", "fail b", "stop a", "stop first"]


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "one"},
        {"intensity": -1},
        {"intensity": 1.5},
        {"period": 0},
        {"auto_shutdown": "always"},
    ],
)
def test_a_wrong_setting_starts_nothing(world, settings):
    reason = world.refused(world.child("a"), **settings)
    assert isinstance(reason, SpecError)
    assert reason.field in settings
    assert "Subject" in reason.subject
    assert world.journal == []


def test_settings_may_be_made_in_init_and_ours_need_not_be_called(world, crash):
    class Settled(Supervisor):
        def __init__(self):
            self.intensity = 0

        def children(self):
            return [world.child("a")]

    world.supervisor = world.system.spawn(Settled)
    exited = world.supervisor.exited()
    crash(world.ref("a"))
    assert exited.get(timeout=10) == "shutdown"


def test_children_may_be_a_generator(world):
    class Generates(Supervisor):
        def children(self):
            yield world.child("a")
            yield world.child("b")

    world.supervisor = world.system.spawn(Generates)
    assert world.states() == {"a": "running", "b": "running"}


@pytest.mark.parametrize("wrong", [None, child(Actor, id="a")])
def test_children_that_are_no_list_are_refused(world, wrong):
    subject = type("Subject", (Supervisor,), {"children": lambda _: wrong})
    with pytest.raises(SpecError, match=r"Subject: children: it returned .* a list of child\("):
        world.system.spawn(subject)


def test_a_duplicate_id_starts_nothing(world):
    assert "id: two children" in str(world.refused(world.child("a"), world.child("a")))
    assert world.journal == []


def test_a_core_that_is_not_there_starts_nothing(world):
    reason = world.refused(world.child("a"), world.child("b", core=1))
    assert str(reason) == "child 'b': core: 1: the last one is 0"
    assert world.journal == []


def test_an_ignored_child_keeps_its_spec_without_a_ref(world):
    world.fail_start |= {"b": [Ignore()], "c": [Ignore()]}
    world.supervise(world.child("a"), world.child("b"), world.child("c", restart="temporary"))
    assert world.states() == {"a": "running", "b": "stopped"}
    assert world.ref("b") is None
    assert world.call(Supervisor.restart_child, "b").is_alive()


def test_a_supervisor_without_children_is_fine(world):
    world.supervise()
    assert world.call(Supervisor.which_children) == []


def test_a_child_whose_first_start_takes_too_long_fails(world):
    gate = Future()
    world.fail_start["a"] = [gate]
    assert world.refused(world.child("a", start_timeout=0.05)).id == "a"
    gate.set()
    assert world.system.actors() == []


def test_a_start_that_ends_too_late_brings_nothing_to_life(world, tools):
    class Stubborn(tools.Worker):
        def on_start(self):
            try:
                Future().get()
            except BaseException:  # also what breaks the wait off
                self.world.note("late")

    late = child(Stubborn, world, "a", id="a", name="ann", start_timeout=1.0)
    reason = world.refused(late).reason
    assert (type(reason), str(reason)) == (Timeout, "the start took longer than 1.0 s")
    world.until(lambda: "late" in world.journal)
    assert world.system.whereis("ann") is None
    assert world.system.actors() == []


def test_unknown_messages_are_logged(world, caplog):
    world.supervise(world.child("a"))
    world.supervisor.tell("what?")
    world.settle()
    assert "unknown message 'what?'" in caplog.text
    assert world.states() == {"a": "running"}


def test_arguments_reach_the_child_at_every_start(world, tools, crash):
    class Named(tools.Worker):
        def __init__(self, world, *, id, color):
            super().__init__(world, id)
            world.note(f"{id} is {color}")

    world.supervise(child(functools.partial(Named, id="n"), world, id="w", color="red"))
    crash(world.ref("w"))
    world.until_noted("n is red", "start n")
