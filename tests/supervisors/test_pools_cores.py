"""Supervised pools on two cores: whichever core is lost, there is a pool again."""

import pytest

PARTS = """
import dataclasses, os, signal, threading
from zanni import Actor, ActorDeadError, ActorSystem, Members, NodeDown
from zanni.supervisors import Supervisor, SupervisorReport, child, pool

WAIT = 20


class Worker(Actor):
    def __init__(self, base):
        super().__init__()
        self.base = base

    def add(self, number):
        return self.base + number

    def pid(self):
        return os.getpid()


class Bank(Supervisor):
    intensity = 20


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
                self.seen.append(event.kind)
                self.changed.notify_all()

    def until(self, *kinds):
        with self.changed:
            assert self.changed.wait_for(lambda: tuple(self.seen) == kinds, WAIT), self.seen


def members(ref):
    return ref.ask(Members(), timeout=WAIT)


def main():
    with ActorSystem("bank", cores=2) as system:
        bank = system.spawn(Bank)
        run(system, bank, Watch(system))
        assert bank.stop(timeout=WAIT)
        assert [ref for ref in system.actors() if "Banker" not in ref.type_name] == []
    print("done")


if __name__ == "__main__":
    main()
"""

SPREAD = """
def run(system, bank, watch):
    spec = pool(Worker, 4, 10, id="crew", name="crew")
    ref = bank.call(Supervisor.start_child, spec).get(timeout=WAIT)
    before = members(ref)
    assert [each.core for each in before] == [0, 1, 0, 1]
    assert [ref.call(Worker.add, n).get(timeout=WAIT) for n in range(8)] == [*range(10, 18)]

    gone = [each.exited() for each in before]
    ref.kill()
    watch.until("started", "terminated", "started")
    for future in gone:
        future.get(timeout=WAIT)
    after = members(ref)
    assert [each.core for each in after] == [0, 1, 0, 1]
    assert not {*after} & {*before}
    assert ref.call(Worker.add, 1).get(timeout=WAIT) == 11
    assert system.whereis("crew") == ref

    # The loss of a core with members in it is the pool's own matter.
    gone = after[1].exited()
    os.kill(after[1].call(Worker.pid).get(timeout=WAIT), signal.SIGKILL)
    gone.get(timeout=WAIT)
    assert len(members(ref)) == 4
    for n in range(8):
        assert ref.call(Worker.add, n).get(timeout=WAIT) == 10 + n
    watch.until("started", "terminated", "started")
"""

LOST = """
def run(system, bank, watch):
    spec = pool(Worker, 4, 10, id="crew", name="crew")
    spec = dataclasses.replace(spec, core=1)  # the pool itself; its members are spread
    ref = bank.call(Supervisor.start_child, spec).get(timeout=WAIT)
    before = members(ref)
    assert (ref.core, sorted(each.core for each in before)) == (1, [0, 0, 1, 1])
    assert ref.type_name == "program:Worker"
    assert ref.proxy().add(5).get(timeout=WAIT) == 15
    gone = [each.exited() for each in [ref, *before]]
    far = next(each for each in before if each.core == 1)
    os.kill(far.call(Worker.pid).get(timeout=WAIT), signal.SIGKILL)
    for future in gone:  # those on the core that lives, too: their parent is lost
        future.get(timeout=WAIT)
    watch.until("started", "terminated", "started")
    new = system.whereis("crew")
    assert (new != ref, new.core, len(members(new))) == (True, 1, 4)
    assert new.call(Worker.add, 1).get(timeout=WAIT) == 11
"""

ASKED = """
def run(system, bank, watch):
    banker = system.spawn(Banker, core=1)
    spec = pool(Worker, 2, base=7, id="crew", router="smallest_mailbox")
    ref = banker.call(Banker.add, bank, spec).get(timeout=WAIT)
    assert (ref.core, ref.call(Worker.add, 1).get(timeout=WAIT)) == (0, 8)
    for member in members(ref):
        assert member.call(Worker.add, 2).get(timeout=WAIT) == 9
"""


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(SPREAD, id="a pool that is killed has new members on both"),
        pytest.param(LOST, id="a pool whose own core is lost is made anew"),
        pytest.param(ASKED, id="a pool may be added from another core"),
    ],
)
def test_a_supervised_pool_on_two_cores(run_script, part):
    head, guard, tail = PARTS.partition("def main():\n")
    run_script(f"{head}{part}\n\n{guard}{tail}")
