"""Envelopes as the frames of one sequence. No input or output happens here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, cast

from .batches import BATCH_BYTES, groups
from .buffers import Parcel
from .chunks import chunks
from .endpoint import Frames
from .frame import Kind, Lane, Route


class Frame(NamedTuple):
    """What is to be sent, and what it spends of the credit."""

    seq: int
    parts: Frames
    end: bytes | Parcel | None = None
    """What it ends: a batch or a parcel; None for a chunk."""
    messages: int = 0
    size: int = 0


class Framer:
    """Numbers the frames of one sequence of the data lane. Owner only.

    Args:
        route: what all headers have in common.
        kind: that of the frames with envelopes.
        chunk: that of the frames with parts of large buffers.
        is_free: whether they spend no credit.

    """

    def __init__(self, route: Route, kind: Kind, chunk: Kind, *, is_free: bool) -> None:
        self._route, self._kind, self._chunk, self._is_free = route, kind, chunk, is_free
        self.seq = 0
        """That of the last one."""

    def frames(self, envelopes: list[bytes | Parcel], after: int) -> Iterator[Frame]:
        """The frames of these envelopes; `after` is how far the control lane has got."""
        for group in groups(envelopes, BATCH_BYTES):
            end = group[0]
            if type(end) is Parcel:
                for head, piece in chunks(end.buffers):
                    header = self._header(self._chunk, len(head), after)
                    yield Frame(self.seq, (header, head, piece))
                body = end.envelope
            else:
                end = body = b"".join(cast(list[bytes], group))
            spent = (0, 0) if self._is_free else (len(group), len(end))
            header = self._header(self._kind, len(body), after, spent)
            yield Frame(self.seq, (header, body), end, *spent)

    def _header(
        self, kind: Kind, length: int, after: int, spent: tuple[int, int] = (0, 0)
    ) -> bytes:
        self.seq += 1
        return self._route.header(kind, Lane.DATA, length, self.seq, after, spent)
