"""Messages set aside, and handlers that change."""

import pytest

from zanni import Actor, ActorDeadError, Future
from zanni.supervisors import Supervisor, child


@pytest.fixture
def supervised(system):
    """Spawn an actor as a supervisor's child."""

    def supervised(cls, *args):
        class Keeps(Supervisor):
            def children(self):
                return [child(cls, *args, id="it", name="it")]

        system.spawn(Keeps)
        return system.whereis("it")

    return supervised


class Door(Actor):
    """Sets messages aside until `"open"`; `log` outlives restarts."""

    def __init__(self, log):
        super().__init__()
        self.log, self.is_open = log, False

    def on_receive(self, message):
        match message:
            case "open":
                self.is_open = True
                self.unstash_all()
            case "crash":
                raise RuntimeError(message)
            case ("wait", future):
                return future.get()
            case _ if self.is_open:
                self.log.append((message, self.sender))
                return message
            case _:
                self.stash()
        return None


def messages(log):
    return [message for message, _ in log]


def test_stashed_messages_are_handled_before_the_queue_in_their_order(system):
    log, gate = [], Future()
    door = system.spawn(Door, log)
    for number in range(5):
        door.tell(number)
    waiting = door.ask(("wait", gate), block=False)
    door.tell("open")
    door.tell("after")
    gate.set()
    waiting.get(timeout=10)
    assert door.ask("end", timeout=10) == "end"
    assert messages(log) == [0, 1, 2, 3, 4, "after", "end"]


def test_a_stashed_ask_is_answered_when_it_is_handled(system, tools):
    door = system.spawn(Door, [])
    asked = door.ask("knock", block=False)
    assert door.ask("open", timeout=10) is None
    assert asked.get(timeout=10) == "knock"


def test_a_stashed_message_keeps_its_sender(system):
    class Knocks(Actor):
        def on_receive(self, message):
            door.tell(message)

    log = []
    door = system.spawn(Door, log)
    knocks = system.spawn(Knocks)
    knocks.ask("knock")
    door.tell("open")
    door.ask("end", timeout=10)
    assert log[0] == ("knock", knocks)


def test_a_call_may_be_stashed(system):
    class Late(Actor):
        ready = False

        def add(self, number):
            return number + 1 if self.ready else self.stash()

        def get_ready(self):
            self.ready = True
            self.unstash_all()

    late = system.spawn(Late)
    added = late.call(Late.add, 1)
    late.call(Late.get_ready).get(timeout=10)
    assert added.get(timeout=10) == 2


def test_what_is_stashed_returns_to_the_front_of_the_queue_on_a_restart(system, supervised):
    log, gate = [], Future()
    door = supervised(Door, log)
    door.tell("first")
    door.tell("second")
    waiting = door.ask(("wait", gate), block=False)
    door.tell("crash")
    door.tell("third")
    door.tell("open")
    gate.set()
    waiting.get(timeout=10)
    assert door.ask("end", timeout=10) == "end"
    assert messages(log) == ["first", "second", "third", "end"]


def test_what_is_stashed_at_the_death_is_lost_as_the_queue_is(system):
    door = system.spawn(Door, [])
    door.tell("told")
    asked = door.ask("asked", block=False)
    door.stop()
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)
    assert [letter.message for letter in system.dead_letters.last] == ["told"]


def test_a_message_that_fails_after_it_was_stashed_is_not_handled_again(system, supervised):
    log = []

    class Poisoned(Door):
        def on_receive(self, message):
            if message == "poison":
                self.stash()
                raise RuntimeError(message)
            return super().on_receive(message)

    door = supervised(Poisoned, log)
    door.tell("poison")
    door.tell("open")
    assert door.ask("end", timeout=10) == "end"
    assert messages(log) == ["end"]
    assert system.dead_letters.statistics() == {"failed": 1}


def test_only_a_message_in_hand_can_be_stashed_and_only_once(system):
    class Twice(Actor):
        def on_start(self):
            self.seen = []
            with pytest.raises(RuntimeError, match="while you handle a message"):
                self.stash()

        def on_receive(self, message):
            if not self.seen:
                self.seen.append(message)
                self.stash()
                with pytest.raises(RuntimeError, match="call it once"):
                    self.stash()
                self.unstash_all()
            return message

    assert system.spawn(Twice).ask("it", timeout=10) == "it"


