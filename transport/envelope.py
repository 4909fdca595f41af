"""What an envelope holds: see codec.py for its bytes."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from ..actors.process import Headers


class EnvelopeKind(IntEnum):
    """What an envelope is for."""

    TELL = 0
    ASK = 1
    REPLY = 2
    """The message is the value; the target is the ask's id at the asker."""
    ERROR = 3
    """The message is an exception; the target is the ask's id at the asker."""
    SIGNAL = 4
    """A system message, on the control lane only."""


class Envelope(NamedTuple):
    """A message with what is needed to deliver it."""

    target: int
    sender: int | None
    kind: int
    ask: int | None
    message: object
    headers: Headers | None


class Undecodable(NamedTuple):
    """In place of a message that could not be made here, though its envelope is sound."""

    error: Exception
