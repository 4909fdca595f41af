"""A dynamic supervisor whose children live on two cores, and what a lost core leaves of them."""

import pytest

PARTS = """
import ctypes, os, signal, threading, time
from zanni import Actor, ActorSystem, Future
from zanni.supervisors import DynamicSupervisor, MaxChildren, NotFound, SupervisorReport, child

WAIT = 20


class Worker(Actor):
    def __init__(self, label):
        super().__init__()
        self.label = label

    def pid(self):
        return os.getpid()

    def say(self):
        return self.label

    def stick(self, path):
        open(path, "w").close()
        ctypes.PyDLL(None).sleep(1000)  # PyDLL: without giving the interpreter's lock up

    def hold(self, bell):
        bell.tell("held")
        Future().get()


class Bell(Actor):
    rung = threading.Semaphore(0)

    def on_receive(self, message):
        self.rung.release()


class Gate(Actor):
    def __init__(self, size):
        super().__init__()
        self.size, self.waiting = size, []

    def on_receive(self, message):
        self.waiting.append(self.reply_later())
        if len(self.waiting) == self.size:
            for each in self.waiting:
                each.set()


class Meeting(Actor):
    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def on_stop(self):
        self.gate.ask("here")  # answered when all of them have come to this


class Many(DynamicSupervisor):
    def template(self):
        return child(Worker, id="w", core="spread", shutdown=0.2)


class Client(Actor):
    def add(self, many, label):
        return many.call(Many.start_child, label).get(timeout=WAIT)

    def end(self, many, ref):
        many.call(Many.terminate_child, ref).get(timeout=WAIT)


class Watch:
    def __init__(self, system):
        self.changed = threading.Condition()
        self.seen = []
        system.events.subscribe(self.hear)

    def hear(self, event):
        if isinstance(event, SupervisorReport):
            with self.changed:
                self.seen.append(event)
                self.changed.notify_all()

    def count(self, kind):
        return sum(event.kind == kind for event in self.seen)

    def until(self, kind, times):
        with self.changed:
            assert self.changed.wait_for(lambda: self.count(kind) >= times, WAIT), self.seen


def start(many, *args):
    return many.call(Many.start_child, *args).get(timeout=WAIT)


def refs(many):
    return {line[1] for line in many.call(Many.which_children).get(timeout=WAIT)}


def labels(many):
    return sorted(ref.call(Worker.say).get(timeout=WAIT) for ref in refs(many))


def main():
    with ActorSystem("many", cores=2, config={"kill_timeout": 0.5}) as system:
        run(system, Watch(system))
    print("done")


if __name__ == "__main__":
    main()
"""

ASKED = """
def run(system, watch):
    many = system.spawn(Many, max_children=3)
    client = system.spawn(Client, core=1)
    made = [client.call(Client.add, many, n).get(timeout=WAIT) for n in range(3)]
    assert sorted(ref.core for ref in made) in ([0, 0, 1], [0, 1, 1])
    assert labels(many) == [0, 1, 2]
    try:
        client.call(Client.add, many, 3).get(timeout=WAIT)
    except MaxChildren as error:
        assert error.limit == 3
    else:
        raise AssertionError("it was started")
    for ref in made:
        client.call(Client.end, many, ref).get(timeout=WAIT)
    try:
        client.call(Client.end, many, made[0]).get(timeout=WAIT)
    except NotFound as error:
        assert error.args == (made[0],)
    assert refs(many) == set()
"""

STOPPED = """
def run(system, watch):
    many, bell, gate = system.spawn(Many), system.spawn(Bell), system.spawn(Gate, 6)
    waiting = child(Meeting, gate, id="m", core="spread", shutdown="infinity")
    made = [start(many, waiting) for _ in range(6)]
    hanging = [start(many, n) for n in range(2)]
    for ref in hanging:
        ref.cast(Worker.hold, bell)
        assert Bell.rung.acquire(timeout=WAIT)
    for refs in (made, hanging):
        assert {ref.core for ref in refs} == {0, 1}
    gone = [ref.exited() for ref in [*made, *hanging]]
    assert many.stop(timeout=WAIT)
    assert [future.get(timeout=WAIT) for future in gone] == ["shutdown"] * 6 + ["killed"] * 2
    assert watch.count("shutdown_error") == 2
    assert set(system.actors()) == {bell, gate}
"""

STUCK = """
def run(system, watch):
    many, path = system.spawn(Many), __file__ + ".begun"
    slow, killed = [
        start(many, child(Worker, 0, id="far", core=1, shutdown=each)) for each in (0.1, "kill")
    ]
    near = start(many, child(Worker, 1, id="near", core=0, shutdown="infinity"))
    slow.cast(Worker.stick, path)
    deadline = time.monotonic() + WAIT
    while not os.path.exists(path):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    gone = [ref.exited() for ref in (slow, killed, near)]
    assert many.stop(timeout=WAIT)
    reasons = [future.get(timeout=WAIT) for future in gone]
    assert reasons == ["noconnection", "noconnection", "shutdown"], reasons
    assert watch.count("shutdown_error") == 2
"""

LOST = """
def run(system, watch):
    many = system.spawn(Many)
    stay = [start(many, child(Worker, n, id="stay", core=0)) for n in range(2)]
    move = [start(many, child(Worker, n, id="move", core=1)) for n in range(2, 4)]
    go = start(many, child(Worker, 4, id="go", core=1, restart="temporary"))
    gone = [ref.exited() for ref in [*move, go]]
    os.kill(go.call(Worker.pid).get(timeout=WAIT), signal.SIGKILL)
    assert [future.get(timeout=WAIT) for future in gone] == ["noconnection"] * 3
    watch.until("started", 7)
    assert labels(many) == [0, 1, 2, 3]
    assert set(stay) < refs(many)
    assert not refs(many) & {*move, go}
    assert many.stop(timeout=WAIT)
    assert system.actors() == []
"""


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(ASKED, id="children may be asked for from another core"),
        pytest.param(STOPPED, id="all are told to stop at once"),
        pytest.param(STUCK, id="one that nothing can stop is abandoned with its core"),
        pytest.param(LOST, id="a lost core makes its permanent children anew"),
    ],
)
def test_children_on_two_cores(run_script, part):
    head, guard, tail = PARTS.partition("def main():\n")
    run_script(f"{head}{part}\n\n{guard}{tail}")
