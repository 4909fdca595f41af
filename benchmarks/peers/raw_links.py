"""No actors: this process sends to a child, on a socket of some kind.

The child takes a tell as it is, an ask in a list, whose length it answers, and sends numbers back;
None ends it. What is below a framework is measured so, one message at a time.
"""

import multiprocessing
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from typing import Any, Protocol

from ..m09_load import AHEAD, TICK, Schedule
from ..m09_pace import Answers
from ..m09_processes import KINDS, TALLY, WINDOWS, Tally, payloads
from ..machine import tcp_bytes_sent
from ..workload import check, percentiles
from . import Found


class Link(Protocol):
    """One end of a socket."""

    def send(self, message: Any) -> None: ...

    def receive(self) -> Any: ...

    def ready(self, milliseconds: int) -> bool:
        """Whether there is something to be received, or will be within that time."""
        ...


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
        if isinstance(message, bytes):
            told.add(message)
        elif isinstance(message, list):
            asked.add(message[0])
            link.send(len(message[0]))
        elif message == TALLY:
            link.send([told.so_far(), asked.so_far()])
        else:
            link.send(message)


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


def ask_in_flow(link, n, size, rate):
    messages, flow = payloads(size), Schedule(rate)
    next_tick = 0.0

    def tick():
        nonlocal next_tick
        if perf_counter() >= next_tick:
            next_tick = perf_counter() + TICK
            for i in flow.due():
                link.send(messages[i % KINDS])

    while perf_counter() < flow.began + AHEAD:
        tick()
        time.sleep(TICK)
    moments = [perf_counter()]
    for i in range(n):
        tick()
        link.send([messages[i % KINDS]])
        while not link.ready(milliseconds=1):
            tick()
        link.receive()
        moments.append(perf_counter())
    told, answer = tally(link)
    now = perf_counter()
    found = {"flow": [flow.sent, *told], "flow_seconds": now - flow.began}
    return {"answer": answer, "seconds": now - moments[0], **found, **percentiles(moments)}


def open_loop(link, n, rate):
    number, answers = 0, Answers(n, rate)
    while not answers.are_all_there():
        if number < n and perf_counter() >= answers.due(number):
            link.send(number)
            number += 1
        elif link.ready(milliseconds=0):
            answers.take(link.receive())
    return answers.found()


def bytes_sent(link, n, size):
    before = tcp_bytes_sent()
    found = tell_process(link, n, size, WINDOWS[size])
    return {"bytes": tcp_bytes_sent() - before, **found}


WORKS = {
    "tell_process": tell_process,
    "ask_process": ask_process,
    "ask_in_flow": ask_in_flow,
    "open_loop": open_loop,
    "bytes_sent": bytes_sent,
}
