"""Buffers on their way to another core: small ones in their envelope, large ones beside it.

msgpack would copy a large buffer, twice, and a frame could not hold it. So an envelope names its
large buffers by their index, and they follow it to the link as they are: see chunks.py.

Guarantees:
- Nothing of a large buffer is copied here. What is lent is read until it is sent: see
  docs/semantics.md for what that means to who changes it after a tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

LARGE = 64 * 1024
"""Bytes from which on a buffer travels beside its envelope."""

BUFFERS = frozenset({bytes, bytearray, memoryview})


class Buffer:
    """Stands for a small bytearray, which msgpack would pack as bytes without asking."""

    __slots__ = ("content",)

    def __init__(self, content: bytearray) -> None:
        self.content = content


class Lent:
    """Stands for a large buffer.

    Args:
        content: the buffer, contiguous.
        mutable: whether it arrives as a bytearray; else as bytes.

    """

    __slots__ = ("mutable", "view")

    def __init__(self, content: bytes | bytearray | memoryview, *, mutable: bool) -> None:
        self.view = memoryview(content).cast("B")
        self.mutable = mutable


@final
class Parcel:
    """An envelope with the large buffers that it names. Its length is that of all of it."""

    __slots__ = ("_size", "buffers", "envelope")

    def __init__(self, envelope: bytes, buffers: Sequence[Lent]) -> None:
        self.envelope, self.buffers = envelope, buffers
        self._size = len(envelope) + sum(lent.view.nbytes for lent in buffers)

    def __len__(self) -> int:
        """Any thread. How many bytes it takes on the link, but for headers."""
        return self._size


def is_apart(value: object) -> bool:
    """Any thread. Whether a buffer needs something to stand for it: see `stand_for`."""
    if type(value) is bytes:
        return len(value) >= LARGE
    return type(value) is not memoryview or value.nbytes >= LARGE or not value.c_contiguous


def stand_for(value: bytes | bytearray | memoryview) -> object:
    """Any thread. What msgpack is given instead of a buffer."""
    if type(value) is memoryview and not value.c_contiguous:
        value = value.tobytes()
    size = value.nbytes if type(value) is memoryview else len(value)
    if size >= LARGE:
        return Lent(value, mutable=type(value) is bytearray)
    return Buffer(value) if type(value) is bytearray else value
