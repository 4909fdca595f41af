"""What does not wait for a long queue, and what keeps its place in one."""

import time

import pytest
from busy import Busy

from zanni import Actor, ActorDeadError, Down, Future, Mailbox
from zanni.actors.lifecycle import Lifecycle
from zanni.actors.overtaking import Overtaking
from zanni.actors.process import Died, Shutdown
from zanni.supervisors import Supervisor, child

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")

MANY = 100_000
SOON, TRIES = 0.1, 10
"""In seconds of CPU, which other processes do not lengthen, and how often it is tried."""


class Held(Busy):
    """Busy, and does some more of what it is told."""

    def on_receive(self, message):
        match message:
            case ("watch", *refs):
                for ref in refs:
                    self.watch(ref)
            case ("tell", ref, told):
                ref.tell(told)
            case ("spawn", cls, *args):
                return self.spawn(cls, *args)
            case "count":
                return len(self.seen)
            case _:
                return super().on_receive(message)
        return None


@pytest.fixture
def crowded(system):
    """Make an actor wait, with 100 000 messages queued behind; setting the gate lets it go on."""

    def crowded(ref, many=MANY):
        gate = Future()
        ref.tell(gate)
        for number in range(many):
            ref.tell(number)
        return gate

    return crowded


def test_kill_overtakes_the_queue(system, crowded, eventually):
    seen = []
    ref = system.spawn(Held, seen)
    crowded(ref)
    exited = ref.exited()
    ref.kill()
    assert exited.get(timeout=10) == "killed"
    assert seen == []
    eventually(lambda: system.dead_letters.counts["dead"] == MANY)


def test_exit_overtakes_the_queue(system, crowded):
    class Leaves(Held):
        def on_receive(self, message):
            super().on_receive(message)
            self.exit("enough")

    seen = []
    ref = system.spawn(Leaves, seen)
    exited, gate = ref.exited(), crowded(ref)
    gate.set()
    assert exited.get(timeout=10) == "enough"
    assert seen == []


def test_a_supervisors_shutdown_overtakes_the_queue(system, crowded, eventually):
    class Keeps(Supervisor):
        def children(self):
            return [child(Held, seen, id="it", name="it", shutdown="infinity")]

    seen = []
    keeps = system.spawn(Keeps)
    ref = system.whereis("it")
    exited, gate = ref.exited(), crowded(ref)
    terminated = keeps.call(Keeps.terminate_child, "it")
    eventually(lambda: ref.process.exit_reason == "shutdown")
    gate.set()
    terminated.get(timeout=10)
    assert exited.get(timeout=10) == "shutdown"
    assert seen == []


def test_a_watch_overtakes_the_queue(system, crowded):
    ref = system.spawn(Held, [])
    crowded(ref)
    heard = []
    watcher = system.spawn(Held, heard)
    watcher.ask(("watch", ref))
    assert ref.process.ties.watchers
    ref.kill()
    ref.wait(timeout=10)
    assert watcher.ask("count") == 1


def test_down_overtakes_the_queue(system, crowded):
    seen = []
    ref, dying = system.spawn(Held, seen), system.spawn(Held, [])
    ref.ask(("watch", dying))
    gate = crowded(ref)
    dying.stop()
    gate.set()
    assert ref.ask("count", timeout=30) == MANY + 1
    assert seen == [Down(dying, "normal"), *range(MANY)]


def test_down_overtakes_a_turn_that_is_on(system):
    class Kills(Held):
        def on_receive(self, message):
            if message == "kill":
                dying.kill()
                dying.wait(timeout=10)
            else:
                super().on_receive(message)

    seen, gate = [], Future()
    ref, dying = system.spawn(Kills, seen), system.spawn(Held, [])
    ref.ask(("watch", dying))
    for message in (gate, 1, "kill", 2, 3):
        ref.tell(message)
    gate.set()
    ref.stop()
    assert seen == [1, Down(dying, "killed"), 2, 3]


def test_down_comes_after_what_the_dead_actor_had_said(system, crowded):
    seen = []
    ref, dying = system.spawn(Held, seen), system.spawn(Held, [])
    ref.ask(("watch", dying))
    gate = crowded(ref, 1000)
    dying.ask(("tell", ref, "a"))
    ref.tell("between")
    dying.ask(("tell", ref, "b"))
    ref.tell("behind")
    dying.stop()
    gate.set()
    ref.stop()
    assert seen == [*range(1000), "a", "between", "b", Down(dying, "normal"), "behind"]


def test_many_deaths_come_in_their_order(system, crowded):
    seen = []
    ref = system.spawn(Held, seen)
    dying = [system.spawn(Held, []) for _ in range(500)]
    ref.ask(("watch", *dying))
    gate = crowded(ref, 1000)
    for each in dying:
        each.stop()
    gate.set()
    ref.stop()
    assert seen == [*(Down(each, "normal") for each in dying), *range(1000)]


