"""M13: what idle actors take of the CPU.

N idle actors on two cores, half of them on each, all of them pinged once. The value is the CPU time
of both processes over two seconds in which nobody asks anything of them, as percentage of one CPU.
Checked: 100 of them, spread over all, answer after that time with their number and the one ping.
"""

import gc
from time import perf_counter, sleep

from zanni import Actor, ActorSystem

from .machine import cpu_seconds
from .workload import Benchmark, Figures, Side, Target, check

SETTLE, WATCH = 0.5, 2.0


class Idle(Actor):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.pings = number, 0

    def ping(self) -> tuple[int, int]:
        self.pings += 1
        return self.number, self.pings


class Owner(Actor):
    """Starts its share on its own core, and keeps it."""

    def start_all(self, first: int, count: int) -> int:
        self.idle = [self.spawn(Idle, number) for number in range(first, first + count)]
        for each in self.idle:
            each.cast(Idle.ping)
        return self.idle[-1].call(Idle.ping).get()[1]

    def sample(self) -> list[tuple[int, int]]:
        step = max(len(self.idle) // 50, 1)
        return [each.call(Idle.ping).get() for each in self.idle[:-1:step]]


def idle(n: int) -> Figures:
    half = n // 2 + 1
    with ActorSystem("benchmark", cores=2) as system:
        owners = [system.spawn(Owner, core=core) for core in (0, 1)]
        for core, owner in enumerate(owners):
            check("pings of the last", owner.call(Owner.start_all, core * half, half).get(), 2)
        gc.collect()
        sleep(SETTLE)
        before, started = cpu_seconds(), perf_counter()
        sleep(WATCH)
        used, seconds = cpu_seconds() - before, perf_counter() - started
        for core, owner in enumerate(owners):
            step = max(half // 50, 1)
            expected = [(number + core * half, 2) for number in range(0, half - 1, step)]
            check("the sample", [tuple(each) for each in owner.call(Owner.sample).get()], expected)
    return {"value": 100 * used / seconds, "seconds": seconds}


BENCHMARKS = [
    Benchmark(
        name="M13",
        title="CPU of 100 000 idle actors, 2 cores",
        unit="% of a CPU",
        sides=[Side("zanni", idle, 100_000, ours=True)],
        targets=[Target("under 1 %", lambda of: 1 / of["zanni"])],
        more_is_better=False,
    )
]
