"""Why a link does not come about: what ZeroMQ tells of the attempts, in words. No input or output.

An attempt is told by events, each of two numbers, as `zmq_socket_monitor(3)` lists them. Whether
what listens wants keys is in its greeting (ZMTP 3, RFC 23); it closes the connection as soon as it
has read of ours that we differ, so the greeting is had with a part of one that does not say.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..actors.future import Future
from .events import KEY_REFUSED, KEYS_WANTED, NO_KEYS, NO_NODE, NOTHING_LISTENS, WRONG_KEY

GREETING = b"\xff" + bytes(7) + b"\x01\x7f\x03"
"""The signature and the major version: the other side answers with its whole greeting."""
GREETING_SIZE = 64
_MECHANISM = slice(12, 32)
_LAYOUT = struct.Struct("=HI")


class Event(NamedTuple):
    """One event of an attempt."""

    kind: int
    value: int


SUCCEEDED, FAILED_PROTOCOL, FAILED_AUTHENTICATION = 0x1000, 0x2000, 0x4000
FAILED = 0x0800
"""The other side closed the connection in the middle of the handshake."""
ALL = SUCCEEDED | FAILED_PROTOCOL | FAILED_AUTHENTICATION | FAILED


def event_of(frame: bytes) -> Event:
    """Any thread. The event that the first frame of the monitor's message tells."""
    return Event(*_LAYOUT.unpack_from(frame))


def wants_keys(greeting: bytes) -> bool | None:
    """Any thread. Whether what greets so wants keys; None where it does not speak ZeroMQ."""
    if len(greeting) < GREETING_SIZE or (greeting[0], greeting[9]) != (0xFF, 0x7F):
        return None
    return greeting[_MECHANISM].rstrip(b"\0") == b"CURVE"


def reason_of(events: Iterable[Event], wanted: bool | None, *, with_key: bool) -> str:
    """Any thread. Why there is no answer: one of the texts of `events.py`.

    Args:
        events: what was told of attempts to connect to something that listens.
        wanted: whether that wants keys, as far as is known.
        with_key: whether the attempts were made with keys.

    """
    if wanted is not None and wanted is not with_key:
        return KEYS_WANTED if wanted else NO_KEYS
    kinds = {event.kind for event in events}
    if SUCCEEDED in kinds:
        return NO_NODE  # it speaks ZeroMQ, with the right key, and says nothing
    if FAILED_AUTHENTICATION in kinds:
        return KEY_REFUSED
    return WRONG_KEY if FAILED in kinds and wanted else NO_NODE


class Attempts:
    """A `Probe`: what was told of the attempts to connect so far. Owner only.

    `greeting` is that of the other side: see `greeting_of`.
    """

    def __init__(
        self,
        next_event: Callable[[], bytes | None],
        end: Callable[[], None],
        greeting: Future[bytes | None],
        *,
        with_key: bool,
    ) -> None:
        self._next_event, self._end = next_event, end
        self._greeting, self._with_key = greeting, with_key
        self._events: list[Event] = []

    def reason(self) -> str | None:
        """Owner only. See `Probe.reason`."""
        while (frame := self._next_event()) is not None:
            self._events.append(event_of(frame))
        if not self._greeting.done():
            return None
        greeting = self._greeting.get()
        if greeting is None:
            return NOTHING_LISTENS
        return reason_of(self._events, wants_keys(greeting), with_key=self._with_key)

    def close(self) -> None:
        """Owner only. See `Probe.close`."""
        self._end()
