"""Envelopes as the frames of one sequence. No input or output happens here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, cast

from .batches import BATCH_BYTES, groups
from .buffers import Parcel
from .chunks import chunks
from .endpoint import Frames
from .frame import Kind, Lane, Route, unpack_header

Asks = tuple[int, int]
"""Which asks a frame can have: those of this core that are in it are below the first number, those
of the peer that are answered in it below the second. 0: there are none. Numbers of asks grow."""


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
        probe: that of the frames that say how far the sequence was sent.
        is_free: whether they spend no credit.

    """

    def __init__(
        self, route: Route, kind: Kind, chunk: Kind, probe: Kind, *, is_free: bool
    ) -> None:
        self._route, self._kind, self._chunk, self._is_free = route, kind, chunk, is_free
        self._probe = probe
        self.seq = 0
        """That of the last one."""
        self._asks: Asks = (0, 0)
        """Those of all frames that are made."""

    def frames(self, envelopes: list[bytes | Parcel], after: int, asks: Asks) -> Iterator[Frame]:
        """The frames of these envelopes; `after` is how far the control lane has got."""
        asks = asks[0] or self._asks[0], asks[1] or self._asks[1]
        for group in groups(envelopes, BATCH_BYTES):
            end = group[0]
            if type(end) is Parcel:
                for head, piece in chunks(end.buffers):
                    header = self._header(self._chunk, len(head), after, asks)
                    yield Frame(self.seq, (header, head, piece))
                body = end.envelope
            else:
                end = body = b"".join(cast("list[bytes]", group))
            spent = (0, 0) if self._is_free else (len(group), len(end))
            header = self._header(self._kind, len(body), after, asks, spent)
            yield Frame(self.seq, (header, body), end, *spent)

    def _header(
        self, kind: Kind, length: int, after: int, asks: Asks, spent: tuple[int, int] = (0, 0)
    ) -> bytes:
        self.seq += 1
        (made, answered), self._asks = self._asks, asks
        made_by_now = made, asks[0]
        return self._route.header(
            kind, Lane.DATA, length, self.seq, after, spent, answered, made_by_now
        )

    def probe(self, following: Frame | None) -> Frames:
        """A frame that says that all before `following` was sent; None: all that there is."""
        seq, (made, answered) = self.seq, self._asks
        if following is not None:
            seq = following.seq - 1
            header = unpack_header(following.parts[0])
            made, answered = header.asked_before, header.ack
        asks = made, 0
        return self._route.header(self._probe, Lane.DATA, 0, seq, ack=answered, asks=asks), b""
