"""M4: a token goes round a ring of actors.

Each actor tells the next one how many hops are left; who is told 0 has the token. Checked: it ends
at the actor that arithmetic says.
"""

import functools
from time import perf_counter

from .frameworks import Framework, in_both
from .peers import peers
from .workload import Benchmark, Figures, Side, Target, check, rate


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


def expected(size: int, hops: int) -> int:
    return hops % size


def ring(size: int, framework: Framework, hops: int) -> Figures:
    ended_at = framework.future()
    node = framework.actor(Node)
    first = following = node(0, None, ended_at)
    for index in range(size - 1, 0, -1):
        following = node(index, following, ended_at)
    first.tell(following)
    started = perf_counter()
    first.tell(hops)
    check("where the token ends", ended_at.get(), expected(size, hops))
    return rate(hops, perf_counter() - started)


def sides(size: int, **peers_sizes: int) -> list[Side]:
    zanni, pykka = peers_sizes.pop("zanni"), peers_sizes.pop("pykka")
    return [
        *in_both(functools.partial(ring, size), zanni=zanni, pykka=pykka),
        *peers("ring", functools.partial(expected, size), size, **peers_sizes),
    ]


BENCHMARKS = [
    Benchmark(
        name="M4a",
        title="ring of 100 actors",
        unit="hops/s",
        sides=sides(
            100,
            zanni=500_042,
            pykka=20_042,
            asyncio=100_042,
            uvloop=200_042,
            threads=40_042,
            xoscar=20_042,
            erlang=2_000_042,
            go=3_000_042,
        ),
        targets=[
            Target("40 x Pykka", lambda of: of["zanni"] / of["pykka"] / 40),
            Target("0.3 x Erlang", lambda of: of["zanni"] / of["erlang"] / 0.3),
        ],
    ),
    Benchmark(
        name="M4b",
        title="ring of 503 actors",
        unit="hops/s",
        sides=sides(
            503,
            zanni=1_000_000,
            pykka=20_000,
            asyncio=100_000,
            threads=40_000,
            xoscar=20_000,
            erlang=2_000_000,
            go=3_000_000,
        ),
    ),
]
