"""What handlers may do that nobody wishes for: each actor fails alone, and the core goes on."""

import asyncio
import gc
import logging
import sys
import time
import weakref

import pytest
from greenlet import GreenletExit

from zanni import Actor, ActorDeadError, ActorSystem, Future, NodeDown, RemoteError
from zanni.actors.address import Address

BASE = [
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
    asyncio.CancelledError,
    GreenletExit,
    BaseException,
]


class Raises(Actor):
    """Raises what it is told to: at once, after a wait of its own, in a turn that is late."""

    def on_receive(self, message):
        match message:
            case ("now", kind):
                raise kind
            case ("after a wait", kind):
                echo = self.spawn(Echo)
                assert echo.ask(1, timeout=10) == 1
                raise kind
            case ("after a block", kind):  # the core goes on without it
                time.sleep(0.05)
                raise kind
            case ("after both", kind):
                time.sleep(0.05)
                assert self.spawn(Echo).ask(1, timeout=10) == 1
                raise kind
        return message

    def call_it(self, kind):
        raise kind

    async def await_it(self, kind):
        await asyncio.sleep(0)
        raise kind


class Echo(Actor):
    def on_receive(self, message):
        return message


@pytest.fixture
def well(system):
    """Look whether the core goes on: what was there answers, and so does what is new."""
    there = system.spawn(Echo)

    def well():
        assert there.ask("there", timeout=10) == "there"
        assert system.spawn(Echo).ask("new", timeout=10) == "new"

    return well


@pytest.fixture
def ends(system, well):
    """Run a function of a new actor's ref; give the reason for which the actor then ends."""

    def ends(function, cls=Raises):
        ref = system.spawn(cls)
        exited = ref.exited()
        function(ref)
        reason = exited.get(timeout=20)
        assert not ref.is_alive()
        with pytest.raises(ActorDeadError):
            ref.ask(1, timeout=10)
        well()
        return reason

    return ends


@pytest.mark.parametrize("kind", BASE)
@pytest.mark.parametrize("when", ["now", "after a wait", "after a block", "after both"])
def test_a_base_exception_on_a_tell(ends, kind, when):  # B6, B7
    assert type(ends(lambda ref: ref.tell((when, kind)))) is kind


@pytest.mark.parametrize("kind", BASE)
@pytest.mark.parametrize("when", ["now", "after a wait", "after a block", "after both"])
def test_a_base_exception_on_an_ask(ends, kind, when):  # B6, B7
    def ask(ref):
        with pytest.raises(RemoteError) as caught:
            ref.ask((when, kind), timeout=20)
        assert caught.value.type == kind.__name__

    assert type(ends(ask)) is kind


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("method", [Raises.call_it, Raises.await_it])
def test_a_base_exception_on_a_call(ends, kind, method):
    def call(ref):
        with pytest.raises(RemoteError):
            ref.call(method, kind).get(timeout=10)

    assert type(ends(call)) is kind


@pytest.mark.parametrize("kind", BASE)
@pytest.mark.parametrize("hook", ["on_start", "on_stop", "on_failure"])
def test_a_base_exception_in_a_hook(ends, kind, hook):
    def raises(self, *_):
        raise kind

    cls = type("Hooked", (Raises,), {hook: raises})
    verb = ("now", KeyError) if hook == "on_failure" else 1

    def go(ref):
        try:
            ref.tell(verb)
            ref.stop(block=False)
        except ActorDeadError:
            assert hook == "on_start"

    reason = ends(go, cls)
    assert reason in ("normal", "noproc") or type(reason) in (kind, KeyError)


def test_what_was_queued_behind_a_base_exception_is_answered(system, well):
    ref, gate = system.spawn(Raises), Future()
    futures = [ref.ask(("after a wait", SystemExit), block=False)]
    futures += [ref.ask(number, block=False) for number in range(100)]
    gate.set()
    for future in futures:
        with pytest.raises((RemoteError, ActorDeadError)):
            future.get(timeout=10)
    well()


def test_a_chain_of_ten_thousand_asks(system, well):
    """Each waits for the next; only the last answers."""

    class Link(Actor):
        def __init__(self, following):
            self.following = following

        def on_receive(self, message):
            return message if self.following is None else self.following.ask(message) + 1

    ref = None
    for _ in range(10_000):
        ref = system.spawn(Link, ref)
    assert ref.ask(0, timeout=50) == 9_999
    well()


def test_recursion_through_asks_and_calls_of_its_own(system, well):
    """Down in calls, an actor asks another that goes down in calls, and so on."""

    class Deep(Actor):
        def on_receive(self, message):
            return self.down(message, 300)

        def down(self, message, depth):
            if depth:
                return self.down(message, depth - 1)
            return self.spawn(Deep).ask(message - 1) + 1 if message else 0

    assert system.spawn(Deep).ask(30, timeout=20) == 30
    well()


def test_recursion_without_end_fails_that_actor_alone(ends):
    class Endless(Raises):
        def on_receive(self, message):
            return self.on_receive(message)

    assert isinstance(ends(lambda ref: ref.tell(1), Endless), RecursionError)


