"""Waist 1: what every process promises, over those of one core."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from zanni import Actor, ActorDeadError, ActorSystem, Future, NodeDown
from zanni.actors.address import Address
from zanni.actors.gone import GoneProcess
from zanni.actors.links import Monitor
from zanni.actors.process import (
    Broken,
    Bury,
    Died,
    Failed,
    Kill,
    Link,
    Process,
    Restart,
    Shutdown,
    Suspend,
    Unlink,
    Unlinked,
    Unwatch,
    Watch,
)

DEADLINE = 10.0
Make = Callable[[ActorSystem], Process]


class Echo(Actor):
    def on_receive(self, message: object) -> object:
        return message


class Ear:
    """A process that hears: whoever is told of an end."""

    def __init__(self, system: ActorSystem) -> None:
        self.address = Address(*system.home, system.core.next_id())
        self.heard: list[Any] = []
        self.first: Future[Any] = Future()

    def deliver(self, *_: object) -> None:
        pass

    def signal(self, signal: object) -> None:
        self.heard.append(signal)
        self.first.resolve(signal)


def living(system: ActorSystem) -> Process:
    return system.spawn(Echo).process


def stopped(system: ActorSystem) -> Process:
    ref = system.spawn(Echo)
    ref.stop()
    return ref.process


def killed(system: ActorSystem) -> Process:
    ref = system.spawn(Echo)
    exited = ref.exited()
    ref.kill()
    exited.get(timeout=DEADLINE)
    return ref.process


def stale(system: ActorSystem) -> Process:
    """As a ref to it that comes out of a pickle finds it."""
    return system.process_of(stopped(system).address)


def unreachable(system: ActorSystem) -> Process:
    return system.process_of(Address("elsewhere", 0, 12345, 7))


def gone(system: ActorSystem) -> Process:
    address = Address("lost", 1, 99, 3)
    return GoneProcess(system.core, address, NodeDown("lost"), "noconnection")


def ended_with_its_system(_: ActorSystem) -> Process:
    with ActorSystem("ended") as system:
        return system.spawn(Echo).process


def monitor(system: ActorSystem) -> Process:
    made = Monitor(system.core, system.spawn(Echo).process)
    made.begin().add_done_callback(lambda _: None)
    return made


def kernel(system: ActorSystem) -> Process:
    return system.core.processes[0]


DEAD = [stopped, killed, stale, unreachable, gone, ended_with_its_system]
ACTORS = [living, *DEAD]
ALL = [*ACTORS, monitor, kernel]


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    with ActorSystem("contract") as made:
        yield made


def ask(process: Process, message: object) -> Future[Any]:
    answer: Future[Any] = Future()
    process.deliver(message, None, answer, None)
    return answer


@pytest.mark.parametrize("make", ALL)
def test_it_has_an_address_which_never_changes(system: ActorSystem, make: Make) -> None:
    process = make(system)
    assert isinstance(process.address, Address)
    assert process.address == process.address
    hash(process.address)


@pytest.mark.parametrize("make", ACTORS)
def test_an_ask_ends_once(system: ActorSystem, make: Make) -> None:  # G9
    process = make(system)
    answer = ask(process, "hello")
    try:
        assert answer.get(timeout=DEADLINE) == "hello"
        assert make is living
    except (ActorDeadError, NodeDown):
        assert make is not living
    assert not answer.resolve("twice")
    assert not answer.reject(KeyError("twice"))


@pytest.mark.parametrize("make", DEAD)
def test_a_tell_to_the_dead_is_counted_once_and_raises_at_most_actor_dead(
    system: ActorSystem, make: Make
) -> None:
    process = make(system)
    letters = system.dead_letters
    if make is ended_with_its_system:
        letters = process.core.owner.dead_letters  # type: ignore[attr-defined]
    before = len(letters)
    try:
        process.deliver("hello", None, None, None)
    except ActorDeadError:
        pass
    assert len(letters) == before + 1
    assert letters.last[-1].message == "hello"
    assert letters.last[-1].target == process.address


@pytest.mark.parametrize("make", DEAD)
def test_a_watch_of_the_dead_is_answered_once(system: ActorSystem, make: Make) -> None:  # G6
    process, ear = make(system), Ear(system)
    process.signal(Watch(ear))
    died = ear.first.get(timeout=DEADLINE)
    assert isinstance(died, Died)
    assert died.process.address == process.address
    assert died.reason in ("noproc", "noconnection")
    system.spawn(Echo).ask("let it come twice")
    assert len(ear.heard) == 1


def test_a_watch_of_the_living_is_answered_once_at_its_end(system: ActorSystem) -> None:  # G6
    ref, ear = system.spawn(Echo), Ear(system)
    ref.process.signal(Watch(ear))
    ref.process.signal(Watch(ear))
    ref.ask("still living")
    assert ear.heard == []
    ref.stop()
    died = ear.first.get(timeout=DEADLINE)
    assert (died.process.address, died.reason) == (ref.address, "normal")
    system.spawn(Echo).ask("let it come twice")
    assert len(ear.heard) == 1


@pytest.mark.parametrize("make", ACTORS)
def test_an_unwatch_is_nothing_where_there_is_no_watch(system: ActorSystem, make: Make) -> None:
    process, ear = make(system), Ear(system)
    process.signal(Unwatch(ear))
    system.spawn(Echo).ask("let it come")
    assert ear.heard == []


def test_an_unwatched_end_is_not_heard(system: ActorSystem) -> None:
    ref, ear = system.spawn(Echo), Ear(system)
    ref.process.signal(Watch(ear))
    ref.process.signal(Unwatch(ear))
    ref.stop()
    system.spawn(Echo).ask("let it come")
    assert ear.heard == []


@pytest.mark.parametrize("make", ACTORS)
def test_a_restart_of_what_does_not_wait_for_one_is_refused(
    system: ActorSystem, make: Make
) -> None:
    started: Future[Any] = Future()
    make(system).signal(Restart("why", started))
    with pytest.raises((ActorDeadError, NodeDown)):
        started.get(timeout=DEADLINE)


@pytest.mark.parametrize("make", DEAD)
def test_a_suspend_of_the_dead_is_refused(system: ActorSystem, make: Make) -> None:
    reply: Future[Any] = Future()
    make(system).signal(Suspend("why", reply))
    with pytest.raises((ActorDeadError, NodeDown)):
        reply.get(timeout=DEADLINE)


@pytest.mark.parametrize("make", ALL)
def test_no_signal_raises_whatever_it_is_and_whoever_sends_it(
    system: ActorSystem, make: Make
) -> None:
    process, other = make(system), Ear(system)
    signals = [
        Watch(other),
        Unwatch(other),
        Died(other, "why"),
        Link(other),
        Unlink(other),
        Unlinked(other),
        Broken(other, "why"),
        Failed(other, "why", None),
        Suspend("why", Future()),
        Restart("why", None),
        Bury(),
        Shutdown("why"),
        Kill(),
    ]
    for signal in signals:
        process.signal(signal)

    class Sends(Actor):
        def on_receive(self, message: object) -> object:
            for signal in signals:
                process.signal(signal)
            return message

    assert system.spawn(Sends).ask("on the core's thread too", timeout=DEADLINE)


@pytest.mark.parametrize("make", DEAD)
def test_a_link_to_the_dead_is_broken_at_once(system: ActorSystem, make: Make) -> None:
    ear = Ear(system)
    make(system).signal(Link(ear))
    broken = ear.first.get(timeout=DEADLINE)
    assert isinstance(broken, Broken)
    assert broken.reason in {"noproc", "noconnection"}


@pytest.mark.parametrize("make", ACTORS)
def test_every_unlink_is_answered(system: ActorSystem, make: Make) -> None:
    ear = Ear(system)
    process = make(system)
    process.signal(Unlink(ear))
    ear.first.get(timeout=DEADLINE)
    assert ear.heard == [Unlinked(process)]


@pytest.mark.parametrize("make", DEAD)
def test_exit_kill_and_bury_do_not_wake_the_dead(system: ActorSystem, make: Make) -> None:
    process = make(system)
    for signal in (Shutdown("why"), Kill(), Bury()):
        process.signal(signal)
    with pytest.raises((ActorDeadError, NodeDown)):
        ask(process, "hello").get(timeout=DEADLINE)


@pytest.mark.parametrize("make", ALL)
def test_any_thread_may_deliver_and_signal(system: ActorSystem, make: Make) -> None:
    process, errors = make(system), []

    def use() -> None:
        ear = Ear(system)
        for _ in range(50):
            try:
                process.deliver("hello", None, None, None)
            except ActorDeadError:
                pass
            except Exception as error:
                errors.append(error)
            process.signal(Watch(ear))
            process.signal(Unwatch(ear))

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert errors == []
    assert system.spawn(Echo).ask("alive", timeout=DEADLINE) == "alive"


def test_signals_pass_what_is_queued(system: ActorSystem) -> None:
    handled: list[object] = []
    gate: Future[None] = Future()

    class Slow(Actor):
        def on_receive(self, message: object) -> None:
            gate.get()
            handled.append(message)

    ref = system.spawn(Slow)
    for number in range(1000):
        ref.tell(number)
    exited = ref.exited()
    ref.process.signal(Shutdown("enough"))
    gate.set()
    assert exited.get(timeout=DEADLINE) == "enough"
    assert handled in ([], [0])


def test_a_monitor_hears_the_reason_once_and_leaves_the_core(system: ActorSystem) -> None:
    ref = system.spawn(Echo)
    made = Monitor(system.core, ref.process)
    exited = made.begin()
    assert made.address.id in system.core.processes
    ref.stop()
    assert exited.get(timeout=DEADLINE) == "normal"
    made.signal(Died(ref.process, "again"))
    assert exited.get() == "normal"
    assert made.address.id not in system.core.processes


def test_a_monitor_that_is_given_up_leaves_the_core(system: ActorSystem) -> None:
    ref = system.spawn(Echo)
    made = Monitor(system.core, ref.process)
    assert made.begin().cancel()
    assert made.address.id not in system.core.processes
    ref.ask("it has heard")
    assert not ref.process.ties.watchers
