"""Ray: this process calls an actor, which has a process of its own."""

import logging
import os
import tempfile
from time import perf_counter
from typing import Any

from ..m09_processes import KINDS, Tally, payloads
from ..workload import percentiles
from . import Found

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before it is imported: it would call home

import ray

STORE = 512 * 1024 * 1024
"""Bytes of shared memory for what is large; Ray takes a third of the machine's else."""


def run(work: str, n: int, *arguments: Any) -> Found:
    # Below /tmp, as the paths of sockets are short; Ray itself would leave its logs there for ever.
    folder = tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True)
    ray.init(
        _temp_dir=folder.name,
        num_cpus=2,
        object_store_memory=STORE,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        receiver = ray.remote(Receiver).remote()
        ray.get(receiver.so_far.remote())  # until it is there
        return WORKS[work](receiver, n, *arguments)
    finally:
        ray.shutdown()
        folder.cleanup()


class Receiver(Tally):
    def ask(self, payload):
        self.add(payload)
        return len(payload)


def tell_process(receiver, n, size, window):
    messages, half = payloads(size), window // 2
    started = perf_counter()
    earlier = receiver.so_far.remote()
    for i in range(n):
        receiver.add.remote(messages[i % KINDS])
        if i % half == 0:
            ray.get(earlier)
            earlier = receiver.so_far.remote()
    answer = ray.get(receiver.so_far.remote())
    return {"answer": answer, "seconds": perf_counter() - started}


def ask_process(receiver, n, size):
    messages = payloads(size)
    moments = [perf_counter()]
    for i in range(n):
        ray.get(receiver.ask.remote(messages[i % KINDS]))
        moments.append(perf_counter())
    answer = ray.get(receiver.so_far.remote())
    seconds = perf_counter() - moments[0]
    return {"answer": answer, "seconds": seconds, **percentiles(moments)}


WORKS = {"tell_process": tell_process, "ask_process": ask_process}
