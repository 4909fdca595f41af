"""Groups whose members live on two cores: what survives a group restart, and a lost process."""

import pytest

PARTS = """
import os, signal, sys, threading
from zanni import Actor, ActorSystem, Future, StartError, Timeout
from zanni.actors.errors import EncodeError
from zanni.actors.oversight import Judge
from zanni.actors.process import Restart, Suspend
from zanni.supervisors import Supervisor, SupervisorReport, child

WAIT = 20


class Worker(Actor):
    def __init__(self):
        super().__init__()
        self.seen = []

    def pid(self):
        return os.getpid()

    def note(self, word):
        self.seen.append(word)
        return self.seen

    def fail(self):
        raise RuntimeError("failed")

    def leave(self):
        self.exit([lambda: "a reason that cannot travel"])

    def hold(self, other):
        other.tell("held")
        Future().get()


class Slow(Actor):
    def on_start(self):
        Future().get()


class Bell(Judge, Actor):
    rung = threading.Event()

    def on_receive(self, message):
        self.rung.set()


class Bank(Supervisor):
    strategy = "one_for_all"
    intensity = 20

    def children(self):
        return [
            child(Worker, id="near"),
            child(Worker, id="far", name="far", core=1, shutdown=SHUTDOWN),
        ]


class Banker(Actor):
    def add(self, bank, spec):
        return bank.call(Supervisor.start_child, spec).get(timeout=WAIT)


class Watch:
    def __init__(self, system):
        self.changed = threading.Condition()
        self.seen = []
        system.events.subscribe(self.hear)

    def hear(self, event):
        if isinstance(event, SupervisorReport):
            with self.changed:
                self.seen.append((event.kind, event.id))
                self.changed.notify_all()

    def until(self, *entry, times=1):
        with self.changed:
            assert self.changed.wait_for(lambda: self.seen.count(entry) >= times, WAIT), self.seen


def refs(bank):
    infos = bank.call(Supervisor.which_children).get(timeout=WAIT)
    return {info[0]: info[1] for info in infos}


def main():
    with ActorSystem("bank", cores=2) as system:
        run(system, Watch(system))
    print("done")


SHUTDOWN = 5


if __name__ == "__main__":
    main()
"""

SURVIVES = """
def run(system, watch):
    bank = system.spawn(Bank)
    before = refs(bank)
    near, far = before["near"], before["far"]
    gone = far.exited()
    assert far.core == 1
    far.call(Worker.note, "before").get(timeout=WAIT)
    for times in (1, 2, 3):
        near.cast(Worker.fail)
        watch.until("started", "far", times=times + 1)
        assert far.call(Worker.note, times).get(timeout=WAIT) == [times]
        assert (refs(bank), system.whereis("far")) == (before, far)
    far.cast(Worker.fail)  # and the far one's own failure is heard of
    watch.until("terminated", "far")
    assert far.call(Worker.note, "after").get(timeout=WAIT) == ["after"]
    assert not gone.done()
    bank.stop(timeout=WAIT)
    assert gone.get(timeout=WAIT) == "shutdown"
    assert (system.whereis("far"), system.actors()) == (None, [])
"""

KILLED = """
SHUTDOWN = 0.05


def run(system, watch):
    bank, bell = system.spawn(Bank), system.spawn(Bell)
    before = refs(bank)
    gone = before["far"].exited()
    before["far"].cast(Worker.hold, bell)
    assert Bell.rung.wait(WAIT)
    kept = before["far"].call(Worker.note, "kept")
    before["near"].cast(Worker.fail)
    assert kept.get(timeout=WAIT) == ["kept"]
    assert refs(bank) == before
    assert ("shutdown_error", "far") in watch.seen
    assert not gone.done()
"""

LOST = """
SHUTDOWN = "infinity"


def run(system, watch):
    bank, bell = system.spawn(Bank), system.spawn(Bell)
    before = refs(bank)
    gone = before["far"].exited()
    pid = before["far"].call(Worker.pid).get(timeout=WAIT)
    before["far"].cast(Worker.hold, bell)
    assert Bell.rung.wait(WAIT)
    before["near"].cast(Worker.fail)
    watch.until("terminated", "near")
    os.kill(pid, signal.SIGKILL)  # while it is waited for
    assert gone.get(timeout=WAIT) == "noconnection"
    watch.until("started", "far", times=2)
    after = refs(bank)
    assert after["near"] == before["near"]
    assert after["far"] != before["far"]
    assert system.whereis("far") == after["far"]
    assert after["far"].call(Worker.note, "new").get(timeout=WAIT) == ["new"]
"""

STARTS = """
def run(system, watch):
    bank = system.spawn(Bank)
    before = refs(bank)
    for core in (0, 1):
        spec = child(Slow, id="slow", name="slow", core=core, start_timeout=0.05)
        try:
            bank.call(Supervisor.start_child, spec).get(timeout=WAIT)
        except StartError as error:
            assert isinstance(error.reason, Timeout), error.reason
            assert str(error.reason) == "the start took longer than 0.05 s"
        else:
            raise AssertionError("it started")
        assert system.whereis("slow") is None
    assert refs(bank) == before
    # What did not start is nowhere: only the bank and its two are left.
    assert len(system.actors()) == 3, system.actors()
"""

ODD = """
def run(system, watch):
    bell = system.spawn(Bell)
    far = system.spawn(Worker, core=1, supervisor=bell)
    far.cast(Worker.leave)
    assert Bell.rung.wait(WAIT)
    ended = Future()
    far.process.signal(Suspend("shutdown", ended))
    try:
        ended.get(timeout=WAIT)
    except EncodeError:
        pass  # it is suspended, for a reason of which no more can be said
    started = Future()
    far.process.signal(Restart("odd", started))
    assert started.get(timeout=WAIT)
"""

ASKED = """
def run(system, watch):
    bank, banker = system.spawn(Bank), system.spawn(Banker, core=1)
    spec = child(Worker, id="new", core=1, restart="transient")
    new = banker.call(Banker.add, bank, spec).get(timeout=WAIT)
    assert (new.core, refs(bank)["new"]) == (1, new)
    assert new.call(Worker.note, "hello").get(timeout=WAIT) == ["hello"]

    class Local(Actor):
        pass

    try:
        banker.call(Banker.add, bank, child(Local, id="local"))
    except EncodeError as error:
        assert "move it to the top of its module" in str(error), error
    else:
        raise AssertionError("it was sent")
"""


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(SURVIVES, id="refs and queues survive"),
        pytest.param(KILLED, id="also of one that had to be killed"),
        pytest.param(LOST, id="a lost core makes its member anew"),
        pytest.param(STARTS, id="a first start takes no longer than allowed"),
        pytest.param(ODD, id="a reason that cannot travel holds nobody up"),
        pytest.param(ASKED, id="a child may be added from another core"),
    ],
)
def test_a_group_on_two_cores(run_script, part):
    head, guard, tail = PARTS.partition("SHUTDOWN = 5\n")
    run_script(head + guard + part + tail)
