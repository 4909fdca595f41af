"""Handlers that block or compute: the core goes on without them, and each turn ends once."""

import random
import sys
import threading
import time

import pytest

from zanni import (
    Actor,
    ActorDeadError,
    ActorSystem,
    DeadlockError,
    Future,
    Mailbox,
    Timeout,
)
from zanni.actors import crew
from zanni.actors.cell import Cell
from zanni.actors.dispatcher import Core
from zanni.actors.parking import here
from zanni.actors.signalled import Abandoned
from zanni.actors.state import PARKED
from zanni.actors.waiters import DEEPEST
from zanni.actors.watcher import LongTurn, Look, ThreadLimitReached, watcher
from zanni.supervisors import Supervisor, child

DEADLINE = 20.0


class Echo(Actor):
    def on_receive(self, message):
        return message


class Blocks(Actor):
    """Waits on a lock of threads: the runtime knows nothing of it."""

    def __init__(self, inside=None):
        self.inside = [] if inside is None else inside

    def on_receive(self, gate):
        self.inside.append(threading.get_ident())
        assert gate.wait(DEADLINE)
        return threading.get_ident()


class Computes(Actor):
    """Computes until the flag is set; it never lets go of the interpreter by itself."""

    def on_receive(self, flag):
        end = time.monotonic() + DEADLINE
        while not flag and time.monotonic() < end:
            sum(range(100))
        return bool(flag)


class Asks(Actor):
    """Parks and blocks, in the order it is told."""

    def on_receive(self, message):
        steps, other, gate = message
        done = []
        for step in steps:
            if step == "block":
                assert gate.wait(DEADLINE)
            else:
                done.append(other.ask(step))
        return done


class Sets(Actor):
    def on_receive(self, flag):
        flag.append(1)


def test_a_handler_that_blocks_does_not_hold_up_its_core(system, eventually):
    gate, inside = threading.Event(), []
    stuck = [system.spawn(Blocks, inside).ask(gate, block=False) for _ in range(20)]
    eventually(lambda: len(set(inside)) == 20)
    assert system.spawn(Echo).ask("on", timeout=DEADLINE) == "on"
    assert not any(future.done() for future in stuck)
    gate.set()
    assert {future.get(timeout=DEADLINE) for future in stuck} == set(inside)


def test_a_handler_that_computes_does_not_hold_up_its_core(system):
    flag = []
    computing = system.spawn(Computes).ask(flag, block=False)
    system.spawn(Sets).tell(flag)  # on the same core: it can only be heard if that goes on
    assert computing.get(timeout=DEADLINE)


def test_a_turn_whose_core_is_taken_as_it_looks_up_goes_on_late(system, monkeypatch):
    """The watcher's steps one by one, the first of them as the turn learns why it is to look."""
    holding, taken = [], []

    class Looks(Actor):
        def on_receive(self, message):
            holding.append(here.worker.core is not None)
            if message == "first":
                self._cell.interrupted = True
                monkeypatch.setattr(Cell, "_heed", take)
            elif message == "second":
                worker, turn = taken[0]
                turn.go_late(worker)
                assert worker.crew.hand_over()

    heed = Cell._heed

    def take(cell):
        monkeypatch.setattr(Cell, "_heed", heed)
        worker = here.worker
        assert worker.crew.recruit()
        assert worker.crew.take(worker)
        cell.interrupted = True
        taken.append((worker, cell))
        heed(cell)

    ref = system.spawn(Looks)

    class Tells(Actor):
        def on_receive(self, message):
            for each in ("first", "second", "third"):
                ref.tell(each)

    system.spawn(Tells).ask("go", timeout=DEADLINE)
    ref.ask("last", timeout=DEADLINE)
    assert holding == [True, False, True, True]


