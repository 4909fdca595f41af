"""What survives a stop that a restart follows: the ref, the name and the queue."""

import pytest

from zanni import Actor, Future, NameInUse
from zanni.actors.errors import ActorDeadError
from zanni.actors.oversight import Judge
from zanni.actors.process import Kill, Suspend
from zanni.actors.signalled import Signalled
from zanni.supervisors import Backoff, Supervisor

SLOW = Backoff(min=3600, max=3600)


def hold(world, id):
    """Have a child wait in a handler; the future that lets it go on."""
    gate = Future()
    world.make_wait(world.ref(id), gate)
    return gate


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_a_sibling_keeps_its_ref_its_name_and_its_queue(world, crash, strategy):
    world.supervise(world.child("a"), world.child("b", name="bob"), strategy=strategy)
    ref = world.ref("b")
    gone = ref.exited()
    ref.tell("before")
    gate = hold(world, "b")
    ref.tell("one")
    ref.tell("two")
    crash(world.ref("a"))
    world.until(lambda: world.kinds("terminated"))  # in the turn that tells b
    gate.set()
    world.until(lambda: world.journal[-1:] == ["start b"])
    assert world.journal == ["stop b", "start a", "start b"]
    assert ref.ask("seen", timeout=10) == ["one", "two"]
    assert ref.ask("restarted for", timeout=10) == "shutdown"
    assert (world.ref("b"), world.system.whereis("bob")) == (ref, ref)
    assert not gone.done()
    assert world.system.dead_letters.counts["dead"] == 0
    assert [report.id for report in world.kinds("shutdown_error")] == []


@pytest.mark.parametrize("shutdown", [0.05, "kill"])
def test_a_sibling_that_has_to_be_killed_keeps_them_too(world, crash, shutdown):
    world.supervise(world.child("a"), world.child("b", shutdown=shutdown), strategy="one_for_all")
    ref = world.ref("b")
    gone = ref.exited()
    hold(world, "b")
    ref.tell("kept")
    crash(world.ref("a"))
    world.until_noted("start a", "start b")
    assert ref.ask("seen", timeout=10) == ["kept"]
    assert not gone.done()
    reported = [] if shutdown == "kill" else [("b", ref, "killed")]
    assert [(r.id, r.ref, r.reason) for r in world.kinds("shutdown_error")] == reported


def test_a_sibling_that_is_to_be_killed_is_told_that_first_so_that_no_hook_runs(
    world, crash, monkeypatch
):
    world.supervise(world.child("a"), world.child("b", shutdown="kill"), strategy="one_for_all")
    process, told, obey = world.ref("b").process, [], Signalled.signal

    def signal(cell, signal):
        if cell is process:
            told.append(type(signal))
        obey(cell, signal)

    monkeypatch.setattr(Signalled, "signal", signal)
    crash(world.ref("a"))
    world.until_noted("start a", "start b")
    assert told[:2] == [Kill, Suspend]


def test_a_sibling_that_fails_meanwhile_is_restarted_once_and_reported(world, crash):
    world.supervise(
        world.child("a"), world.child("b"), strategy="one_for_all", intensity=2, period=60
    )
    ref = world.ref("b")
    gate = hold(world, "b")
    crash(world.ref("a"))
    world.until(lambda: world.kinds("terminated"))
    error = RuntimeError("meanwhile")
    gate.reject(error)
    world.until_noted("start a", "start b")
    assert [(r.id, r.reason) for r in world.kinds("shutdown_error")] == [("b", error)]
    assert ref.ask("restarted for", timeout=10) is error
    # And its next end is heard of.
    crash(ref, "again")
    world.until(lambda: world.journal.count("start b") == 2)
    assert len(world.kinds("terminated")) == 2


def test_its_next_crash_is_heard_of_after_every_group_restart(world, crash):
    world.supervise(
        *[world.child(each) for each in "abc"], strategy="one_for_all", intensity=9, period=60
    )
    refs = [world.ref(each) for each in "abc"]
    for n, ref in enumerate([*refs, *refs], start=1):
        crash(ref)
        world.until(lambda n=n: world.journal.count("start c") == n)
        world.settle()
    assert [world.ref(each) for each in "abc"] == refs
    assert [report.id for report in world.kinds("terminated")] == [*"abcabc"]


def test_with_a_fresh_queue_a_sibling_is_made_anew(world, crash):
    world.supervise(
        world.child("a"), world.child("b", queue="fresh", name="bob"), strategy="one_for_all"
    )
    ref = world.ref("b")
    gone = ref.exited()
    crash(world.ref("a"))
    world.until_noted("stop b", "start a", "start b")
    assert gone.get(timeout=10) == "shutdown"
    assert world.ref("b") != ref
    assert world.system.whereis("bob") == world.ref("b")


