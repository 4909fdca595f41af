"""`dispatcher = "pinned"`: one thread runs the actor, all its life."""

import sqlite3
import threading

import pytest

from zanni import Actor, ActorDeadError, ActorSystem
from zanni.actors.state import IDLE
from zanni.supervisors import Supervisor, child

DEADLINE = 20.0


class Where(Actor):
    dispatcher = "pinned"

    def __init__(self, seen=None):
        self.seen = [] if seen is None else seen
        self.note()

    def note(self):
        self.seen.append(threading.current_thread())

    def on_start(self):
        self.note()

    def on_stop(self):
        self.note()

    def on_receive(self, message):
        self.note()
        if message == "fail":
            raise ValueError(message)
        if isinstance(message, tuple):
            other, inner = message
            answer = other.ask(inner)
            self.note()
            return answer
        return message

    async def later(self):
        return threading.current_thread()


class Echo(Actor):
    def on_receive(self, message):
        return message


def test_one_thread_runs_it_from_init_to_on_stop(system):
    seen = []
    pinned, echo = system.spawn(Where, seen), system.spawn(Echo)
    assert [pinned.ask(number) for number in range(10)] == [*range(10)]
    assert pinned.ask((echo, "asked")) == "asked"
    pinned.stop()
    assert len(seen) == 2 + 10 + 2 + 1
    assert len(set(seen)) == 1
    assert seen[0] is not threading.current_thread()


def test_each_has_a_thread_of_its_own(system):
    first, second = [], []
    for seen in (first, second):
        system.spawn(Where, seen).ask(1)
    assert first[0] is not second[0]


def test_sqlite_can_be_used(system):
    class Database(Actor):
        dispatcher = "pinned"

        def __init__(self):
            self.connection = sqlite3.connect(":memory:")
            self.connection.execute("create table numbers (number integer)")

        def add(self, number):
            self.connection.execute("insert into numbers values (?)", (number,))

        def total(self):
            return self.connection.execute("select sum(number) from numbers").fetchone()[0]

        def on_stop(self):
            self.connection.close()

    database = system.spawn(Database)
    for number in range(10):
        database.cast(Database.add, number)
    assert database.call(Database.total).get(timeout=DEADLINE) == 45


def test_it_may_block(system):
    gate = threading.Event()

    class Blocks(Actor):
        dispatcher = "pinned"

        def on_receive(self, message):
            assert gate.wait(DEADLINE)
            return message

    answers = [system.spawn(Blocks).ask(number, block=False) for number in range(5)]
    assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1
    gate.set()
    assert [answer.get(timeout=DEADLINE) for answer in answers] == [*range(5)]


def test_an_error_of_init_is_raised_by_spawn_and_the_name_is_free(system):
    class Fails(Actor):
        dispatcher = "pinned"

        def __init__(self, error):
            raise error

    for _ in range(3):
        with pytest.raises(LookupError, match="no"):
            system.spawn(Fails, LookupError("no"), name="it")
    assert system.spawn(Where, name="it").ask(1) == 1


def test_async_methods_run_on_the_loop_as_those_of_others(system):
    pinned = system.spawn(Where)
    assert pinned.call(Where.later).get(timeout=DEADLINE) is not threading.current_thread()
    assert pinned.ask("after") == "after"


def test_the_thread_ends_with_its_actor(system, eventually):
    seen = []
    for end in ("stop", "kill", "fail"):
        pinned = system.spawn(Where, seen)
        pinned.ask(1)
        pinned.tell("fail") if end == "fail" else getattr(pinned, end)()
        pinned.wait(DEADLINE)
    eventually(lambda: not any(thread.is_alive() for thread in seen))


def test_a_restart_goes_on_in_the_same_thread_and_after_a_stuck_turn_in_another(eventually):
    gate, seen = threading.Event(), []

    class Sticks(Where):
        def on_receive(self, message):
            self.note()
            if message == "block":
                assert gate.wait(DEADLINE)
            elif message == "fail":
                raise ValueError(message)
            return message

    class Tree(Supervisor):
        intensity = 5

        def children(self):
            return [child(Sticks, seen, id="it")]

    with ActorSystem() as system:
        it = system.spawn(Tree).call(Tree.which_children).get()[0][1]
        it.tell("fail")
        assert it.ask("again", timeout=DEADLINE) == "again"
        assert len(set(seen)) == 1
        before = len(seen)
        stuck = it.ask("block", block=False)
        eventually(lambda: len(seen) > before)
        it.kill()
        with pytest.raises(ActorDeadError):
            stuck.get(timeout=DEADLINE)
        assert it.ask("new", timeout=DEADLINE) == "new"
        assert len(set(seen)) == 2
        gate.set()


def test_reentrant_and_pinned_is_refused(system):
    class Both(Where):
        reentrant = True

    with pytest.raises(ValueError, match="Both is reentrant and pinned"):
        system.spawn(Both)


def test_an_option_of_spawn_pins_too(system):
    class Tells(Actor):
        def on_receive(self, message):
            return threading.current_thread()

    pinned = system.spawn(Tells, dispatcher="pinned")
    assert len({pinned.ask(1) for _ in range(5)}) == 1
    assert pinned.ask(1) is not system.spawn(Tells).ask(1)


def test_a_turn_whose_only_message_was_withdrawn_leaves_its_thread(system, in_core, eventually):
    ref = system.spawn(Where)
    ref.ask("thread")
    cell = ref.process

    def schedule_and_withdraw():
        cell.enqueue(("withdrawn", None, None, None))
        cell.take_out(lambda item: True)

    in_core(schedule_and_withdraw)
    eventually(lambda: cell.state is IDLE and cell.thread is None)
    ref.ask("thread")
