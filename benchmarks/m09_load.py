"""M9g: asks of 16 bytes between two processes, while 100 000 other messages a second flow there.

The flow is of 16 bytes too, from an actor beside the asker to one beside the asked. It is an open
loop: what is due by the clock is sent each millisecond, whether earlier messages have arrived or
not; but no more than 10 ms' worth at once. How much flowed is a figure, for a machine that is too
slow for it. Checked: the asks, as in M9b; of the flow too how many arrived, and what.
"""

import time
from functools import partial
from time import perf_counter

from zanni import Actor, ActorSystem

from .m09_processes import KINDS, TALLY, Receiver, Sender, expected, payloads
from .peers import Found, peers
from .workload import Also, Benchmark, Figures, Side, Target, check, percentiles

SIZE, RATE = 16, 100_000
TICK = 0.001
AHEAD = 0.1
"""Seconds that it flows before the first ask."""


class Schedule:
    """Which messages of a steady flow are due."""

    def __init__(self, rate):
        self.rate, self.sent = rate, 0
        self.began = perf_counter()

    def due(self):
        """Their numbers, each of them once."""
        first, by_the_clock = self.sent, int(self.rate * (perf_counter() - self.began))
        self.sent = min(by_the_clock, first + self.rate // 100)
        return range(first, self.sent)


class Flow(Actor):
    def __init__(self, sink, rate):
        super().__init__()
        self.sink, self.messages, self.schedule = sink, payloads(SIZE), Schedule(rate)
        self.every(TICK, "tick")

    def on_receive(self, message):
        for i in self.schedule.due():
            self.sink.tell(self.messages[i % KINDS])

    def end(self):
        self.exit()  # at once: a tick that is queued would send on
        return self.schedule.sent


def ask_in_flow(n: int) -> Figures:
    with ActorSystem("benchmark", cores=2) as system:
        sender = system.spawn(Sender, system.spawn(Receiver, core=1), core=0)
        sink = system.spawn(Receiver, core=1)
        began = perf_counter()
        flow = system.spawn(Flow, sink, RATE, core=0)
        time.sleep(AHEAD)
        started = perf_counter()
        moments, arrived = sender.call(Sender.ask, SIZE, n).get()
        check("what arrived", arrived, expected(SIZE, n))
        seconds = perf_counter() - started
        sent = flow.call(Flow.end).get()
        flowed = [sent, *sink.ask(TALLY)]
        flow_seconds = perf_counter() - began
        found = {"flow": flowed, "flow_seconds": flow_seconds, "seconds": seconds}
        return {"value": asks_per_second(n, found), **found, **percentiles(moments)}


def asks_per_second(n: int, found: Found) -> float:
    """The value, where the flow has arrived too, whose rate becomes a figure.

    Raises:
        CheckFailed: it has not.

    """
    sent, *arrived = found.pop("flow")
    check("what flowed", arrived, expected(SIZE, sent))
    found["flow_rate"] = sent / found["flow_seconds"]
    return n / found["seconds"]


BENCHMARKS = [
    Benchmark(
        name="M9g",
        title="ask of another process, while 100 000 messages/s flow",
        unit="asks/s",
        sides=[
            Side("zanni", ask_in_flow, 2_000, ours=True),
            *peers(
                "ask_in_flow",
                partial(expected, SIZE),
                SIZE,
                RATE,
                value=asks_per_second,
                raw_pyzmq=2_000,
                socket_pickle=2_000,
                erlang=2_000,
            ),
        ],
        targets=[Target("Erlang's / 1.5", lambda of: 1.5 * of["zanni"] / of["erlang"])],
        also=Also("flow/s", lambda figures: figures["flow_rate"]),
    ),
]
