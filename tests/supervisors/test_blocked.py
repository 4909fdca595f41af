"""Children that block: a supervisor waits as long as their specs say, and no longer."""

import threading

import pytest

from zanni import Actor, DeadlockError, Future, StartError, Timeout
from zanni.actors import actor
from zanni.actors.process import Shutdown
from zanni.actors.signalled import Abandoned
from zanni.supervisors import Supervisor, child

DEADLINE = 20.0
LIMIT = 0.05
START_LIMIT = 1.0  # a child has to reach its start in it, on a loaded machine too


class Blocks(Actor):
    """Blocks in what it is told to, for longer than anybody here waits."""

    def __init__(self, world, gate, where, id="blocks"):
        super().__init__()
        self.world, self.gate, self.where, self.id = world, gate, where, id

    def block(self, here):
        if here == self.where:
            self.world.note(f"block {self.id}")
            if not self.gate.wait(2 * DEADLINE):
                self.world.note(f"{self.id} was waited for")

    def on_start(self):
        self.block("on_start")
        self.world.note(f"start {self.id}")

    def on_stop(self):
        self.block("on_stop")

    def on_receive(self, message):
        self.block("on_receive")


@pytest.fixture
def gate(world):
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def blocks(world, gate):
    """The spec of a child that blocks, with as little time as it says."""

    def blocks(where, id="blocks", **limits):
        return child(Blocks, world, gate, where, id, id=id, name=id, **limits)

    return blocks


def stuck(world, where):
    """The child, in what it blocks in if that is a handler."""
    ref = world.system.whereis("blocks")
    if where == "on_receive":
        ref.tell("block")
        world.until(lambda: "block blocks" in world.journal)
    return ref


@pytest.mark.parametrize("where", ["on_receive", "on_stop"])
def test_a_child_that_blocks_is_given_up_when_its_time_to_stop_is_over(world, blocks, where):  # B5
    world.supervise(blocks(where, shutdown=LIMIT), world.child("b"))
    ref = stuck(world, where)
    exited = ref.exited()
    world.call(Supervisor.terminate_child, "blocks")
    assert exited.get(timeout=0) == "killed"
    assert Abandoned(ref) in world.system.events.last
    assert [report.reason for report in world.kinds("shutdown_error")] == ["killed"]
    assert world.states() == {"blocks": "stopped", "b": "running"}


@pytest.mark.parametrize("where", ["on_receive", "on_stop"])
def test_children_that_block_hold_up_no_stop(world, blocks, where):  # B5
    inner = type("Inner", (Supervisor,), {"children": lambda _: [blocks(where, shutdown=LIMIT)]})
    world.supervise(world.child("a"), child(inner, id="inner"))
    stuck(world, where)
    world.journal.clear()
    world.supervisor.stop(timeout=DEADLINE)
    assert world.journal[-1] == "stop a"


def test_a_sibling_that_blocks_holds_up_no_restart_of_its_group(world, blocks, crash):
    world.supervise(world.child("a"), blocks("on_stop", shutdown=LIMIT), strategy="one_for_all")
    crash(world.ref("a"))
    world.until_noted("block blocks", "start a", "start blocks")


def test_a_first_start_that_blocks_fails_in_time(world, gate, blocks):  # B2
    with pytest.raises(StartError) as caught:
        world.supervise(world.child("a"), blocks("on_start", start_timeout=START_LIMIT))
    assert isinstance(caught.value.reason, Timeout)
    assert not gate.is_set()
    assert world.journal == ["start a", "block blocks", "stop a"]
    assert world.system.whereis("blocks") is None
    gate.set()
    world.until(lambda: "start blocks" in world.journal)  # too late: nothing lives by it
    assert world.system.whereis("blocks") is None


