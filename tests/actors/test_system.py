"""A system's beginning and end, in this process and in processes of their own."""

import contextlib
import threading
import time

import pytest

from zanni import Actor, ActorDeadError, ActorRef, ActorSystem, Future, ShuttingDown
from zanni.actors.phase import Phase
from zanni.actors.system import systems


def test_a_system_starts_once_and_stops_as_often_as_you_like():
    system = ActorSystem("once")
    assert system.start() is system
    with pytest.raises(RuntimeError, match="before"):
        system.start()
    assert system.stop() is True
    assert system.stop() is True
    with pytest.raises(RuntimeError, match="before"):
        system.start()


def test_a_system_that_never_started_can_be_stopped():
    assert ActorSystem("never").stop() is True


@pytest.mark.parametrize("cores", [1, 2])
def test_one_that_was_stopped_before_it_started_answers_as_any_that_has_stopped(cores):
    system = ActorSystem("never", cores=cores)
    system.stop()
    assert (system.actors(), system.cores(), system.nodes()) == ([], [], [])
    assert system.whereis("ann") is None
    for takes in (
        lambda: system.spawn(Actor),
        lambda: system.pool(Actor, 2),
        lambda: system.join("tcp://127.0.0.1:7400"),
        lambda: system.resize(cores=2),
    ):
        with pytest.raises(ShuttingDown, match="'never' is stopped: it takes nothing new"):
            takes()
    with pytest.raises(RuntimeError, match="was started, or stopped, before: make a new one"):
        system.start()
    assert system.stop() is True


@pytest.mark.parametrize(
    "use",
    [
        lambda system: system.spawn(Actor),
        lambda system: system.pool(Actor, 2),
        lambda system: system.whereis("ann"),
        lambda system: system.join("tcp://127.0.0.1:7400"),
        lambda system: system.resize(cores=2),
        ActorSystem.actors,
        ActorSystem.cores,
        ActorSystem.nodes,
    ],
)
def test_before_its_start_a_system_says_what_to_do(use):
    with pytest.raises(RuntimeError, match=r"'early' was not started: use {2}with .* system.start"):
        use(ActorSystem("early"))


def test_nothing_is_left_after_a_stop(tools):  # G12
    before = set(threading.enumerate())
    with ActorSystem("gone") as system:
        for _ in range(10):
            system.spawn(tools.Recorder).ask(1)
        assert len(threading.enumerate()) > len(before)
    assert set(threading.enumerate()) == before
    assert system.actors() == []


def test_stop_lets_actors_handle_what_is_queued(tools):
    seen = []
    with ActorSystem("drained") as system:
        recorder = system.spawn(tools.Recorder, seen)
        for number in range(1000):
            recorder.tell(number)
    assert seen == list(range(1000))


def test_stop_runs_on_stop_children_first(tools):
    journal = []
    with ActorSystem("drained") as system:
        parent = system.spawn(tools.Hooked, journal, "parent")
        parent.ask(("spawn", tools.Hooked, journal, "child"))
        system.spawn(tools.Hooked, journal, "other").ask(("apply", lambda self: None))
    assert sorted(journal[-3:]) == ["stop child", "stop other", "stop parent"]
    assert journal.index("stop child") < journal.index("stop parent")


def test_after_the_stop_nothing_can_be_spawned_and_the_dead_are_dead(tools):
    with ActorSystem("gone") as system:
        recorder = system.spawn(tools.Recorder, name="ann")
    with pytest.raises(ShuttingDown, match="stopped"):
        system.spawn(tools.Recorder)
    with pytest.raises(ActorDeadError):
        recorder.ask(1)
    assert system.whereis("ann") is None


def test_an_actor_that_waits_forever_is_killed_after_the_drain_timeout():  # G12
    class Waits(Actor):
        def on_receive(self, message):
            Future().get()

    system = ActorSystem("waits", config={"drain_timeout": 0.05, "kill_timeout": 60}).start()
    asked = system.spawn(Waits).ask(1, block=False)
    moment = time.monotonic()
    assert system.stop() is False
    assert time.monotonic() - moment < 30
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)


