"""A cell's states, and what stays within one turn."""

import threading

import pytest

from zanni import Actor, ActorDeadError, Future, RemoteError
from zanni.actors.state import DEAD, IDLE, PARKED


class Plain(Actor):
    def on_receive(self, message):
        return message.get() if isinstance(message, Future) else message


def test_the_states_of_a_life(system, eventually):
    ref = system.spawn(Plain)
    cell = ref.process
    ref.ask(1)
    eventually(lambda: cell.state is IDLE)
    assert cell.queue is None
    gate = Future()
    asked = ref.ask(gate, block=False)
    eventually(lambda: cell.state is PARKED)
    gate.set()
    asked.get(timeout=10)
    eventually(lambda: cell.state is IDLE)
    ref.stop()
    assert cell.state is DEAD
    assert (cell.queue, cell.cursor, cell.current, cell.carrier, cell.ties) == (None,) * 5
    assert not hasattr(cell, "actor")


def test_at_most_one_message_is_handled_at_a_time(system, in_threads, switching):
    class Counts(Actor):
        def __init__(self):
            self.inside = self.most = 0

        def on_receive(self, message):
            self.inside += 1
            self.most = max(self.most, self.inside)
            if message % 10 == 0:
                other.ask(message)
            self.inside -= 1
            return self.most

    other, counts = system.spawn(Plain), system.spawn(Counts)
    in_threads(*[lambda: [counts.ask(n, timeout=20) for n in range(100)]] * 3)
    assert counts.ask(1) == 1


def test_all_turns_run_on_the_cores_thread(system):
    class Where(Actor):
        def on_receive(self, message):
            return threading.current_thread()

    threads = {system.spawn(Where).ask(1) for _ in range(10)}
    assert len(threads) == 1
    assert threading.current_thread() not in threads


def test_a_wait_deep_in_calls_leaves_the_others_their_stack(system):
    def deep(depth, function):
        return function() if depth == 0 else deep(depth - 1, function)

    class Deep(Actor):
        def on_receive(self, message):
            if isinstance(message, Future):
                return deep(600, message.get)
            return deep(600, lambda: message)

    gate = Future()
    asked = [system.spawn(Deep).ask(gate, block=False) for _ in range(5)]
    assert system.spawn(Deep).ask("deep", timeout=10) == "deep"
    gate.set("too")
    assert [future.get(timeout=10) for future in asked] == ["too"] * 5


def test_an_actor_that_returns_itself_a_future_or_none(system):
    class Gives(Actor):
        def on_receive(self, message):
            return message() if callable(message) else None

    gives, future = system.spawn(Gives), Future()
    assert gives.ask("nothing") is None
    assert gives.ask(lambda: future) is future


def test_strange_messages(system, tools):
    class Odd:
        def __eq__(self, other):
            raise KeyError("compared")

        __hash__ = None

        def __repr__(self):
            raise KeyError("shown")

    recorder = system.spawn(Plain)
    odd = Odd()
    for message in (None, (), {}, odd, object, Plain, ActorDeadError(), StopIteration(), recorder):
        assert recorder.ask(message) is message
    recorder.stop()
    with pytest.raises(ActorDeadError):
        recorder.tell(odd)
    assert system.dead_letters.last[-1].message is odd


def test_a_handler_that_raises_stop_iteration(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    with pytest.raises(StopIteration):
        hooked.ask(("raise", StopIteration()))
    assert hooked.ask(("apply", lambda self: 1)) == 1


def test_a_handler_that_raises_what_cannot_be_raised(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    with pytest.raises(TypeError, match="BaseException"):
        hooked.ask(("raise", "text"))


class Mute(BaseException):
    """Its text cannot be made."""

    def __str__(self):
        raise KeyError("no text")

    __repr__ = __str__


@pytest.mark.parametrize("options", [{}, {"blocking": True}, {"dispatcher": "pinned"}])
def test_an_actor_whose_errors_text_cannot_be_made_fails_as_any_other(system, options):
    class Fails(Actor):
        def on_receive(self, message):
            raise Mute

    ref = system.spawn(type("Fails", (Fails,), options))
    exited = ref.exited()
    with pytest.raises(RemoteError, match="Mute: <its text cannot be made: KeyError>"):
        ref.ask("fail", timeout=10)
    assert isinstance(exited.get(timeout=10), Mute)
    with pytest.raises(ActorDeadError):
        ref.ask("hello", timeout=10)


def test_large_mailboxes_are_let_go(system):
    ref = system.spawn(Plain)
    for number in range(5000):
        ref.tell(number)
    ref.ask("all handled")
    gate = Future()
    ref.tell(gate)
    ref.tell("one more")
    gate.set()
    ref.ask("end")
    assert ref.process.queue is None or len(ref.process.queue) < 10
