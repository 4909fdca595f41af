"""M11: an actor crashes and is started again, one crash outstanding at a time.

Each incarnation tells a tester, as it starts, of itself and of how often it was hit. The tester
hits the one that has been up longest: it counts that, and raises. The clock starts when all are up
and stops when the one that crashed last is up again; percentiles are of the times from one start
to the next. Checked, by what the tester has counted: there was an incarnation for each actor and
one for each crash, and none began with a hit of another.

In M11a one actor crashes all the time, in M11b a hundred in turn, each with a supervisor of its
own. To Zanni they are the same. Erlang's supervisor walks the list of its restarts in the period at
each restart: M11a is a storm of them, M11b what one costs that comes alone.

Zanni and Erlang have a supervisor, one_for_one, with a period of a second, the shortest that Erlang
takes, and an intensity that is never reached. In Pykka the dying actor starts the next.

What is measured is the restart, and not how fast a log is written. So crashes are silenced where
each side asks whether to log at all: `logging.disable` in Python, level `none` in Erlang's logger.
"""

import functools
import logging
from collections import deque
from time import perf_counter

from .frameworks import Framework, in_both
from .peers import peers
from .workload import Benchmark, Figures, Target, check, percentiles, rate

HIT = "hit"


class Hurt(Exception):
    """What an actor crashes with."""


class Kept:
    """Crashes when it is hit."""

    def __init__(self, tester):
        super().__init__()
        self.tester, self.hits = tester, 0

    def on_start(self):
        self.tester.tell((self.actor_ref, self.hits))

    def on_receive(self, message):
        self.hits += 1
        raise Hurt


class Tester:
    """Hits them in turn, and counts how often they start."""

    def __init__(self, actors, crashes, done):
        super().__init__()
        self.actors, self.crashes, self.done = actors, crashes, done
        self.starts, self.hits = [], 0
        self.up = deque()

    def on_receive(self, message):
        self.starts.append(perf_counter())
        ref, hits = message
        self.hits += hits
        self.up.append(ref)
        if len(self.starts) == self.actors + self.crashes:
            self.done.set(([len(self.starts), self.hits], self.starts))
        elif len(self.starts) >= self.actors:
            self.up.popleft().tell(HIT)


def expected(actors: int, n: int) -> list[int]:
    return [actors + n, 0]


def restart(actors: int, framework: Framework, n: int) -> Figures:
    done = framework.future()
    tester = framework.actor(Tester)(actors, n, done)
    logging.disable(logging.CRITICAL)
    try:
        for _ in range(actors):
            framework.supervise(Kept, tester)
        answer, starts = done.get()
    finally:
        logging.disable(logging.NOTSET)
    check("starts, and the hits they began with", answer, expected(actors, n))
    starts = starts[actors - 1 :]
    return rate(n, starts[-1] - starts[0], **percentiles(starts))


def benchmark(name: str, title: str, actors: int) -> Benchmark:
    arithmetic = functools.partial(expected, actors)
    return Benchmark(
        name=name,
        title=title,
        unit="restarts/s",
        sides=[
            *in_both(functools.partial(restart, actors), zanni=10_000, pykka=2_000),
            *peers("restart", arithmetic, actors, erlang=10_000),
        ],
        targets=[Target("1 x Erlang", lambda of: of["zanni"] / of["erlang"])],
    )


BENCHMARKS = [
    benchmark("M11a", "crash and restart of one actor", 1),
    benchmark("M11b", "crash and restart of a hundred actors in turn", 100),
]
