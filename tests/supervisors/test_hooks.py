"""A supervisor with hooks of its own is a supervisor still."""

import threading

import pytest

from zanni import Actor, Ignore
from zanni.actors.process import kill_for_good
from zanni.supervisors import DynamicSupervisor, Keyed, PartitionSupervisor, Supervisor

DEADLINE = 20.0


class Echo(Actor):
    def on_receive(self, message):
        return message


def supervise(world, supervisor_class, *args):
    world.supervisor = world.system.spawn(supervisor_class, *args)
    return world.supervisor


def crash_and_restart(world, crash, id="a"):
    ref = world.ref(id)
    crash(ref)
    world.until(lambda: world.journal == [f"start {id}", f"start {id}"])
    assert ref.ask("seen", timeout=10) == []


def test_the_children_are_started_after_an_on_start_that_does_not(world, crash):
    class Own(Supervisor):
        def on_start(self):
            self.id = "a"

        def children(self):
            return [world.child(self.id)]

    supervise(world, Own)
    assert world.journal == ["start a"]
    crash_and_restart(world, crash)


def test_or_where_it_has_them_started(world):
    class Own(Supervisor):
        def on_start(self):
            world.note("before")
            super().on_start()
            world.note("after")

        def children(self):
            return [world.child("a")]

    supervise(world, Own)
    world.settle()
    assert world.journal == ["before", "start a", "after"]


def test_an_on_start_that_is_a_coroutine_runs_first(world):
    class Own(Supervisor):
        async def on_start(self):
            world.note("before")

        def children(self):
            return [world.child("a")]

    supervise(world, Own)
    assert world.journal == ["before", "start a"]


def test_what_on_start_raises_starts_nothing(world):
    class Own(Supervisor):
        def on_start(self):
            raise Ignore("not today")

        def children(self):
            return [world.child("a")]

    with pytest.raises(Ignore):
        world.system.spawn(Own)
    assert world.journal == []


def test_a_dynamic_supervisor_with_an_on_start_of_its_own_takes_children(world):
    class Own(DynamicSupervisor):
        def on_start(self):
            self._template = "a name of mine"

    supervise(world, Own, world.template())
    world.start("a")
    assert world.journal == ["start a"]


def test_the_ends_of_children_pass_an_on_receive_of_its_own(world, crash):
    class Own(Supervisor):
        intensity = 5

        def children(self):
            return [world.child("a")]

        def on_receive(self, message):
            world.note(message)
            return "fine"

    supervise(world, Own)
    crash_and_restart(world, crash)
    ref = world.ref("a")
    kill_for_good(ref.process)  # nothing is left of it
    world.until(lambda: world.journal == ["start a"] * 3)
    assert world.ref("a") != ref
    assert world.supervisor.ask("how are you?", timeout=10) == "fine"
    assert world.journal[3:] == ["how are you?"]


def test_the_ends_of_others_come_to_on_receive(world):
    stranger = world.system.spawn(Echo)

    class Own(Supervisor):
        def on_start(self):
            self.watch(stranger)

        def on_receive(self, message):
            world.note(f"down {message.reason}")

    supervise(world, Own)
    stranger.stop()
    world.until(lambda: world.journal == ["down normal"])


def test_the_ends_of_children_pass_a_handler_that_it_became(world, crash):
    class Own(Supervisor):
        def children(self):
            return [world.child("a")]

        def turn(self):
            self.become(lambda message: f"{message}?")

    supervise(world, Own)
    world.call(Own.turn)
    assert world.supervisor.ask("so", timeout=10) == "so?"
    crash_and_restart(world, crash)


def test_and_they_pass_that_of_a_supervisor_on_the_asyncio_loop(world, crash):
    class Own(Supervisor):
        dispatcher = "asyncio"

        def on_start(self):
            pass

        def children(self):
            return [world.child("a")]

        async def on_receive(self, message):
            return f"{message}?"

    supervise(world, Own)
    assert world.supervisor.ask("so", timeout=10) == "so?"
    ref = world.system.actors()[-1]
    crash(ref)
    world.until(lambda: world.journal == ["start a", "start a"])


def test_a_supervisor_on_the_asyncio_loop_stops_its_children_in_reverse(world):
    class Own(Supervisor):
        dispatcher = "asyncio"

        async def on_start(self):
            pass

        def children(self):
            return [world.child("a"), world.child("b")]

    assert supervise(world, Own).stop(timeout=10) is True
    assert world.journal == ["start a", "start b", "stop b", "stop a"]


def test_a_partition_supervisor_passes_on_what_its_own_on_receive_leaves_to_it(world):
    class Own(PartitionSupervisor):
        def on_receive(self, message):
            return "mine" if message == "yours?" else super().on_receive(message)

    supervise(world, Own, Echo)
    assert world.supervisor.ask("yours?", timeout=10) == "mine"
    kill_for_good(world.ref("0").process)
    assert world.supervisor.ask(Keyed("ann", "for me"), timeout=10) == "for me"


@pytest.mark.parametrize(
    "name", ["_restart", "_failed", "_restart_or_give_up", "_family", "_oversee"]
)
def test_a_private_name_of_the_supervisors_is_refused_when_the_class_is_made(name):
    with pytest.raises(TypeError, match=rf"Own\.{name} would hide what every Supervisor has"):
        type("Own", (Supervisor,), {name: lambda self: None})


def test_those_of_other_kinds_are_refused_as_well():
    with pytest.raises(TypeError, match=r"Own\._pass_on would hide what every PartitionSupervisor"):
        type("Own", (PartitionSupervisor,), {"_pass_on": None})
    with pytest.raises(TypeError, match=r"Middle\._spec_for would hide what every DynamicSuper"):
        type("Own", (type("Middle", (), {"_spec_for": 1}), DynamicSupervisor), {})


def test_a_supervisor_is_extended_by_public_names():
    class Own(Supervisor):
        def children(self):
            return []

        def start_child(self, spec):
            return super().start_child(spec)

        def _log(self): ...

    assert issubclass(type("Further", (Own,), {"_log": None}), Own)


@pytest.mark.parametrize("where", ["on_receive", "children"])
def test_the_core_goes_on_without_a_supervisor_that_blocks_in_code_of_its_own(world, where):
    begun, gate = threading.Event(), threading.Event()

    def block():
        begun.set()
        assert gate.wait(2 * DEADLINE)

    class Blocks(Supervisor):
        def children(self):
            if where == "children":
                block()
            return []

        def on_receive(self, message):
            block()

    spawned = threading.Thread(
        target=lambda: world.system.spawn(Blocks).tell("block"), name="spawns"
    )
    spawned.start()
    assert begun.wait(DEADLINE)
    assert world.system.spawn(Echo).ask("hi", timeout=DEADLINE) == "hi"
    assert not gate.is_set()
    gate.set()
    spawned.join(DEADLINE)
