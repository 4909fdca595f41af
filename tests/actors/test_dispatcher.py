"""The core's loop: parking, fairness, and what threads do to it at once."""

import threading
from itertools import pairwise
from types import SimpleNamespace

import pytest

from zanni import Actor, ActorDeadError, ActorSystem, Future, ShuttingDown, Timeout
from zanni.actors.dispatcher import SPARES, Core


class Link(Actor):
    """Asks the next of a chain, waiting, and adds one."""

    def __init__(self, following=None):
        self.following = following

    def on_receive(self, message):
        return 0 if self.following is None else self.following.ask(message) + 1


class Waits(Actor):
    def on_receive(self, message):
        return message.get() if isinstance(message, Future) else message


class SelfTelling(Actor):
    """Never idle: each message sends the next."""

    def __init__(self, handled=None):
        self.handled = [] if handled is None else handled

    def on_receive(self, message):
        self.actor_ref.tell(message)
        if len(self.handled) < 100_000:
            self.handled.append(message)


# What users raise where the runtime calls it, or a mistake of ours


@pytest.mark.parametrize("kind", [KeyError, SystemExit, KeyboardInterrupt])
def test_an_error_in_the_loop_itself_is_logged_and_the_core_goes_on(system, caplog, kind):
    def fails():
        raise kind("a mistake")

    system.core.post(fails)
    assert system.spawn(Waits).ask(1, timeout=10) == 1
    assert "the core goes on" in caplog.text


# Parking


def test_a_thousand_actors_wait_for_one_another_on_one_core(system):
    last = system.spawn(Link)
    for _ in range(1000):
        last = system.spawn(Link, last)
    threads = threading.active_count()
    assert last.ask("go", timeout=30) == 1000
    assert last.ask("again", timeout=30) == 1000
    assert threading.active_count() == threads


def test_a_thousand_actors_wait_for_one_future(system):
    gate = Future()
    asked = [system.spawn(Waits).ask(gate, block=False) for _ in range(1000)]
    assert system.spawn(Waits).ask("the core goes on", timeout=10) == "the core goes on"
    gate.set("open")
    assert [future.get(timeout=10) for future in asked] == ["open"] * 1000


def test_while_an_actor_waits_it_handles_nothing_else(system, tools):
    journal, gate = [], Future()
    hooked = system.spawn(tools.Hooked, journal)
    first = hooked.ask(("get", gate), block=False)
    hooked.tell("second")
    assert system.spawn(Waits).ask(1) == 1
    assert journal == ["start it"]
    gate.set(1)
    first.get(timeout=10)
    hooked.ask(("apply", lambda self: None))
    assert journal == ["start it", "second"]


def test_nested_asks_and_waits_in_several_places(system):
    class Deep(Actor):
        def on_receive(self, depth):
            if depth == 0:
                return 1
            child = self.spawn(Deep)
            one = child.ask(depth - 1)
            two = child.ask(depth - 1, block=False).map(lambda n: n + 1).get()
            child.stop()
            return one + two

    assert system.spawn(Deep).ask(5, timeout=20) == 63


def test_waits_that_end_in_another_order_than_they_began(system):
    gates = [Future() for _ in range(20)]
    asked = [system.spawn(Waits).ask(gate, block=False) for gate in gates]
    for number in (*range(0, 20, 2), *range(19, 0, -2)):
        gates[number].set(number)
        assert asked[number].get(timeout=10) == number


def test_a_wait_with_a_timeout_in_an_actor(system):
    class Impatient(Actor):
        def on_receive(self, message):
            gate = Future()
            with pytest.raises(Timeout):
                gate.get(timeout=0.01)
            gate.set("after all")
            return gate.get(timeout=0.01)

    assert system.spawn(Impatient).ask(1, timeout=10) == "after all"


