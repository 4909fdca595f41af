"""M2: tells from one actor to one other.

The producer sends N increments within one message's handling, then asks the counter for its count.
Checked: the count is N.
"""

from time import perf_counter

from .frameworks import Framework, in_both
from .peers import peers
from .workload import Benchmark, Figures, Target, check, rate

INCREMENT, COUNT = "increment", "count"


class Counter:
    count = 0

    def on_receive(self, message):
        if message is COUNT:
            return self.count
        self.count += 1
        return None


class Producer:
    def __init__(self, counter):
        super().__init__()
        self.counter = counter

    def on_receive(self, n):
        counter = self.counter
        for _ in range(n):
            counter.tell(INCREMENT)
        return counter.ask(COUNT)


def expected(n: int) -> int:
    return n


def tell(framework: Framework, n: int) -> Figures:
    counter = framework.actor(Counter)()
    producer = framework.actor(Producer)(counter)
    started = perf_counter()
    check("the count", producer.ask(n), expected(n))
    return rate(n, perf_counter() - started)


BENCHMARKS = [
    Benchmark(
        name="M2",
        title="tell, one actor to one other",
        unit="tells/s",
        sides=[
            *in_both(tell, zanni=500_000, pykka=100_000),
            *peers("tell", expected, asyncio=400_000, uvloop=400_000, threads=1_000_000),
            *peers("tell", expected, xoscar=20_000, erlang=3_000_000, go=5_000_000),
        ],
        targets=[
            Target("8 x Pykka", lambda of: of["zanni"] / of["pykka"] / 8),
            Target("1 x uvloop", lambda of: of["zanni"] / of["uvloop"]),
        ],
    )
]
