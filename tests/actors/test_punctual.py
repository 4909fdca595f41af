"""Actors whose timeouts hold while others of their core block."""

import threading

import pytest

from zanni import Actor, ActorSystem, Future, Timeout

DEADLINE = 20.0
TIMEOUT = 0.05  # of the waits that are to end by it


class Echo(Actor):
    def on_receive(self, message):
        return message


class Blocks(Actor):
    """Blocks in what it is told to, for longer than anybody here waits."""

    def __init__(self, gate, where):
        self.gate, self.where = gate, where

    def block(self, here):
        if here == self.where:
            assert self.gate.wait(2 * DEADLINE)

    def on_start(self):
        self.block("on_start")

    def on_stop(self):
        self.block("on_stop")

    def on_receive(self, message):
        self.block("on_receive")
        return message


class Asks(Actor):
    """Asks with a timeout, and says whether that was over."""

    punctual = True
    timeout = TIMEOUT

    def on_receive(self, other):
        if other == "on":
            return other
        try:
            other.ask(1, timeout=self.timeout)
        except Timeout:
            return "over"
        return "answered"


@pytest.fixture
def gate():
    gate = threading.Event()
    yield gate
    gate.set()


def test_a_timeout_holds_while_the_one_asked_blocks_the_core(system, gate):
    asks, blocks = system.spawn(Asks), system.spawn(Blocks, gate, "on_receive")
    assert asks.ask(blocks, timeout=DEADLINE) == "over"
    assert asks.ask("on", timeout=DEADLINE) == "on"
    assert system.spawn(Echo).ask("on", timeout=DEADLINE) == "on"


def test_a_timeout_holds_while_another_actor_blocks_the_core(system, gate):
    class Waits(Actor):
        def on_receive(self, message):
            return never.get(timeout=DEADLINE)

    never = Future()
    asked = [system.spawn(Asks).ask(system.spawn(Waits), block=False) for _ in range(5)]
    for _ in range(5):
        system.spawn(Blocks, gate, "on_receive").tell("block")
    assert [answer.get(timeout=DEADLINE) for answer in asked] == ["over"] * 5
    never.set()


def test_a_wait_that_is_not_over_is_answered_and_the_next_one_too(system):
    asks, echo = system.spawn(Asks), system.spawn(Echo)
    for _ in range(100):
        assert asks.ask(echo, timeout=DEADLINE) == "answered"


def test_its_own_turns_may_block(system, gate):
    class Punctual(Blocks):
        punctual = True

    blocks = system.spawn(Punctual, gate, "on_receive")
    answer = blocks.ask("blocked", block=False)
    assert system.spawn(Echo).ask("on", timeout=DEADLINE) == "on"
    gate.set()
    assert answer.get(timeout=DEADLINE) == "blocked"


@pytest.mark.parametrize("where", ["on_start", "on_stop"])
def test_hooks_wait_where_nobody_holds_them_up(system, gate, where, eventually):
    """Those that are set aside when the hook begins go on, and block, while it waits."""

    class Waits(Actor):
        def on_receive(self, message):
            waiting.append(message)
            started.get(timeout=DEADLINE)
            assert gate.wait(2 * DEADLINE)

    class Hooked(Asks):
        def ask(self, here):
            if here == where:
                started.set()
                hooks.set(self.on_receive(other))

        def on_start(self):
            self.ask("on_start")

        def on_stop(self):
            self.ask("on_stop")

    started, hooks, waiting = Future(), Future(), []
    other = system.spawn(Blocks, gate, "on_receive")
    hooked = system.spawn(Hooked) if where == "on_stop" else None
    for _ in range(3):
        system.spawn(Waits).tell("wait")
    eventually(lambda: len(waiting) == 3)
    hooked = hooked or system.spawn(Hooked)
    hooked.stop(block=False)
    assert hooks.get(timeout=DEADLINE) == "over"


def test_without_another_thread_the_wait_is_as_any_others(gate):
    class Patient(Asks):
        timeout = DEADLINE

    with ActorSystem(config={"threads": 1}) as system:
        asks, echo = system.spawn(Patient), system.spawn(Echo)
        assert asks.ask(echo, timeout=DEADLINE) == "answered"
        blocks = system.spawn(Blocks, gate, "on_receive")
        answer = asks.ask(blocks, block=False)
        gate.set()
        assert answer.get(timeout=DEADLINE) == "answered"


def test_a_kill_breaks_off_a_wait_in_a_thread_apart(system, gate):
    class Waits(Asks):
        def on_receive(self, other):
            other.ask(1, timeout=DEADLINE)

    waits, blocks = system.spawn(Waits), system.spawn(Blocks, gate, "on_receive")
    end = waits.exited()
    waits.tell(blocks)
    assert system.spawn(Echo).ask("on", timeout=DEADLINE) == "on"
    waits.kill()
    assert end.get(timeout=DEADLINE) == "killed"


def test_a_reentrant_actor_cannot_be_punctual(system):
    class Both(Asks):
        reentrant = True

    with pytest.raises(ValueError, match="reentrant and punctual"):
        system.spawn(Both)
