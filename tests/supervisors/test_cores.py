"""Children on another core: restarted there, and made anew when their process is lost."""

PROGRAM = """
import os, signal, threading
from zanni import Actor, ActorSystem
from zanni.supervisors import Supervisor, SupervisorReport, child


class Worker(Actor):
    def __init__(self):
        super().__init__()
        self.count = 0

    def bump(self):
        self.count += 1
        return self.count

    def pid(self):
        return os.getpid()

    def on_receive(self, message):
        raise RuntimeError(message)


class Bank(Supervisor):
    intensity = 2  # a crash, and the loss of a core, which counts once whatever it takes along
    period = 3600

    def children(self):
        more = [child(Worker, id=f"far-{n}", core=1) for n in range(5)]
        return [child(Worker, id="far", name="far", core=1), child(Worker, id="near"), *more]


def ref(bank, id="far"):
    infos = bank.call(Supervisor.which_children).get(timeout=20)
    return {info[0]: info[1] for info in infos}[id]


def main():
    with ActorSystem("bank", cores=2) as system:
        back = threading.Event()

        def hear(event):
            if isinstance(event, SupervisorReport) and event.kind == "started" and lost:
                back.set()

        lost = []
        system.events.subscribe(hear)
        bank = system.spawn(Bank)
        far = ref(bank)
        pid = far.call(Worker.pid).get(timeout=20)
        assert (far.core, pid != os.getpid()) == (1, True)
        assert [far.call(Worker.bump).get(timeout=20) for _ in range(2)] == [1, 2]
        far.tell("crash")
        assert far.call(Worker.bump).get(timeout=20) == 1  # fresh, behind the same ref
        assert ref(bank) == far
        bank.call(Supervisor.terminate_child, "far").get(timeout=20)
        far = bank.call(Supervisor.restart_child, "far").get(timeout=20)
        lost.append(far)
        os.kill(pid, signal.SIGKILL)
        assert back.wait(20)
        new = ref(bank)
        assert new != far
        assert new.call(Worker.bump).get(timeout=20) == 1
        assert system.whereis("far") == new
        count = bank.call(Supervisor.count_children).get(timeout=20)
        assert count.active == count.specs == 7
        exited = bank.exited()
        ref(bank, "far-4").tell("its own crash, which counts though its loss did not")
        assert exited.get(timeout=20) == "shutdown"
    print("done")


if __name__ == "__main__":
    main()
"""


def test_a_child_on_another_core_restarts_and_outlives_its_process(run_script):
    run_script(PROGRAM)