def test_while_two_hundred_actors_sleep_their_core_goes_on(system):
    """One by one they would take a minute. Once it is known that they block, all are lent."""
    tally = {"asleep": 0, "most": 0, "ticks": 0, "lent": 0}

    class Sleeps(Actor):
        def on_receive(self, message):
            with lock:
                tally["asleep"] += 1
                tally["lent"] += here.worker.core is None
                tally["most"] = max(tally["most"], tally["asleep"])
            time.sleep(0.3)
            with lock:
                tally["asleep"] -= 1

    class Ticks(Actor):
        def on_start(self):
            self.every(0.01, "tick")

        def on_receive(self, message):
            tally["ticks"] += tally["asleep"] > 0

    def sleep_all():
        tally.update(most=0, ticks=0, lent=0)
        asked = [actor.ask("sleep", block=False) for actor in sleepers]
        for answer in asked:
            answer.get(timeout=DEADLINE)
        assert tally["most"] > 10
        assert tally["ticks"] >= 3

    lock = threading.Lock()
    sleepers = [system.spawn(Sleeps) for _ in range(200)]
    system.spawn(Ticks)
    sleep_all()
    assert Sleeps in system.core.blocking
    sleep_all()
    assert tally["lent"] == 200


@pytest.mark.parametrize(("setting", "own"), [(2 * DEADLINE, 0.01), (0.01, 2 * DEADLINE)])
def test_an_actor_class_may_say_itself_when_its_core_is_handed_over(setting, own, monkeypatch):
    """Of a turn that computes: what the class says holds, and not the system's setting."""
    # On a machine that is busy otherwise, one that computes may look as if it were blocked.
    monkeypatch.setattr(Look, "is_blocked", lambda _self, _age: False)

    class Own(Computes):
        handoff = own

        def on_receive(self, flag):
            begun.set()
            return super().on_receive(flag)

    begun, flag, quick = threading.Event(), [], []
    with ActorSystem(config={"handoff": setting}) as system, ActorSystem() as other:
        computing = system.spawn(Own).ask(flag, block=False)
        assert begun.wait(DEADLINE)
        answer = system.spawn(Echo).ask("on", block=False)
        # On another core a turn that began later computes until it has been handed over.
        later = other.spawn(Computes).ask(quick, block=False)
        other.spawn(Sets).tell(quick)
        assert later.get(timeout=DEADLINE)
        if own < setting:
            assert answer.get(timeout=DEADLINE) == "on"
        assert computing.done() is False
        assert answer.done() == (own < setting)
        flag.append(1)
        assert computing.get(timeout=DEADLINE)
        assert answer.get(timeout=DEADLINE) == "on"


def test_the_switch_interval_is_lowered_while_a_late_turn_computes_and_restored(system, eventually):
    before = sys.getswitchinterval()
    flag = []
    computing = system.spawn(Computes).ask(flag, block=False)
    eventually(lambda: sys.getswitchinterval() < before)
    flag.append(1)
    computing.get(timeout=DEADLINE)
    eventually(lambda: sys.getswitchinterval() == before)


def test_timers_fire_while_a_handler_computes(system):
    class Ticks(Actor):
        def __init__(self, flag):
            self.flag = flag

        def on_start(self):
            self.every(0.01, "tick")

        def on_receive(self, message):
            self.flag.append(message)

    flag = []
    computing = system.spawn(Computes).ask(flag, block=False)
    system.spawn(Ticks, flag)
    assert computing.get(timeout=DEADLINE)


def test_one_message_at_a_time_also_while_a_turn_is_late(system):
    gate, seen = threading.Event(), []

    class Counts(Actor):
        def on_receive(self, message):
            if message == "block":
                assert gate.wait(DEADLINE)
            seen.append(message)

    counts = system.spawn(Counts)
    counts.tell("block")
    for number in range(10):
        counts.tell(number)
    assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1
    assert seen == []
    gate.set()
    assert counts.stop(timeout=DEADLINE)
    assert seen == ["block", *range(10)]