def test_an_ask_of_an_actor_that_ends_meanwhile(system, tools):
    class Asker(Actor):
        def on_receive(self, target):
            with pytest.raises(ActorDeadError):
                target.ask(("get", Future()))
            return "not hanging"

    target = system.spawn(tools.Hooked, [])
    asked = system.spawn(Asker).ask(target, block=False)
    system.spawn(Waits).ask(1)
    target.kill()
    assert asked.get(timeout=10) == "not hanging"


def test_an_old_wake_up_does_not_end_a_later_wait(system):
    class Twice(Actor):
        def on_receive(self, message):
            first, second = message
            with pytest.raises(Timeout):
                first.get(timeout=0.001)
            first_late.set()
            return second.get()

    first_late, first, second = threading.Event(), Future(), Future()
    asked = system.spawn(Twice).ask((first, second), block=False)
    assert first_late.wait(10)
    first.set("late")
    with pytest.raises(Timeout):
        asked.get(timeout=0.02)
    second.set("second")
    assert asked.get(timeout=10) == "second"


def test_a_kill_of_one_that_waits_leaves_the_others_waiting(system):
    gate = Future()
    refs = [system.spawn(Waits) for _ in range(10)]
    asked = [ref.ask(gate, block=False) for ref in refs]
    system.spawn(Waits).ask(1)
    for ref in refs[::2]:
        ref.kill()
    for future in asked[::2]:
        with pytest.raises(ActorDeadError):
            future.get(timeout=10)
    gate.set("open")
    assert [future.get(timeout=10) for future in asked[1::2]] == ["open"] * 5


def test_waits_do_not_gather_greenlets(system):
    first, second = system.spawn(Link), None
    second = system.spawn(Link, first)
    for _ in range(3):
        second.ask(1)
    before = len(system.core.worker.spares)
    for _ in range(200):
        second.ask(1)
    assert len(system.core.worker.spares) <= before + 1


def test_what_a_flood_of_waits_has_taken_is_given_back(system, eventually):
    def set_aside():
        return sum(worker.stacks for worker in [*system.core.crew.workers])

    gate = Future()
    waiting = [system.spawn(Waits) for _ in range(3 * SPARES)]
    asked = [ref.ask(gate, block=False) for ref in waiting]
    eventually(lambda: set_aside() > 3 * SPARES)
    gate.set("open")
    assert {future.get(timeout=10) for future in asked} == {"open"}
    eventually(lambda: set_aside() < 2 * SPARES)
    assert waiting[0].ask("again", timeout=10) == "again"


def test_what_is_given_back_holds_up_no_timers_and_no_sockets(system, monkeypatch, eventually):
    core, kept = system.core, []
    poll = type(core.poller).poll

    def counted(poller):
        if poller is core.poller:
            kept.append((core.worker, len(core.worker.spares)))
        poll(poller)

    gate = Future()
    asked = [system.spawn(Waits).ask(gate, block=False) for _ in range(2 * SPARES)]
    eventually(lambda: sum(each.stacks for each in [*core.crew.workers]) > 2 * SPARES)
    monkeypatch.setattr("zanni.actors.dispatcher.SLICE", 0.0)
    monkeypatch.setattr(type(core.poller), "poll", counted)
    gate.set("open")
    assert {future.get(timeout=10) for future in asked} == {"open"}
    eventually(lambda: kept[-1][1] <= SPARES)
    of_one_thread = [(old, new) for (one, old), (two, new) in pairwise(kept) if one is two]
    assert max(old - new for old, new in of_one_thread) <= 2  # and not all at one time


# Fairness


def test_one_busy_actor_leaves_time_for_a_thousand_cold_ones(system):  # A9
    busy = system.spawn(SelfTelling)
    busy.tell("on and on")
    cold = [system.spawn(Waits) for _ in range(1000)]
    asked = [ref.ask(number, block=False) for number, ref in enumerate(cold)]
    assert [future.get(timeout=10) for future in asked] == list(range(1000))
    busy.stop()


