"""M7: skynet. An actor starts ten, each of these ten more, and so on to the leaves.

Leaf i tells its parent i; every other actor tells its parent the sum of what its ten told it. Each
actor stops when it has told. `n` is the number of leaves, rounded down to a power of ten; the value
is actors, leaves and others, per second. Checked: the root's sum is N (N - 1) / 2.
"""

import gc
from time import perf_counter

from .frameworks import Framework, in_both
from .peers import Found, peers
from .workload import Benchmark, Figures, Target, check, rate


class Skynet:
    def __init__(self, start, parent, first, leaves):
        super().__init__()
        self.start_one, self.parent = start, parent
        self.first, self.leaves = first, leaves
        self.waiting_for, self.sum = 10, 0

    def on_start(self):
        if self.leaves == 1:
            self.parent.tell(self.first)
            self.stop()
        else:
            share = self.leaves // 10
            for first in range(self.first, self.first + self.leaves, share):
                self.start_one(self.start_one, self.actor_ref, first, share)

    def on_receive(self, number):
        self.sum += number
        self.waiting_for -= 1
        if self.waiting_for == 0:
            self.parent.tell(self.sum)
            self.stop()


class Top:
    """Starts the root, and hears of its sum."""

    def __init__(self, start, leaves, total):
        super().__init__()
        self.start_one, self.leaves, self.total = start, leaves, total

    def on_start(self):
        self.start_one(self.start_one, self.actor_ref, 0, self.leaves)

    def on_receive(self, number):
        self.total.set(number)


def leaves_of(n: int) -> int:
    return 10 ** (len(str(n)) - 1)


def actors_of(n: int) -> int:
    return (10 * leaves_of(n) - 1) // 9


def expected(n: int) -> int:
    leaves = leaves_of(n)
    return leaves * (leaves - 1) // 2


def skynet(framework: Framework, n: int) -> Figures:
    total = framework.future()
    gc.freeze()  # what was made so far stays: it need not be looked through again and again
    started = perf_counter()
    framework.actor(Top)(framework.actor(Skynet), leaves_of(n), total)
    check("the root's sum", total.get(), expected(n))
    return rate(actors_of(n), perf_counter() - started)


def actors_per_second(n: int, found: Found) -> float:
    return actors_of(n) / found["seconds"]


BENCHMARKS = [
    Benchmark(
        name="M7a",
        title="skynet, 111 111 actors",
        unit="actors/s",
        sides=[
            *in_both(skynet, zanni=100_000, pykka=1_000),
            *peers("skynet", expected, value=actors_per_second, asyncio=100_000, threads=1_000),
            *peers("skynet", expected, value=actors_per_second, xoscar=1_000),
            *peers("skynet", expected, value=actors_per_second, erlang=100_000, go=100_000),
        ],
    ),
    Benchmark(
        name="M7b",
        title="skynet, 1 111 111 actors",
        unit="actors/s",
        sides=[
            in_both(skynet, zanni=1_000_000, pykka=1_000)[0],
            *peers("skynet", expected, value=actors_per_second, asyncio=1_000_000),
            *peers("skynet", expected, value=actors_per_second, erlang=1_000_000, go=1_000_000),
        ],
        targets=[Target("15 s", lambda of: 15 * of["zanni"] / actors_of(1_000_000))],
        long=True,
    ),
]