@pytest.mark.parametrize(
    "steps",
    [(1, "block"), ("block", 1), (1, "block", 2), ("block", 1, "block", 2), (1, 2, "block")],
)
def test_turns_may_park_and_block_in_any_order(system, steps):
    gate, echo = threading.Event(), system.spawn(Echo)
    asked = [system.spawn(Asks).ask((steps, echo, gate), block=False) for _ in range(10)]
    assert echo.ask("on", timeout=DEADLINE) == "on"
    gate.set()
    expected = [step for step in steps if step != "block"]
    assert [future.get(timeout=DEADLINE) for future in asked] == [expected] * 10


def test_a_wait_that_is_parked_under_a_blocked_turn_goes_on_when_that_ends(system, eventually):
    gate, answer, waiting = threading.Event(), Future(), []

    class Waits(Actor):
        def on_receive(self, message):
            waiting.append(message)
            return answer.get(timeout=DEADLINE)

    parked = system.spawn(Waits).ask("wait", block=False)
    eventually(lambda: waiting)
    blocked = system.spawn(Blocks).ask(gate, block=False)
    assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1  # another thread has the core
    answer.set("answer")
    gate.set()
    assert parked.get(timeout=DEADLINE) == "answer"
    blocked.get(timeout=DEADLINE)


def test_a_late_turn_that_waits_is_answered_by_one_parked_in_its_thread(system):
    """The wait of a late turn must let those below it on its thread go on: one of them answers."""
    gate = threading.Event()

    class Asked(Actor):
        def on_receive(self, other):
            return other if isinstance(other, int) else other.ask(2) + 1

    class Late(Actor):
        def on_receive(self, other):
            assert gate.wait(DEADLINE)
            return other.ask(4)

    asked, slow = system.spawn(Asked), system.spawn(Late)
    blocker = system.spawn(Blocks)
    first = asked.ask(system.spawn(Echo), block=False)
    second = slow.ask(asked, block=False)
    third = blocker.ask(gate, block=False)
    assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1
    gate.set()
    assert (first.get(timeout=DEADLINE), second.get(timeout=DEADLINE)) == (3, 4)
    third.get(timeout=DEADLINE)


class Does(Actor):
    """Does what it is told, and what a future gives when it is there."""

    def __init__(self, gate, inside):
        self.gate, self.inside = gate, inside
        self.done = Future()
        self.done.add_done_callback(self.block)

    def block(self, value=None):
        self.inside.set()
        assert self.gate.wait(2 * DEADLINE)
        return 0

    def on_receive(self, message):
        if message == "map":
            return self.done_one().map(self.block).get()
        if message == "pipe":
            return self.pipe(self.done_one().map(self.block))
        if message == "settle":
            self.done.set(1)
        elif message == "publish":
            self.system.events.subscribe(self.block)
            self.system.events.publish("something")
        elif message == "rank":
            self.spawn(Echo, mailbox=Mailbox(priority=self.block)).tell(1)
        return None

    def done_one(self):
        future = Future()
        future.set(1)
        return future


class Settles(Actor):
    def on_receive(self, future):
        future.set(1)
        return "set"


@pytest.mark.parametrize("how", ["map", "pipe", "settle", "publish", "rank"])
def test_what_a_handler_has_called_back_may_block(system, how):
    gate, inside = threading.Event(), threading.Event()
    does = system.spawn(Does, gate, inside)
    answer = does.ask(how, block=False)
    assert inside.wait(DEADLINE)
    assert system.spawn(Echo).ask("on", timeout=DEADLINE) == "on"
    gate.set()
    answer.get(timeout=DEADLINE)
    assert does.ask("again", timeout=DEADLINE) is None


def test_a_callback_may_block_however_many_called_one_another_before(system):
    gate, inside = threading.Event(), threading.Event()
    does = system.spawn(Does, gate, inside)
    first = does.proxy().done.get()
    for _ in range(2 * DEEPEST):
        before = Future()
        before.add_done_callback(lambda done, then=first: then.set(done.get()))
        first = before
    settles = system.spawn(Settles)
    answer = settles.ask(first, block=False)
    assert inside.wait(DEADLINE)
    assert system.spawn(Echo).ask("on", timeout=DEADLINE) == "on"
    gate.set()
    assert answer.get(timeout=DEADLINE) == "set"


