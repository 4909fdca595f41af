"""Erlang: `bench.erl` and, for two nodes, `nodes.erl`, compiled by the `erlc` on the PATH."""

import secrets
import socket
from pathlib import Path

from . import Found
from .programs import built, found_by

SOURCES = [Path(__file__).with_name(name) for name in ("bench.erl", "nodes.erl")]
BETWEEN_NODES = ("tell_process", "ask_process", "ask_in_flow", "open_loop", "bytes_sent")


def run(work: str, n: int, *arguments: int) -> Found:
    if work not in BETWEEN_NODES:
        return found_by(command(work, n, *arguments))
    port = free_port()
    return found_by(command(work, n, *arguments, port, flags=distribution_at(port)))


def command(work: str, *numbers: int, flags: tuple[str, ...] = ()) -> list[str]:
    folder = built(lambda made: ["erlc", "-o", str(made), *map(str, SOURCES)], *SOURCES)
    erl = ["erl", "-noshell", "-noinput", *flags, "-pa", str(folder)]
    return [*erl, "-run", "bench", "main", work, *(str(number) for number in numbers)]


def distribution_at(port: int) -> tuple[str, ...]:
    """A node that listens on the loopback interface, and no daemon that outlives it."""
    loopback = ("-kernel", "inet_dist_use_interface", "{127,0,0,1}")
    without_epmd = ("-start_epmd", "false", "-erl_epmd_port", str(port))
    cookie = ("-setcookie", secrets.token_hex(16))
    return ("-name", "driver@127.0.0.1", *cookie, *without_epmd, *loopback)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
