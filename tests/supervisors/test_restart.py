"""Rules 2 and 3, and refs that survive: who is restarted, how often, and what stays."""

import pytest

from zanni import Future
from zanni.actors.links import ChildFailed, Down
from zanni.supervisors import Supervisor


def end(ref, how, crash):
    match how:
        case "normal":
            ref.stop(block=False)
        case "crash":
            crash(ref)
        case "killed":
            ref.kill()
        case reason:
            ref.tell(("exit", reason))


@pytest.mark.parametrize("how", ["normal", "shutdown", ("shutdown", "x"), "crash", "odd", "killed"])
@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
def test_who_is_restarted(world, crash, restart, how):
    world.supervise(world.child("a", restart=restart), world.child("b"))
    end(world.ref("a"), how, crash)
    orderly = how in ("normal", "shutdown", ("shutdown", "x"))
    if restart == "permanent" or (restart == "transient" and not orderly):
        world.until(lambda: "start a" in world.journal)
        assert world.states() == {"a": "running", "b": "running"}
    else:
        world.until(lambda: world.kinds("terminated"))
        gone = {} if restart == "temporary" else {"a": "stopped"}
        assert world.states() == {**gone, "b": "running"}
        assert "start a" not in world.journal
    assert "start b" not in world.journal
    assert "stop b" not in world.journal


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_an_exit_that_is_not_restarted_disturbs_no_sibling(world, crash, strategy):
    world.supervise(
        world.child("a", restart="temporary"),
        world.child("b", restart="transient"),
        world.child("c"),
        strategy=strategy,
    )
    crash(world.ref("a"))
    world.ref("b").stop()
    world.until(lambda: len(world.kinds("terminated")) == 2)
    assert world.states() == {"b": "stopped", "c": "running"}
    assert world.journal == ["stop b"]


def test_the_ref_survives_with_its_queue_and_without_the_message_that_killed(world, crash):
    world.supervise(world.child("a", name="ann"))
    ref = world.ref("a")
    gone = ref.exited()
    ref.tell("before")
    gate = Future()
    world.make_wait(ref, gate)
    error = crash(ref)
    ref.tell("one")
    ref.tell("two")
    gate.set()
    assert ref.ask("seen", timeout=10) == ["one", "two"]
    assert ref.ask("restarted for", timeout=10) is error
    assert world.ref("a") == ref
    assert world.system.whereis("ann") == ref
    assert not gone.done()


def test_the_message_that_killed_is_a_dead_letter(world, crash):
    world.supervise(world.child("a"))
    crash(world.ref("a"))
    world.until_noted("start a")
    assert world.system.dead_letters.counts["failed"] == 1


def test_a_fresh_queue_is_dropped(world, crash):
    world.supervise(world.child("a", name="ann", queue="fresh"))
    ref = world.ref("a")
    gate = Future()
    world.make_wait(ref, gate)
    crash(ref)
    ref.tell("lost")
    gate.set()
    world.until(lambda: "start a" in world.journal)
    world.settle()
    new = world.system.whereis("ann")
    assert new == world.ref("a")
    assert new.ask("seen", timeout=10) == []


def test_a_killed_child_lives_again_under_the_same_name(world):
    world.supervise(world.child("a", name="ann"))
    world.ref("a").kill()
    world.until_noted("start a")
    assert world.system.whereis("ann") == world.ref("a")
    assert world.ref("a").ask("seen", timeout=10) == []
    assert [report.reason for report in world.kinds("terminated")] == ["killed"]


def test_more_restarts_than_intensity_end_the_supervisor(world, crash):
    world.supervise(*[world.child(each) for each in "abc"], intensity=3, period=60)
    ref = world.ref("b")
    exited = world.supervisor.exited()
    for _ in range(3):
        crash(ref)
    assert ref.ask("seen", timeout=10) == []
    world.journal.clear()
    crash(ref, "the last")
    assert exited.get(timeout=10) == "shutdown"
    assert world.journal == ["stop c", "stop a"]
    (report,) = world.kinds("gave_up")
    assert (report.id, str(report.reason)) == ("b", "the last")
    assert len(world.kinds("terminated")) == 4
    assert world.system.actors() == []


def test_a_child_that_exits_as_it_is_restarted_has_failed_once_more(world, crash):
    world.supervise(world.child("a"), world.child("b"), intensity=3, period=60)
    world.fail_start["a"] = [SystemExit("no config"), KeyboardInterrupt()]
    ref = world.ref("a")
    crash(ref)
    world.until(lambda: "start a" in world.journal)
    assert world.journal == ["fail a", "fail a", "start a"]
    assert world.states() == {"a": "running", "b": "running"}
    assert world.ref("a") == ref


def test_with_intensity_0_the_first_crash_is_fatal(world, crash):
    world.supervise(world.child("a"), intensity=0)
    exited = world.supervisor.exited()
    crash(world.ref("a"))
    assert exited.get(timeout=10) == "shutdown"


def test_what_is_out_of_date_changes_nothing(world, crash):
    world.supervise(world.child("a"), world.child("b"), intensity=1, period=60)
    old = world.ref("a")
    world.call(Supervisor.terminate_child, "a")
    new = world.call(Supervisor.restart_child, "a")
    world.journal.clear()
    for ref in (old, world.supervisor):
        world.supervisor.tell(ChildFailed(ref, "old news"))
        world.supervisor.tell(Down(ref, "old news"))
    assert world.states() == {"a": "running", "b": "running"}
    assert world.ref("a") == new
    assert world.journal == []


def test_each_thing_that_happens_is_reported(world, crash):
    world.supervise(world.child("a", restart="transient", shutdown=2))
    ref = world.ref("a")
    error = crash(ref)
    world.until(lambda: len(world.kinds("started")) == 2)
    (report,) = world.kinds("terminated")
    assert (report.id, report.ref, report.restart) == ("a", ref, "transient")
    assert (report.shutdown, report.reason, report.supervisor) == (2, error, world.supervisor)
    assert [r.kind for r in world.reports] == ["started", "terminated", "started"]
