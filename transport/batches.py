"""Envelopes in batches that keep to the limits of a frame. No input or output happens here.

A parcel, which is larger than a batch may become, is in a group of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from .buffers import LARGE, Parcel

BATCH_MESSAGES = 256
"""How many messages a frame has at most."""
BATCH_BYTES = LARGE
"""At how many bytes a batch is sent without waiting for more."""
EARLY = 2
"""How many posts since a flush say that one is due: a signal may come between the first and that,
and what its handler posts has to be seen to all the same."""


Envelope = TypeVar("Envelope", bound=bytes | Parcel)
_WIDTHS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}
"""Of the numbers of msgpack that do not stand in their first byte."""


def target_of(envelope: bytes | Parcel) -> int:
    """Any thread. The id of the actor that an envelope is for: its first item, see codec.py."""
    return _number_at(_head_of(envelope), 1)[0]


def sender_of(envelope: bytes | Parcel) -> int:
    """Any thread. The id of the actor that an envelope is from, its second item; -1: from none."""
    return ends_of(envelope)[1]


def ends_of(envelope: bytes | Parcel) -> tuple[int, int]:
    """Any thread. Both: whom an envelope is for, and from whom it is."""
    head = _head_of(envelope)
    target, following = _number_at(head, 1)
    return target, _number_at(head, following)[0]


def _head_of(envelope: bytes | Parcel) -> bytes:
    return bytes(envelope.envelope[:20] if type(envelope) is Parcel else envelope[:20])


def _number_at(data: bytes, place: int) -> tuple[int, int]:
    """The number that stands there (-1: none does), and where the next item does."""
    first = data[place]
    end = place + 1 + _WIDTHS.get(first, 0)
    if first in _WIDTHS:
        return int.from_bytes(data[place + 1 : end], "big"), end
    return first if first < 0x80 else -1, end


def groups(envelopes: list[Envelope], limit: int) -> list[list[Envelope]]:
    """Any thread. The envelopes of each batch; one over `limit` bytes is alone."""
    made: list[list[Envelope]] = []
    for start in range(0, len(envelopes), BATCH_MESSAGES):
        some = envelopes[start : start + BATCH_MESSAGES]
        if sum(map(len, some)) > limit:
            made += _cut(some, limit)
        else:
            made.append(some)
    return made


def _cut(envelopes: list[Envelope], limit: int) -> Iterator[list[Envelope]]:
    start = size = 0
    for end, envelope in enumerate(envelopes):
        if end > start and size + len(envelope) > limit:
            yield envelopes[start:end]
            start, size = end, 0
        size += len(envelope)
    yield envelopes[start:]
