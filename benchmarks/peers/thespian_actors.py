"""Thespian: this process sends to an actor, which has a process of its own, over TCP."""

import logging
import socket
from time import perf_counter
from typing import Any

from thespian.actors import ActorSystem, ActorTypeDispatcher

from ..m09_processes import KINDS, TALLY, Tally, payloads
from ..workload import percentiles
from . import Found

PATIENCE = 60
"""Seconds: an answer that takes longer is None, and no answer."""


def run(work: str, n: int, *arguments: Any) -> Found:
    nobody_logs = {"version": 1, "root": {"level": logging.CRITICAL}}
    capabilities = {"Admin Port": free_port(), "Convention Address.IPv4": None}
    system = ActorSystem("multiprocTCPBase", capabilities, logDefs=nobody_logs)
    try:
        receiver = system.createActor(Receiver)
        system.ask(receiver, TALLY, PATIENCE)  # until it is there
        return WORKS[work](system, receiver, n, *arguments)
    finally:
        system.shutdown()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Receiver(ActorTypeDispatcher):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.told, self.asked = Tally(), Tally()

    def receiveMsg_bytes(self, payload, sender):  # noqa: N802  (Thespian's name for it)
        self.told.add(payload)

    def receiveMsg_list(self, message, sender):  # noqa: N802  (as above)
        self.asked.add(message[0])
        self.send(sender, len(message[0]))

    def receiveMsg_str(self, message, sender):  # noqa: N802  (as above)
        self.send(sender, (self.told.so_far(), self.asked.so_far()))


def tell_process(system, receiver, n, size, window):
    messages, half = payloads(size), window // 2
    started = perf_counter()
    for i in range(n):
        system.tell(receiver, messages[i % KINDS])
        if i % half == 0:
            system.ask(receiver, TALLY, PATIENCE)
    answer, _ = system.ask(receiver, TALLY, PATIENCE)
    return {"answer": answer, "seconds": perf_counter() - started}


def ask_process(system, receiver, n, size):
    messages = payloads(size)
    moments = [perf_counter()]
    for i in range(n):
        system.ask(receiver, [messages[i % KINDS]], PATIENCE)
        moments.append(perf_counter())
    _, answer = system.ask(receiver, TALLY, PATIENCE)
    seconds = perf_counter() - moments[0]
    return {"answer": answer, "seconds": seconds, **percentiles(moments)}


WORKS = {"tell_process": tell_process, "ask_process": ask_process}
