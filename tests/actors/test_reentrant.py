"""`reentrant = True`: while one message waits, further ones are handled, and each ask ends once."""

import asyncio
import random
import threading
import time

import pytest

from zanni import Actor, ActorDeadError, Down, Future, RemoteError
from zanni.actors.parking import here
from zanni.actors.signalled import Abandoned
from zanni.supervisors import Supervisor, child

LONG = 30.0


class Desk(Actor):
    """Waits for futures, in plain handlers."""

    reentrant = True

    def __init__(self, journal=None):
        super().__init__()
        self.journal = [] if journal is None else journal
        self.inside = 0

    def on_stop(self):
        self.journal.append("stopped")

    def on_failure(self, kind, value, traceback):
        self.journal.append(f"failed: {value}")

    def on_receive(self, message):
        match message:
            case ("wait", future):
                self.enter(message)
                answer = future.get()
                self.journal.append(("waited", answer))
                return answer
            case ("raise", error):
                raise error
            case ("wait, then raise", future):
                raise future.get()
            case ("exit", reason):
                self.exit(reason)
            case ("ask after", future, ref):
                future.get()
                return ref.ask("x")
            case ("sender", future):
                future.get()
                return self.sender
            case ("stash", future):
                self.stash()
                future.get()
            case ("later", future):
                later = self.reply_later()
                later.set(future.get())
            case ("watch", ref):
                self.watch(ref)
            case "unstash":
                self.unstash_all()
            case "journal":
                return list(self.journal)
            case Down(_, reason):
                self.journal.append(("down", reason))
            case _:
                self.journal.append(message)
                return message
        return None

    def enter(self, _):
        pass

    def method(self, future):
        return future.get()


class AsyncDesk(Desk):
    """The same in coroutines, on the loop."""

    async def on_receive(self, message):
        match message:
            case ("wait", future):
                self.enter(message)
                answer = await future
                self.journal.append(("waited", answer))
                return answer
            case ("wait, then raise", future):
                raise await future
            case ("ask after", future, ref):
                await future
                return await ref.ask("x", block=False)
            case ("sender", future):
                await future
                return self.sender
            case ("stash", future):
                self.stash()
                await future
            case ("later", future):
                later = self.reply_later()
                later.set(await future)
            case _:
                return super().on_receive(message)
        return None

    async def method(self, future):
        return await future


@pytest.fixture(params=[Desk, AsyncDesk])
def desk_class(request):
    return request.param


@pytest.fixture
def journal():
    return []


@pytest.fixture
def desk(system, desk_class, journal):
    return system.spawn(desk_class, journal)


def test_while_one_waits_further_ones_are_handled(desk):
    first, second = Future(), Future()
    waiting = [desk.ask(("wait", future), block=False) for future in (first, second)]
    by_method = desk.call(Desk.method, first)
    assert desk.ask("in between") == "in between"
    assert not any(future.done() for future in (*waiting, by_method))
    second.set("second")
    assert waiting[1].get(timeout=10) == "second"
    assert desk.ask("still") == "still"
    first.set("first")
    assert waiting[0].get(timeout=10) == "first"
    assert by_method.get(timeout=10) == "first"
    assert desk.ask("journal") == ["in between", ("waited", "second"), "still", ("waited", "first")]


def test_an_actor_that_is_not_reentrant_does_not(system, desk_class, journal):
    class Not(desk_class):
        reentrant = False

    desk, gate = system.spawn(Not, journal), Future()
    waiting = desk.ask(("wait", gate), block=False)
    behind = desk.ask("behind", block=False)
    assert system.spawn(Desk).ask("another") == "another"
    assert not behind.done()
    gate.set("open")
    assert behind.get(timeout=10) == "behind"
    assert waiting.get(timeout=10) == "open"
    assert journal == [("waited", "open"), "behind"]


def test_messages_begin_in_order(desk, journal):
    for number in range(300):
        desk.tell(number)
    assert desk.ask("journal") == list(range(300))


