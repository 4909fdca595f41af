"""What listens at a URL says first: asked for in a thread, as a host that is away answers nothing.

Guarantees:
- Whoever asks is not held up, and knows in `2 * PATIENCE` seconds and a little.
"""

from __future__ import annotations

from ..actors.environment import first_words, start_thread
from ..actors.future import Future
from .probe import GREETING, GREETING_SIZE
from .security import socket_address

PATIENCE = 0.4
"""Seconds that a connection may take, and then each part of the answer: a node may be busy."""


def greeting_of(url: str) -> Future[bytes | None]:
    """Any thread. Settled with its greeting, as far as it came; with None where nothing listens."""
    greeting: Future[bytes | None] = Future()

    def look() -> None:
        is_path = url.startswith("ipc://")  # there are no keys within a machine, nor is it told so
        said = (b"", 0) if is_path else (GREETING, GREETING_SIZE)
        greeting.resolve(first_words(socket_address(url), *said, PATIENCE))

    try:
        start_thread(look, "zanni-look")
    except RuntimeError:  # there can be no more threads: it is as if it said nothing
        greeting.resolve(b"")
    return greeting
