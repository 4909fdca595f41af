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
    data = envelope.envelope if type(envelope) is Parcel else bytes(envelope[:10])
    first = data[1]
    return int.from_bytes(data[2 : 2 + _WIDTHS[first]], "big") if first in _WIDTHS else first


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