def test_an_actor_may_ask_itself_through_another(system):
    class Calls(Actor):
        reentrant = True

        def on_receive(self, message):
            return message if isinstance(message, int) else message.ask(self.actor_ref) + 1

    class CallsBack(Actor):
        def on_receive(self, ref):
            return ref.ask(41)

    assert system.spawn(Calls).ask(system.spawn(CallsBack), timeout=10) == 42


def test_each_message_has_its_own_sender(system, desk, tools):
    gate = Future()
    askers = [system.spawn(tools.Hooked, []) for _ in range(3)]
    asked = [
        asker.ask(("apply", lambda self: desk.ask(("sender", gate))), block=False)
        for asker in askers
    ]
    desk.ask("all are in hand")
    gate.set()
    assert [future.get(timeout=10) for future in asked] == askers


def test_watches_and_later_answers_are_the_actors(system, desk, eventually, journal, tools):
    gate = Future()
    later = desk.ask(("later", gate), block=False)
    other = system.spawn(tools.Recorder)
    desk.ask(("watch", other))
    other.stop()
    eventually(lambda: ("down", "normal") in journal)
    gate.set("later")
    assert later.get(timeout=10) == "later"


def test_what_was_set_aside_returns(desk, journal):
    gate = Future()
    desk.tell(("stash", gate))
    desk.ask("next")
    gate.set()
    desk.ask("unstash")
    desk.tell("last")
    desk.stop(timeout=10)
    assert journal[-1] == "stopped"


def test_a_stop_lets_those_before_it_end(desk, journal):
    gate = Future()
    before = [desk.ask(("wait", gate), block=False), desk.ask("before", block=False)]
    stopped = desk.stop(block=False)
    behind = desk.ask("behind", block=False)
    assert before[1].get(timeout=10) == "before"
    assert not stopped.done()
    gate.set("open")
    assert stopped.get(timeout=10) is True
    assert before[0].get(timeout=10) == "open"
    with pytest.raises(ActorDeadError):
        behind.get(timeout=10)
    assert journal == ["before", ("waited", "open"), "stopped"]


@pytest.mark.parametrize("end", ["stop", "exit"])
def test_two_that_end_do_not_wait_for_one_another(system, desk_class, end, eventually):
    one, two, gate = system.spawn(desk_class), system.spawn(desk_class), Future()
    asked = [one.ask(("ask after", gate, two), block=False)]
    asked += [two.ask(("ask after", gate, one), block=False)]
    ended = [desk.exited() for desk in (one, two)]
    for desk in (one, two):
        desk.stop(block=False) if end == "stop" else desk.tell(("exit", "normal"))
    eventually(lambda: not one.is_alive() and not two.is_alive())
    gate.set()
    assert [future.get(timeout=10) for future in ended] == ["normal", "normal"]
    for future in asked:
        with pytest.raises(ActorDeadError):
            future.get(timeout=10)


def test_an_exit_lets_those_in_hand_end_and_begins_no_other(desk, journal, eventually):
    gate = Future()
    waiting = desk.ask(("wait", gate), block=False)
    desk.ask("is in hand")
    exited = desk.exited()
    desk.tell(("exit", "enough"))
    eventually(lambda: not desk.is_alive())
    behind = [desk.ask("behind", block=False) for _ in range(3)]
    gate.set("open")
    assert waiting.get(timeout=10) == "open"
    assert exited.get(timeout=10) == "enough"
    for future in behind:
        with pytest.raises(ActorDeadError):
            future.get(timeout=10)
    assert journal == ["is in hand", ("waited", "open"), "stopped"]


def test_a_kill_ends_all_that_are_in_hand(desk, journal):
    waiting = [desk.ask(("wait", Future()), block=False) for _ in range(20)]
    desk.ask("in hand")
    exited = desk.exited()
    desk.kill()
    assert exited.get(timeout=10) == "killed"
    for future in waiting:
        with pytest.raises(ActorDeadError):
            future.get(timeout=10)
    assert journal == ["in hand"]


def test_a_kill_ends_those_that_a_stop_waits_for(desk):
    waiting = desk.ask(("wait", Future()), block=False)
    stopped = desk.stop(block=False)
    desk.exited()
    desk.kill()
    with pytest.raises(ActorDeadError):
        waiting.get(timeout=10)
    assert stopped.get(timeout=10) is True


