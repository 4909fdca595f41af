"""What is seen of a supervisor from outside, without asking it."""

import threading

import pytest

from zanni import Future, Ignore
from zanni.supervisors import Backoff, Supervisor


@pytest.fixture
def see(world):
    """The records of the children by id, as the loop reads them, and the supervisor's own."""

    def see():
        actor = world.supervisor.process.find_actor()
        oversight = actor._oversight()
        return {each.id: each for each in oversight.children}, oversight

    return see


def test_children_in_start_order_with_what_the_spec_says(world, see):
    world.supervise(
        world.child("a", name="ann"), world.child("b", restart="transient"), intensity=4
    )
    records, oversight = see()
    assert list(records) == ["a", "b"]
    a, b = records.values()
    assert (a.kind, a.restart, a.state, a.name) == ("worker", "permanent", "running", "ann")
    assert a.class_name.endswith(":Worker")
    assert a.address == world.ref("a").address
    assert (a.restarts, a.reason) == (0, None)
    assert (b.restart, b.name) == ("transient", None)
    assert (oversight.kind, oversight.strategy) == ("supervisor", "one_for_one")
    assert (oversight.intensity, oversight.period, oversight.recent) == (4, 5.0, 0)


def test_restarts_are_counted_and_the_last_reason_is_kept(world, see, crash):
    world.supervise(world.child("a"), world.child("b"), intensity=10)
    for number in range(3):
        crash(world.ref("a"), f"crash {number}")
        world.until(lambda n=number: world.journal.count("start a") == n + 1)
    world.settle()
    records, oversight = see()
    assert (records["a"].restarts, records["a"].reason) == (3, "RuntimeError('crash 2')")
    assert records["b"].restarts == 0
    assert oversight.recent == 3


def test_a_group_restart_counts_for_each_and_once_for_the_supervisor(world, see, crash):
    world.supervise(world.child("a"), world.child("b"), strategy="one_for_all", intensity=3)
    crash(world.ref("a"))
    world.until(lambda: "start b" in world.journal)
    world.settle()
    records, oversight = see()
    assert {each.id: each.restarts for each in records.values()} == {"a": 1, "b": 1}
    assert records["b"].reason == "shutdown"
    assert oversight.recent == 1


def test_a_child_that_waits_for_its_restart(world, see, crash):
    world.supervise(world.child("a", backoff=Backoff(min=100, max=100)))
    crash(world.ref("a"))
    world.until(lambda: world.kinds("terminated"))
    world.settle()
    a = see()[0]["a"]
    assert (a.state, a.restarts, a.reason) == ("restarting", 0, "RuntimeError('crash')")


def test_a_child_that_has_not_started_yet_while_the_supervisor_waits(world, see):
    gate = Future()
    world.fail_start["b"] = [gate]
    starting = threading.Thread(target=world.supervise, args=[*map(world.child, "abc")])
    starting.start()
    world.until(lambda: "fail b" in world.journal)
    actors = [ref.process.find_actor() for ref in world.system.actors()]
    (supervisor,) = [actor for actor in actors if isinstance(actor, Supervisor)]
    states = {each.id: each.state for each in supervisor._oversight().children}
    gate.set(1)
    starting.join()
    assert states == {"a": "running", "b": "not started"}
    assert {each.state for each in see()[0].values()} == {"running"}


def test_a_failed_start_is_a_reason(world, see, crash):
    world.supervise(world.child("a", backoff=Backoff(min=100, max=100)))
    world.call(Supervisor.terminate_child, "a")
    assert (see()[0]["a"].state, see()[0]["a"].reason) == ("stopped", "shutdown")
    world.fail_start["a"] = [ValueError("no")]
    with pytest.raises(Exception, match="no"):
        world.call(Supervisor.restart_child, "a")
    assert see()[0]["a"].reason == "ValueError('no')"
    world.call(Supervisor.restart_child, "a")
    assert (see()[0]["a"].state, see()[0]["a"].restarts) == ("running", 1)


def test_a_child_that_was_left_out_has_not_started(world, see):
    world.fail_start["a"] = [Ignore()]
    world.supervise(world.child("a"))
    assert (see()[0]["a"].state, see()[0]["a"].address) == ("not started", None)


def test_a_reason_keeps_no_frames_alive(world, see, crash):
    world.supervise(world.child("a"))
    crash(world.ref("a"))
    world.until(lambda: "start a" in world.journal)
    assert type(see()[0]["a"].reason) is str
