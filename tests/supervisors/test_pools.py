"""Pools as supervised children: one ref over the lives of the pool, and members that go with it."""

import functools

import pytest
from waiting import wait_for

from zanni import Actor, ActorDeadError, Future, Mailbox, Members, Resize, StartError
from zanni.supervisors import SpecError, Supervisor, pool


@pytest.fixture
def workers(world, tools):
    """A pool of two workers that are all called "m"; keyword arguments are those of `pool`."""

    def workers(n=2, **options):
        return pool(tools.Worker, n, world, "m", id="workers", **options)

    return workers


def members_of(ref):
    return ref.ask(Members(), timeout=10)


def test_a_pool_is_a_child_with_children(world, workers):
    world.supervise(workers(3, name="crew"))
    ref = world.ref("workers")
    assert world.call(Supervisor.which_children) == [("workers", ref, "supervisor", "permanent")]
    assert world.system.whereis("crew") == ref
    assert len(members_of(ref)) == 3
    (started,) = world.kinds("started")
    assert started.shutdown == 10.0


def test_messages_go_to_its_members(world, workers):
    world.supervise(workers(2, router="broadcast"))
    ref = world.ref("workers")
    ref.tell("hello")
    assert ref.ask("seen", timeout=10) == [["hello"], ["hello"]]


def test_a_member_that_fails_is_the_pools_own_matter(world, workers, crash):
    world.supervise(workers(), intensity=0)
    ref = world.ref("workers")
    members = members_of(ref)
    crash(members[0])
    world.until_noted("start m")
    assert members_of(ref) == members
    assert world.kinds("terminated") == []


def test_a_pool_that_is_killed_is_started_again_behind_its_ref_and_name(world, workers):
    world.supervise(workers(name="crew"))
    ref = world.ref("workers")
    before, gone = members_of(ref), ref.exited()
    members_gone = [member.exited() for member in before]
    ref.kill()
    assert [future.get(timeout=10) for future in members_gone] == ["killed", "killed"]
    world.until_noted("start m", "start m")
    after = members_of(ref)
    assert len(after) == 2
    assert not {*after} & {*before}
    assert ref.ask("seen", timeout=10) == []
    assert (world.ref("workers"), world.system.whereis("crew")) == (ref, ref)
    assert not gone.done()


def test_what_is_sent_while_it_is_started_again_waits_and_is_handled_in_order(world, workers):
    world.supervise(workers(1), intensity=9)
    ref, gate = world.ref("workers"), Future()
    world.fail_start["m"] = [gate]
    ref.kill()
    world.until(lambda: "fail m" in world.journal)
    for n in range(3):
        ref.tell(n)
    asked = ref.ask("seen", block=False)
    assert ref.is_alive()
    gate.reject(ValueError("not yet"))
    assert asked.get(timeout=10) == [0, 1, 2]
    assert world.kinds("start_error") != []


def test_what_its_members_had_is_lost_with_them(world, workers):
    world.supervise(workers(1))
    ref = world.ref("workers")
    world.make_wait(ref, Future())
    asked = ref.ask("seen", block=False)
    ref.tell("lost")
    ref.kill()
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)
    assert ref.ask("seen", timeout=10) == []
    assert "lost" in [letter.message for letter in world.system.dead_letters.last]


def test_a_restart_begins_with_the_members_of_the_spec(world, workers):
    world.supervise(workers(2))
    ref = world.ref("workers")
    assert ref.ask(Resize(5), timeout=10) == 5
    ref.kill()
    world.until(lambda: len(world.kinds("started")) == 2)
    assert len(members_of(ref)) == 2


@pytest.mark.parametrize(("restart", "returns"), [("permanent", True), ("transient", False)])
def test_after_a_stop_its_members_finish_what_they_have(world, workers, restart, returns):
    world.supervise(workers(1, restart=restart))
    ref, gate = world.ref("workers"), Future()
    world.make_wait(ref, gate)
    asked = ref.ask("seen", block=False)
    ref.stop(block=False)
    gate.set()
    assert asked.get(timeout=10) == []
    world.until(lambda: world.kinds("terminated"))
    assert world.states() == {"workers": "running" if returns else "stopped"}
    assert world.journal == ["stop m"] + ["start m"] * returns


def test_what_is_sent_to_one_that_stops_and_will_return_waits(world, workers):
    world.supervise(workers(1))
    ref = world.ref("workers")
    gate = world.gates["m"] = Future()
    ref.stop(block=False)
    until_it_ends(ref)
    ref.tell("later")
    del world.gates["m"]
    gate.set()
    assert ref.ask("seen", timeout=10) == ["later"]


def until_it_ends(ref):
    """Wait until the pool has begun to end, and passes nothing on to its members."""
    wait_for(lambda: not ref.process._processes)


