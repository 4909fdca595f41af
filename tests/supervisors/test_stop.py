"""Rules 4, 7, 9 and 10: stopping a child, stopping all, and supervisors of supervisors."""

import pytest

from zanni import Future
from zanni.supervisors import Supervisor, child


def test_a_child_that_stops_as_asked_is_not_reported(world):
    world.supervise(world.child("a"))
    ref = world.ref("a")
    exited = ref.exited()
    world.call(Supervisor.terminate_child, "a")
    assert exited.get(timeout=10) == "shutdown"
    assert world.journal == ["stop a"]
    assert world.kinds("shutdown_error") == []
    assert world.kinds("terminated") == []


def test_kill_runs_no_hook(world):
    world.supervise(world.child("a", shutdown="kill"))
    exited = world.ref("a").exited()
    world.call(Supervisor.terminate_child, "a")
    assert exited.get(timeout=10) == "killed"
    assert world.journal == []
    assert world.kinds("shutdown_error") == []


@pytest.mark.parametrize("where", ["handler", "hook"])
def test_a_child_that_does_not_stop_in_time_is_killed_and_reported(world, where):
    world.supervise(world.child("a", shutdown=0.05), world.child("b"))
    ref, never = world.ref("a"), Future()
    exited = ref.exited()
    if where == "handler":
        world.make_wait(ref, never)
    else:
        world.gates["a"] = never
    world.call(Supervisor.terminate_child, "a")
    assert exited.get(timeout=10) == "killed"
    (report,) = world.kinds("shutdown_error")
    assert (report.id, report.ref, report.reason) == ("a", ref, "killed")
    assert world.states() == {"a": "stopped", "b": "running"}


def test_infinity_waits(world):
    gate = world.gates["a"] = Future()
    world.supervise(world.child("a", shutdown="infinity"))
    done = world.supervisor.call(Supervisor.terminate_child, "a")
    asked = world.supervisor.call(Supervisor.count_children)
    assert not asked.done()
    gate.set()
    done.get(timeout=10)
    assert asked.get(timeout=10).active == 0


@pytest.mark.parametrize("shutdown", [5.0, "kill", "infinity"])
def test_a_child_that_hides_cannot_hold_up_its_supervisor(world, tools, shutdown):
    class Hides(tools.Worker):
        trap_exit = True

        def on_receive(self, supervisor):
            self.link(supervisor)
            self.unlink(supervisor)
            self.unwatch(supervisor)

    world.supervise(child(Hides, world, "a", id="a", shutdown=shutdown))
    ref = world.ref("a")
    ref.ask(world.supervisor, timeout=10)
    world.call(Supervisor.terminate_child, "a")
    assert not ref.is_alive()
    assert world.states() == {"a": "stopped"}


def test_messages_that_wait_are_dead_letters_after_a_shutdown(world):
    world.supervise(world.child("a"))
    ref, gate = world.ref("a"), Future()
    world.make_wait(ref, gate)
    ref.tell("never")
    done = world.supervisor.call(Supervisor.terminate_child, "a")
    gate.set()
    done.get(timeout=10)
    assert world.system.dead_letters.last[-1].message == "never"


def nest(world, restart="permanent", **inner):
    """An outer supervisor with a worker on each side of an inner one, which has two."""
    members = {"children": lambda _: [world.child("x"), world.child("y")], **inner}
    cls = type("Inner", (Supervisor,), members)
    world.supervise(
        world.child("a"), child(cls, id="inner", restart=restart), world.child("b"), intensity=5
    )
    infos = world.ref("inner").call(Supervisor.which_children).get(timeout=10)
    return {info[0]: info[1] for info in infos}


def test_a_tree_stops_in_reverse_through_all_its_levels(world):
    nest(world)
    world.supervisor.stop(timeout=10)
    assert world.journal == ["stop b", "stop y", "stop x", "stop a"]


def test_an_inner_supervisor_that_gives_up_is_restarted_with_its_children(world, crash):
    inner = nest(world, intensity=0)
    ref = world.ref("inner")
    crash(inner["x"])
    world.until_noted("stop y", "start x", "start y")
    assert world.ref("inner") == ref
    assert [report.reason for report in world.kinds("terminated")][-1] == "shutdown"


def test_a_transient_inner_supervisor_that_gives_up_stays_down(world, crash):
    inner = nest(world, restart="transient", intensity=0)
    crash(inner["x"])
    world.until(lambda: [r.id for r in world.kinds("terminated")] == ["x", "inner"])
    assert world.states() == {"a": "running", "inner": "stopped", "b": "running"}
    assert world.journal == ["stop y"]


def test_a_killed_inner_supervisor_takes_its_children_along_and_returns(world):
    inner = nest(world)
    gone = [ref.exited() for ref in inner.values()]
    world.ref("inner").kill()
    for future in gone:
        future.get(timeout=10)
    world.until(lambda: world.journal[-2:] == ["start x", "start y"])
    assert set(world.states().values()) == {"running"}
    assert len(world.system.actors()) == 6


def test_an_inner_supervisor_has_all_the_time_it_needs(world):
    nest(world)
    assert world.call(Supervisor.count_children).supervisors == 1
    started = {report.id: report.shutdown for report in world.kinds("started")}
    assert started == {"a": 5.0, "x": 5.0, "y": 5.0, "inner": "infinity", "b": 5.0}


@pytest.mark.parametrize(
    ("auto_shutdown", "ends", "survives"),
    [
        ("any_significant", "a", False),
        ("all_significant", "a", True),
        ("any_significant", "c", True),
    ],
)
def test_significant_children(world, auto_shutdown, ends, survives):
    world.supervise(
        world.child("a", restart="transient", significant=True),
        world.child("b", restart="temporary", significant=True),
        world.child("c", restart="transient"),
        auto_shutdown=auto_shutdown,
    )
    exited = world.supervisor.exited()
    world.ref(ends).stop()
    world.until(lambda: world.kinds("terminated"))
    if survives:
        world.settle()
        assert world.supervisor.is_alive()
    else:
        assert exited.get(timeout=10) == "shutdown"
        assert world.journal == ["stop a", "stop c", "stop b"]


def test_the_last_significant_child_ends_the_supervisor(world, crash):
    world.supervise(
        world.child("a", restart="transient", significant=True),
        world.child("b", restart="temporary", significant=True),
        auto_shutdown="all_significant",
    )
    exited = world.supervisor.exited()
    b = world.ref("b")
    world.ref("a").stop()
    crash(b)
    assert exited.get(timeout=10) == "shutdown"


def test_a_significant_child_that_is_restarted_or_stopped_by_hand_ends_nothing(world, crash):
    world.supervise(
        world.child("a", restart="transient", significant=True), auto_shutdown="any_significant"
    )
    crash(world.ref("a"))
    world.until_noted("start a")
    world.call(Supervisor.terminate_child, "a")
    assert world.states() == {"a": "stopped"}