@pytest.mark.parametrize("bound", [None, 10_000], ids=["plain", "bounded"])
def test_a_crowd_that_says_a_word_each_and_dies_is_found_in_one_pass(system, monkeypatch, bound):
    mailbox = None if bound is None else Mailbox(capacity=bound)
    seen, gate, reads = [], Future(), 0
    ref = system.spawn(Held, seen, mailbox=mailbox)
    crowd = [system.spawn(Held, []) for _ in range(500)]
    ref.ask(("watch", *crowd))
    ref.tell(gate)
    for each in crowd:
        each.ask(("tell", ref, each))
    for each in crowd:
        each.stop()
    address = Lifecycle.address

    def counted(cell):
        nonlocal reads
        reads += 1
        return address.fget(cell)

    monkeypatch.setattr(Lifecycle, "address", property(counted))
    gate.set()
    ref.stop(timeout=30)
    assert seen == [word for each in crowd for word in (each, Down(each, "normal"))]
    assert reads < 20 * len(crowd)  # 125 000 at least where each is looked for by itself


def test_a_death_between_two_incarnations_is_no_message_of_the_next(system, crowded):
    class Keeps(Supervisor):
        def children(self):
            return [child(Fails, seen, id="it", name="it")]

    class Fails(Held):
        def on_receive(self, message):
            super().on_receive(message)
            if isinstance(message, Future):
                raise RuntimeError("after the wait")

    seen = []
    system.spawn(Keeps)
    ref, dying = system.whereis("it"), system.spawn(Held, [])
    ref.ask(("watch", dying))
    gate = crowded(ref, 10)
    dying.stop()
    gate.set()
    ref.ask("count", timeout=10)
    assert seen == [*range(10)]


def kill(ref, _gate):
    end = ref.exited()
    ref.kill()
    return end


def shutdown(ref, gate):
    end = ref.exited()
    ref.process.signal(Shutdown("shutdown"))  # as a supervisor does
    gate.set()
    return end


def leave(ref, gate):
    end = ref.exited()
    gate.set("exit")
    return end


@pytest.mark.parametrize("end", [kill, shutdown, leave])
@pytest.mark.parametrize(
    "mailbox",
    [Mailbox(), Mailbox(2 * MANY), Mailbox(priority=lambda message: message)],
    ids=["plain", "bounded", "ranked"],
)
def test_an_end_and_its_down_pass_a_hundred_thousand_messages_within_a_tenth_of_a_second(
    system, eventually, end, mailbox
):
    class Leaves(Held):
        def on_start(self):
            if gate.get() == "exit":
                self.exit("enough")

    lost = system.dead_letters.counts
    for tries in range(1, TRIES + 1):
        gate = Future()
        ref = system.spawn(Leaves, [], mailbox=mailbox)
        for number in range(MANY):
            ref.tell(number)
        began = time.process_time()
        end(ref, gate).get(timeout=10)
        took = time.process_time() - began
        eventually(lambda expected=tries * MANY: lost["dead"] >= expected)
        assert lost["dead"] == tries * MANY
        if took <= SOON:
            return
    pytest.fail(f"not once in {TRIES} times; at last it took {took} s of CPU")


def test_down_passes_a_hundred_thousand_messages_within_a_tenth_of_a_second(system, crowded):
    class Notes(Held):
        def on_receive(self, message):
            if isinstance(message, Down):
                heard.set(time.process_time())
            super().on_receive(message)

    for _ in range(TRIES):
        heard = Future()
        ref, dying = system.spawn(Notes, []), system.spawn(Held, [])
        ref.ask(("watch", dying))
        gate = crowded(ref)
        began = time.process_time()
        dying.kill()
        gate.set()
        took = heard.get(timeout=10) - began
        ref.kill()
        if took <= SOON:
            return
    pytest.fail(f"not once in {TRIES} times; at last it took {took} s of CPU")


def test_a_death_passes_those_who_asked_and_all_hear_of_it(system):
    ref, gate = system.spawn(Held, []), Future()
    ref.tell(gate)
    asked = [ref.ask(number, block=False) for number in range(10_000)]
    heard = Future()

    class Watches(Actor):
        def on_receive(self, message):
            if isinstance(message, Down):
                heard.set([each.done() for each in asked])
            else:
                self.watch(message)

    system.spawn(Watches).ask(ref)
    ref.kill()
    assert not all(heard.get(timeout=10))
    for each in asked:
        with pytest.raises(ActorDeadError):
            each.get(timeout=10)


def test_stop_keeps_its_place_behind_a_long_queue(system, crowded):
    seen = []
    ref = system.spawn(Held, seen)
    gate = crowded(ref)
    stopped = ref.stop(block=False)
    late = ref.ask("late", block=False)
    gate.set()
    assert stopped.get(timeout=30)
    assert len(seen) == MANY
    with pytest.raises(ActorDeadError):
        late.get(timeout=10)


def test_a_death_that_comes_while_the_queue_is_looked_at_is_looked_at_again(system, monkeypatch):
    seen = []
    first, second = system.spawn(Held, []), system.spawn(Held, [])
    ref = system.spawn(Held, seen)
    ref.tell(("watch", first, second))
    ref.ask("count")
    cell, look = ref.process, Overtaking.queued

    def queued(self):
        found = look(self)
        if self is cell and second.is_alive():  # as another thread might, just now
            cell.enqueue(("last words", second.process, None, None))
            second.process.end_for("normal")
            cell.hasten(Died(second.process, "normal"))
        return found

    monkeypatch.setattr(Overtaking, "queued", queued)
    first.stop()
    assert ref.ask("count") == 3
    assert seen == [Down(first, "normal"), "last words", Down(second, "normal")]
    system.stop(timeout=0.01)  # the second was only said to be dead, and will not end by itself