def test_what_is_posted_without_end_leaves_time_for_actors(system):  # A9
    def post_again():
        if not answered:
            system.core.post(post_again)

    answered = []
    system.core.post(post_again)
    try:
        assert system.spawn(Waits).ask("soon", timeout=10) == "soon"
    finally:
        answered.append("soon")


def test_a_long_queue_leaves_time_for_others(system):
    handled = []

    class Slow(Actor):
        def on_receive(self, message):
            handled.append(message)
            for _ in range(1000):
                pass

    slow = system.spawn(Slow)
    for number in range(5000):
        slow.tell(number)
    assert system.spawn(Waits).ask("soon", timeout=10) == "soon"
    assert len(handled) < 5000
    slow.stop()
    assert handled == list(range(5000))


def test_a_throughput_of_one(system):
    handled = []

    class Single(Actor):
        throughput = 1

        def on_receive(self, message):
            handled.append(message)

    class Burst(Actor):
        handoff = 60.0

        def on_receive(self, refs):
            return [ref.ask(number, block=False) for number in range(100) for ref in refs]

    burst = system.spawn(Burst).ask((system.spawn(Single), system.spawn(Single)), timeout=10)
    for future in burst:
        future.get(timeout=10)
    assert handled == [number for number in range(100) for _ in range(2)]


@pytest.mark.parametrize("value", [None, 3.5, "a meter's"])
def test_an_actors_own_figure_of_that_name_is_no_setting(system, value):
    class Meter(Actor):
        def __init__(self):
            self.throughput = value

        def on_receive(self, message):
            return self.throughput

    meter = system.spawn(Meter)
    futures = [meter.ask(number, block=False) for number in range(200)]
    assert {future.get(timeout=10) for future in futures} == {value}


def test_stop_ends_an_endless_self_tell(system):  # A10
    handled = []
    busy = system.spawn(SelfTelling, handled)
    for number in range(3):
        busy.tell(number)
    assert busy.stop(timeout=10) is True
    count = len(handled)
    assert system.spawn(Waits).ask(1) == 1
    assert len(handled) == count
    assert system.dead_letters.counts["dead"] == 3


def test_a_kill_ends_an_endless_self_tell(system):
    busy = system.spawn(SelfTelling)
    busy.tell(1)
    exited = busy.exited()
    busy.kill()
    assert exited.get(timeout=10) == "killed"


def test_a_mailbox_that_is_never_empty_stays_small(system):
    class Steady(Actor):
        """Keeps 50 messages queued, and looks at its mailbox now and then."""

        def __init__(self):
            self.longest = 0
            self.left = 20_000

        def on_receive(self, message):
            self.longest = max(self.longest, len(self._cell.queue))
            self.left -= 1
            if self.left > 0:
                self.actor_ref.tell(message)
            elif message == 0:
                done.set(self.longest)

    done = Future()
    steady = system.spawn(Steady)
    for number in range(50):
        steady.tell(number)
    assert done.get(timeout=20) < 5000


# Threads


def test_asks_from_many_threads(system, in_threads, switching):
    refs = [system.spawn(Link, system.spawn(Link)) for _ in range(3)]

    def asks():
        for number in range(200):
            assert refs[number % 3].ask(number, timeout=20) == 1

    in_threads(*[asks] * 4)


def test_no_wake_up_is_lost(system, switching):
    """One ask at a time lets the core fall asleep between any two."""
    waits = system.spawn(Waits)
    for number in range(2000):
        assert waits.ask(number, timeout=10) == number


class JustBefore(Core):
    """Has something posted at the last moment at which nobody sees that it is asleep."""

    @property
    def asleep(self):
        return self.__dict__["asleep"]

    @asleep.setter
    def asleep(self, value):
        if value and not self.__dict__["asleep"] and self.last_moment is not None:
            self.last_moment()
        self.__dict__["asleep"] = value


@pytest.fixture
def just_before(system, in_core):
    """Have a function posted just before the core of `system` falls asleep, if `when()`; once."""

    def just_before(function, when):
        core = system.core

        def post():
            if when():
                core.last_moment = None
                core.inbox.append((function, ()))

        def begin():
            core.last_moment = post
            core.__class__ = JustBefore

        in_core(begin)

    return just_before


