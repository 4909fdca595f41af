"""A world in which supervisors can be watched: who started and stopped, in which order, and why."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scenarios.player import Stage
from waiting import make_due

from zanni import Actor, ActorSystem, Future
from zanni.actors.oversight import Judge
from zanni.supervisors import DynamicSupervisor, Supervisor, SupervisorReport, child

DEADLINE = 10.0


class World:
    """What the actors of a test share: a journal, and what is to happen to whom."""

    def __init__(self, system):
        self.system = system
        self.changed = threading.Condition()
        self.journal = []
        self.reports = []
        self.fail_start = {}  # id -> the errors of its next starts
        self.gates = {}  # id -> a future that its on_stop waits for
        self.supervisor = None
        system.events.subscribe(self._hear)

    def _hear(self, event):
        if isinstance(event, SupervisorReport):
            with self.changed:
                self.reports.append(event)
                self.changed.notify_all()

    def note(self, entry):
        with self.changed:
            self.journal.append(entry)
            self.changed.notify_all()

    def until(self, condition):
        """Wait for a condition that a journal entry or a report makes true."""
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE), (self.journal, self.reports)

    def make_wait(self, ref, future):
        """Have a worker wait for the future in a handler, and return when it does."""
        ref.tell(("wait", future))
        self.until(lambda: self.journal and self.journal[-1].startswith("wait "))
        self.settle()
        self.journal.clear()

    def until_noted(self, *entries):
        self.until(lambda: self.journal == list(entries))
        self.settle()
        assert self.journal == list(entries)

    def make_due(self):
        make_due(self.system.core)

    def settle(self):
        """Let the supervisor handle what it has: it answers after that."""
        if self.supervisor.is_alive():
            self.call(Supervisor.count_children)

    def kinds(self, kind):
        return [report for report in self.reports if report.kind == kind]

    def child(self, id, **options):
        return child(Worker, self, id, id=id, **options)

    def supervise(self, *children, wait=True, **settings):
        """Spawn a supervisor of those children and wait until it has started."""
        self.supervisor = self.system.spawn(subject(children, settings))
        if wait:
            self.settle()
            self.journal.clear()
        return self.supervisor

    def template(self, **options):
        """What `start_child(id)` completes: a worker whose own id is the argument."""
        return child(Worker, self, id="w", **options)

    def supervise_many(self, template=None, *, max_children=None, **settings):
        """Spawn a dynamic supervisor."""
        cls = type("Subject", (DynamicSupervisor,), settings)
        self.supervisor = self.system.spawn(cls, template, max_children=max_children)
        return self.supervisor

    def start(self, *args, **kwargs):
        """Have a dynamic supervisor start a child; its ref."""
        asked = self.supervisor.call(DynamicSupervisor.start_child, *args, **kwargs)
        return asked.get(timeout=DEADLINE)

    def refused(self, *children, **settings):
        """Why a supervisor of those children does not start."""
        starter = self.system.spawn(Starter)
        error = starter.call(Starter.start_one, subject(children, settings)).get(timeout=DEADLINE)
        starter.stop()
        return error

    def call(self, method, *args):
        return self.supervisor.call(method, *args).get(timeout=DEADLINE)

    def infos(self):
        return {info[0]: info for info in self.call(Supervisor.which_children)}

    def ref(self, id):
        """The ref of a child that runs; None of one that does not."""
        ref = self.infos()[id][1]
        return None if ref == "restarting" else ref

    def states(self):
        """What each child is at, by id, in start order."""
        return {each: state_of(info[1]) for each, info in reversed(self.infos().items())}


def state_of(ref):
    if ref is None:
        return "stopped"
    return "restarting" if ref == "restarting" else "running"


def subject(children, settings):
    members = {**settings, "children": lambda _: list(children)}
    return type("Subject", (Supervisor,), members)


class Starter(Judge, Actor):
    def start_one(self, cls):
        try:
            self.spawn(cls, supervisor=self.actor_ref)
        except Exception as error:
            return error


class Worker(Actor):
    def __init__(self, world, id):
        super().__init__()
        self.world, self.id, self.seen = world, id, []

    def on_start(self):
        if errors := self.world.fail_start.get(self.id):
            self.world.note(f"fail {self.id}")
            error = errors.pop(0)
            if isinstance(error, Future):
                error.get()
            else:
                raise error
        self.world.note(f"start {self.id}")

    def on_restart(self, reason):
        self.restarted_for = reason

    def on_stop(self):
        if gate := self.world.gates.get(self.id):
            gate.get()
        self.world.note(f"stop {self.id}")

    def on_receive(self, message):
        match message:
            case "seen":
                return self.seen
            case "restarted for":
                return getattr(self, "restarted_for", None)
            case ("exit", reason):
                self.exit(reason)
            case ("raise", error):
                raise error
            case ("wait", future):
                self.world.note(f"wait {self.id}")
                future.get()
            case _:
                self.seen.append(message)
        return None


@pytest.fixture
def world():
    with ActorSystem("test") as system:
        yield World(system)


@pytest.fixture
def crash():
    """Make an actor fail, with an error that can be told from others."""

    def crash(ref, text="crash"):
        error = RuntimeError(text)
        ref.tell(("raise", error))
        return error

    return crash


@pytest.fixture
def tools():
    return SimpleNamespace(Worker=Worker, World=World, DEADLINE=DEADLINE)


@pytest.fixture(scope="module")
def stage():
    """Where scenarios are played."""
    with Stage() as stage:
        yield stage


@pytest.fixture
def run_script(tmp_path):
    """Run a script in a process of its own, of which nothing is left; what it wrote to stderr."""

    def run(source, *arguments):
        path = tmp_path / "program.py"
        path.write_text(source)
        process = subprocess.Popen(
            [sys.executable, path, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=tmp_path,
        )
        try:
            out, err = process.communicate(timeout=50)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        assert (process.returncode, out) == (0, "done\n"), err
        return err

    return run