def test_a_callback_of_the_answer_to_an_ask_may_block(system):
    class Waits(Actor):
        def on_receive(self, future):
            return future.get(timeout=DEADLINE)

    gate, inside, future = threading.Event(), threading.Event(), Future()

    def block(_):
        inside.set()
        assert gate.wait(2 * DEADLINE)

    waits = system.spawn(Waits)
    answer = waits.ask(future, block=False)
    answer.add_done_callback(block)
    future.set("there")
    assert inside.wait(DEADLINE)  # on the core, which answers
    assert system.spawn(Echo).ask("on", timeout=DEADLINE) == "on"
    gate.set()
    assert waits.ask(answer, timeout=DEADLINE) == "there"


def test_start_and_stop_hooks_may_block(system, eventually):
    gate = threading.Event()

    class Slow(Actor):
        def on_start(self):
            assert gate.wait(DEADLINE)

        def on_stop(self):
            assert gate.wait(DEADLINE)

    slow, echo = system.spawn(Slow), system.spawn(Echo)
    slow.tell("queued")
    assert echo.ask(1, timeout=DEADLINE) == 1
    gate.set()
    assert slow.stop(timeout=DEADLINE)
    assert slow.wait(DEADLINE) == "noproc"


def test_errors_of_a_late_turn_go_where_they_belong(system):
    gate = threading.Event()

    class Fails(Actor):
        def on_receive(self, message):
            assert gate.wait(DEADLINE)
            raise ValueError(message)

    asked, told = system.spawn(Fails), system.spawn(Fails)
    answer, end = asked.ask("asked", block=False), told.exited()
    told.tell("told")
    assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1
    gate.set()
    with pytest.raises(ValueError, match="asked"):
        answer.get(timeout=DEADLINE)
    assert str(end.get(timeout=DEADLINE)) == "told"
    assert asked.is_alive()


class AsksLate(Actor):
    """Loses the core, and asks until it has it again, or for long enough."""

    def on_receive(self, message):
        echo, patience = message
        end = time.monotonic() + DEADLINE
        while here.worker.core is not None and time.monotonic() < end:
            time.sleep(0.01)
        lost, asks = here.worker.core is None, 0
        while here.worker.core is None and asks < patience:
            assert echo.ask(asks) == asks
            asks += 1
        return lost, here.worker.core is not None


class AsksLateAndBlocks(AsksLate):
    blocking = True


def test_a_late_turn_that_waits_gets_its_core_back(system):
    echo = system.spawn(Echo)
    assert system.spawn(AsksLate).ask((echo, 10_000)) == (True, True)
    assert echo.ask(1) == 1  # and others go on after it


def test_a_late_turn_of_a_class_that_is_known_to_block_stays_late(system):
    echo = system.spawn(Echo)
    assert system.spawn(AsksLateAndBlocks).ask((echo, 100)) == (True, False)


def test_a_late_turn_does_not_take_the_core_from_where_others_wait(system):
    """They would be late in its place."""
    echo, gate, waiting = system.spawn(Echo), Future(), threading.Event()

    class Waits(Actor):
        def on_receive(self, _message):
            waiting.set()
            return gate.get()

    class BlocksFirst(AsksLate):
        def on_receive(self, message):
            assert waiting.wait(DEADLINE)  # late by then: the other one waits on another thread
            return super().on_receive(message)

    asked = system.spawn(BlocksFirst).ask((echo, 100), block=False)
    answer = system.spawn(Waits).ask("", block=False)
    assert asked.get(timeout=DEADLINE) == (True, False)
    gate.set("done")
    assert answer.get(timeout=DEADLINE) == "done"


def test_a_class_that_is_declared_to_block_never_has_the_core(system, eventually):
    class Declared(Blocks):
        blocking = True

    before, gate, inside = watcher.handed_over, threading.Event(), []
    asked = [system.spawn(Declared, inside).ask(gate, block=False) for _ in range(10)]
    eventually(lambda: len(set(inside)) == 10)
    gate.set()
    assert {future.get(timeout=DEADLINE) for future in asked} == set(inside)
    assert watcher.handed_over == before


