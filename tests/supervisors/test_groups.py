"""Rules 5 and 6: group restarts, and restarts that fail."""

import pytest

from zanni import Future
from zanni.actors.errors import Restarting
from zanni.supervisors import Backoff, Supervisor


def test_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order(world, crash):
    world.supervise(*[world.child(each) for each in "dacb"], strategy="one_for_all")
    ref = world.ref("a")
    crash(ref)
    world.until_noted("stop b", "stop c", "stop d", "start d", "start a", "start c", "start b")
    assert world.ref("a") == ref


def test_rest_for_one_leaves_those_before_it_alone(world, crash):
    world.supervise(*[world.child(each) for each in "dacb"], strategy="rest_for_one")
    crash(world.ref("a"))
    world.until_noted("stop b", "stop c", "start a", "start c", "start b")


def test_a_temporary_sibling_is_dropped_a_transient_one_restarted(world, crash):
    world.supervise(
        world.child("a"),
        world.child("b", restart="temporary"),
        world.child("c", restart="transient"),
        strategy="one_for_all",
    )
    crash(world.ref("a"))
    world.until_noted("stop c", "stop b", "start a", "start c")
    assert world.states() == {"a": "running", "c": "running"}


@pytest.mark.parametrize(
    ("strategy", "revived"), [("one_for_all", ["a", "b", "c", "d"]), ("rest_for_one", ["c", "d"])]
)
def test_a_group_start_revives_whatever_is_in_its_range(world, crash, strategy, revived):
    world.supervise(
        world.child("a"),
        world.child("b", restart="transient"),
        world.child("c"),
        world.child("d"),
        strategy=strategy,
    )
    world.ref("b").stop()
    world.until(lambda: world.kinds("terminated"))
    world.call(Supervisor.terminate_child, "a")
    world.call(Supervisor.terminate_child, "d")
    world.journal.clear()
    crash(world.ref("c"))
    world.until_noted(*[f"start {each}" for each in revived])


def test_a_group_restart_counts_once(world, crash):
    world.supervise(
        *[world.child(each) for each in "abc"], strategy="one_for_all", intensity=2, period=60
    )
    for n in (1, 2):
        crash(world.ref("a"))
        world.until(lambda n=n: world.journal.count("start c") == n)
    assert set(world.states().values()) == {"running"}


def test_two_that_die_together_cause_one_group_restart(world, crash):
    world.supervise(
        world.child("a"), world.child("b"), strategy="one_for_all", intensity=1, period=60
    )
    gates = {"a": Future(), "b": Future()}
    for each, gate in gates.items():
        ref = world.ref(each)
        world.make_wait(ref, gate)
        crash(ref, each)

    # Both fail while their supervisor waits for a third, which it is asked to start.
    third = Future()
    world.fail_start["c"] = [third]
    started = world.supervisor.call(Supervisor.start_child, world.child("c"))
    world.until(lambda: "fail c" in world.journal)
    for gate in gates.values():
        gate.set()
    world.journal.clear()
    third.set()
    started.get(timeout=10)
    world.until(lambda: world.journal[-3:] == ["start a", "start b", "start c"])
    world.settle()
    assert world.journal == ["start c", "stop c", "start a", "start b", "start c"]
    assert world.supervisor.is_alive()
    assert len(world.kinds("terminated")) == 1


def test_one_for_all_begins_again_when_a_member_fails_to_start(world, crash):
    world.supervise(
        *[world.child(each) for each in "abc"], strategy="one_for_all", intensity=5, period=60
    )
    world.fail_start["b"] = [ValueError("no")]
    crash(world.ref("c"))
    world.until_noted(
        "stop b", "stop a", "start a", "fail b", "stop a", "start a", "start b", "start c"
    )


def test_rest_for_one_resumes_at_the_member_that_failed_to_start(world, crash):
    world.supervise(
        *[world.child(each) for each in "abcd"], strategy="rest_for_one", intensity=5, period=60
    )
    world.fail_start["c"] = [ValueError("no")]
    crash(world.ref("b"))
    world.until_noted("stop d", "stop c", "start b", "fail c", "start c", "start d")


def test_every_failed_attempt_counts(world, crash):
    world.supervise(world.child("a"), intensity=3, period=60)
    world.fail_start["a"] = [ValueError(n) for n in range(10)]
    exited = world.supervisor.exited()
    crash(world.ref("a"))
    assert exited.get(timeout=10) == "shutdown"
    assert world.journal.count("fail a") == 3
    assert len(world.kinds("start_error")) == 3
    assert world.system.actors() == []


def test_a_failed_restart_keeps_the_ref(world, crash):
    world.supervise(world.child("a"), intensity=5, period=60)
    world.fail_start["a"] = [ValueError(n) for n in range(2)]
    ref = world.ref("a")
    gate = Future()
    world.make_wait(ref, gate)
    crash(ref)
    ref.tell("kept")
    gate.set()
    assert ref.ask("seen", timeout=10) == ["kept"]
    assert world.journal == ["fail a", "fail a", "start a"]


def test_a_restart_that_takes_too_long_fails(world, crash):
    world.supervise(world.child("a", start_timeout=1.0), intensity=5, period=60)
    late = Future()
    world.fail_start["a"] = [late]
    crash(world.ref("a"))
    world.until_noted("fail a", "start a")
    late.set()
    world.settle()
    assert world.journal == ["fail a", "start a"]
    assert len(world.system.actors()) == 2


def test_while_a_restart_is_due_others_are_answered(world, crash):
    world.supervise(world.child("a", backoff=Backoff(min=3600, max=3600)), world.child("b"))
    ref = world.ref("a")
    crash(ref)
    world.until(lambda: world.kinds("terminated"))
    assert world.states() == {"a": "restarting", "b": "running"}
    assert world.ref("a") is None
    for method in (Supervisor.delete_child, Supervisor.restart_child):
        with pytest.raises(Restarting):
            world.call(method, "a")
    world.call(Supervisor.terminate_child, "a")
    assert world.states() == {"a": "stopped", "b": "running"}
    assert not ref.is_alive()
    assert world.call(Supervisor.restart_child, "a") != ref


def test_a_delayed_restart_comes_and_keeps_the_ref(world, crash):
    world.supervise(world.child("a", backoff=Backoff(min=0.01)), intensity=3, period=60)
    ref = world.ref("a")
    crash(ref)
    world.until_noted("start a")
    assert world.ref("a") == ref


def test_a_delayed_group_restart_stops_the_siblings_at_once(world, crash):
    slow = Backoff(min=3600, max=3600)
    world.supervise(world.child("a", backoff=slow), world.child("b"), strategy="one_for_all")
    crash(world.ref("a"))
    world.until_noted("stop b")
    assert world.states() == {"a": "restarting", "b": "stopped"}


def test_restarts_that_do_not_count_are_tried_for_ever(world, crash):
    backoff = Backoff(min=0, max=0, counted=False)
    world.supervise(world.child("a", backoff=backoff), intensity=0)
    world.fail_start["a"] = [ValueError(n) for n in range(20)]
    crash(world.ref("a"))
    world.until_noted(*["fail a"] * 20, "start a")


def test_a_stopped_supervisor_does_not_restart_what_was_due(world, crash):
    world.supervise(world.child("a", backoff=Backoff(min=3600, max=3600)), world.child("b"))
    ref = world.ref("a")
    crash(ref)
    world.until(lambda: world.kinds("terminated"))
    world.supervisor.stop(timeout=10)
    assert world.journal == ["stop b"]
    assert not ref.is_alive()
    assert world.system.actors() == []