def test_stop_takes_a_timeout_of_its_own():
    class Waits(Actor):
        def on_stop(self):
            Future().get()

    system = ActorSystem("waits", config={"drain_timeout": 60}).start()
    system.spawn(Waits)
    moment = time.monotonic()
    assert system.stop(timeout=0.05) is False
    assert time.monotonic() - moment < 30


@pytest.mark.parametrize("timeout", [float("nan"), "5"])
def test_a_stop_with_a_timeout_that_is_no_number_begins_nothing(system, tools, timeout):
    with pytest.raises((TypeError, ValueError), match="a timeout is a number of seconds"):
        system.stop(timeout=timeout)
    assert system.spawn(tools.Recorder).ask("alive", timeout=10) == "alive"


@pytest.mark.parametrize("seconds", [float("inf"), 1e12])
def test_a_stop_may_take_for_ever(tools, seconds):
    with ActorSystem("patient", config={"drain_timeout": seconds, "kill_timeout": seconds}) as made:
        made.spawn(tools.Recorder)
    system = ActorSystem("patient").start()
    assert system.stop(timeout=seconds) is True


def test_a_second_stop_with_less_time_hurries_the_first():
    entered = threading.Event()

    class Waits(Actor):
        def on_stop(self):
            entered.set()
            Future().get()

    system = ActorSystem("waits").start()
    system.spawn(Waits)
    answers = []
    first = threading.Thread(target=lambda: answers.append(system.stop(timeout=60)))
    first.start()
    assert entered.wait(10)
    system.stop(timeout=0.01)
    first.join(30)
    assert not first.is_alive()


def test_stops_from_many_threads(in_threads, switching, tools):
    for _ in range(20):
        system = ActorSystem("many").start()
        for _ in range(5):
            system.spawn(tools.Recorder)
        in_threads(*[system.stop] * 4)
        assert system.actors() == []


def test_of_several_stops_none_returns_before_the_system_is_gone(monkeypatch):
    system = ActorSystem("both").start()
    ending, may_end, stopped = threading.Event(), threading.Event(), threading.Event()

    def slow():
        ending.set()
        may_end.wait(10)

    monkeypatch.setattr(system.crashes, "tell_rest", slow)
    threading.Thread(target=system.stop).start()
    assert ending.wait(10)
    threading.Thread(target=lambda: (system.stop(), stopped.set())).start()
    assert not stopped.wait(0.1)  # its length is what is tried
    may_end.set()
    assert stopped.wait(10)
    assert system.home not in systems


def test_an_actor_that_holds_the_core_bounds_the_stop_too():  # G12
    """It neither returns nor waits: its thread is given up, and everyone else goes on."""
    release, entered = threading.Event(), threading.Event()

    class Holds(Actor):
        def on_receive(self, message):
            entered.set()
            release.wait(60)

    system = ActorSystem("held", config={"drain_timeout": 0.05, "kill_timeout": 0.1}).start()
    system.spawn(Holds).tell(1)
    assert entered.wait(10)
    moment = time.monotonic()
    assert system.stop() is False
    assert time.monotonic() - moment < 30
    release.set()


def test_a_stop_during_a_failing_spawn_does_not_wait_for_it():
    entered, release = threading.Event(), threading.Event()

    class Fails(Actor):
        def __init__(self):
            entered.set()
            release.wait(60)
            raise KeyError("mine")

    system = ActorSystem("failing").start()

    def spawns():
        with contextlib.suppress(KeyError, ShuttingDown):
            system.spawn(Fails)

    spawning = threading.Thread(target=spawns)
    spawning.start()
    assert entered.wait(10)
    threading.Timer(0.05, release.set).start()
    moment = time.monotonic()
    assert system.stop() is True
    assert time.monotonic() - moment < 30
    spawning.join(10)


def test_an_actor_cannot_wait_for_the_end_of_its_system(system):
    class Stops(Actor):
        def on_receive(self, message):
            self.system.stop()

    with pytest.raises(RuntimeError, match="its own system"):
        system.spawn(Stops).ask(1)
    assert system.spawn(Actor).ask(1) is None