def test_a_class_that_blocks_is_known_after_a_while_and_forgotten_when_it_does_not(
    system, monkeypatch
):
    blocking = system.core.blocking
    for _ in range(3):
        gate = threading.Event()
        asked = system.spawn(Blocks).ask(gate, block=False)
        assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1
        gate.set()
        asked.get(timeout=DEADLINE)
    assert Blocks in blocking
    monkeypatch.setattr(crew, "QUICK", 1.0)  # seconds: the machine may be busy
    end = time.monotonic() + DEADLINE
    while Blocks in blocking and time.monotonic() < end:
        system.spawn(Blocks).ask(gate, timeout=DEADLINE)
    assert Blocks not in blocking


def test_a_lent_turn_that_waits_is_no_turn_of_the_core_though_its_actors_last_one_was(system):
    class Learnt(Actor):
        throughput = 1

        def on_receive(self, other):
            system.core.blocking.add(Learnt)  # from now on its turns are lent
            return other.ask(1)

    learnt, echo = system.spawn(Learnt), system.spawn(Echo)
    asked = [learnt.ask(echo, block=False) for _ in range(3)]
    assert [answer.get(timeout=DEADLINE) for answer in asked] == [1, 1, 1]


def test_the_limit_on_threads_is_told_and_things_go_on_when_a_thread_returns(eventually):
    gate = threading.Event()
    with ActorSystem(config={"threads": 3}) as system:
        asked = [system.spawn(Blocks).ask(gate, block=False) for _ in range(6)]
        answer = system.spawn(Echo).ask(1, block=False)
        event = eventually(
            lambda: [e for e in system.events.last if isinstance(e, ThreadLimitReached)]
        )
        assert event == [ThreadLimitReached(0, 3)]
        assert len(system.core.crew.workers) == 3
        assert not answer.done()
        gate.set()
        assert answer.get(timeout=DEADLINE) == 1
        for future in asked:
            future.get(timeout=DEADLINE)


@pytest.mark.parametrize("kind", [Blocks, Computes])
def test_a_turn_over_a_second_is_reported_once_with_its_stack(system, eventually, kind, caplog):
    gate = threading.Event() if kind is Blocks else []
    stuck = system.spawn(kind, name="ann")
    answer = stuck.ask(gate, block=False)
    reports = lambda: [e for e in system.events.last if isinstance(e, LongTurn)]  # noqa: E731
    report = eventually(reports)[0]
    assert report.ref == stuck
    assert "on_receive" in report.stack
    assert f"{kind.__name__} 'ann' at {stuck.address} has been in one turn" in caplog.text
    gate.set() if kind is Blocks else gate.append(1)
    answer.get(timeout=DEADLINE)
    assert len(reports()) == 1


def test_a_long_turn_says_how_many_it_holds_up(system, eventually, caplog):
    class Waits(Actor):
        def on_receive(self, future):
            return future.get()

    future, gate = Future(), threading.Event()
    waiting = [system.spawn(Waits).ask(future, block=False) for _ in range(3)]
    assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1
    stuck = system.spawn(Blocks).ask(gate, block=False)
    eventually(lambda: system.spawn(Echo).ask(1) == 1)  # on another thread by now
    future.set("now")
    report = eventually(lambda: [e for e in system.events.last if isinstance(e, LongTurn)])[0]
    assert report.held_up == 3
    assert "holds up 3 that waited on its thread: if it waits for a lock" in caplog.text
    assert not any(answer.done() for answer in waiting)
    gate.set()
    stuck.get(timeout=DEADLINE)
    assert [answer.get(timeout=DEADLINE) for answer in waiting] == ["now"] * 3


