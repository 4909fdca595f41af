"""Why a link does not come about: what ZeroMQ tells of the attempts, in words. No input or output.

An attempt is told by events, each of two numbers, as `zmq_socket_monitor(3)` lists them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .events import KEY_REFUSED, KEYS_WANTED, NO_KEYS, NO_NODE, WRONG_KEY

_LAYOUT = struct.Struct("=HI")


class Event(NamedTuple):
    """One event of an attempt."""

    kind: int
    value: int


SUCCEEDED, FAILED_PROTOCOL, FAILED_AUTHENTICATION = 0x1000, 0x2000, 0x4000
FAILED = 0x0800
"""The other side closed the connection in the middle of the handshake."""
ALL = SUCCEEDED | FAILED_PROTOCOL | FAILED_AUTHENTICATION | FAILED
_OTHER_MECHANISM = 0x11000002
"""The value of FAILED_PROTOCOL where one side uses keys, and the other one does not."""


def event_of(frame: bytes) -> Event:
    """Any thread. The event that the first frame of the monitor's message tells."""
    return Event(*_LAYOUT.unpack_from(frame))


def reason_of(events: Iterable[Event], *, with_key: bool) -> str:
    """Any thread. Why there is no answer: one of the texts of `events.py`.

    Args:
        events: what was told of attempts to connect to something that listens.
        with_key: whether they were made with keys.

    """
    seen = set(events)
    kinds = {event.kind for event in seen}
    if SUCCEEDED in kinds:
        return NO_NODE  # it speaks ZeroMQ, with the right key, and says nothing
    if FAILED_AUTHENTICATION in kinds:
        return KEY_REFUSED
    if Event(FAILED_PROTOCOL, _OTHER_MECHANISM) in seen:
        return NO_KEYS if with_key else KEYS_WANTED
    # The other side may close before its own greeting is read, so this comes last.
    return WRONG_KEY if FAILED in kinds and with_key else NO_NODE


class Attempts:
    """A `Probe`: what was told of the attempts to connect so far. Owner only."""

    def __init__(
        self, next_event: Callable[[], bytes | None], end: Callable[[], None], *, with_key: bool
    ) -> None:
        self._next_event, self._end = next_event, end
        self._with_key = with_key
        self._events: list[Event] = []

    def reason(self) -> str:
        """Owner only. See `Probe.reason`."""
        while (frame := self._next_event()) is not None:
            self._events.append(event_of(frame))
        return reason_of(self._events, with_key=self._with_key)

    def close(self) -> None:
        """Owner only. See `Probe.close`."""
        self._end()
