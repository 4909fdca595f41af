"""`DynamicSupervisor`: children that come and go, are told to stop together, and leave nothing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from zanni import Actor, Future, Ignore, StartError
from zanni.supervisors import (
    Backoff,
    ChildCount,
    DynamicSupervisor,
    MaxChildren,
    NotFound,
    Restarting,
    Running,
    SpecError,
    Supervisor,
    SupervisorError,
    child,
)
from zanni.supervisors.family import Family

SLOW = Backoff(min=3600, max=3600)
MANY = 10**6


def lines(world):
    return world.call(DynamicSupervisor.which_children)


def has(world, *refs):
    """The supervisor has these children and no other, and they run."""
    assert [line[1] for line in reversed(lines(world))] == list(refs)


# --- start


def test_arguments_are_put_behind_those_of_the_template(world, tools):
    class Labelled(tools.Worker):
        def __init__(self, *args, label, color):
            super().__init__(*args)
            self.seen.append((label, color))

    world.supervise_many(child(Labelled, world, id="w", label="any", color="red"))
    ref = world.start("a", label="mine")
    assert world.journal == ["start a"]
    assert ref.ask("seen", timeout=10) == [("mine", "red")]


def test_a_restart_has_the_same_arguments(world, crash):
    world.supervise_many(world.template())
    crash(world.start("a"))
    world.until_noted("start a", "start a")


def test_a_spec_may_be_given_beside_the_template_and_without_one(world):
    for template in (world.template(), None):
        world.supervise_many(template)
        world.start(world.child("other", restart="transient"))
        assert [line[0::2] for line in lines(world)] == [("other", "worker")]
        assert lines(world)[0][3] == "transient"


def test_a_subclass_may_say_what_the_template_is(world):
    members = {"template": lambda _: world.template(restart="temporary")}
    cls = type("Subject", (DynamicSupervisor,), members)
    world.supervisor = world.system.spawn(cls)
    ref = world.start("a")
    assert lines(world) == [("w", ref, "worker", "temporary")]


def test_ids_may_be_equal_and_the_newest_child_is_listed_first(world):
    world.supervise_many(world.template())
    first, second = world.start("a"), world.start("b")
    assert lines(world) == [
        ("w", second, "worker", "permanent"),
        ("w", first, "worker", "permanent"),
    ]
    assert world.call(DynamicSupervisor.count_children) == ChildCount(2, 2, 0, 2)


def test_a_child_that_asks_to_be_ignored_is_forgotten(world):
    world.supervise_many(world.template())
    world.fail_start["a"] = [Ignore()]
    assert world.start("a") is None
    has(world)


def test_a_child_that_does_not_start_is_forgotten(world):
    world.supervise_many(world.template())
    error = ValueError("no")
    world.fail_start["a"] = [error]
    with pytest.raises(StartError) as caught:
        world.start("a")
    assert (caught.value.id, caught.value.reason) == ("w", error)
    assert [report.kind for report in world.reports] == ["start_error"]
    has(world)
    has(world, world.start("a"))


# --- max_children


@pytest.mark.parametrize("where", ["__init__", "on_start"])
def test_a_child_that_exits_or_is_cancelled_as_it_starts_does_not_start(world, where):
    class Exits(Actor):
        def __init__(self):
            if where == "__init__":
                raise SystemExit("no config")

        async def on_start(self):
            task = asyncio.ensure_future(asyncio.sleep(60))
            asyncio.get_running_loop().call_soon(task.cancel)
            await task

    world.supervise_many()
    with pytest.raises(StartError, match=r"SystemExit|CancelledError"):
        world.start(child(Exits, id="w"))
    assert lines(world) == []


def test_more_than_max_children_are_refused_and_nothing_is_started(world):
    world.supervise_many(world.template(), max_children=2)
    first = world.start("a")
    world.start("b")
    with pytest.raises(MaxChildren, match="2 children, and max_children allows no more") as caught:
        world.start("c")
    assert caught.value.limit == 2
    assert world.journal == ["start a", "start b"]
    world.call(DynamicSupervisor.terminate_child, first)
    assert world.start("c").is_alive()


def test_a_child_that_ended_makes_room(world):
    world.supervise_many(world.template(restart="temporary"), max_children=1)
    world.start("a").stop()
    world.until(lambda: world.kinds("terminated"))
    assert world.start("b").is_alive()


def test_a_child_that_waits_for_its_restart_keeps_its_place(world, crash):
    world.supervise_many(world.template(backoff=SLOW), max_children=1)
    crash(world.start("a"))
    world.until(lambda: world.kinds("terminated"))
    with pytest.raises(MaxChildren):
        world.start("b")


def test_a_child_that_failed_to_start_takes_no_place(world):
    world.supervise_many(world.template(), max_children=1)
    world.fail_start["a"] = [ValueError("no")]
    with pytest.raises(StartError):
        world.start("a")
    assert world.start("b").is_alive()


def test_the_class_may_say_how_many(world):
    cls = type("Closed", (DynamicSupervisor,), {"max_children": 0})
    world.supervisor = world.system.spawn(cls, world.template())
    with pytest.raises(MaxChildren):
        world.start("a")


# --- terminate


def test_a_child_is_terminated_by_its_ref_and_forgotten(world):
    world.supervise_many(world.template())
    first, second = world.start("a"), world.start("b")
    gone = first.exited()
    world.call(DynamicSupervisor.terminate_child, first)
    assert gone.get(timeout=10) == "shutdown"
    assert world.journal == ["start a", "start b", "stop a"]
    has(world, second)
    for method in (DynamicSupervisor.terminate_child, DynamicSupervisor.restart_child):
        with pytest.raises(NotFound):
            world.call(method, first)
    assert world.kinds("shutdown_error") == []


def test_a_child_is_terminated_by_its_id_if_no_other_has_it(world):
    world.supervise_many()
    for each in "aab":
        world.start(world.child(each))
    with pytest.raises(SupervisorError, match=r"2 children have the id 'a': .* its ref"):
        world.call(DynamicSupervisor.terminate_child, "a")
    world.call(DynamicSupervisor.terminate_child, "b")
    assert [line[0] for line in lines(world)] == ["a", "a"]
    world.call(DynamicSupervisor.terminate_child, lines(world)[0][1])
    world.call(DynamicSupervisor.terminate_child, "a")
    with pytest.raises(NotFound):
        world.call(DynamicSupervisor.terminate_child, "a")
    has(world)


def test_a_stranger_is_not_found(world):
    world.supervise_many(world.template())
    with pytest.raises(NotFound):
        world.call(DynamicSupervisor.terminate_child, world.system.spawn(Actor))


def test_there_is_nothing_to_restart_or_delete_by_hand(world, crash):
    world.supervise_many()
    world.start(world.child("a"))
    crash(world.start(world.child("b", backoff=SLOW)))
    world.until(lambda: world.kinds("terminated"))
    for method in (DynamicSupervisor.restart_child, DynamicSupervisor.delete_child):
        for child_id, error in [("a", Running), ("b", Restarting), ("c", NotFound)]:
            with pytest.raises(error):
                world.call(method, child_id)


def test_terminating_a_child_that_waits_for_its_restart_calls_that_off(world, crash):
    world.supervise_many(intensity=9)
    first, second = (world.start(world.child(each, backoff=SLOW)) for each in "ab")
    gone = first.exited()
    error = crash(first)
    world.until(lambda: world.kinds("terminated"))
    assert lines(world)[1][1] == "restarting"
    world.call(DynamicSupervisor.terminate_child, first)
    assert gone.get(timeout=10) is error
    crash(second)
    world.until(lambda: len(world.kinds("terminated")) == 2)
    world.settle()
    world.make_due()
    world.until_noted("start a", "start b", "start b")
    has(world, second)


# --- ends and restarts


@pytest.mark.parametrize("how", ["normal", "crash", "killed"])
@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
def test_who_is_restarted_and_that_the_others_are_forgotten(world, crash, restart, how):
    world.supervise_many(world.template(restart=restart))
    first, second = world.start("a"), world.start("b")
    gone = first.exited()
    if how == "crash":
        crash(first)
    elif how == "killed":
        first.kill()
    else:
        first.stop(block=False)
    if restart == "permanent" or (restart == "transient" and how != "normal"):
        world.until(lambda: world.journal.count("start a") == 2)
        has(world, first, second)
        assert not gone.done()
    else:
        gone.get(timeout=10)
        has(world, second)
        assert world.journal.count("start a") == 1
    assert "stop b" not in world.journal


def test_the_queue_and_the_name_survive_a_restart(world, crash):
    world.supervise_many()
    ref = world.start(world.child("a", name="ann"))
    gate = Future()
    world.make_wait(ref, gate)
    error = crash(ref)
    ref.tell("one")
    ref.tell("two")
    gate.set()
    assert ref.ask("seen", timeout=10) == ["one", "two"]
    assert ref.ask("restarted for", timeout=10) is error
    assert world.system.whereis("ann") == ref


def test_a_fresh_queue_means_a_new_ref(world, crash):
    world.supervise_many()
    ref = world.start(world.child("a", queue="fresh"))
    crash(ref)
    world.until_noted("start a", "start a")
    assert lines(world)[0][1] != ref


def test_failed_restarts_leave_room_for_other_requests(world, crash):
    world.supervise_many(world.template(), intensity=MANY)
    ref, gate = world.start("a"), Future()
    world.fail_start["a"] = [ValueError("no")] * 20 + [gate]
    crash(ref)
    world.until(lambda: world.journal.count("fail a") == 21)  # it waits in its start
    asked = world.supervisor.call(DynamicSupervisor.terminate_child, ref)
    gate.reject(ValueError("no"))
    world.fail_start["a"] = [ValueError("no")] * MANY
    asked.get(timeout=10)
    failed = world.journal.count("fail a")
    has(world, world.start("b"))
    assert world.journal.count("fail a") == failed


def test_a_restart_that_asks_to_be_ignored_is_the_end(world, crash):
    world.supervise_many(world.template())
    ref = world.start("a")
    gone = ref.exited()
    world.fail_start["a"] = [Ignore()]
    crash(ref)
    gone.get(timeout=10)
    has(world)


def test_too_many_restarts_end_the_supervisor_and_all_its_children(world, crash):
    world.supervise_many(world.template(), intensity=2, period=60)
    refs = [world.start(each) for each in "abc"]
    gone = [ref.exited() for ref in refs]
    exited = world.supervisor.exited()
    for ref in refs:
        crash(ref)
    assert exited.get(timeout=10) == "shutdown"
    assert [report.id for report in world.kinds("gave_up")] == ["w"]
    assert [future.get(timeout=10) for future in gone[:2]] == ["shutdown"] * 2
    assert isinstance(gone[2].get(timeout=10), RuntimeError)
    assert world.system.actors() == []


def test_a_storm_of_crashes_restarts_each_child_once_behind_its_ref(world, crash):
    world.supervise_many(world.template(), intensity=MANY)
    refs = [world.start(f"{n}") for n in range(300)]
    for ref in refs:
        crash(ref)
        ref.tell("kept")
    assert [ref.ask("seen", timeout=10) for ref in refs] == [["kept"]] * 300
    has(world, *refs)
    assert len(world.kinds("terminated")) == 300
    assert len(world.kinds("started")) == 600


def test_children_that_end_while_others_start(world):
    """Each thread has children of its own; what was started and not stopped is what is left."""
    world.supervise_many(world.template(restart="temporary"))
    left = [[] for _ in range(4)]

    def work(mine):
        for n in range(30):
            ref = world.start(f"{n}")
            match n % 3:
                case 0:
                    ref.stop()
                case 1:
                    world.call(DynamicSupervisor.terminate_child, ref)
                case _:
                    mine.append(ref)

    with ThreadPoolExecutor(len(left)) as threads:
        list(threads.map(work, left))  # raises what one of them raised
    world.until(lambda: len(world.kinds("terminated")) == 40)
    running = {line[1] for line in lines(world)}
    assert running == {ref for mine in left for ref in mine}
    assert world.call(DynamicSupervisor.count_children) == ChildCount(40, 40, 0, 40)


# --- significant children


def test_any_significant_child_that_ends_ends_the_supervisor(world):
    world.supervise_many(auto_shutdown="any_significant")
    exited = world.supervisor.exited()
    world.start(world.child("a", restart="temporary")).stop()
    assert world.start(world.child("b", restart="transient", significant=True)).stop()
    assert exited.get(timeout=10) == "shutdown"


def test_the_last_significant_child_ends_the_supervisor(world, crash):
    world.supervise_many(auto_shutdown="all_significant", intensity=9)
    exited = world.supervisor.exited()
    spec = world.child("a", restart="transient", significant=True)
    first, second, third = world.start(spec), world.start(spec), world.start(spec)
    world.start(world.child("b"))
    first.stop()
    crash(second)  # restarted
    world.call(DynamicSupervisor.terminate_child, third)  # not by itself
    world.settle()
    assert not exited.done()
    second.stop()
    assert exited.get(timeout=10) == "shutdown"
    assert world.journal[-1] == "stop b"


# --- stop


class Meeting(Actor):
    """Its `on_stop` waits until all of its kind have come to theirs."""

    def __init__(self, world, size, met):
        super().__init__()
        self.world, self.size, self.met = world, size, met

    def on_stop(self):
        self.world.note("stopping")
        if self.world.journal.count("stopping") == self.size:
            self.met.set()
        self.met.get()


def test_all_are_told_to_stop_at_once(world):
    world.supervise_many(child(Meeting, world, 5, Future(), id="m", shutdown="infinity"))
    for _ in range(5):
        world.start()
    assert world.supervisor.stop(timeout=10)
    assert world.kinds("shutdown_error") == []
    assert world.system.actors() == []


def test_each_has_its_own_time_from_the_moment_when_all_are_told(world):
    world.supervise_many()
    times = {"short": 0.05, "long": 0.2, "at once": "kill", "slow": "infinity"}
    refs, gone, order = {}, {}, []
    for each, shutdown in times.items():
        world.gates[each] = Future()
        refs[each] = world.start(world.child(each, shutdown=shutdown))
        gone[each] = refs[each].exited()
        gone[each].add_done_callback(lambda _, each=each: order.append(each))
    stopped = world.supervisor.stop(block=False)
    for each in ("at once", "short", "long"):
        assert gone[each].get(timeout=10) == "killed"
    assert not stopped.done()
    world.gates["slow"].set()
    assert stopped.get(timeout=10)
    assert gone["slow"].get(timeout=10) == "shutdown"
    assert order == ["at once", "short", "long", "slow"]
    errors = {(report.id, report.ref, report.reason) for report in world.kinds("shutdown_error")}
    assert errors == {("short", refs["short"], "killed"), ("long", refs["long"], "killed")}


def test_the_times_run_together(world):
    """Half a second each, and all hang: one after the other they would not end in time."""
    world.supervise_many(world.template(shutdown=0.5))
    never = Future()
    for n in range(30):
        world.make_wait(world.start(f"{n}"), never)
    assert world.supervisor.stop(timeout=10)
    assert len(world.kinds("shutdown_error")) == 30


def test_a_child_that_fails_while_all_stop_is_reported_and_not_restarted(world):
    world.supervise_many(world.template(shutdown="infinity"))
    first, second, gate = world.start("a"), world.start("b"), Future()
    world.make_wait(first, gate)
    gone = second.exited()
    stopped = world.supervisor.stop(block=False)
    gone.get(timeout=10)
    error = RuntimeError("meanwhile")
    gate.reject(error)
    assert stopped.get(timeout=10)
    reports = [(report.ref, report.reason) for report in world.kinds("shutdown_error")]
    assert reports == [(first, error)]
    assert world.journal == ["stop b"]


def test_a_child_that_waits_for_its_restart_ends_with_the_others(world, crash):
    world.supervise_many()
    waiting = world.start(world.child("a", backoff=SLOW))
    running = world.start(world.child("b"))
    gone = [waiting.exited(), running.exited()]
    error = crash(waiting)
    world.until(lambda: world.kinds("terminated"))
    assert world.supervisor.stop(timeout=10)
    assert [future.get(timeout=10) for future in gone] == [error, "shutdown"]
    assert world.kinds("shutdown_error") == []
    assert world.system.actors() == []


def test_one_that_is_killed_takes_its_children_along_and_returns_without_any(world):
    world.supervise(child(DynamicSupervisor, world.template(), id="many"), intensity=9)
    many = world.ref("many")
    started = many.call(DynamicSupervisor.start_child, "a").get(timeout=10)
    gone = started.exited()
    many.kill()
    gone.get(timeout=10)
    assert many.call(DynamicSupervisor.which_children).get(timeout=10) == []
    assert world.ref("many") == many


def test_a_tree_stops_through_dynamic_supervisors(world):
    inner = child(DynamicSupervisor, world.template(), id="inner")
    world.supervise(child(DynamicSupervisor, inner, id="outer"), world.child("last"))
    outer = world.ref("outer")
    assert world.infos()["outer"][2] == "supervisor"
    made = outer.call(DynamicSupervisor.start_child).get(timeout=10)
    made.call(DynamicSupervisor.start_child, "a").get(timeout=10)
    counted = outer.call(DynamicSupervisor.count_children).get(timeout=10)
    assert counted == ChildCount(1, 1, 1, 0)
    world.supervisor.stop(timeout=10)
    assert world.journal == ["start a", "stop last", "stop a"]
    shutdowns = {report.id: report.shutdown for report in world.kinds("started")}
    assert (shutdowns["outer"], shutdowns["inner"]) == ("infinity", "infinity")


# --- what is wrong is refused


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"strategy": "one_for_all"}, "strategy"),
        ({"strategy": "nonsense"}, "strategy"),
        ({"children": lambda self: []}, "children"),
        ({"max_children": -1}, "max_children"),
        ({"max_children": 1.5}, "max_children"),
        ({"max_children": True}, "max_children"),
        ({"intensity": -1}, "intensity"),
        ({"period": 0}, "period"),
        ({"auto_shutdown": "some"}, "auto_shutdown"),
        ({"template": lambda self: Actor}, "spec"),
    ],
)
def test_a_wrong_setting_is_refused_at_the_start(world, settings, field):
    cls = type("Subject", (DynamicSupervisor,), settings)
    with pytest.raises(SpecError) as caught:
        world.system.spawn(cls)
    assert caught.value.field == field
    assert world.system.actors() == []


def test_a_significant_template_needs_an_auto_shutdown(world):
    with pytest.raises(SpecError, match="significant: set the supervisor's auto_shutdown"):
        world.supervise_many(world.template(restart="temporary", significant=True))


def test_without_a_template_a_spec_is_needed(world):
    world.supervise_many()
    for args in [(), ("not a spec",), (Actor,)]:
        with pytest.raises(SpecError, match="supervisor Subject: template: there is none"):
            world.start(*args)
    has(world)


def test_arguments_beside_a_spec_are_refused(world):
    world.supervise_many(world.template())
    with pytest.raises(TypeError, match="a spec alone"):
        world.start(world.child("a"), "more")
    with pytest.raises(TypeError, match="a spec alone"):
        world.start(world.child("a"), more=1)
    assert world.journal == []


@pytest.mark.parametrize(
    ("wrong", "field"), [({"near": 1}, "near"), ({"dispatcher": "asyncio"}, "dispatcher")]
)
def test_arguments_that_a_spec_may_not_have_are_refused(world, wrong, field):
    world.supervise_many(world.template())
    with pytest.raises(SpecError) as caught:
        world.start("a", **wrong)
    assert caught.value.field == field


# --- cost


def test_no_step_looks_through_all_children(world, crash, monkeypatch):
    """C8, as work that is counted: only a list, a count and the end ask for all of them."""
    world.supervise_many(auto_shutdown="all_significant", intensity=MANY)
    spec = world.child("a", restart="transient", significant=True)
    refs = [world.start(spec) for _ in range(5)]
    named = world.start(world.child("b"))

    def refuse(_):
        raise AssertionError("looks through all of them")

    with monkeypatch.context() as patch:
        for name in ("__iter__", "__reversed__", "members"):
            patch.setattr(Family, name, refuse)
        crash(refs[0])
        refs[1].stop()
        world.call(DynamicSupervisor.terminate_child, refs[2])
        world.call(DynamicSupervisor.terminate_child, "b")
        refs.append(world.start(spec))
        with pytest.raises(AssertionError):
            world.call(Supervisor.count_children)
    assert not named.is_alive()
    has(world, refs[0], *refs[3:])
