"""M4: a token goes round a ring of actors.

Each actor tells the next one how many hops are left; who is told 0 has the token. Checked: it ends
at the actor that arithmetic says.
"""

import functools
from time import perf_counter

from .frameworks import Framework, in_both
from .workload import Benchmark, Figures, Target, check, rate


class Node:
    def __init__(self, index, next_node, ended_at):
        super().__init__()
        self.index = index
        self.next_node = next_node
        self.ended_at = ended_at

    def on_receive(self, message):
        if type(message) is not int:  # the first actor hears of the last one when that is there
            self.next_node = message
        elif message > 0:
            self.next_node.tell(message - 1)
        else:
            self.ended_at.set(self.index)


def ring(size: int, framework: Framework, hops: int) -> Figures:
    ended_at = framework.future()
    node = framework.actor(Node)
    first = following = node(0, None, ended_at)
    for index in range(size - 1, 0, -1):
        following = node(index, following, ended_at)
    first.tell(following)
    started = perf_counter()
    first.tell(hops)
    check("where the token ends", ended_at.get(), hops % size)
    return rate(hops, perf_counter() - started)


BENCHMARKS = [
    Benchmark(
        name="M4a",
        title="ring of 100 actors",
        unit="hops/s",
        sides=in_both(functools.partial(ring, 100), zanni=500_042, pykka=40_042),
        targets=[Target("20 x Pykka", lambda of: of["zanni"] / of["pykka"] / 20)],
    ),
    Benchmark(
        name="M4b",
        title="ring of 503 actors",
        unit="hops/s",
        sides=in_both(functools.partial(ring, 503), zanni=1_000_000, pykka=40_000),
    ),
]
