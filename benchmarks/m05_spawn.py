"""M5: an actor spawns N others, pings them all and stops them all.

Each one tells a collector when it is pinged and when it stops. The clock stops when the collector
has heard both from all. Checked: N pings were heard of, and N ends.
"""

from time import perf_counter

from .frameworks import Framework, in_both
from .peers import peers
from .workload import Benchmark, Figures, Target, check, rate

PING, ACK, BYE = "ping", "ack", "bye"


class Pinged:
    def __init__(self, collector):
        super().__init__()
        self.collector = collector

    def on_receive(self, message):
        self.collector.tell(ACK)

    def on_stop(self):
        self.collector.tell(BYE)


class Collector:
    """Counts, and sets the futures when it has heard from all."""

    def __init__(self, n, all_acks, all_byes):
        super().__init__()
        self.n, self.all_acks, self.all_byes = n, all_acks, all_byes
        self.acks = self.byes = 0

    def on_receive(self, message):
        if message is ACK:
            self.acks += 1
            if self.acks == self.n:
                self.all_acks.set(self.acks)
        else:
            self.byes += 1
            if self.byes == self.n:
                self.all_byes.set(self.byes)


class Spawner:
    def __init__(self, start, collector, all_acks, all_byes):
        super().__init__()
        self.start_one, self.collector = start, collector
        self.all_acks, self.all_byes = all_acks, all_byes

    def on_receive(self, n):
        actors = [self.start_one(self.collector) for _ in range(n)]
        for actor in actors:
            actor.tell(PING)
        acks = self.all_acks.get()
        for actor in actors:
            actor.stop(block=False)
        return acks, self.all_byes.get()


def expected(n: int) -> list[int]:
    return [n, n]


def spawn(framework: Framework, n: int) -> Figures:
    ends = framework.future(), framework.future()
    collector = framework.actor(Collector)(n, *ends)
    spawner = framework.actor(Spawner)(framework.actor(Pinged), collector, *ends)
    started = perf_counter()
    check("pings and ends", [*spawner.ask(n)], expected(n))
    return rate(n, perf_counter() - started)


BENCHMARKS = [
    Benchmark(
        name="M5",
        title="spawn, ping and stop",
        unit="actors/s",
        sides=[
            *in_both(spawn, zanni=50_000, pykka=1_000),
            *peers("spawn", expected, asyncio=30_000, threads=1_000, xoscar=2_000),
            *peers("spawn", expected, erlang=100_000, go=100_000),
        ],
        targets=[Target("1 x Erlang", lambda of: of["zanni"] / of["erlang"])],
    )
]