def test_become_takes_effect_from_the_next_message_on(system):
    class Light(Actor):
        def on_receive(self, message):
            if message == "switch":
                self.become(self.on)
            return f"off {message}"

        def on(self, message):
            if message == "switch":
                self.unbecome()
            return f"on {message}"

    light = system.spawn(Light)
    asked = [light.ask(word, block=False) for word in ("a", "switch", "b", "c", "switch", "d")]
    answers = [future.get(timeout=10) for future in asked]
    assert answers == ["off a", "off switch", "on b", "on c", "on switch", "off d"]


class Changes(Actor):
    """Does `f(self)` in whatever it has become."""

    def on_receive(self, message):
        return message(self) if callable(message) else ("plain", message)

    def first(self, message):
        return message(self) if callable(message) else ("first", message)

    async def second(self, message):
        return message(self) if callable(message) else ("second", message)


def test_become_takes_effect_within_a_turn(system):
    changes, gate = system.spawn(Changes), Future()
    held = changes.ask(lambda _: gate.get(), block=False)
    asked = [changes.ask(lambda self: self.become(self.first), block=False)]
    asked += [changes.ask(number, block=False) for number in range(100)]
    asked += [changes.ask(lambda self: self.unbecome(), block=False)]
    asked += [changes.ask("end", block=False)]
    gate.set()
    held.get(timeout=10)
    answers = [future.get(timeout=10) for future in asked]
    assert answers[1:101] == [("first", number) for number in range(100)]
    assert answers[102] == ("plain", "end")


def test_unbecome_goes_back_one_step(system):
    changes = system.spawn(Changes)
    changes.ask(lambda self: self.become(self.first))
    changes.ask(lambda self: self.become(self.second))
    assert changes.ask(1, timeout=10) == ("second", 1)
    changes.ask(lambda self: self.unbecome())
    assert changes.ask(2, timeout=10) == ("first", 2)
    changes.ask(lambda self: self.unbecome())
    assert changes.ask(3, timeout=10) == ("plain", 3)


def test_become_with_replace_forgets_the_handler_until_now(system):
    changes = system.spawn(Changes)
    for _ in range(100):
        changes.ask(lambda self: self.become(self.first, replace=True))
        changes.ask(lambda self: self.become(self.second, replace=True))
    changes.ask(lambda self: self.unbecome(), timeout=10)
    assert changes.ask(1, timeout=10) == ("plain", 1)


def test_become_and_unbecome_say_what_is_wrong(system):
    changes = system.spawn(Changes)
    with pytest.raises(TypeError, match="takes a function of one message"):
        changes.ask(lambda self: self.become("busy"))
    with pytest.raises(RuntimeError, match="none left to undo"):
        changes.ask(lambda self: self.unbecome())


def test_an_actor_may_have_handlers_of_its_own(system):
    class Routes(Actor):
        def __init__(self):
            self._handlers = {"go": self.go}

        def on_receive(self, message):
            return self._handlers[message]()

        def go(self):
            self.become(self.gone)
            return self._handlers

        def gone(self, message):
            self.unbecome()
            return len(self._handlers)

    routes = system.spawn(Routes)
    assert [*routes.ask("go")] == ["go"]
    assert routes.ask("back") == 1
    assert [*routes.ask("go")] == ["go"]


def test_a_restart_begins_with_on_receive_again(system, supervised):
    changes = supervised(Changes)
    changes.ask(lambda self: self.become(self.first))
    assert changes.ask(1, timeout=10) == ("first", 1)
    changes.tell(lambda self: 1 / 0)
    assert changes.ask(2, timeout=10) == ("plain", 2)


def test_an_actor_may_begin_as_something_else(system):
    class Begins(Changes):
        def on_start(self):
            self.become(self.first)

    assert system.spawn(Begins).ask(1, timeout=10) == ("first", 1)
