"""M9j to M9m: two nodes in two processes, over TCP on the loopback interface, and what keys cost.

The work is that of M9a, M9b and M9e; with keys the links are encrypted (CURVE). M9m is how many
bytes a tell of 16 bytes comes to on its way, when so many follow each other that they travel in
batches. It asks the kernel what the sockets of this process have sent, so that everything is in
it: framing, heartbeats, acknowledgements, what encryption adds.
"""

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from zanni import ActorRef, ActorSystem
from zanni.transport.keyring import Entry, Role, allow, read_pair, write_pair
from zanni.transport.zeromq import new_pair

from .m09_processes import MIB, Pair, Receiver, Sender, ask, expected, megabytes, tell
from .machine import tcp_bytes_sent
from .peers import peers
from .workload import Benchmark, Figures, Side, Target, check

NODES = ("sender", "receiver")


@contextmanager
def two_nodes(keys: dict[str, Path] | None = None) -> Iterator[ActorRef[Sender]]:
    """A sender on a node here; its receiver on another one, in a child."""
    own, others = (keys[name] if keys else None for name in NODES)
    context = multiprocessing.get_context("spawn")
    with ActorSystem("sender", listen="tcp://127.0.0.1:0", keys=own) as system:
        here, there = context.Pipe()
        url = system.nodes()[0]["urls"][0]
        child = context.Process(target=receive, args=(url, others, there), daemon=True)
        child.start()
        there.close()
        with here:
            here.recv()
            yield system.spawn(Sender, system.whereis("receiver@receiver"))
        child.join(10)


def receive(url, keys, parent):
    with ActorSystem("receiver", join=url, keys=keys) as system:
        system.spawn(Receiver, name="receiver")
        while [each["state"] for each in system.nodes()] != ["up", "up"]:
            time.sleep(0.01)
        parent.send("ready")
        parent.poll(None)  # until it closes its end


@contextmanager
def two_nodes_with_keys() -> Iterator[ActorRef[Sender]]:
    """The same, each with a key pair of its own that the other one allows."""
    with tempfile.TemporaryDirectory() as folder:
        keys = {name: Path(folder) / name for name in NODES}
        for directory in keys.values():
            write_pair(directory, new_pair())
        for name, other in (NODES, NODES[::-1]):
            allow(keys[name], Entry(other, Role.NODE, read_pair(keys[other]).public))
        with two_nodes(keys) as sender:
            yield sender


def bytes_a_tell(pair: Pair, size: int, n: int) -> Figures:
    with pair() as sender:
        before, started = tcp_bytes_sent(), perf_counter()
        check("what arrived", sender.call(Sender.tell, size, n).get(), expected(size, n))
        seconds = perf_counter() - started
        return {"value": (tcp_bytes_sent() - before) / n, "seconds": seconds}


def lacks_linux() -> str | None:
    return None if sys.platform == "linux" else "only Linux tells what a socket has sent"


def with_and_without_keys(
    work: Callable[[Pair, int, int], Figures], size: int, n: int, **more: Any
) -> list[Side]:
    pairs = {"zanni": two_nodes, "with keys": two_nodes_with_keys}
    return [
        Side(name, partial(work, pair, size), n, ours=True, **more) for name, pair in pairs.items()
    ]


KEPT = Target("with keys as fast", lambda of: of["with keys"] / of["zanni"])

BENCHMARKS = [
    Benchmark(
        name="M9j",
        title="tell to another node, 16 bytes",
        unit="tells/s",
        sides=with_and_without_keys(tell, 16, 300_000),
        targets=[KEPT],
    ),
    Benchmark(
        name="M9k",
        title="ask of another node, 16 bytes",
        unit="asks/s",
        sides=with_and_without_keys(ask, 16, 5_000),
        targets=[KEPT],
    ),
    Benchmark(
        name="M9l",
        title="tell to another node, 1 MiB",
        unit="tells/s",
        sides=with_and_without_keys(tell, MIB, 500),
        targets=[KEPT],
        also=megabytes(MIB),
    ),
    Benchmark(
        name="M9m",
        title="bytes on the wire for a tell of 16 bytes to another node",
        unit="bytes",
        sides=[
            *with_and_without_keys(bytes_a_tell, 16, 100_000, lacks=lacks_linux),
            *peers(
                "bytes_sent",
                partial(expected, 16),
                16,
                value=lambda n, found: found["bytes"] / n,
                raw_pyzmq=100_000,
                erlang=100_000,
            ),
        ],
        more_is_better=False,
    ),
]