def test_memory_that_runs_out_fails_that_actor_alone(script):  # B9
    done = script(
        """
import resource
from zanni import Actor, ActorSystem

class Greedy(Actor):
    def on_receive(self, message):
        if message == "all":
            hoard = []
            while True:
                hoard.append(bytearray(1 << 24))
        return message

if __name__ == "__main__":
    with ActorSystem("small") as system:
        greedy, other = system.spawn(Greedy), system.spawn(Greedy)
        assert other.ask(1, timeout=10) == 1
        size = int(open("/proc/self/statm").read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 28), resource.RLIM_INFINITY))
        try:
            greedy.ask("all", timeout=20)
        except MemoryError:
            print("asked")
        exited = greedy.exited()
        greedy.tell("all")
        print(type(exited.get(timeout=20)).__name__, other.ask("alive", timeout=10))
        print(system.spawn(Greedy).ask("new", timeout=10))
""",
        code=0,
    )
    assert done.out == "asked\nMemoryError alive\nnew\n"


def chained(depth):
    error = ValueError("the last")
    for number in range(depth):
        before, error = error, ValueError(number)
        error.__cause__ = before
    return error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(chained(3000), id="a long chain of causes"),
        pytest.param(ExceptionGroup("several", [ValueError(1), KeyError(2)]), id="a group"),
        pytest.param(BaseExceptionGroup("several", [SystemExit(1)]), id="a base group"),
    ],
)
def test_errors_of_any_shape_end_the_actor_and_are_logged(ends, caplog, error):  # B12
    class Fails(Actor):
        def on_receive(self, message):
            raise error

    with caplog.at_level(logging.ERROR, "zanni"):
        assert ends(lambda ref: ref.tell(1), Fails) is error
    assert "Unhandled exception" in caplog.text
    assert len(caplog.text) < 10_000_000


def test_an_error_of_a_weakref_callback_harms_nobody(system, well, monkeypatch):  # B15
    raised, kept = [], []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)

    def callback(_):
        raise KeyError("in a callback")

    class Watched(Actor):
        def on_start(self):
            kept.append(weakref.ref(self, callback))

    system.spawn(Watched).stop(timeout=10)
    gc.collect()
    well()
    assert raised


def test_asks_of_an_actor_with_half_a_million_messages_queued(system):  # A6
    class Caller(Actor):
        def on_receive(self, message):
            if message != "go":
                return None
            me = self.actor_ref
            for number in range(500_000):
                me.tell(number)
            echo = self.spawn(Echo)
            for number in range(1000):
                assert echo.ask(number) == number
            self.exit()
            return "done"

    assert system.spawn(Caller).ask("go", timeout=50) == "done"


@pytest.mark.parametrize(
    "change",
    [
        lambda address: address._replace(id=1 << 60),
        lambda address: address._replace(id=-1),
        lambda address: address._replace(incarnation=7),
        lambda address: address._replace(core=1000),
        lambda address: address._replace(node="elsewhere"),
        lambda address: address._replace(node="x" * 10_000_000),
    ],
    ids=["id", "negative id", "incarnation", "core", "node", "long name"],
)
def test_a_forged_ref_finds_nobody(system, well, change):  # D11
    address = system.spawn(Echo).address
    before = len(system.dead_letters), len(system.core.processes)
    forged = system.ref_of(change(Address(*address)), "zanni:Actor")
    try:
        forged.tell("hello")
    except (ActorDeadError, NodeDown):
        pass
    assert len(system.dead_letters) == before[0] + 1
    with pytest.raises((ActorDeadError, NodeDown)):
        forged.ask("hello", timeout=10)
    assert forged.wait(timeout=10) in ("noproc", "noconnection")
    forged.kill()
    assert not forged.is_alive()
    assert len(system.core.processes) == before[1]
    well()


def test_a_ref_of_a_system_that_started_again_is_stale(tools):  # D8
    with ActorSystem("again") as first:
        old = first.spawn(Echo, name="ann")
    with ActorSystem("again") as second:
        new = second.spawn(tools.Recorder, name="ann")
        stale = second.ref_of(old.address, old.type_name)
        stale.tell("for the old one")
        assert second.dead_letters.statistics() == {"stale": 1}
        assert new.ask(("get",), timeout=10) == []


WAITS = [
    lambda ref, timeout: ref.ask(1, timeout=timeout),
    lambda ref, timeout: ref.ask(1, block=False, timeout=timeout).get(timeout=10),
    lambda ref, timeout: ref.ask(1, block=False).get(timeout=timeout),
    lambda ref, timeout: ref.stop(timeout=timeout),
]


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("inside", [False, True], ids=["in a thread", "in a turn"])
def test_timeouts_that_cannot_be(system, well, wait, inside):
    class Waits(Actor):
        def on_receive(self, message):
            function, ref, timeout = message
            return function(ref, timeout)

    def run(timeout):
        ref = system.spawn(Echo)
        return system.spawn(Waits).ask((wait, ref, timeout)) if inside else wait(ref, timeout)

    with pytest.raises(ValueError, match="number of seconds, or None, not nan"):
        run(float("nan"))
    with pytest.raises(TypeError, match="number of seconds, or None, not 'soon'"):
        run("soon")
    for long in (float("inf"), 1e300, 1e10, 10**30):
        assert run(long) in (1, True)
    well()
