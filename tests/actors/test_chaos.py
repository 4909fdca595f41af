"""Threads that do to a family of actors what they like, all at once: nothing hangs or gets lost."""

import asyncio
import logging
import random
import threading
from collections import Counter

import pytest

from zanni import (
    Actor,
    ActorDeadError,
    ActorSystem,
    DeadlockError,
    Down,
    Future,
    RemoteError,
    ShuttingDown,
    Timeout,
)

ENDS = (
    ActorDeadError,
    DeadlockError,
    Timeout,
    KeyError,
    RemoteError,
    RuntimeError,
    ShuttingDown,
)


class Wild(Actor):
    """Does what it is told, in whatever way."""

    def on_start(self):
        self.every(0.001, ("tick",))

    def on_receive(self, message):
        match message:
            case ("raise", error):
                raise error
            case ("child", made):
                child = self.spawn(Wild)
                made.append(child)
                self.watch(child)
                return child
            case ("ask", ref):
                return ref.ask(("echo", 1), timeout=0.05)
            case ("exit", reason):
                self.exit(reason)
            case ("sleep",):
                return self.sleeps()
        return message

    async def sleeps(self):
        await asyncio.sleep(0.001)

    def on_stop(self):
        self.spawn(Wild)


class Chaos:
    """A thread's doings, from a seed."""

    def __init__(self, system, made, watcher, futures, seed, steps):
        self.system, self.made, self.watcher, self.futures = system, made, watcher, futures
        self.random, self.steps = random.Random(seed), steps

    def run(self):
        for _ in range(self.steps):
            try:
                self.step()
            except ENDS:
                pass

    def step(self):
        ref, other = self.random.choice(self.made), self.random.choice(self.made)
        match self.random.randrange(11):
            case 0 | 1:
                self.made.append(self.system.spawn(Wild))
            case 2:
                self.futures.append(ref.ask(("child", self.made), block=False))
            case 3:
                self.futures.append(ref.ask(("ask", other), block=False))
            case 4:
                self.futures.append(ref.stop(block=False))
            case 5:
                ref.kill()
            case 6:
                ref.tell(("raise", self.random.choice([KeyError(), KeyboardInterrupt()])))
            case 7:
                self.futures.append(ref.ask(("sleep",), block=False))
            case 8:
                self.watcher.tell(("watch", ref))
            case 9:
                self.futures.append(ref.exited())
            case 10:
                ref.ask(("echo", 1), timeout=0.05)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_all_that_was_asked_is_answered(
    seed, tools, in_threads, switching, monkeypatch, eventually
):
    monkeypatch.setattr(logging.getLogger("zanni"), "disabled", True)
    seen, futures = [], []
    with ActorSystem("wild") as system:
        watcher = system.spawn(tools.Watcher, seen)
        made = [system.spawn(Wild) for _ in range(5)]
        chaos = [Chaos(system, made, watcher, futures, seed * 10 + n, 400) for n in range(3)]
        in_threads(*(each.run for each in chaos))
        refs = list(made)  # there may still come some, of parents that have children in their queue
        for ref in refs:
            watcher.tell(("watch", ref))
        watcher.ask("sync", timeout=20)
        for ref in refs:
            ref.kill()
        eventually(lambda: {down.ref for down in seen} >= set(refs))
        watcher.ask("sync", timeout=20)
    for future in futures:
        try:
            future.get(timeout=20)
        except ENDS:
            assert future.done()
    assert all(isinstance(down, Down) for down in seen)
    assert not any(ref.is_alive() for ref in made)
    assert system.actors() == []


@pytest.mark.parametrize("seed", range(4))
def test_the_system_ends_in_the_midst_of_it(seed, tools, in_threads, switching, monkeypatch):
    monkeypatch.setattr(logging.getLogger("zanni"), "disabled", True)
    futures = []
    system = ActorSystem("wild").start()
    watcher = system.spawn(tools.Watcher, [])
    made = [system.spawn(Wild) for _ in range(5)]
    chaos = [Chaos(system, made, watcher, futures, seed * 10 + n, 300) for n in range(2)]
    in_threads(*(each.run for each in chaos), lambda: system.stop(timeout=5))
    for future in futures:
        try:
            future.get(timeout=20)
        except ENDS:
            assert future.done()
    assert system.actors() == []


def test_each_watch_has_exactly_one_down(tools, in_threads, switching, monkeypatch):  # G6
    monkeypatch.setattr(logging.getLogger("zanni"), "disabled", True)
    seen = []
    with ActorSystem("wild") as system:
        watchers = [system.spawn(tools.Watcher, seen) for _ in range(3)]
        refs = [system.spawn(tools.Hooked, []) for _ in range(100)]

        def watches(watcher):
            return lambda: [watcher.tell(("watch", ref)) for ref in refs]

        def ends():
            for number, ref in enumerate(refs):
                if number % 3 == 0:
                    ref.kill()
                elif number % 3 == 1:
                    ref.stop(block=False)
                else:
                    ref.tell(("raise", KeyError(number)))

        in_threads(*(watches(watcher) for watcher in watchers), ends)
        for ref in refs:
            ref.wait(timeout=20)
        for watcher in watchers:
            watcher.ask("sync", timeout=20)
            watcher.ask("sync", timeout=20)
    counts = Counter(down.ref for down in seen)
    assert counts == dict.fromkeys(refs, 3)


def test_futures_settled_and_cancelled_by_many_threads(system, in_threads, switching):
    class Waits(Actor):
        def on_receive(self, future):
            try:
                return future.get(timeout=20)
            except Exception as error:
                return type(error).__name__

    for _ in range(30):
        future, answers = Future(), []
        asked = [system.spawn(Waits).ask(future, block=False) for _ in range(3)]
        barrier = threading.Event()

        def settles(future=future, answers=answers):
            answers.append(future.resolve("value"))

        def cancels(future=future, answers=answers):
            answers.append(future.cancel())

        in_threads(settles, cancels, barrier.set)
        assert sorted(answers) == [False, True]
        results = {each.get(timeout=10) for each in asked}
        assert results in ({"value"}, {"CancelledError"})
