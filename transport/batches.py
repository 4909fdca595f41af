"""Envelopes in batches that keep to the limits of a frame. No input or output happens here."""

from __future__ import annotations

from collections.abc import Iterator

BATCH_MESSAGES = 256
"""How many messages a frame has at most."""
BATCH_BYTES = 64 * 1024
"""At how many bytes a batch is sent without waiting for more."""
EARLY = 2
"""How many posts since a flush say that one is due: a signal may come between the first and that,
and what its handler posts has to be seen to all the same."""


def batches(envelopes: list[bytes], limit: int) -> list[bytes]:
    """Any thread. The envelopes in batches; an envelope over `limit` bytes is one by itself."""
    return [b"".join(group) for group in groups(envelopes, limit)]


def groups(envelopes: list[bytes], limit: int) -> list[list[bytes]]:
    """Any thread. The envelopes of each batch."""
    made: list[list[bytes]] = []
    for start in range(0, len(envelopes), BATCH_MESSAGES):
        some = envelopes[start : start + BATCH_MESSAGES]
        if sum(map(len, some)) > limit:
            made += _cut(some, limit)
        else:
            made.append(some)
    return made


def _cut(envelopes: list[bytes], limit: int) -> Iterator[list[bytes]]:
    start = size = 0
    for end, envelope in enumerate(envelopes):
        if end > start and size + len(envelope) > limit:
            yield envelopes[start:end]
            start, size = end, 0
        size += len(envelope)
    yield envelopes[start:]
