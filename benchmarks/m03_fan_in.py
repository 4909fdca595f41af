"""M3: eight actors tell one.

Each of the eight sends its share of N messages (its number, 0 or 1 or 2 ...) in one turn. Checked:
how many arrived, that each sender's numbers rose by one from message to message, and the sum of
the senders' numbers, 28 N / 8.
"""

from time import perf_counter

from .frameworks import Framework, in_both
from .peers import peers
from .workload import Benchmark, Figures, check, rate

SENDERS = 8


class Gatherer:
    """Counts, and sets the future when all have arrived."""

    def __init__(self, n, all_there):
        super().__init__()
        self.n, self.all_there = n, all_there
        self.following = [0] * SENDERS
        self.count = self.senders = self.out_of_order = 0

    def on_receive(self, message):
        sender, number = message
        if number != self.following[sender]:
            self.out_of_order += 1
        self.following[sender] = number + 1
        self.senders += sender
        self.count += 1
        if self.count == self.n:
            self.all_there.set([self.count, self.senders, self.out_of_order])


class Sender:
    def __init__(self, number, gatherer):
        super().__init__()
        self.number, self.gatherer = number, gatherer

    def on_receive(self, share):
        sender, gatherer = self.number, self.gatherer
        for number in range(share):
            gatherer.tell((sender, number))


def expected(n: int) -> list[int]:
    share = share_of(n)
    return [SENDERS * share, 28 * share, 0]


def share_of(n: int) -> int:
    return -(-n // SENDERS)


def fan_in(framework: Framework, n: int) -> Figures:
    share, all_there = share_of(n), framework.future()
    gatherer = framework.actor(Gatherer)(SENDERS * share, all_there)
    senders = [framework.actor(Sender)(sender, gatherer) for sender in range(SENDERS)]
    started = perf_counter()
    for sender in senders:
        sender.tell(share)
    check("what arrived", all_there.get(), expected(n))
    return rate(SENDERS * share, perf_counter() - started)


BENCHMARKS = [
    Benchmark(
        name="M3",
        title="fan-in, 8 actors tell one",
        unit="tells/s",
        sides=[
            *in_both(fan_in, zanni=400_000, pykka=80_000),
            *peers("fan_in", expected, asyncio=400_000, threads=1_000_000, xoscar=16_000),
            *peers("fan_in", expected, erlang=500_000, go=4_000_000),
        ],
    )
]
