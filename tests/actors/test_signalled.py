"""An actor that is killed while a handler of it is stuck: its old turn changes nothing any more."""

import threading
import time
from types import FunctionType

import pytest

from zanni import Actor, ActorDeadError, ActorSystem, Future
from zanni.actors import parking, signalled
from zanni.actors.lifecycle import Lifecycle
from zanni.actors.parking import here
from zanni.actors.state import PARKED
from zanni.supervisors import Supervisor, child

DEADLINE = 20.0


class Echo(Actor):
    def on_receive(self, message):
        return message


class Stuck(Actor):
    """Its first life blocks on a gate, and then does what it was told to."""

    handoff = 60.0

    def __init__(self, notes):
        self.notes = notes
        self.seen = []

    def on_start(self):
        self.notes.append("start")
        self.life = len(self.notes)

    def on_receive(self, message):
        match message:
            case ("block", gate, act):
                assert gate.wait(DEADLINE)
                try:
                    act(self)
                except BaseException as error:
                    self.notes.append(type(error).__name__)
                    raise
                self.notes.append("done")
            case ("open", gate, notes):
                gate.set()
                while "back" not in notes:
                    time.sleep(0)
            case "seen":
                return list(self.seen)
            case _:
                time.sleep(0)  # the old turn's thread gets the interpreter, too
                self.seen.append(message)
                return (self.life, message)
        return None


class Tree(Supervisor):
    intensity = 10

    def __init__(self, cls, *args):
        super().__init__()
        self.spec = child(cls, *args, id="it", name="it")

    def children(self):
        return [self.spec]


@pytest.fixture
def system():
    with ActorSystem() as system:
        yield system


def stuck_and_killed(system, gate, act, notes):
    """Kill the actor once its core was handed over; its next life has begun when this returns."""
    system.spawn(Tree, Stuck, notes)
    it = system.whereis("it")
    it.tell(("block", gate, act))
    assert system.spawn(Echo).ask(1, timeout=DEADLINE) == 1  # so the core was handed over
    it.kill()
    assert it.ask("new", timeout=DEADLINE) == (2, "new")
    return it


