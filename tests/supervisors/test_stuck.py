"""Children that nothing can stop: C code that holds the interpreter's lock, on another core."""

import pytest

SCRIPT = """
import ctypes, os, sys, threading, time
from pathlib import Path
from zanni import Actor, ActorSystem
from zanni.actors.signalled import Abandoned
from zanni.supervisors import Supervisor, SupervisorReport, child
from zanni.transport.events import CoreDied

WAIT = 20


class Stuck(Actor):
    def pid(self):
        return os.getpid()

    def stick(self):
        Path("sticking").touch()
        ctypes.PyDLL(None).sleep(1000)  # PyDLL: without giving the lock up


class Neighbour(Actor):
    def here(self):
        return self.actor_ref.core


class Bank(Supervisor):
    def children(self):
        return [
            child(Neighbour, id="near"),
            child(Stuck, id="stuck", name="stuck", core=1, shutdown=0.2),
        ]


class Owner(Actor):
    def on_start(self):
        self.child = self.spawn(Stuck, core=1)
        self.child.cast(Stuck.stick)

    def which(self):
        return self.child


class Seen:
    def __init__(self, system):
        self.changed = threading.Condition()
        self.events = []
        system.events.subscribe(self.hear)

    def hear(self, event):
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def until(self, found):
        with self.changed:
            assert self.changed.wait_for(lambda: any(map(found, self.events)), WAIT), self.events


def until_it_sticks():
    end = time.monotonic() + WAIT
    while not Path("sticking").exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def main():
    config = {"kill_timeout": 0.5}
    with ActorSystem("bank", cores=2, config=config) as system:
        globals()[sys.argv[1]](system, Seen(system))
    print("done")


def terminated(system, seen):
    bank = system.spawn(Bank)
    stuck = system.whereis("stuck")
    pid = stuck.call(Stuck.pid).get(timeout=WAIT)
    stuck.cast(Stuck.stick)
    until_it_sticks()
    bank.call(Supervisor.terminate_child, "stuck").get(timeout=WAIT)
    seen.until(lambda event: event == Abandoned(stuck))
    seen.until(lambda event: event == CoreDied(1, "signal:9"))
    assert not stuck.is_alive()
    errors = [e for e in seen.events if getattr(e, "kind", None) == "shutdown_error"]
    assert [(e.id, e.reason) for e in errors] == [("stuck", "noconnection")]
    again = bank.call(Supervisor.restart_child, "stuck").get(timeout=WAIT)
    assert again.call(Stuck.pid).get(timeout=WAIT) != pid
    assert bank.is_alive()


def group(system, seen):
    class Group(Bank):
        strategy = "one_for_all"
    bank = system.spawn(Group)
    stuck = system.whereis("stuck")
    stuck.cast(Stuck.stick)
    until_it_sticks()
    near = bank.call(Supervisor.which_children).get(timeout=WAIT)[1][1]
    near.kill()  # the group restarts
    seen.until(lambda event: event == Abandoned(stuck))
    begun = [event for event in seen.events if getattr(event, "kind", "") == "started"]
    seen.until(lambda event: event not in begun and getattr(event, "kind", "") == "started"
               and event.id == "stuck")
    assert system.whereis("stuck").call(Stuck.pid).get(timeout=WAIT)


def parent(system, seen):
    import zanni.actors.actor as actor
    actor.CHILD_SHUTDOWN = 0.2
    owner = system.spawn(Owner)
    stuck = owner.call(Owner.which).get(timeout=WAIT)
    until_it_sticks()
    assert owner.stop(timeout=WAIT)
    seen.until(lambda event: event == Abandoned(stuck))


if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("scene", ["terminated", "group", "parent"])
def test_a_child_stuck_in_c_is_abandoned_and_its_core_replaced(run_script, scene):  # B5
    assert "core 1 is stuck in a handler that was killed: replaced" in run_script(SCRIPT, scene)
