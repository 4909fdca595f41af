"""Erlang: `bench.erl`, compiled by the `erlc` on the PATH."""

import secrets
import socket
from pathlib import Path

from . import Found
from .programs import built, found_by

SOURCE = Path(__file__).with_name("bench.erl")


def run(work: str, n: int, *arguments: int) -> Found:
    if work not in ("tell_process", "ask_process"):
        return found_by(command(work, n, *arguments))
    port = free_port()
    return found_by(command(work, n, port, flags=distribution_at(port)))


def command(work: str, *numbers: int, flags: tuple[str, ...] = ()) -> list[str]:
    folder = built(SOURCE, lambda made: ["erlc", "-o", str(made), str(SOURCE)])
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