def test_a_subscriber_that_blocks_holds_up_no_hand_off(system, eventually):
    gate, heard = threading.Event(), threading.Event()

    def hear(event):
        heard.set()
        assert gate.wait(DEADLINE)

    system.events.subscribe(hear)
    asked = [system.spawn(Blocks).ask(gate, block=False)]
    assert heard.wait(DEADLINE)  # of the turn over a second
    asked.append(system.spawn(Blocks).ask(gate, block=False))
    assert system.spawn(Echo).ask("on", timeout=DEADLINE) == "on"
    assert not any(future.done() for future in asked)
    gate.set()
    for future in asked:
        future.get(timeout=DEADLINE)


def test_a_killed_actor_that_is_stuck_is_abandoned(system):  # B5
    gate, sent = threading.Event(), []

    class Zombie(Actor):
        def on_receive(self, other):
            assert gate.wait(DEADLINE)
            try:
                other.tell("from the dead")
            except BaseException as error:
                sent.append(type(error).__name__)
                raise
            sent.append("sent")

    class Keeps(Actor):
        def __init__(self):
            self.seen = []

        def on_receive(self, message):
            self.seen.append(message)
            return list(self.seen)

    keeps, zombie = system.spawn(Keeps), system.spawn(Zombie)
    answer = zombie.ask(keeps, block=False)
    end = zombie.exited()
    assert keeps.ask(1, timeout=DEADLINE) == [1]  # so the core was handed over
    zombie.kill()
    assert end.get(timeout=DEADLINE) == "killed"
    with pytest.raises(ActorDeadError):
        answer.get(timeout=DEADLINE)
    assert [event.ref for event in system.events.last if isinstance(event, Abandoned)] == [zombie]
    gate.set()
    deadline = time.monotonic() + DEADLINE
    while not sent and time.monotonic() < deadline:
        time.sleep(0.001)
    assert sent == ["Killed"]
    assert keeps.ask(2, timeout=DEADLINE) == [1, 2]


def test_a_late_turn_that_is_killed_as_it_waits_sends_nothing_as_it_unwinds(  # G7
    system, eventually
):
    gate, sent = threading.Event(), []

    class Zombie(Actor):
        blocking = True

        def on_receive(self, other):
            try:
                Future().get()
            finally:
                assert gate.wait(DEADLINE)
                try:
                    other.tell("from the dead")
                    sent.append("sent")
                except BaseException as error:
                    sent.append(type(error).__name__)
                    raise

    other, zombie = system.spawn(Echo), system.spawn(Zombie)
    zombie.tell(other)
    eventually(lambda: zombie.process.state is PARKED)
    end = zombie.exited()
    zombie.kill()
    assert end.get(timeout=DEADLINE) == "killed"
    gate.set()
    assert eventually(lambda: sent) == ["Killed"]


def test_a_supervised_actor_that_was_abandoned_is_restarted_and_its_old_turn_changes_nothing():
    gates, log = [threading.Event(), threading.Event()], []

    class Child(Actor):
        def on_start(self):
            self.life = len(log)
            log.append("start")

        def on_receive(self, message):
            if message == "block":
                assert gates[self.life].wait(DEADLINE)
                raise ValueError("too late")
            return (self.life, message)

    class Tree(Supervisor):
        def children(self):
            return [child(Child, id="it")]

    with ActorSystem() as system:
        tree = system.spawn(Tree)
        it = tree.call(Tree.which_children).get()[0][1]
        it.tell("block")
        it.tell("queued")
        assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1
        it.kill()
        assert it.ask("new", timeout=DEADLINE) == (1, "new")
        gates[0].set()
        assert it.ask("newer", timeout=DEADLINE) == (1, "newer")
        assert log == ["start", "start"]


def test_stop_ends_within_its_bounds_with_an_actor_stuck():  # G12
    gate = threading.Event()
    system = ActorSystem(config={"drain_timeout": 0.2, "kill_timeout": 1.0}).start()
    stuck = system.spawn(Blocks)
    stuck.tell(gate)
    assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1
    began = time.monotonic()
    assert not system.stop()
    assert time.monotonic() - began < DEADLINE
    gate.set()