def test_a_temporary_sibling_ends_for_good(world, crash):
    world.supervise(
        world.child("a"), world.child("b", restart="temporary", name="bob"), strategy="one_for_all"
    )
    gone = world.ref("b").exited()
    crash(world.ref("a"))
    assert gone.get(timeout=10) == "shutdown"
    world.settle()
    assert world.states() == {"a": "running"}
    assert world.system.whereis("bob") is None


def test_a_group_that_begins_again_keeps_the_refs(world, crash):
    world.supervise(
        *[world.child(each) for each in "abc"], strategy="one_for_all", intensity=5, period=60
    )
    refs = [world.ref(each) for each in "abc"]
    world.fail_start["b"] = [ValueError("no")]
    crash(world.ref("c"))
    world.until(lambda: world.journal[-1:] == ["start c"])
    world.settle()
    assert [world.ref(each) for each in "abc"] == refs


@pytest.fixture
def delayed(world, crash):
    """A group restart that is long not due: b, called bob, is suspended, its queue holds one."""
    world.supervise(
        world.child("a", backoff=SLOW), world.child("b", name="bob"), strategy="one_for_all"
    )
    ref = world.ref("b")
    ref.gone = ref.exited()
    crash(world.ref("a"))
    world.until_noted("stop b")
    ref.tell("kept")
    return ref


def test_meanwhile_it_lives_and_nobody_may_take_its_name(world, delayed):
    assert delayed.is_alive()
    assert world.system.whereis("bob") == delayed
    assert delayed in world.system.actors()
    with pytest.raises(NameInUse):
        world.system.spawn(Actor, name="bob")


def test_it_may_be_started_by_hand(world, delayed):
    assert world.call(Supervisor.restart_child, "b") == delayed
    assert delayed.ask("seen", timeout=10) == ["kept"]


@pytest.mark.parametrize("method", [Supervisor.terminate_child, Supervisor.delete_child])
def test_by_hand_it_ends_for_good(world, delayed, method):
    world.call(method, "b")
    assert delayed.gone.get(timeout=10) == "shutdown"
    assert world.system.whereis("bob") is None
    assert world.system.dead_letters.last[-1].message == "kept"
    if method is Supervisor.terminate_child:
        assert world.call(Supervisor.restart_child, "b") != delayed


def test_a_kill_leaves_it_as_it_is(world, delayed):
    delayed.kill()
    assert world.call(Supervisor.restart_child, "b") == delayed


@pytest.mark.parametrize("how", ["stop", "kill", "crash"])
def test_the_supervisors_end_is_its_end(world, delayed, how):
    match how:
        case "stop":
            world.supervisor.stop(timeout=10)
        case "kill":
            world.supervisor.kill()
        case "crash":
            world.supervisor.tell(_Broken())
    delayed.gone.get(timeout=10)
    world.supervisor.wait(timeout=10)
    assert world.system.whereis("bob") is None
    assert world.system.actors() == []
    assert world.system.spawn(Actor, name="bob").is_alive()


def test_a_supervisor_that_gives_up_leaves_nobody_suspended(world, crash):
    world.supervise(world.child("a"), world.child("b", name="bob"), strategy="one_for_all")
    world.fail_start["a"] = [ValueError("no")]
    gone = world.ref("b").exited()
    crash(world.ref("a"))
    assert gone.get(timeout=10) == "shutdown"
    assert world.supervisor.wait(timeout=10) in ("shutdown", "noproc")
    assert [report.id for report in world.kinds("gave_up")] == ["a"]
    assert world.system.whereis("bob") is None
    assert world.system.actors() == []


class _Broken:
    """A message that the supervisor fails at: it logs the ones that it merely does not know."""

    @property
    def __class__(self):
        raise RuntimeError("broken")


class Plain(Judge, Actor):
    def on_receive(self, message):
        message.get()


def ask_suspend(ref, reason="shutdown"):
    ended = Future()
    ref.process.signal(Suspend(reason, ended))
    return ended


def test_an_actor_that_is_gone_cannot_be_suspended(world):
    ref = world.system.spawn(Plain)
    ref.stop()
    with pytest.raises(ActorDeadError):
        ask_suspend(ref).get(timeout=10)


def test_nor_one_that_nobody_supervises(world):
    ref = world.system.spawn(Plain)
    with pytest.raises(ActorDeadError):
        ask_suspend(ref).get(timeout=10)
    assert ref.wait(timeout=10) == "noproc"


def test_the_answer_is_the_reason_for_which_it_ended_whichever_came_first(world):
    keeper = world.system.spawn(Plain)
    ref = world.system.spawn(Plain, supervisor=keeper)
    ref.process.signal(Kill())
    assert ask_suspend(ref).get(timeout=10) == "killed"
    assert ask_suspend(ref).get(timeout=10) == "killed"  # and once more