def test_a_failure_breaks_the_others_off(desk, journal):
    waiting = [desk.ask(("wait", Future()), block=False) for _ in range(20)]
    desk.ask("in hand")
    exited = desk.exited()
    error = KeyError("mine")
    desk.tell(("raise", error))
    assert exited.get(timeout=10) is error
    for future in waiting:
        with pytest.raises(ActorDeadError, match="failed while"):
            future.get(timeout=10)
    assert journal == ["in hand", "failed: 'mine'"]


def test_an_error_on_an_ask_is_the_askers_and_the_others_go_on(desk):
    gate, error = Future(), Future()
    waiting = desk.ask(("wait", gate), block=False)
    failing = desk.ask(("wait, then raise", error), block=False)
    error.set(KeyError("mine"))
    with pytest.raises(KeyError, match="mine"):
        failing.get(timeout=10)
    gate.set("open")
    assert waiting.get(timeout=10) == "open"


def test_what_escapes_a_handler_ends_the_actor(desk):
    waiting = desk.ask(("wait", Future()), block=False)
    with pytest.raises(RemoteError, match="SystemExit"):
        desk.ask(("raise", SystemExit()))
    with pytest.raises(ActorDeadError):
        waiting.get(timeout=10)


def test_coroutines_and_plain_methods_never_run_at_the_same_time(system, switching):
    """An actor with both runs on the loop, whatever waits."""

    class Both(Actor):
        reentrant = True
        inside = most = 0

        def plain(self):
            self.inside += 1
            self.most = max(self.most, self.inside)
            sum(range(200))
            self.inside -= 1

        async def waits(self):
            self.plain()
            await asyncio.sleep(0)
            self.plain()
            return self.most

    both = system.spawn(Both)
    asked = []
    for _ in range(300):
        both.cast(Both.plain)
        asked.append(both.call(Both.waits))
    assert {future.get(timeout=30) for future in asked} == {1}


def test_a_restart_keeps_what_had_not_begun(system, journal):
    class Keeps(Supervisor):
        def children(self):
            return [child(Desk, journal, id="desk", name="desk")]

    system.spawn(Keeps)
    desk = system.whereis("desk")
    waiting = desk.ask(("wait", Future()), block=False)
    desk.ask("in hand")
    desk.tell(("raise", KeyError("mine")))
    behind = [desk.ask(number, block=False) for number in range(5)]
    assert [future.get(timeout=10) for future in behind] == list(range(5))
    with pytest.raises(ActorDeadError):
        waiting.get(timeout=10)
    assert journal == ["in hand", "failed: 'mine'", 0, 1, 2, 3, 4]


@pytest.mark.parametrize("end", ["stop", "kill", "exit", "raise"])
@pytest.mark.parametrize("seed", range(5))
def test_every_ask_ends_once_whatever_ends_the_actor(system, desk_class, end, seed, tools):
    rng = random.Random(seed)
    desk = system.spawn(desk_class)
    gates = [Future() for _ in range(10)]
    settled = threading.Semaphore(0)
    asked = []
    for number in range(60):
        future = desk.ask(rng.choice([("wait", rng.choice(gates)), number]), block=False)
        future.add_done_callback(lambda _: settled.release())
        asked.append(future)
        if number == 30:
            stopped = desk.exited()
            match end:
                case "stop":
                    desk.stop(block=False)
                case "kill":
                    desk.kill()
                case _:
                    desk.tell((end, KeyError("mine") if end == "raise" else "enough"))
        if rng.random() < 0.1:
            rng.choice(gates).resolve(number)
    for gate in gates:
        gate.resolve("open")
    stopped.get(timeout=10)
    for _ in asked:
        assert settled.acquire(timeout=10)
    assert not settled.acquire(blocking=False)
    for future in asked:
        try:
            future.get(timeout=10)
        except ActorDeadError:
            pass
    assert system.spawn(tools.Recorder).ask("alive") == "alive"


# Messages that block


