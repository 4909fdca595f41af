"""One child on each of two cores, found by key from both, and what a lost core does to that."""

PROGRAM = """
import os, signal, threading
from zanni import Actor, ActorSystem, EncodeError
from zanni.supervisors import Keyed, PartitionSupervisor, Supervisor, SupervisorReport, child
from zanni.supervisors.keys import partition_of

WAIT = 20
KEYS = ["ann", "bob", "cy", b"dee", 1.5, ("room", 7), ("room", "x"), *range(4)]


class Counter(Actor):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_receive(self, message):
        if message == "seen":
            return os.getpid(), self.seen
        self.seen.append(message)


class Client(Actor):
    def find(self, divided):
        return [divided.call(PartitionSupervisor.route, key).get(timeout=WAIT) for key in KEYS]

    def put(self, divided, key, words):
        for word in words:
            divided.tell(Keyed(key, word))
        return divided.ask(Keyed(key, "seen"), timeout=WAIT)

    def place(self):
        return [partition_of(key, 1000) for key in KEYS]


def refs(supervisor):
    lines = supervisor.call(Supervisor.which_children).get(timeout=WAIT)
    return [line[1] for line in reversed(lines)]


def main():
    with ActorSystem("divided", cores=2) as system:
        back = threading.Event()

        def hear(event):
            if isinstance(event, SupervisorReport) and event.kind == "started":
                back.set()

        divided = system.spawn(PartitionSupervisor, Counter)
        before = refs(divided)
        assert [ref.core for ref in before] == [0, 1]
        five = system.spawn(PartitionSupervisor, Counter, partitions=5)
        assert [ref.core for ref in refs(five)] == [0, 1, 0, 1, 0]
        there = system.spawn(PartitionSupervisor, child(Counter, id="c", core=1), partitions=2)
        assert [ref.core for ref in refs(there)] == [1, 1]

        clients = [system.spawn(Client, core=core) for core in (0, 1)]
        one, other = [each.call(Client.find, divided).get(timeout=WAIT) for each in clients]
        assert one == other == [before[partition_of(key, 2)] for key in KEYS]
        one, other = [each.call(Client.place).get(timeout=WAIT) for each in clients]
        assert one == other  # whatever the seed of the two processes' own hashes
        words = [f"{n}" for n in range(100)]
        pid, seen = clients[1].call(Client.put, divided, 1, words).get(timeout=WAIT)
        assert (pid != os.getpid(), seen) == (True, words)
        assert divided.ask(Keyed(0, "seen"), timeout=WAIT) == (os.getpid(), [])

        divided.tell(Keyed(1, lambda: "cannot go there"))
        try:
            divided.ask(Keyed(1, lambda: "nor as a question"), timeout=WAIT)
        except EncodeError:
            pass
        else:
            raise AssertionError("it went there")
        assert system.dead_letters.counts["EncodeError"] == 1
        assert divided.ask(Keyed(1, "seen"), timeout=WAIT) == (pid, words)

        gone = before[1].exited()
        system.events.subscribe(hear)
        os.kill(pid, signal.SIGKILL)
        assert gone.get(timeout=WAIT) == "noconnection"
        new, seen = clients[0].call(Client.put, divided, 1, ["later"]).get(timeout=WAIT)
        assert (new != pid, seen) == (True, ["later"])
        assert back.wait(WAIT)
        after = refs(divided)
        assert (after[0], after[1] != before[1]) == (before[0], True)
        assert divided.call(PartitionSupervisor.route, 1).get(timeout=WAIT) == after[1]
    print("done")


if __name__ == "__main__":
    main()
"""


def test_keys_find_their_child_from_every_core_and_after_a_loss(run_script):
    run_script(PROGRAM)