class Nests(Actor):
    """Has a system of its own, one for each message."""

    def on_receive(self, message):
        with ActorSystem("inner") as inner:
            answer = message(inner)
        return answer, inner.stop()


@pytest.mark.parametrize("dispatcher", ["core", "pinned"])
def test_an_actor_may_have_a_system_of_its_own(system, tools, dispatcher):
    nests = system.spawn(Nests, dispatcher=dispatcher)
    asked = nests.ask(lambda inner: inner.spawn(tools.Recorder).ask("hi"), block=False)
    assert asked.get(timeout=10) == ("hi", True)
    with pytest.raises(KeyError, match="mine"):
        nests.ask(lambda _: {}["mine"], timeout=10)
    assert nests.ask(lambda _: ActorSystem("never started").stop(), timeout=10) == (True, True)
    assert [*systems.values()] == [system]


def test_a_core_goes_on_while_an_actor_of_it_waits_for_the_end_of_another_system(system, tools):
    entered, gate = threading.Event(), threading.Event()

    class Stuck(Actor):
        def on_receive(self, message):
            entered.set()
            gate.wait(10)

    asked = system.spawn(Nests).ask(lambda inner: inner.spawn(Stuck).tell("go"), block=False)
    assert entered.wait(10)
    assert system.spawn(tools.Recorder).ask("alive", timeout=5) == "alive"
    gate.set()
    assert asked.get(timeout=10) == (None, True)


def test_an_actor_that_is_killed_in_its_own_system_leaves_none(system, tools, eventually):
    inside = Future()
    nests = system.spawn(Nests)
    nests.tell(lambda inner: inside.set(inner) or Future().get())
    inner = inside.get(timeout=10)
    nests.kill()
    eventually(lambda: inner._phase is Phase.STOPPED)


def test_an_error_in_the_body_propagates_and_all_is_cleaned_up(tools):  # E16
    stopped = []

    class Stops(Actor):
        def on_stop(self):
            stopped.append(1)

    def body():
        with ActorSystem("body") as system:
            system.spawn(Stops)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        body()
    assert stopped == [1]


def test_two_systems_in_one_process(system, tools):  # E14
    with ActorSystem("other") as other:
        here, there = system.spawn(tools.Recorder), other.spawn(tools.Recorder)
        assert (here.node, there.node) == ("test", "other")
        there.tell("from here")
        assert there.ask(("get",)) == ["from here"]
    with pytest.raises(ActorDeadError):
        there.ask(1)
    assert here.ask("alive", timeout=10) == "alive"
    assert system.spawn(tools.Recorder).ask("new", timeout=10) == "new"


def test_two_systems_of_one_name_are_two(tools):  # E14
    with ActorSystem("same") as one, ActorSystem("same") as two:
        first, second = one.spawn(tools.Recorder, name="ann"), two.spawn(tools.Recorder, name="ann")
        assert first != second
        assert one.whereis("ann") == first
        assert two.whereis("ann") == second
        first.stop()
        assert two.whereis("ann") == second


def test_a_watch_across_systems(system, tools, eventually):
    seen = []
    with ActorSystem("other") as other:
        ref = other.spawn(tools.Recorder)
        watcher = system.spawn(tools.Watcher, seen)
        watcher.tell(("watch", ref))
        watcher.ask("sync")
    eventually(lambda: seen)
    assert watcher.ask("sync")[0].ref == ref
    assert len(seen) == 1


def test_what_a_system_knows_of_itself(system, tools):
    one, two = system.spawn(tools.Recorder), system.spawn(tools.Recorder, name="two")
    assert set(system.actors()) == {one, two}
    assert all(isinstance(ref, ActorRef) for ref in system.actors())
    (core,) = system.cores()
    assert (core["index"], core["state"], core["actors"]) == (0, "up", 2)
    assert core["name"] == "test/0"
    assert str(one.address).startswith("test/0/")
    core["load"].clear()  # it is the caller's
    assert system.cores()[0]["load"]
    (node,) = system.nodes()
    assert (node["name"], node["state"]) == ("test", "up")
    one.stop()
    assert system.actors() == [two]