class Blocks(Actor):
    """Blocks its thread, at once or after a wait; notes when two of its messages run at once."""

    reentrant = True

    def __init__(self):
        super().__init__()
        self.busy = False
        self.violations = 0

    def on_receive(self, message):
        match message:
            case ("wait", future):
                return future.get()
            case ("block", gate):
                assert gate.wait(LONG)
            case ("wait, then block", future, began, gate):
                future.get()
                began.set()
                assert gate.wait(LONG)
            case ("block, then tell", began, gate, other, said):
                began.set()
                assert gate.wait(LONG)
                try:
                    other.tell("from the dead")
                    said.append("said")
                except BaseException as error:
                    said.append(type(error).__name__)
                    raise
            case ("mixed", seed, other):
                self.mixed(random.Random(seed), other)
                assert not self.violations
        return message

    def mixed(self, rng, other):
        for _ in range(5):
            self.violations += self.busy
            self.busy = True
            draw = rng.random()
            if draw < 0.1:
                time.sleep(0.002)
            elif draw < 0.12:
                end = time.thread_time() + 0.012
                while time.thread_time() < end:
                    pass
            else:
                sum(range(200))
            self.violations += not self.busy
            self.busy = False
            if rng.random() < 0.5:
                other.ask("x")


class KnownToBlock(Blocks):
    blocking = True


class Stuck(Actor):
    """Blocks its thread, and is not reentrant."""

    def on_receive(self, gate):
        assert gate.wait(LONG)


BLOCKING = pytest.mark.parametrize("cls", [Blocks, KnownToBlock])


@BLOCKING
def test_one_that_blocks_holds_up_its_own_actor_and_not_the_core(system, cls):
    gate = threading.Event()
    blocks, other = system.spawn(cls), system.spawn(Desk)
    asked = blocks.ask(("block", gate), block=False)
    second = blocks.ask("second", block=False)
    assert other.ask("alive", timeout=10) == "alive"
    assert not second.done()
    gate.set()
    assert asked.get(timeout=10) == ("block", gate)
    assert second.get(timeout=10) == "second"


def test_those_that_waited_for_one_that_blocks_begin_before_later_ones(system, in_core, eventually):
    order, gate = [], threading.Event()

    class Ordered(Actor):
        reentrant = blocking = True

        def on_receive(self, message):
            order.append(message)
            if message == "blocks":
                assert gate.wait(LONG)

    class Holds(Actor):
        """Keeps its core until the one that blocks has ended."""

        handoff = LONG

        def on_receive(self, _):
            gate.set()
            while not self._cell.core.inbox:
                pass

    ordered, holds = system.spawn(Ordered), system.spawn(Holds)
    ordered.tell("blocks")
    ordered.tell("waits")
    eventually(lambda: ordered.process._waiting)
    in_core(lambda: (ordered.tell("later"), holds.tell("hold")))  # in the run queue, in this order
    eventually(lambda: len(order) == 3)
    assert order == ["blocks", "waits", "later"]


@BLOCKING
def test_two_never_run_at_once_whatever_blocks(system, switching, cls):
    blocks = [system.spawn(cls) for _ in range(3)]
    other = system.spawn(Desk)
    asked = [blocks[seed % 3].ask(("mixed", seed, other), block=False) for seed in range(300)]
    for future in asked:
        future.get(timeout=60)


@BLOCKING
def test_a_kill_gives_up_the_one_that_is_stuck(system, cls, tools, eventually):
    began, gate, said = threading.Event(), threading.Event(), []
    blocks, keeps = system.spawn(cls), system.spawn(tools.Recorder)
    waits = blocks.ask(("wait", Future()), block=False)
    stuck = blocks.ask(("block, then tell", began, gate, keeps, said), block=False)
    behind = blocks.ask("behind", block=False)
    assert began.wait(10)
    assert keeps.ask(1, timeout=10) == 1
    end = blocks.exited()
    blocks.kill()
    assert end.get(timeout=10) == "killed"
    for future in (waits, stuck, behind):
        with pytest.raises(ActorDeadError):
            future.get(timeout=10)
    assert [each.ref for each in system.events.last if isinstance(each, Abandoned)] == [blocks]
    gate.set()
    assert eventually(lambda: said) == ["Killed"]
    assert keeps.ask(("get",), timeout=10) == [1]


