"""A supervisor that is killed, or lost with its core: its children end, its parent starts it."""

import pytest

SCRIPT = """
import os, signal, sys, threading, time
from zanni import Actor, ActorSystem
from zanni.supervisors import Supervisor, SupervisorReport, child

WAIT = 20


class Worker(Actor):
    def pid(self):
        return os.getpid()


class Inner(Supervisor):
    def children(self):
        return [
            child(Worker, id="beside", name="beside"),  # where its supervisor is
            child(Worker, id="apart", name="apart", core=0),
        ]


class Outer(Supervisor):
    def children(self):
        return [child(Inner, id="inner", name="inner", core=1), child(Worker, id="sibling")]


class Ends(Actor):
    def __init__(self):
        super().__init__()
        self.downs = []

    def look(self, refs):
        for ref in refs:
            self.watch(ref)

    def on_receive(self, message):
        self.downs.append((message.ref, message.reason))

    def heard(self):
        return self.downs


def until(condition):
    end = time.monotonic() + WAIT
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def lose(system, pid):
    os.kill(pid, signal.SIGKILL)


def kill(system, pid):
    system.whereis("inner").kill()


def main():
    with ActorSystem("tree", cores=2) as system:
        outer = system.spawn(Outer)
        before = {name: system.whereis(name) for name in ("inner", "beside", "apart")}
        sibling = outer.call(Supervisor.which_children).get(timeout=WAIT)[0][1]
        ends = system.spawn(Ends)
        ends.call(Ends.look, list(before.values())).get(timeout=WAIT)
        pid = before["beside"].call(Worker.pid).get(timeout=WAIT)
        assert (pid == os.getpid(), before["apart"].core) == (False, 0)

        globals()[sys.argv[1]](system, pid)

        def again(name):
            ref = system.whereis(name)
            return ref if ref is not None and (name == "inner" or ref != before[name]) else None

        for name in ("beside", "apart"):
            new = until(lambda: again(name))
            assert new.call(Worker.pid).get(timeout=WAIT)
        assert system.whereis("apart").core == 0
        assert sibling.is_alive()
        assert outer.call(Supervisor.which_children).get(timeout=WAIT)[0][1] == sibling
        count = until(lambda: system.whereis("inner")).call(Supervisor.count_children)
        assert count.get(timeout=WAIT).active == 2
        downs = ends.call(Ends.heard).get(timeout=WAIT)
        refs = [ref for ref, _ in downs]
        assert len(refs) == len(set(refs))  # each end is told once
        assert {before["beside"], before["apart"]} <= set(refs)
        assert not before["apart"].is_alive()
    print("done")


if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("how", ["kill", "lose"])
def test_the_children_of_a_lost_supervisor_end_and_its_parent_starts_it_anew(
    run_script, how
):  # C11
    run_script(SCRIPT, how)


KILLS = """
import time
from zanni import Actor, ActorSystem
from zanni.supervisors import Supervisor, child


class Inner(Supervisor):
    def children(self):
        return [child(Actor, id="apart", name="apart", core=1)]


class Outer(Supervisor):
    intensity = 5  # as many as there are kills: no attempt may fail

    def children(self):
        return [child(Inner, id="inner", name="inner")]


def main():
    with ActorSystem("tree", cores=2) as system:
        outer = system.spawn(Outer)
        inner = system.whereis("inner")
        for _ in range(Outer.intensity):
            apart = system.whereis("apart")
            ended = apart.exited()
            inner.kill()
            assert ended.get(timeout=20) == "killed"
            assert inner.call(Supervisor.count_children).get(timeout=20).active == 1
            assert system.whereis("apart") != apart
        assert outer.is_alive()
    print("done")


if __name__ == "__main__":
    main()
"""


def test_a_killed_supervisor_is_started_again_when_its_children_elsewhere_are_gone(run_script):
    run_script(KILLS)
