"""M1: an ask and its answer in one process, one outstanding at a time.

The asker asks an actor for i, for i = 0, 1, 2 ..., and each answer has to be i. In M1a the asker is
the main thread, in M1b an actor. Percentiles are of a second, shorter round whose asks are timed
one by one. Checked: the sum of all answers, and how many asks the actor counted.
"""

from time import perf_counter

from .frameworks import Framework, in_both
from .peers import peers
from .workload import Benchmark, Figures, Target, check, percentiles, rate

COUNT = "count"


class Echo:
    """Answers what it is asked, and counts."""

    asked = 0

    def on_receive(self, message):
        if message is COUNT:
            return self.asked
        self.asked += 1
        return message


class Asker:
    """Asks on behalf of the driver."""

    def __init__(self, echo):
        super().__init__()
        self.echo = echo

    def on_receive(self, work):
        return work(self.echo)


def ask_from_outside(framework: Framework, n: int) -> Figures:
    echo = framework.actor(Echo)()
    return ask_in_turn(echo, n, lambda work: work(echo))


def ask_from_an_actor(framework: Framework, n: int) -> Figures:
    echo = framework.actor(Echo)()
    asker = framework.actor(Asker)(echo)
    return ask_in_turn(echo, n, asker.ask)


def ask_in_turn(echo, n, run) -> Figures:
    started = perf_counter()
    total = run(lambda echo: sum_of_answers(echo, n))
    check("the sum of the answers, and the asks counted", [total, echo.ask(COUNT)], expected(n))
    seconds = perf_counter() - started
    moments = run(lambda echo: moments_of_answers(echo, n // 10 + 1))
    return rate(n, seconds, **percentiles(moments))


def sum_of_answers(echo, n):
    return sum(echo.ask(i) for i in range(n))


def expected(n: int) -> list[int]:
    return [n * (n - 1) // 2, n]


def moments_of_answers(echo, n):
    moments = [perf_counter()]
    for i in range(n):
        echo.ask(i)
        moments.append(perf_counter())
    return moments


BENCHMARKS = [
    Benchmark(
        name="M1a",
        title="ask from the main thread",
        unit="asks/s",
        sides=[
            *in_both(ask_from_outside, zanni=20_000, pykka=10_000),
            *peers("ask_outside", expected, asyncio=10_000, threads=20_000, xoscar=20_000),
        ],
    ),
    Benchmark(
        name="M1b",
        title="ask from an actor",
        unit="asks/s",
        sides=[
            *in_both(ask_from_an_actor, zanni=200_000, pykka=10_000),
            *peers("ask_inside", expected, asyncio=50_000, uvloop=100_000, threads=10_000),
            *peers("ask_inside", expected, xoscar=20_000, erlang=300_000, go=1_000_000),
        ],
        targets=[
            Target("40 x Pykka", lambda of: of["zanni"] / of["pykka"] / 40),
            Target("1 x Erlang", lambda of: of["zanni"] / of["erlang"]),
        ],
    ),
]