def test_terminate_and_restart_by_hand(world, workers):
    world.supervise(workers())
    ref = world.ref("workers")
    gone = [each.exited() for each in (ref, *members_of(ref))]
    world.call(Supervisor.terminate_child, "workers")
    assert [future.get(timeout=10) for future in gone] == ["shutdown"] * 3
    assert world.states() == {"workers": "stopped"}
    assert world.system.actors() == [world.supervisor]
    new = world.call(Supervisor.restart_child, "workers")
    assert new != ref
    assert new.ask("seen", timeout=10) == []


def test_a_tree_stops_with_the_members_in_the_place_of_their_pool(world, workers):
    world.supervise(world.child("a"), workers(), world.child("z"))
    world.supervisor.stop(timeout=10)
    assert world.journal == ["stop z", "stop m", "stop m", "stop a"]
    assert world.kinds("shutdown_error") == []


def test_members_that_hang_do_not_hold_up_a_pool_with_a_time_of_its_own(world, workers):
    world.supervise(world.child("a"), workers(shutdown=0.05))
    world.gates["m"] = Future()
    members_gone = [member.exited() for member in members_of(world.ref("workers"))]
    world.supervisor.stop(timeout=10)
    assert [future.get(timeout=10) for future in members_gone] == ["killed"] * 2
    assert [(r.id, r.reason) for r in world.kinds("shutdown_error")] == [("workers", "killed")]
    assert world.journal == ["stop a"]


def test_nor_does_one_that_was_stopped_before(world, workers):
    world.supervise(workers(1, shutdown=0.05))
    ref = world.ref("workers")
    world.make_wait(ref, Future())
    ref.stop(block=False)
    until_it_ends(ref)  # it waits for its member
    world.call(Supervisor.terminate_child, "workers")
    assert world.system.actors() == [world.supervisor]


def test_it_is_restarted_with_its_group(world, workers, crash):
    world.supervise(world.child("a"), workers(), strategy="one_for_all")
    ref = world.ref("workers")
    before = members_of(ref)
    crash(world.ref("a"))
    world.until_noted("stop m", "stop m", "start a", "start m", "start m")
    assert world.ref("workers") == ref
    assert not {*members_of(ref)} & {*before}


def test_a_member_that_does_not_start_fails_the_start(world, workers):
    world.fail_start["m"] = [ValueError("no")]
    reason = world.refused(world.child("a"), workers())
    assert isinstance(reason, StartError)
    assert (reason.id, type(reason.reason)) == ("workers", ValueError)
    assert world.journal == ["start a", "fail m", "stop a"]
    assert world.system.actors() == []


def test_too_many_failed_restarts_end_the_supervisor(world, workers):
    world.supervise(workers(), intensity=2, period=60)
    exited = world.supervisor.exited()
    world.fail_start["m"] = [ValueError("no")] * 9
    world.ref("workers").kill()
    assert exited.get(timeout=10) == "shutdown"
    assert [report.id for report in world.kinds("gave_up")] == ["workers"]
    assert world.system.actors() == []


def test_arguments_called_like_those_of_a_pool_go_through_partial(world):
    class Labelled(Actor):
        def __init__(self, *, id, router):
            super().__init__()
            self.label = (id, router)

        def say(self):
            return self.label

    world.supervise(pool(functools.partial(Labelled, id=1, router=2), 1, id="p"))
    assert world.ref("p").call(Labelled.say).get(timeout=10) == (1, 2)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"n": 0}, "n= takes a number from 1 up, not 0"),
        ({"n": True}, "n= takes a number"),
        ({"router": "nearest"}, "router= takes one of 'round_robin'"),
        ({"router": ["random"]}, "router"),
        ({"core": "near"}, "core: 'near': use the index"),
        ({"mailbox": 7}, r"mailbox: 7: use Mailbox\(...\)"),
        ({"dispatcher": "somewhere"}, "dispatcher= is 'core'"),
        ({"cls": int}, "cls: <class 'int'>: use a subclass"),
        ({"restart": "always"}, "restart: 'always'"),
        ({"shutdown": -1}, "shutdown: -1"),
        ({"significant": True}, "significant: a permanent child"),
        ({"name": 7}, "name: 7"),
        ({"near": None}, "near: not an option"),
        ({"node": ("north", "south")}, "the members of a pool are on one node"),
    ],
)
def test_what_is_wrong_is_refused_by_name(tools, wrong, text):
    options = {"cls": tools.Worker, "n": 2, **wrong}
    with pytest.raises(SpecError, match=text) as caught:
        pool(**options, id="workers")
    assert caught.value.subject == "child 'workers'"


def test_the_mailbox_and_the_dispatcher_are_those_of_the_members(world, workers):
    world.supervise(workers(1, mailbox=Mailbox(capacity=7), dispatcher="asyncio"))
    (member,) = members_of(world.ref("workers"))
    assert type(member.process).__name__ == "BoxedLoopCell"
