"""M9h, M9i: an open loop of 1 000, of 10 000 messages a second, each answered by another process.

A message is sent when it is due by the clock, whether earlier ones are answered or not, and its
time counts from when it was due, not from when it was sent: what holds up the sender, or the
answer to an earlier message, is part of what the later ones waited. (To leave that out is what Gil
Tene calls coordinated omission, in "How NOT to measure latency".) The value is the 99th percentile
of these times. Checked: each message was answered once, by the sum of their numbers.

In Zanni a thread beside the actors sends, and an actor takes in the answers. Raw pyzmq and Erlang
look at the clock and for answers all the time, which costs a core and spares a sleeper's waking.
"""

import time
from functools import partial
from time import perf_counter

from zanni import Actor, ActorSystem, Future

from .peers import Found, peers
from .workload import Also, Benchmark, Figures, Side, check, percentiles_of


class Answers:
    """When each of `n` messages is due, and how long after that its answer was there."""

    def __init__(self, n, rate):
        self.n, self.interval = n, 1 / rate
        self.waits, self.sum = [], 0
        self.began = perf_counter()

    def due(self, number):
        return self.began + number * self.interval

    def take(self, number):
        self.waits.append(perf_counter() - self.due(number))
        self.sum += number

    def are_all_there(self):
        return len(self.waits) >= self.n

    def found(self) -> Found:
        return {
            "answer": [len(self.waits), self.sum],
            "seconds": perf_counter() - self.began,
            "max_us": 1e6 * max(self.waits),
            **percentiles_of(self.waits),
        }


def expected(n: int) -> list[int]:
    return [n, n * (n - 1) // 2]


class Taker(Actor):
    """Has the answers to messages that a thread beside it sends."""

    def __init__(self, answers, done):
        super().__init__()
        self.answers, self.done = answers, done

    def on_receive(self, number):
        self.answers.take(number)
        if self.answers.are_all_there():
            self.done.set(self.answers.found())


class Echo(Actor):
    def __init__(self, taker):
        super().__init__()
        self.taker = taker

    def on_receive(self, message):
        if message == "ready":
            return message
        self.taker.tell(message)
        return None


def open_loop(rate: int, n: int) -> Figures:
    with ActorSystem("benchmark", cores=2) as system:
        answers, done = Answers(n, rate), Future()
        echo = system.spawn(Echo, system.spawn(Taker, answers, done, core=0), core=1)
        echo.ask("ready")
        answers.began = perf_counter()
        for number in range(n):
            wait = answers.due(number) - perf_counter()
            if wait > 0:
                time.sleep(wait)
            echo.tell(number)
        found = done.get()
        check("the answer", found.pop("answer"), expected(n))
        return {"value": found["p99_us"], **found}


def paced(name: str, rate: int, *, zanni: int, **often: int) -> Benchmark:
    return Benchmark(
        name=name,
        title=f"answer of another process to one of {rate:,} messages/s, since it was due",
        unit="µs at the 99th percentile",
        sides=[
            Side("zanni", partial(open_loop, rate), zanni, ours=True),
            *peers("open_loop", expected, rate, value=the_99th, **often),
        ],
        also=Also("µs max", lambda figures: figures["max_us"]),
        more_is_better=False,
    )


def the_99th(n: int, found: Found) -> float:
    return found["p99_us"]


BENCHMARKS = [
    paced("M9h", 1_000, zanni=3_000, raw_pyzmq=3_000, erlang=3_000, xoscar=3_000),
    paced("M9i", 10_000, zanni=20_000, raw_pyzmq=20_000, erlang=20_000),
]
