"""Large buffers in pieces, and whole again. No input or output happens here.

The buffers of a message go before its envelope, on the same lane, each in chunks: frames of kind
`CHUNK`, whose batch is a head and whose one payload frame is the piece. The head, big-endian:

    bytes  field
    4      index of the buffer in its message
    1      what it arrives as: 0 bytes, 1 bytearray
    8 8    where in the buffer the piece begins, and the size of the whole buffer

The frame that comes next on the lane bears the envelope. New fields of the head go at its end.

Guarantees:
- What is announced costs nothing: memory grows with what has come, up to the limit.
- A message whose frames did not all come has no buffers: pieces of two messages never meet, since
  the frames of one bear seqs without a gap.
- Each piece is copied once, into the very object that arrives.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO

from ..actors.errors import MessageTooLarge
from .buffers import LARGE, Lent

CHUNK = 256 * 1024
"""The most bytes of a piece."""

_HEAD = struct.Struct(">IBQQ")


class BadChunk(ValueError):
    """A chunk is none, or is no part of what came before it."""


def chunks(buffers: Iterable[Lent]) -> Iterator[tuple[bytes, memoryview]]:
    """Any thread. The head and the piece of each chunk; the pieces are views, nothing is copied."""
    for index, lent in enumerate(buffers):
        view = lent.view
        size = view.nbytes
        for start in range(0, size, CHUNK):
            yield _HEAD.pack(index, lent.mutable, start, size), view[start : start + CHUNK]


class Assembly:
    """The buffers that come in from one peer, for one message at a time. Owner only.

    Args:
        limit: the most bytes that those of one message may have together.

    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.clear()

    def clear(self) -> None:
        """Forget what has come; what still comes of its message is of no use."""
        self.is_begun = False
        """Whether anything has come since the last message."""
        self._next = 0
        self._whole: list[bytes | bytearray] = []
        self._size = 0
        self._part: BytesIO | bytearray | None = None
        self._came = 0
        self._failure: Exception | None = None

    def add(self, seq: int, head: bytes | memoryview, piece: bytes | memoryview) -> None:
        """Take the chunk of a frame.

        Raises:
            BadChunk: it is none; what has come of its message is dropped.

        """
        index, mutable, start, size = _read(head, piece)
        if index == start == 0:
            self.clear()
            self.is_begun = True
        elif seq != self._next and self._failure is None:
            self._fail(_lost())
        self._next = seq + 1
        if self._failure is not None:
            return
        if start == 0 and self._part is None:
            self._begin(mutable, size)
        if self._failure is None:
            self._grow(index, start, size, piece)

    def take(self, seq: int) -> Sequence[object] | Exception:
        """The buffers of the message whose envelope has this seq, or why there are none."""
        whole, failure = self._whole, self._failure
        complete = self._part is None and seq == self._next
        self.clear()
        return failure or (whole if complete else _lost())

    def _begin(self, mutable: int, size: int) -> None:
        total = size + sum(map(len, self._whole))
        if total > self._limit:
            self._fail(MessageTooLarge(total, self._limit))
            return
        self._size, self._came = size, 0
        # What BytesIO has filled is the very object that it hands out.
        self._part = bytearray() if mutable else BytesIO()

    def _grow(self, index: int, start: int, size: int, piece: bytes | memoryview) -> None:
        part = self._part
        if part is None or (index, start, size) != (len(self._whole), self._came, self._size):
            error = BadChunk("a chunk that is no part of what came before it")
            self._fail(error)
            raise error
        if isinstance(part, bytearray):
            part += piece
        else:
            part.write(piece)
        self._came += len(piece)
        if self._came == size:
            self._whole.append(part if isinstance(part, bytearray) else part.getvalue())
            self._part = None

    def _fail(self, error: Exception) -> None:
        self._whole, self._part = [], None
        self._failure = error


def _read(head: bytes | memoryview, piece: bytes | memoryview) -> tuple[int, int, int, int]:
    if len(head) < _HEAD.size:
        raise BadChunk(f"the head of a chunk is short: {len(head)} bytes instead of {_HEAD.size}")
    index, mutable, start, size = _HEAD.unpack_from(head)
    if not 0 < len(piece) <= CHUNK or size < LARGE or start + len(piece) > size or mutable > 1:
        raise BadChunk(f"{len(piece)} bytes at {start} of {size} are no chunk")
    return index, mutable, start, size


def _lost() -> LookupError:
    return LookupError("a part of this message was lost on its way")
