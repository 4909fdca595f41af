"""M6: what an idle actor weighs.

The proportional set size (Pss) of the process and its children, before and after N actors were
made, each holding one int of its own and pinged once; the refs that reach them are part of it.
They are nobody's children, or all of one actor.
Checked: 100 of them, spread over all, answer with their int and with the one ping.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from .frameworks import Framework, in_both
from .machine import resident
from .peers import Found, peers
from .workload import Benchmark, Figures, Target, check

PING, WHO = "ping", "who"
FIRST = 1_000_000  # no small int, which Python would share


class Holder:
    def __init__(self, number):
        super().__init__()
        self.number = number
        self.pings = 0

    def on_receive(self, message):
        if message is WHO:
            return self.number, self.pings
        self.pings += 1
        return None


class Parent:
    def __init__(self, holder_class):
        super().__init__()
        self.holder_class = holder_class

    def on_receive(self, n):
        return [self.spawn(self.holder_class, FIRST + index) for index in range(n)]


def sampled(n: int) -> list[int]:
    """A hundred of n, or all."""
    return sorted({index * (n - 1) // 99 for index in range(100)})


def expected(n: int) -> list[int]:
    """Of those sampled, the sum of their ints and of the pings that they saw."""
    sample = sampled(n)
    return [sum(FIRST + index for index in sample), len(sample)]


def hold(framework: Framework, n: int) -> Figures:
    holder = framework.actor(Holder)
    check("the first actor", holder(FIRST - 1).ask(WHO), (FIRST - 1, 0))  # all code has run once
    return weigh(lambda: [holder(FIRST + index) for index in range(n)])


def hold_children(framework: Framework, n: int) -> Figures:
    parent = framework.actor(Parent)(framework.behaving(Holder))
    check("the first actor", parent.ask(1)[0].ask(WHO), (FIRST, 0))
    return weigh(lambda: parent.ask(n))


def weigh(start: Callable[[], list[Any]]) -> Figures:
    before = resident()
    started = perf_counter()
    actors = start()
    n = len(actors)
    for actor in actors:
        actor.tell(PING)
    for index in sampled(n):
        check("an actor's state", actors[index].ask(WHO), (FIRST + index, 1))
    seconds = perf_counter() - started
    return {"value": (resident() - before) / n, "seconds": seconds}


def bytes_each(n: int, found: Found) -> float:
    return found["bytes"] / n


BENCHMARKS = [
    Benchmark(
        name="M6a",
        title="memory of an idle actor",
        unit="bytes/actor",
        sides=[
            *in_both(hold, zanni=100_000, pykka=1_000),
            *peers("memory", expected, value=bytes_each, asyncio=30_000, threads=1_000),
            *peers("memory", expected, value=bytes_each, xoscar=5_000, erlang=100_000, go=100_000),
        ],
        targets=[Target("700 bytes", lambda of: 700 / of["zanni"])],
        more_is_better=False,
    ),
    Benchmark(
        name="M6c",
        title="memory of an idle child",
        unit="bytes/actor",
        sides=in_both(hold_children, zanni=100_000, pykka=0)[:1],
        targets=[Target("700 bytes", lambda of: 700 / of["zanni"])],
        more_is_better=False,
    ),
    Benchmark(
        name="M6b",
        title="memory of one of a million idle actors",
        unit="bytes/actor",
        sides=[
            in_both(hold, zanni=1_000_000, pykka=1_000)[0],
            *peers("memory", expected, value=bytes_each, erlang=1_000_000, go=1_000_000),
        ],
        targets=[Target("700 bytes", lambda of: 700 / of["zanni"])],
        more_is_better=False,
        long=True,
    ),
]