@pytest.mark.parametrize("dispatcher", ["core", "pinned"])
def test_an_init_that_blocks_fails_in_time(world, gate, dispatcher):
    class Made(Blocks):
        def __init__(self, world, gate):
            super().__init__(world, gate, "__init__")
            self.block("__init__")

    Made.dispatcher = dispatcher
    with pytest.raises(StartError) as caught:
        world.supervise(
            world.child("a"), child(Made, world, gate, id="b", start_timeout=START_LIMIT)
        )
    assert isinstance(caught.value.reason, Timeout)
    assert not gate.is_set()
    assert world.journal == ["start a", "block blocks", "stop a"]
    assert world.system.actors() == []


def test_a_first_start_that_blocks_holds_up_no_supervisor_above(world, gate, blocks):
    specs = [blocks("on_start", start_timeout=START_LIMIT)]
    inner = type("Inner", (Supervisor,), {"children": lambda _: specs})
    with pytest.raises(StartError):
        world.supervise(world.child("a"), child(inner, id="inner"))
    assert not gate.is_set()
    assert world.journal == ["start a", "block blocks", "stop a"]


def test_a_restart_that_blocks_fails_in_time_and_is_tried_again(world, gate, crash):
    class Once(Blocks):
        """Blocks in its second start."""

        def on_start(self):
            self.where = "on_start" if world.journal[-1:] == ["start blocks"] else None
            super().on_start()

        def on_receive(self, message):
            raise message[1]

    spec = child(Once, world, gate, None, id="blocks", name="blocks", start_timeout=START_LIMIT)
    world.supervise(spec, wait=False, intensity=5)
    world.until(lambda: world.journal == ["start blocks"])
    ref = world.system.whereis("blocks")
    crash(ref)
    world.until(lambda: world.journal == ["start blocks", "block blocks", "start blocks"])
    assert not gate.is_set()
    assert world.states() == {"blocks": "running"}


def test_a_child_that_blocks_as_soon_as_it_is_restarted_holds_up_no_supervisor(world, gate):
    class Fragile(Blocks):
        def on_receive(self, message):
            if message == "fail":
                raise ValueError(message)
            super().on_receive(message)

    spec = child(Fragile, world, gate, "on_receive", id="blocks", name="blocks")
    world.supervise(world.child("a"), spec)
    ref = world.system.whereis("blocks")
    world.system.core.post(lambda: [ref.tell(message) for message in ("fail", "block")])
    world.until(lambda: "block blocks" in world.journal)
    assert world.states() == {"a": "running", "blocks": "running"}
    assert not gate.is_set()


def test_a_restart_that_asks_its_supervisor_fails_at_once(world, crash):
    class AsksAbove(Blocks):
        def on_start(self):
            if world.journal:
                world.supervisor.call(Supervisor.which_children).get()
            world.note("start")

        def on_receive(self, message):
            raise message[1]

    world.supervise(child(AsksAbove, world, None, None, id="it", name="it"), wait=False)
    world.until(lambda: world.journal == ["start"])
    exited = world.supervisor.exited()
    crash(world.system.whereis("it"))
    assert exited.get(timeout=DEADLINE) == "shutdown"  # after as many attempts as there may be
    assert any(isinstance(report.reason, DeadlockError) for report in world.kinds("start_error"))


def test_another_actor_that_blocks_holds_up_no_supervisor(world, gate, blocks):
    """The core goes on, in a thread that the supervisor does not need when its time is over."""
    never = world.gates["a"] = Future()
    world.supervise(world.child("a", shutdown=LIMIT))
    done = world.supervisor.call(Supervisor.terminate_child, "a")
    other = world.system.spawn(Blocks, world, gate, "on_receive")
    other.tell("block")
    done.get(timeout=DEADLINE)
    world.until(lambda: "block blocks" in world.journal)
    assert not gate.is_set()
    never.set()


def test_members_that_block_hold_up_no_end_of_a_pool(world, gate, monkeypatch):
    monkeypatch.setattr(actor, "CHILD_SHUTDOWN", LIMIT)
    pool = world.system.pool(Blocks, 3, world, gate, "on_stop")
    exited = pool.exited()
    pool.process.signal(Shutdown("shutdown"))
    assert exited.get(timeout=DEADLINE) == "shutdown"
    assert world.journal.count("block blocks") == 3
