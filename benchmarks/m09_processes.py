"""M9: messages of 16 bytes between two processes.

M9a: tells, with no more than 10 000 of them on the way: after each half of that, the sender waits
until the half before has arrived. M9b: asks, one outstanding at a time. Message i is 16 times the
byte i mod 256. Checked: how many arrived, the sum of their lengths and of their first bytes.

Raw pyzmq is what lies below: ipc://, each message one frame of msgpack.
"""

import multiprocessing
import tempfile
from time import perf_counter

import msgpack
import zmq

from zanni import Actor, ActorSystem

from .peers import peers
from .workload import Benchmark, Figures, Side, Target, check, percentiles, rate

WINDOW = 10_000
PAYLOADS = [bytes([i % 256]) * 16 for i in range(256)]
TALLY = "tally"


class Tally:
    """What has arrived, in either framework."""

    def __init__(self):
        self.count = self.length = self.first_bytes = 0

    def add(self, payload):
        self.count += 1
        self.length += len(payload)
        self.first_bytes += payload[0]

    def so_far(self):
        return [self.count, self.length, self.first_bytes]


def expected(n: int) -> list[int]:
    rounds, rest = divmod(n, 256)
    return [n, 16 * n, rounds * (255 * 256 // 2) + rest * (rest - 1) // 2]


# Zanni: an actor on core 0 sends to an actor on core 1.


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

    def tell(self, n):
        receiver = self.receiver
        earlier = receiver.ask(TALLY, block=False)
        for i in range(n):
            receiver.tell(PAYLOADS[i % 256])
            if i % (WINDOW // 2) == 0:
                earlier.get()
                earlier = receiver.ask(TALLY, block=False)
        return receiver.ask(TALLY)

    def ask(self, n):
        moments = [perf_counter()]
        for i in range(n):
            self.receiver.ask(PAYLOADS[i % 256])
            moments.append(perf_counter())
        return moments, self.receiver.ask(TALLY)


def zanni_tell(n: int) -> Figures:
    with ActorSystem("benchmark", cores=2) as system:
        sender = system.spawn(Sender, system.spawn(Receiver, core=1), core=0)
        started = perf_counter()
        check("what arrived", list(sender.call(Sender.tell, n).get()), expected(n))
        return rate(n, perf_counter() - started)


def zanni_ask(n: int) -> Figures:
    with ActorSystem("benchmark", cores=2) as system:
        sender = system.spawn(Sender, system.spawn(Receiver, core=1), core=0)
        started = perf_counter()
        moments, arrived = sender.call(Sender.ask, n).get()
        check("what arrived", list(arrived), expected(n))
        return rate(n, perf_counter() - started, **percentiles(moments))


# Raw pyzmq: this process sends to a child.


class Link:
    """One socket: a frame of msgpack for each message."""

    def __init__(self, url, *, bind):
        self.socket = zmq.Context.instance().socket(zmq.PAIR)
        self.socket.set_hwm(0)
        (self.socket.bind if bind else self.socket.connect)(url)
        self.pack, self.unpack = msgpack.Packer().pack, msgpack.unpackb

    def send(self, message):
        self.socket.send(self.pack(message))

    def receive(self):
        return self.unpack(self.socket.recv())


def receive(url, answer_all):
    link, tally = Link(url, bind=False), Tally()
    while (message := link.receive()) is not None:
        if message == TALLY:
            link.send(tally.so_far())
        else:
            tally.add(message)
            if answer_all:
                link.send(len(message))


class Peer:
    """The link to a child that receives, while entered."""

    def __init__(self, *, answer_all):
        self.answer_all = answer_all

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        url = f"ipc://{self.folder.name}/link"
        self.link = Link(url, bind=True)
        context = multiprocessing.get_context("spawn")
        self.child = context.Process(target=receive, args=(url, self.answer_all), daemon=True)
        self.child.start()
        self.link.send(TALLY)
        check("at the start", self.link.receive(), expected(0))
        return self.link

    def __exit__(self, *exc_info):
        self.link.send(None)
        self.child.join(5)
        self.link.socket.close(linger=0)
        self.folder.cleanup()


def pyzmq_tell(n: int) -> Figures:
    with Peer(answer_all=False) as link:
        started = perf_counter()
        link.send(TALLY)
        for i in range(n):
            link.send(PAYLOADS[i % 256])
            if i % (WINDOW // 2) == 0:
                link.receive()
                link.send(TALLY)
        link.receive()
        link.send(TALLY)
        check("what arrived", link.receive(), expected(n))
        return rate(n, perf_counter() - started)


def pyzmq_ask(n: int) -> Figures:
    with Peer(answer_all=True) as link:
        moments = [perf_counter()]
        for i in range(n):
            link.send(PAYLOADS[i % 256])
            link.receive()
            moments.append(perf_counter())
        link.send(TALLY)
        check("what arrived", link.receive(), expected(n))
        return rate(n, perf_counter() - moments[0], **percentiles(moments))


BENCHMARKS = [
    Benchmark(
        name="M9a",
        title="tell to another process, 16 bytes",
        unit="tells/s",
        sides=[
            Side("zanni", zanni_tell, 300_000, ours=True),
            Side("raw pyzmq", pyzmq_tell, 300_000),
            *peers("tell_process", expected, xoscar=3_000, erlang=200_000),
        ],
        targets=[
            Target("1 x raw pyzmq", lambda of: of["zanni"] / of["raw pyzmq"]),
            Target("4 x Erlang", lambda of: of["zanni"] / of["erlang"] / 4),
        ],
    ),
    Benchmark(
        name="M9b",
        title="ask of another process, 16 bytes",
        unit="asks/s",
        sides=[
            Side("zanni", zanni_ask, 5_000, ours=True),
            Side("raw pyzmq", pyzmq_ask, 5_000),
            *peers("ask_process", expected, xoscar=1_000, erlang=5_000),
        ],
        targets=[Target("Erlang's / 1.5", lambda of: 1.5 * of["zanni"] / of["erlang"])],
    ),
]
