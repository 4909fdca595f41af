"""One system on one core, and what its tests share. Waits end by deadlines, never by sleeping."""

import logging
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from busy import Busy
from transitions import checked_state
from waiting import wait_for

from zanni import Actor, ActorSystem, Future, Mailbox
from zanni.actors.lifecycle import Lifecycle

DEADLINE = 10.0
SWITCH_INTERVAL = sys.getswitchinterval()  # later on, the watcher may have lowered it


class Recorder(Actor):
    """Keeps what it gets. `("get",)` asks for it, so the answer comes after all that was before."""

    def __init__(self, seen=None):
        super().__init__()
        self.seen = [] if seen is None else seen

    def on_receive(self, message):
        if message == ("get",):
            return list(self.seen)
        self.seen.append(message)
        return message


class Hooked(Actor):
    """Writes its hooks to a journal; does what it is told by `(verb, ...)`."""

    def __init__(self, journal, label="it"):
        super().__init__()
        self.journal, self.label = journal, label

    def on_start(self):
        self.journal.append(f"start {self.label}")

    def on_restart(self, reason):
        self.journal.append(f"restart {self.label}")

    def on_stop(self):
        self.journal.append(f"stop {self.label}")

    def on_failure(self, kind, value, traceback):
        self.journal.append(f"failure {self.label} {kind.__name__}")

    def on_receive(self, message):
        match message:
            case ("raise", error):
                raise error
            case ("exit", reason):
                self.exit(reason)
            case ("stop",):
                self.stop()
            case ("get", future):
                return future.get()
            case ("spawn", cls, *args):
                return self.spawn(cls, *args)
            case ("apply", function):
                return function(self)
            case _:
                self.journal.append(message)
        return None


class Watcher(Actor):
    """Watches on `("watch", ref)`, keeps every Down, runs `f(self)` on `("apply", f)`."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def on_receive(self, message):
        match message:
            case ("watch", ref):
                self.watch(ref)
            case ("unwatch", ref):
                self.unwatch(ref)
            case ("apply", function):
                return function(self)
            case "sync":
                return list(self.seen)
            case _:
                self.seen.append(message)
        return None


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    """G12: whatever a test did, its systems took their threads along."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + DEADLINE
    while left := {thread for thread in threading.enumerate() if thread.is_alive()} - before:
        assert time.monotonic() < deadline, f"threads are left: {left}"
        time.sleep(0.001)


@pytest.fixture
def _states_follow_the_table():
    """Whatever a test did, no cell has left a state for one that does not follow it.

    Not for tests that kill what blocks: its thread may set the state only because the look before
    and the store are one step for the interpreter, and with this they are two.
    """
    unknown = set()
    with pytest.MonkeyPatch.context() as patch:  # else all that a test patches would last as long
        patch.setattr(Lifecycle, "state", checked_state(unknown))
        yield
    assert not unknown


@pytest.fixture
def system(_no_thread_is_left):
    with ActorSystem("test") as made:
        yield made


@pytest.fixture
def eventually():
    return wait_for


@pytest.fixture
def tools():
    return SimpleNamespace(Recorder=Recorder, Hooked=Hooked, Watcher=Watcher, DEADLINE=DEADLINE)


@pytest.fixture
def watching(system, tools):
    """Watch refs by an actor of its own; what it got, at any time."""

    class Watching:
        def __init__(self):
            self.seen = []
            self.ref = system.spawn(tools.Watcher, self.seen)

        def watch(self, *refs):
            for ref in refs:
                self.ref.tell(("watch", ref))
            self.sync()

        def sync(self):
            return self.ref.ask("sync")

        def downs(self, count, eventually):
            eventually(lambda: len(self.seen) >= count)
            return self.sync()

    return Watching


@pytest.fixture
def held(system, eventually):
    """An actor with that mailbox that waits for a gate; what it saw; the gate."""

    def held(*args, spawn=system.spawn, **settings):
        seen, gate = [], Future()
        ref = spawn(Busy, seen, mailbox=Mailbox(*args, **settings))
        hold(ref, gate)
        return ref, seen, gate

    def hold(ref, gate):
        ref.tell(gate)
        eventually(lambda: ref.mailbox().length == 0)

    held.hold = hold
    return held


@pytest.fixture
def switching():
    """Threads that give way to one another all the time."""
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(SWITCH_INTERVAL)


@pytest.fixture
def failing_filter():
    """The log has a filter that raises KeyboardInterrupt; what it was asked to let through."""
    asked = []

    def fails(record):
        asked.append(record.msg)
        raise KeyboardInterrupt

    logger = logging.getLogger("zanni")
    logger.addFilter(fails)
    yield asked
    logger.removeFilter(fails)


@pytest.fixture
def in_threads():
    """Run functions in a thread each, all at once; raise what one of them raised."""

    def in_threads(*functions):
        errors = []
        barrier = threading.Barrier(len(functions))

        def run(function):
            try:
                barrier.wait(DEADLINE)
                function()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=run, args=(f,), daemon=True) for f in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a thread hangs"
        if errors:
            raise errors[0]

    return in_threads


@pytest.fixture
def script(tmp_path):
    """Run a program of its own in a fresh interpreter; its exit code, output and errors."""

    def script(source, timeout=30, code=None):
        file = tmp_path / "program.py"
        file.write_text(source)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, str(file)],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        return SimpleNamespace(
            code=done.returncode,
            out=done.stdout,
            err=done.stderr,
            seconds=time.monotonic() - began,
        )

    return script


@pytest.fixture
def in_core(system):
    """Run a function on the loop of `system`, and return what it returned."""

    def in_core(function):
        done, results = threading.Event(), []

        def call():
            try:
                results.append(function())
            finally:
                done.set()

        system.core.post(call)
        assert done.wait(DEADLINE)
        return results[0]

    return in_core
