"""Rule 11: children that come and go while the supervisor runs."""

import pytest

from zanni import Ignore, StartError
from zanni.actors.errors import (
    AlreadyPresent,
    AlreadyStarted,
    NotFound,
    Running,
    SpecError,
    SupervisorError,
)
from zanni.supervisors import ChildCount, Supervisor


def test_a_child_added_comes_last_and_a_restarted_one_keeps_its_place(world):
    world.supervise(world.child("b"), world.child("c"))
    world.call(Supervisor.start_child, world.child("a"))
    world.call(Supervisor.terminate_child, "b")
    world.call(Supervisor.restart_child, "b")
    assert list(world.states()) == ["b", "c", "a"]
    world.journal.clear()
    world.supervisor.stop(timeout=10)
    assert world.journal == ["stop a", "stop c", "stop b"]


def test_start_of_a_running_id(world):
    world.supervise(world.child("a"))
    with pytest.raises(AlreadyStarted) as caught:
        world.call(Supervisor.start_child, world.child("a"))
    assert caught.value.ref == world.ref("a")


def test_start_of_a_stopped_id(world):
    world.supervise(world.child("a"))
    world.call(Supervisor.terminate_child, "a")
    with pytest.raises(AlreadyPresent):
        world.call(Supervisor.start_child, world.child("a"))


def test_a_failed_start_discards_the_spec(world):
    world.supervise(world.child("a"))
    error = ValueError("no")
    world.fail_start["b"] = [error]
    with pytest.raises(StartError) as caught:
        world.call(Supervisor.start_child, world.child("b"))
    assert (caught.value.id, caught.value.reason) == ("b", error)
    assert world.states() == {"a": "running"}
    assert world.call(Supervisor.start_child, world.child("b")).is_alive()


def test_a_failed_start_by_hand_keeps_the_spec(world):
    world.supervise(world.child("a"))
    world.call(Supervisor.terminate_child, "a")
    world.fail_start["a"] = [ValueError("no")]
    with pytest.raises(StartError):
        world.call(Supervisor.restart_child, "a")
    assert world.states() == {"a": "stopped"}


@pytest.mark.parametrize(("restart", "left"), [("permanent", {"a": "stopped"}), ("temporary", {})])
def test_an_ignored_child(world, restart, left):
    world.supervise()
    world.fail_start["a"] = [Ignore()]
    assert world.call(Supervisor.start_child, world.child("a", restart=restart)) is None
    assert world.states() == left


def test_running_children_are_neither_deleted_nor_restarted(world):
    world.supervise(world.child("a"))
    for method in (Supervisor.delete_child, Supervisor.restart_child):
        with pytest.raises(Running):
            world.call(method, "a")


def test_unknown_ids(world):
    world.supervise()
    for method in (
        Supervisor.delete_child,
        Supervisor.restart_child,
        Supervisor.terminate_child,
    ):
        with pytest.raises(NotFound):
            world.call(method, "a")
    assert issubclass(NotFound, SupervisorError)


def test_terminate_delete_and_start_again(world):
    world.supervise(world.child("a"))
    world.call(Supervisor.terminate_child, "a")
    world.call(Supervisor.terminate_child, "a")  # already: as asked
    world.call(Supervisor.delete_child, "a")
    assert world.states() == {}
    assert world.call(Supervisor.start_child, world.child("a")).is_alive()


def test_a_temporary_child_is_forgotten_with_its_end(world):
    world.supervise(world.child("a", restart="temporary"))
    world.call(Supervisor.terminate_child, "a")
    assert world.states() == {}


def test_a_bad_spec_is_refused_and_the_supervisor_lives(world):
    world.supervise(world.child("a"))
    with pytest.raises(SpecError):
        world.call(Supervisor.start_child, "not a spec")
    assert world.states() == {"a": "running"}


def test_lists_and_counts(world):
    world.supervise(world.child("a"), world.child("b", restart="transient"))
    world.call(Supervisor.terminate_child, "a")
    infos = world.call(Supervisor.which_children)
    assert infos == [
        ("b", world.ref("b"), "worker", "transient"),
        ("a", None, "worker", "permanent"),
    ]
    assert world.call(Supervisor.count_children) == ChildCount(2, 1, 0, 2)


def test_many_temporary_children_leave_nothing_behind(world):
    world.supervise()
    for n in range(1000):
        spec = world.child(f"{n}", restart="temporary")
        world.call(Supervisor.start_child, spec).stop(block=False)
    world.until(lambda: len(world.kinds("terminated")) == 1000)
    assert world.states() == {}
    assert world.system.actors() == [world.supervisor]