def test_the_default_name_says_which_process():
    with ActorSystem() as system:
        assert system.name.startswith("zanni-")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"name": ""}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"name": "a@b"}, "@"),
        ({"name": "a/b"}, "/"),
        ({"name": "a\nb"}, "name"),
        ({"name": 3}, "name"),
        ({"cores": 0}, "cores"),
        ({"cores": -1}, "cores"),
        ({"cores": True}, "cores"),
        ({"cores": 1.5}, "cores"),
        ({"cores": "many"}, "cores"),
        ({"keys": 3}, "keys= takes the path of a key directory, not 3"),
        ({"join": 7400}, "join= takes URLs such as 'tcp://127.0.0.1:7400', not 7400"),
        ({"config": 3}, "config= takes settings by name, or a Config, not 3"),
        ({"config": {"heartbeet": 1}}, "heartbeet"),
        ({"config": {"heartbeat": 0}}, "heartbeat"),
        ({"config": {"heartbeat": "soon"}}, "heartbeat"),
    ],
)
def test_arguments_that_cannot_be(arguments, text):
    with pytest.raises(ValueError, match=text):
        ActorSystem(**arguments)


# Programs of their own


FORGETFUL = """
import sys, threading
from zanni import Actor, ActorSystem, Future

class Some(Actor):
    def on_receive(self, message):
        return message.get() if isinstance(message, Future) else message
    def on_stop(self):
        print("stopped", flush=True)

if __name__ == "__main__":
    system = ActorSystem("forgotten").start()
    ref = system.spawn(Some)
    assert ref.ask(1) == 1
    END
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("pass", 0),
        ("sys.exit(7)", 7),
        ("raise KeyError('mine')", 1),
        ("ref.ask(Future(), block=False); sys.exit(3)", 3),
    ],
)
def test_an_interpreter_that_ends_without_stop(script, end, code):  # E15
    done = script(FORGETFUL.replace("END", end), code=code)
    assert done.seconds < 6  # the interpreter's own start is in it
    assert done.err.count("was not stopped") == 1
    if "Future" not in end:
        assert "stopped" in done.out


def test_an_interpreter_that_ends_while_an_actor_holds_the_core(script):  # E15
    source = FORGETFUL.replace("END", "ref.call(Some.hold); held.wait(); sys.exit(4)").replace(
        "class Some(Actor):",
        "held = threading.Event()\n\nclass Some(Actor):\n"
        "    def hold(self):\n        held.set()\n        import time\n        time.sleep(60)\n",
    )
    done = script(source, code=4)
    assert done.seconds < 7
    assert done.err.count("was not stopped") == 1


def test_a_program_that_stops_its_system_ends_in_silence(script):
    done = script(
        """
from zanni import Actor, ActorSystem

class Some(Actor):
    async def on_receive(self, message):
        return message

if __name__ == "__main__":
    with ActorSystem("tidy") as system:
        print(system.spawn(Some).ask("hello"))
""",
        code=0,
    )
    assert (done.out, done.err) == ("hello\n", "")


def test_the_default_system_of_actor_start_ends_with_the_program(script):
    done = script(
        """
import zanni

class Some(zanni.Actor):
    def on_receive(self, message):
        return message

ref = Some.start()
print(ref.ask("hello"))
ref.stop()
""",
        code=0,
    )
    assert (done.out, done.err) == ("hello\n", "")


def test_one_core_needs_no_zeromq_and_no_asyncio(script):
    done = script(
        """
import sys
from zanni import Actor, ActorSystem

if __name__ == "__main__":
    with ActorSystem("light") as system:
        system.spawn(Actor).ask(1)
    print(sorted({"zmq", "msgpack", "asyncio", "click", "rich"} & set(sys.modules)))
""",
        code=0,
    )
    assert done.out == "[]\n"