def test_the_loop_does_not_sleep_when_something_was_posted_just_before(
    system, just_before, eventually
):
    posted, done, slept = [], [], []
    core, poller = system.core, system.core.poller

    def wait(timeout):
        if posted:
            slept.append(list(done))
        return poller.wait(timeout)

    core.poller = SimpleNamespace(wait=wait, poll=poller.poll)
    just_before(lambda: done.append("it"), lambda: not posted.append("it"))
    eventually(lambda: slept)
    core.poller = poller
    assert slept[0] == ["it"]


def test_what_is_posted_just_before_the_loop_has_ended_is_done(system, just_before):
    done = threading.Event()
    core = system.core
    just_before(done.set, lambda: core._wake == core._take_in_late)  # so it is at the end
    system.stop()
    assert done.wait(10)


def test_threads_that_spawn_tell_ask_and_stop_at_once(system, in_threads, switching):
    def life(thread):
        def run():
            for number in range(50):
                ref = system.spawn(Waits, name=f"{thread}-{number}")
                ref.tell("hello")
                assert ref.ask(number, timeout=20) == number
                asked = ref.ask("behind", block=False)
                assert ref.stop(timeout=20) is True
                assert asked.get(timeout=20) == "behind"
                assert ref.wait(timeout=20) == "noproc"
                assert system.whereis(f"{thread}-{number}") is None

        return run

    in_threads(*(life(thread) for thread in range(4)))
    assert system.actors() == []


def test_asks_tells_stops_and_kills_of_one_actor_at_once_none_hangs(system, in_threads, switching):
    for round_ in range(20):
        ref = system.spawn(Waits)
        ends = []

        def asks(ref=ref, ends=ends):
            for number in range(30):
                try:
                    assert ref.ask(number, timeout=20) == number
                except ActorDeadError:
                    ends.append("dead")
                    return

        def tells(ref=ref, ends=ends):
            for number in range(30):
                try:
                    ref.tell(number)
                except ActorDeadError:
                    ends.append("dead")
                    return

        def ends_it(ref=ref, kill=round_ % 2):
            ref.kill() if kill else ref.stop(timeout=20)

        def waits(ref=ref, ends=ends):
            ends.append(ref.wait(timeout=20))

        in_threads(asks, tells, ends_it, waits)
        assert not ref.is_alive()
        assert system.spawn(Waits).ask(1, timeout=20) == 1


def test_the_end_of_a_system_leaves_no_ask_hanging(in_threads, switching):
    for _ in range(15):
        system = ActorSystem("ending").start()
        refs = [system.spawn(Waits) for _ in range(5)]

        def asks(refs=refs):
            while True:
                for ref in refs:
                    try:
                        assert ref.ask(1, timeout=20) == 1
                    except ActorDeadError:
                        return

        in_threads(asks, asks, lambda system=system: system.stop())


def test_a_spawn_while_the_system_stops_is_made_or_refused(in_threads, switching):
    for _ in range(15):
        system = ActorSystem("ending").start()
        made = []

        def spawns(system=system, made=made):
            while True:
                try:
                    made.append(system.spawn(Waits))
                    made[-1].ask(1, timeout=20)
                except (ShuttingDown, ActorDeadError):
                    return

        in_threads(spawns, spawns, lambda system=system: system.stop())
        assert not any(ref.is_alive() for ref in made)
        for ref in made:
            assert ref.wait(timeout=10) == "noproc"


def test_two_systems_ask_each_other(system):
    """Waiting in one core's turn for another core of the same process."""
    with ActorSystem("other") as other:
        there = other.spawn(Link)
        back = system.spawn(Link, there)
        again = other.spawn(Link, back)
        assert again.ask(1, timeout=10) == 2
        assert back.ask(1, timeout=10) == 1
