"""M9a to M9f: messages of 16 bytes, 1 KiB and 1 MiB between two processes.

Tells, with no more than a window of them on the way: after each half of that, the sender waits
until the half before has arrived. Asks, one outstanding at a time. Message i is as many times the
byte i mod 16. Checked: how many arrived, the sum of their lengths and of their first bytes.

How it is while much else is on the way is M9g to M9i, between nodes M9j to M9m.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import perf_counter

from zanni import Actor, ActorRef, ActorSystem

from .peers import peers
from .workload import Also, Benchmark, Figures, Side, Target, check, percentiles, rate

MIB = 1024 * 1024
WINDOWS = {16: 10_000, 1024: 10_000, MIB: 32}
SIZES = {16: "16 bytes", 1024: "1 KiB", MIB: "1 MiB"}
KINDS = 16
"""How many different payloads there are: of the largest, so many fit into memory."""
TALLY = "tally"


def payloads(size: int) -> list[bytes]:
    return [bytes([first]) * size for first in range(KINDS)]


class Tally:
    """What has arrived, in any framework."""

    def __init__(self):
        self.count = self.length = self.first_bytes = 0

    def add(self, payload):
        self.count += 1
        self.length += len(payload)
        self.first_bytes += payload[0]

    def so_far(self):
        return [self.count, self.length, self.first_bytes]


def expected(size: int, n: int) -> list[int]:
    rounds, rest = divmod(n, KINDS)
    return [n, size * n, rounds * (KINDS * (KINDS - 1) // 2) + rest * (rest - 1) // 2]


# Zanni: an actor sends to an actor in another process.


class Receiver(Actor):
    def __init__(self):
        super().__init__()
        self.tally = Tally()

    def on_receive(self, message):
        if message == TALLY:
            return self.tally.so_far()
        self.tally.add(message)
        return len(message)


class Sender(Actor):
    def __init__(self, receiver):
        super().__init__()
        self.receiver = receiver

    def tell(self, size, n):
        receiver, messages, half = self.receiver, payloads(size), WINDOWS[size] // 2
        earlier = receiver.ask(TALLY, block=False)
        for i in range(n):
            receiver.tell(messages[i % KINDS])
            if i % half == 0:
                earlier.get()
                earlier = receiver.ask(TALLY, block=False)
        return receiver.ask(TALLY)

    def ask(self, size, n):
        messages = payloads(size)
        moments = [perf_counter()]
        for i in range(n):
            self.receiver.ask(messages[i % KINDS])
            moments.append(perf_counter())
        return moments, self.receiver.ask(TALLY)


Pair = Callable[[], AbstractContextManager[ActorRef[Sender]]]
"""Starts a sender and, in another process, its receiver."""


@contextmanager
def two_cores() -> Iterator[ActorRef[Sender]]:
    with ActorSystem("benchmark", cores=2) as system:
        yield system.spawn(Sender, system.spawn(Receiver, core=1), core=0)


def tell(pair: Pair, size: int, n: int) -> Figures:
    with pair() as sender:
        started = perf_counter()
        check("what arrived", sender.call(Sender.tell, size, n).get(), expected(size, n))
        return rate(n, perf_counter() - started)


def ask(pair: Pair, size: int, n: int) -> Figures:
    with pair() as sender:
        started = perf_counter()
        moments, arrived = sender.call(Sender.ask, size, n).get()
        check("what arrived", arrived, expected(size, n))
        return rate(n, perf_counter() - started, **percentiles(moments))


def tells(
    name: str, size: int, targets: Sequence[Target] = (), *, zanni: int, **often: int
) -> Benchmark:
    """Tells of one size, with how often each side does it."""
    return Benchmark(
        name=name,
        title=f"tell to another process, {SIZES[size]}",
        unit="tells/s",
        sides=[
            Side("zanni", partial(tell, two_cores, size), zanni, ours=True),
            *peers("tell_process", partial(expected, size), size, WINDOWS[size], **often),
        ],
        targets=targets,
        also=megabytes(size),
    )


def asks(
    name: str, size: int, targets: Sequence[Target] = (), *, zanni: int, **often: int
) -> Benchmark:
    """Asks of one size, likewise."""
    return Benchmark(
        name=name,
        title=f"ask of another process, {SIZES[size]}",
        unit="asks/s",
        sides=[
            Side("zanni", partial(ask, two_cores, size), zanni, ours=True),
            *peers("ask_process", partial(expected, size), size, **often),
        ],
        targets=targets,
        also=megabytes(size),
    )


def megabytes(size: int) -> Also | None:
    """What large messages come to."""
    return Also("MB/s", lambda figures: figures["value"] * size / 1e6) if size >= MIB else None


BENCHMARKS = [
    tells(
        "M9a",
        16,
        [
            Target("1 x raw pyzmq", lambda of: of["zanni"] / of["raw pyzmq"]),
            Target("4 x Erlang", lambda of: of["zanni"] / of["erlang"] / 4),
        ],
        zanni=300_000,
        raw_pyzmq=300_000,
        socket_pickle=300_000,
        erlang=200_000,
        xoscar=3_000,
        thespian=500,
        ray=2_000,
    ),
    asks(
        "M9b",
        16,
        [Target("Erlang's / 1.5", lambda of: 1.5 * of["zanni"] / of["erlang"])],
        zanni=5_000,
        raw_pyzmq=5_000,
        socket_pickle=5_000,
        erlang=5_000,
        xoscar=1_000,
        thespian=500,
        ray=500,
    ),
    tells(
        "M9c",
        1024,
        [Target("1 x raw pyzmq", lambda of: of["zanni"] / of["raw pyzmq"])],
        zanni=200_000,
        raw_pyzmq=200_000,
        socket_pickle=200_000,
        erlang=200_000,
        xoscar=3_000,
        thespian=500,
        ray=2_000,
    ),
    asks(
        "M9d",
        1024,
        zanni=5_000,
        raw_pyzmq=5_000,
        socket_pickle=5_000,
        erlang=5_000,
        xoscar=1_000,
        thespian=500,
        ray=500,
    ),
    tells(
        "M9e",
        MIB,
        [Target("1.5 GB/s", lambda of: of["zanni"] * MIB / 1.5e9)],
        zanni=1_000,
        raw_pyzmq=1_000,
        socket_pickle=1_000,
        erlang=1_000,
        xoscar=500,
        thespian=50,
        ray=200,
    ),
    asks(
        "M9f",
        MIB,
        zanni=500,
        raw_pyzmq=500,
        socket_pickle=500,
        erlang=500,
        xoscar=200,
        thespian=50,
        ray=200,
    ),
]