ACTS = {
    "after": lambda self: self.after(0, "late"),
    "every": lambda self: self.every(0.001, "late"),
    "exit": lambda self: self.exit("late"),
    "stop": lambda self: self.stop(),
    "spawn": lambda self: self.spawn(Echo, name="late"),
    "watch": lambda self: self.watch(self.actor_ref),
    "stash": lambda self: self.stash(),
    "become": lambda self: self.become(print),
    "wait": lambda self: Future().get(timeout=DEADLINE),
    "tell itself": lambda self: self.actor_ref.tell("late"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_a_turn_does_that_was_given_up_is_broken_off(system, eventually, act):  # B13
    gate, notes = threading.Event(), []
    it = stuck_and_killed(system, gate, act, notes)
    gate.set()
    eventually(lambda: len(notes) > 2)
    assert notes == ["start", "start", "Killed"]
    assert it.ask("newer", timeout=DEADLINE) == (2, "newer")
    assert it.ask("seen", timeout=DEADLINE) == ["new", "newer"]
    assert system.whereis("late") is None


@pytest.mark.parametrize("verb", ["watch", "unwatch"])
def test_a_kill_in_the_midst_of_a_watch_harms_nobody(system, tools, caplog, verb):
    watched, ref = system.spawn(Echo), system.spawn(tools.Hooked, [])

    def act(actor):
        class Watching(dict):
            """Whom it watches; when that changes, the actor is killed, as from another thread."""

            def __setitem__(self, address, ref):
                super().__setitem__(address, ref)
                actor._cell = parking.SEVERED

            def pop(self, address, default):
                actor._cell = parking.SEVERED
                return super().pop(address, default)

        if verb == "unwatch":
            actor.watch(watched)
        ties = actor._cell.need_ties()
        ties.watching = Watching(ties.watching)
        getattr(actor, verb)(watched)

    ref.ask(("apply", act))
    assert watched.ask(1, timeout=DEADLINE) == 1
    ref.kill()
    ref.wait(timeout=DEADLINE)
    assert not caplog.records


def test_a_turn_that_was_given_up_returns_and_the_next_life_keeps_its_messages(system):
    gate, notes = threading.Event(), []
    it = stuck_and_killed(system, gate, lambda self: notes.append("back"), notes)
    it.tell(("open", gate, notes))
    for number in range(2000):
        it.tell(number)
    assert it.ask("seen", timeout=DEADLINE) == ["new", *range(2000)]


def test_of_two_turns_that_were_given_up_neither_goes_on(system, eventually):
    gates, handled, begun = [threading.Event() for _ in range(3)], [], []

    class Blocks(Actor):
        def __init__(self):
            self.life = len(begun) + 1

        def on_receive(self, message):
            if message == "block":
                begun.append(self.life)
                assert gates[self.life - 1].wait(DEADLINE)
            else:
                handled.append((self.life, message))

    system.spawn(Tree, Blocks)
    it = system.whereis("it")
    for life in (1, 2, 3):
        it.tell("block")
        eventually(lambda life=life: begun == list(range(1, life + 1)))
        if life < 3:
            it.kill()
            eventually(lambda life=life: len(it.process.ties.given_up) == life)
    for message in "abc":
        it.tell(message)
    for gate, left in zip(gates, (1, 0), strict=False):
        gate.set()
        eventually(lambda left=left: len(it.process.ties.given_up) == left)
    gates[2].set()
    it.ask("d", timeout=DEADLINE)
    assert handled == [(3, message) for message in "abcd"]


class Silent(Actor):
    def on_receive(self, message):
        self.reply_later()


class Waits(Actor):
    """Waits for what never comes; when that is broken off, it tries again, and then blocks."""

    def __init__(self, gate):
        self.gate, self.waiting = gate, threading.Event()

    def on_receive(self, silent):
        try:
            self.waiting.set()
            silent.ask(1)
        finally:
            try:
                silent.ask(2, timeout=DEADLINE)
            finally:
                assert self.gate.wait(DEADLINE)


KINDS = {
    "plain": {},
    "punctual": {"punctual": True},
    "reentrant": {"reentrant": True},
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def waits(request, system):
    """An actor that waits on the core's thread, and the gate for what it does when it is killed."""
    gate = threading.Event()
    kind = type("Kind", (Waits,), request.param)
    ref = system.spawn(kind, gate)
    ref.tell(system.spawn(Silent))
    assert ref.process.actor.waiting.wait(DEADLINE)
    yield ref, gate
    gate.set()


def test_who_blocks_while_it_unwinds_after_a_kill_is_given_up(waits):
    ref, _ = waits
    end = ref.exited()
    ref.kill()
    assert end.get(timeout=DEADLINE / 4) == "killed"


def test_who_is_killed_ends_though_another_turn_blocks_the_thread_that_it_waits_on(system, waits):
    ref, gate = waits

    class Kills(Actor):
        def on_receive(self, message):
            ref.kill()
            assert gate.wait(DEADLINE)

    end = ref.exited()
    system.spawn(Kills).tell(1)
    assert end.get(timeout=DEADLINE / 4) == "killed"


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_lent_turn_that_is_about_to_begin_is_not_given_up_before(system, monkeypatch, reentrant):
    there, gate, handled = threading.Event(), threading.Event(), []
    other = system.spawn(Echo)

    class Lent(Actor):
        blocking = True

        def on_receive(self, message):
            handled.append(message)
            return other.ask(message)

    def receiver(cell):
        if here.worker.core is None:
            there.set()
            assert gate.wait(DEADLINE)
        return cell.actor.on_receive

    Lent.reentrant = reentrant
    names = {**globals(), "__name__": "zanni.actors.of_the_runtime"}
    patched = FunctionType(receiver.__code__, names, closure=receiver.__closure__)
    monkeypatch.setattr(Lifecycle, "receiver", patched)
    monkeypatch.setattr(signalled, "PATIENCE", DEADLINE)

    ref = system.spawn(Lent)
    asked = ref.ask("first", block=False)
    assert there.wait(DEADLINE)
    ref.kill()
    assert other.ask("the kill has come", timeout=DEADLINE)
    gate.set()
    with pytest.raises(ActorDeadError):
        asked.get(timeout=DEADLINE)
    assert ref.wait(timeout=DEADLINE) in ("killed", "noproc")
    assert handled == ["first"]


def test_a_start_that_was_given_up_starts_nothing_when_it_ends(system, eventually):
    gate, ended, lives = threading.Event(), threading.Event(), []

    class Slow(Actor):
        blocking = True  # else its supervisor would be parked on the thread that is stuck

        def __init__(self):
            lives.append(self)
            self.life = len(lives)
            self.starts = 0

        def on_start(self):
            self.starts += 1
            if self.life == 2:
                assert gate.wait(DEADLINE)
                ended.set()
            if self.life == 3:
                gate.set()
                assert ended.wait(DEADLINE)
                time.sleep(0)
                assert self.starts == 1

        def on_receive(self, message):
            if message == "fail":
                raise ValueError(message)
            return (self.life, self.starts, message)

    system.spawn(Tree, Slow)
    it = system.whereis("it")
    it.tell("fail")
    eventually(lambda: len(lives) == 2 and lives[1].starts)
    it.kill()
    assert it.ask("hi", timeout=DEADLINE) == (3, 1, "hi")
    assert len(lives) == 3


def test_an_init_that_was_given_up_has_no_hook_called(system, eventually):
    gate, lives, started = threading.Event(), [], []

    class Slow(Actor):
        blocking = True

        def __init__(self):
            lives.append(self)
            self.life = len(lives)
            if self.life == 2:
                assert gate.wait(DEADLINE)

        def on_start(self):
            started.append(self.life)

        def on_receive(self, message):
            if message == "fail":
                raise ValueError(message)
            return (self.life, message)

    system.spawn(Tree, Slow)
    it = system.whereis("it")
    it.tell("fail")
    eventually(lambda: len(lives) == 2)
    it.kill()
    assert it.ask("hi", timeout=DEADLINE) == (3, "hi")
    worker = next(iter(lives[2]._cell.ties.given_up))
    gate.set()
    eventually(lambda: worker.resting)
    assert started == [1, 3]


class WaitsInItsStart(Actor):
    """Says that it is there, and waits for what never comes, in its lives that are to."""

    dispatcher = "pinned"
    wait_for_start = True
    where = "on_start"

    def __init__(self, lives, waiting):
        lives.append(self.actor_ref)
        self.life = len(lives)
        self.waits = self.life in waiting
        self.wait("__init__")

    def on_start(self):
        self.wait("on_start")

    def wait(self, where):
        if self.waits and where == self.where:
            Future().get(timeout=DEADLINE)

    def on_receive(self, message):
        if message == "fail":
            raise ValueError(message)
        return (self.life, message)


STARTS = {
    "pinned, in __init__": {"where": "__init__"},
    "pinned, in on_start": {},
    "lent": {"dispatcher": "core", "blocking": True},
}


@pytest.fixture(params=STARTS.values(), ids=STARTS)
def waits_in_its_start(request):
    return type("Kind", (WaitsInItsStart,), request.param)


def is_waiting(lives, count):
    return len(lives) == count and lives[-1].process.state is PARKED


def test_who_waits_for_a_start_hears_when_that_is_given_up_as_it_waits(
    system, tools, eventually, waits_in_its_start
):
    lives, spawner = [], system.spawn(tools.Hooked, [])
    made = spawner.ask(("spawn", waits_in_its_start, lives, (1,)), block=False)
    eventually(lambda: is_waiting(lives, 1))
    lives[0].kill()
    with pytest.raises(ActorDeadError, match="was killed before it had started"):
        made.get(timeout=DEADLINE / 4)


def test_a_restart_that_is_given_up_as_it_waits_is_one_that_has_failed(
    system, eventually, waits_in_its_start
):
    lives = []
    system.spawn(Tree, waits_in_its_start, lives, (2,))
    it = system.whereis("it")
    it.tell("fail")
    eventually(lambda: is_waiting(lives, 2))
    it.kill()
    assert it.ask("hi", timeout=DEADLINE / 4) == (3, "hi")
    assert len(lives) == 3