def test_a_kill_gives_up_one_whose_thread_is_stuck_in_another(system):
    gate = threading.Event()
    blocks, other = system.spawn(Blocks), system.spawn(Desk)
    waits = blocks.ask(("wait", Future()), block=False)
    system.spawn(Stuck).tell(gate)  # on the thread on which that waits
    assert other.ask("alive", timeout=10) == "alive"
    end = blocks.exited()
    blocks.kill()
    assert end.get(timeout=10) == "killed"
    with pytest.raises(ActorDeadError):
        waits.get(timeout=10)
    gate.set()
    assert other.ask("alive", timeout=10) == "alive"


def test_a_kill_gives_up_one_that_went_on_in_another_thread_and_is_stuck(system):
    free, began, gate = threading.Event(), threading.Event(), threading.Event()
    future = Future()
    blocks, other = system.spawn(Blocks), system.spawn(Desk)
    stuck = blocks.ask(("wait, then block", future, began, gate), block=False)
    system.spawn(Stuck).tell(free)
    assert other.ask("alive", timeout=10) == "alive"
    future.set("on")
    free.set()
    assert began.wait(10)
    end = blocks.exited()
    blocks.kill()
    assert end.get(timeout=10) == "killed"
    with pytest.raises(ActorDeadError):
        stuck.get(timeout=10)
    gate.set()
    assert other.ask("alive", timeout=10) == "alive"


def test_one_that_was_given_up_changes_nothing_in_the_next_life(system, tools, eventually):
    began, gate, said = threading.Event(), threading.Event(), []

    class Keeps(Supervisor):
        def children(self):
            return [child(Blocks, id="it", name="it")]

    system.spawn(Keeps)
    it, keeps = system.whereis("it"), system.spawn(tools.Recorder)
    stuck = it.ask(("block, then tell", began, gate, keeps, said), block=False)
    assert began.wait(10)
    assert keeps.ask(1, timeout=10) == 1
    it.kill()
    with pytest.raises(ActorDeadError):
        stuck.get(timeout=10)
    assert it.ask("new", timeout=10) == "new"
    gate.set()
    assert eventually(lambda: said) == ["Killed"]
    assert it.ask("newer", timeout=10) == "newer"
    assert keeps.ask(("get",), timeout=10) == [1]


def test_one_that_began_to_wait_as_its_core_was_taken_holds_up_no_other(system, eventually):
    """The watcher's steps one by one, and a wait between the last two."""
    answer, taken = Future(), []

    class Waits(Actor):
        reentrant = True

        def on_receive(self, message):
            if message == "wait":
                worker = here.worker
                assert worker.crew.take(worker)
                taken.append((worker, worker.turn))
                answer.get(timeout=LONG)
            return message

    ref = system.spawn(Waits)
    waits = ref.ask("wait", block=False)
    eventually(lambda: taken and taken[0][0].resting)
    worker, strand = taken[0]
    strand.go_late(worker)
    assert worker.crew.hand_over()
    answer.set(None)
    assert waits.get(timeout=10) == "wait"
    assert ref.ask("next", timeout=10) == "next"


@BLOCKING
def test_every_ask_ends_however_those_that_block_are_killed(system, switching, cls):
    rng = random.Random(1)

    class Keeps(Supervisor):
        intensity = 1000

        def children(self):
            return [child(cls, id=str(i), name=str(i)) for i in range(4)]

    system.spawn(Keeps)
    blocks, other = [system.whereis(str(i)) for i in range(4)], system.spawn(Desk)
    for _ in range(20):
        asked = [
            rng.choice(blocks).ask(("mixed", rng.random(), other), block=False) for _ in range(40)
        ]
        for number, future in enumerate(asked):
            if number % 10 == 5:
                rng.choice(blocks).kill()
            try:
                future.get(timeout=LONG)
            except ActorDeadError:
                pass
    assert [each.ask("alive", timeout=10) for each in blocks] == ["alive"] * 4
