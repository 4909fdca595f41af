"""No actors: this process sends to a child, on a socket of some kind.

The child takes a tell as it is, an ask in a list, and answers what it is asked; None ends it. What
is below a framework is measured so, one message at a time.
"""

import multiprocessing
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from typing import Any, Protocol

from ..m09_processes import KINDS, TALLY, Tally, payloads
from ..workload import check, percentiles
from . import Found


class Link(Protocol):
    """One end of a socket."""

    def send(self, message: Any) -> None: ...

    def receive(self) -> Any: ...


Pair = Callable[[], AbstractContextManager[tuple[Link, Callable[[], Link]]]]
"""Gives a link, and what makes the other end of it in a child."""


def run(work: str, n: int, *arguments: Any, pair: Pair) -> Found:
    with child(pair) as link:
        return WORKS[work](link, n, *arguments)


@contextmanager
def child(pair):
    with pair() as (link, other_end):
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=serve, args=(other_end,), daemon=True)
        process.start()
        link.send(TALLY)
        check("at the start", link.receive(), [[0, 0, 0], [0, 0, 0]])
        yield link
        link.send(None)
        process.join(5)


def serve(other_end):
    link, told, asked = other_end(), Tally(), Tally()
    while (message := link.receive()) is not None:
        if message == TALLY:
            link.send([told.so_far(), asked.so_far()])
        elif isinstance(message, list):
            asked.add(message[0])
            link.send(len(message[0]))
        else:
            told.add(message)


def tally(link):
    """What was told, and what was asked."""
    link.send(TALLY)
    return link.receive()


def tell_process(link, n, size, window):
    messages, half = payloads(size), window // 2
    started = perf_counter()
    link.send(TALLY)
    for i in range(n):
        link.send(messages[i % KINDS])
        if i % half == 0:
            link.receive()
            link.send(TALLY)
    link.receive()
    answer, _ = tally(link)
    return {"answer": answer, "seconds": perf_counter() - started}


def ask_process(link, n, size):
    messages = payloads(size)
    moments = [perf_counter()]
    for i in range(n):
        link.send([messages[i % KINDS]])
        link.receive()
        moments.append(perf_counter())
    _, answer = tally(link)
    seconds = perf_counter() - moments[0]
    return {"answer": answer, "seconds": seconds, **percentiles(moments)}


WORKS = {"tell_process": tell_process, "ask_process": ask_process}