def test_a_stuck_on_stop_is_given_up_by_a_kill(system):
    gate = threading.Event()

    class Hangs(Actor):
        def on_stop(self):
            assert gate.wait(DEADLINE)

    hangs = system.spawn(Hangs)
    end = hangs.exited()
    hangs.stop(block=False)
    assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1
    hangs.kill()
    assert end.get(timeout=DEADLINE) == "killed"
    gate.set()


class Mixed(Actor):
    """Does at random what turns do; notes when two of its messages are handled at once."""

    peers = ()
    counts = None

    def __init__(self, seed, violations):
        self.random = random.Random(seed)
        self.busy = False
        self.violations = violations

    def on_receive(self, depth):
        if self.busy:
            self.violations.append("two messages at once")
        self.busy = True
        try:
            return self.do_something(depth)
        finally:
            self.busy = False

    def do_something(self, depth):
        self.counts["turns"] += 1
        draw = self.random.random()
        if draw < 0.013:
            time.sleep(0.002)
        elif draw < 0.3 and depth:
            self.ask_somebody(depth)
        elif draw < 0.302 and depth:
            time.sleep(0.002)
            self.ask_somebody(depth)
        elif draw < 0.304 and depth:
            self.ask_somebody(depth)
            time.sleep(0.002)
        elif draw < 0.3045:
            end = time.thread_time() + 0.012
            while time.thread_time() < end:
                pass
        return depth

    def ask_somebody(self, depth):
        other = self.random.choice(self.peers)
        try:
            if other.ask(depth - 1, timeout=self.random.choice((0.001, 0.02, 0.5))) != depth - 1:
                self.violations.append("another's answer")
        except Timeout:
            self.counts["timeouts"] += 1
        except DeadlockError:
            self.counts["cycles"] += 1


def run_mixed(monkeypatch, turns, handoffs, patience=DEADLINE):
    """Run a crowd of `Mixed` until it has made so many turns and hand-offs."""
    violations, inside = [], {}

    def guard(name):
        real = getattr(Core, name)

        def guarded(self, *args):
            me = threading.get_ident()
            if inside.setdefault(self, me) != me:
                violations.append(f"two threads in {name}")
            try:
                return real(self, *args)
            finally:
                inside.pop(self, None)

        monkeypatch.setattr(Core, name, guarded)

    guard("_take_in")
    guard("_fire")
    monkeypatch.setattr(Mixed, "counts", {"turns": 0, "timeouts": 0, "cycles": 0})
    began = watcher.handed_over
    with ActorSystem(config={"threads": 64}) as system:
        # A class each, so that few are known to block and the watcher has work to do.
        crowd = [
            system.spawn(
                type(f"Mixed{seed}", (Mixed,), {"punctual": seed % 8 == 0}), seed, violations
            )
            for seed in range(200)
        ]
        monkeypatch.setattr(Mixed, "peers", crowd)
        learn = system.core.crew.learn
        monkeypatch.setattr(
            system.core.crew,
            "learn",
            lambda kind, *, blocked: learn(kind, blocked=blocked and handoffs < 0),
        )
        asked = ended = 0
        while Mixed.counts["turns"] < turns or watcher.handed_over - began < handoffs:
            futures = [one.ask(3, block=False) for one in crowd for _ in range(50)]
            asked += len(futures)
            for future in futures:
                ended += future.get(timeout=patience) == 3
            assert not violations
        assert ended == asked
    assert not violations
    return Mixed.counts


@pytest.mark.timeout(600)  # half a minute, but where others have the CPUs
@pytest.mark.usefixtures("switching")
def test_one_thread_runs_the_loop_and_one_message_is_handled_whatever_turns_do(monkeypatch):
    counts = run_mixed(monkeypatch, turns=100_000, handoffs=1000)
    assert counts["timeouts"]
    assert counts["cycles"]


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("switching")
def test_one_thread_runs_the_loop_for_long(monkeypatch):
    run_mixed(monkeypatch, turns=10_000_000, handoffs=100_000, patience=600)
