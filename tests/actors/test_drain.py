"""Stopping all actors of a core: in their order, with what is queued, and within a time."""

import threading

import pytest
from waiting import wait_for

from zanni import Actor, ActorDeadError, ActorSystem, Future, ShuttingDown


class Noted(Actor):
    def __init__(self, journal, label):
        self.journal, self.label = journal, label

    def on_receive(self, message):
        return self.spawn(Noted, self.journal, message)

    def on_stop(self):
        self.journal.append(self.label)


def test_the_last_root_started_stops_first_and_children_before_their_parents():
    journal = []
    with ActorSystem("drained") as system:
        for label in ("one", "two", "three"):
            system.spawn(Noted, journal, label).ask(f"{label}'s")
    roots = [label for label in journal if "'" not in label]
    assert roots == ["three", "two", "one"]
    for label in roots:
        assert journal.index(f"{label}'s") < journal.index(label)


class Server(Actor):
    def on_receive(self, message):
        return message


def test_what_is_queued_may_talk_to_children_while_all_stop():
    answers = []

    class Parent(Actor):
        def on_receive(self, gate):
            child = self.spawn(Server)
            gate.get()
            answers.append(child.ask("still there"))

    system, gate = ActorSystem("drained").start(), Future()
    parent = system.spawn(Parent)
    parent.tell(gate)
    stopped = threading.Thread(target=system.stop)
    stopped.start()
    wait_for(lambda: parent.mailbox().length)  # it is told to stop, after that turn
    gate.set()
    stopped.join(20)
    assert answers == ["still there"]


def test_an_ask_of_an_actor_that_stops_as_well_is_an_error_and_no_hang():
    answers = []

    class Client(Actor):
        def __init__(self, server):
            self.server = server

        def on_stop(self):
            with pytest.raises(ActorDeadError):
                self.server.ask("from on_stop")
            answers.append("dead")

    with ActorSystem("drained") as system:
        system.spawn(Client, system.spawn(Server))
    assert answers == ["dead"]


def test_what_is_spawned_while_the_system_stops_is_refused_or_stops_too():
    found = []

    class Spawns(Actor):
        def on_stop(self):
            found.append(self.spawn(Noted, found, "child"))
            with pytest.raises(ShuttingDown):
                self.system.spawn(Noted, found, "root")
            found.append("refused")

    with ActorSystem("drained") as system:
        system.spawn(Spawns)
    assert found[1] == "refused"
    assert not found[0].is_alive()
    assert system.actors() == []


def test_endless_self_tells_do_not_hold_up_the_end():
    class Busy(Actor):
        def on_receive(self, message):
            self.actor_ref.tell(message)

    with ActorSystem("drained") as system:
        for _ in range(20):
            system.spawn(Busy).tell(1)
    assert system.actors() == []


def test_endless_parents_and_children_end_in_time():
    """Each child that stops is spawned anew by its parent, until that stops."""

    class Parent(Actor):
        def on_start(self):
            self.watch(self.spawn(Noted, [], "child"))

        def on_receive(self, down):
            self.watch(self.spawn(Noted, [], "child"))

    with ActorSystem("drained") as system:
        system.spawn(Parent)
    assert system.actors() == []


def test_after_the_time_is_over_what_is_left_is_killed():
    class Waits(Actor):
        def on_receive(self, message):
            try:
                Future().get()
            finally:
                ended.append("unwound")

        def on_stop(self):
            ended.append("never")

    ended = []
    system = ActorSystem("drained").start()
    refs = [system.spawn(Waits) for _ in range(3)]
    asked = [ref.ask(1, block=False) for ref in refs]
    assert system.stop(timeout=0.05) is False
    for future in asked:
        with pytest.raises(ActorDeadError):
            future.get(timeout=10)
    assert ended == ["unwound"] * 3


def test_one_that_will_not_be_killed_ends_all_the_same():
    """One that takes the kill as an error of its own and waits on is killed at each wait."""

    class Stubborn(Actor):
        def on_receive(self, message):
            for _ in range(50):
                try:
                    Future().get()
                except BaseException:
                    pass

    system = ActorSystem("drained").start()
    asked = system.spawn(Stubborn).ask(1, block=False)
    assert system.stop(timeout=0.02) is False
    assert asked.get(timeout=10) is None


def test_each_end_of_many_is_counted_once_however_they_end():
    """Those that stop, fail, are killed, have ended before, or are stopped already, all at once."""
    began, gate = threading.Event(), threading.Event()

    class Any(Actor):
        def on_receive(self, message):
            match message:
                case "fail":
                    raise KeyError("mine")
                case "exit":
                    self.exit("mine")
                case "hold":
                    began.set()
                    gate.wait(20)

        def on_stop(self):
            stopped.append(self.actor_ref)

    stopped = []
    system = ActorSystem("drained", config={"drain_timeout": 60.0}).start()
    plain = [system.spawn(Any) for _ in range(20)]
    failing, leaving, killed, twice, held = (system.spawn(Any) for _ in range(5))
    held.tell("hold")
    assert began.wait(10)
    failing.tell("fail")
    leaving.tell("exit")
    ends = [twice.stop(block=False), held.stop(block=False)]
    ended = Future()
    threading.Thread(target=lambda: ended.set(system.stop())).start()
    killed.kill()
    assert killed.wait(timeout=20) in ("killed", "normal", "noproc")
    gate.set()
    assert ended.get(timeout=30) is True  # in time, so none was waited for in vain
    assert {*plain, held, twice, leaving} <= {*stopped}
    assert [end.get(timeout=10) for end in ends] == [True, True]
