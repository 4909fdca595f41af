"""Keys: which partition of a `PartitionSupervisor` a message is for."""

from __future__ import annotations

import struct
from typing import Any, TypeAlias
from zlib import crc32

from ..actors.messages import message
from ..actors.oversight import Carrier
from ..actors.ref import ActorRef

Key: TypeAlias = "str | bytes | int | float | ActorRef[Any] | tuple[Key, ...]"
"""What may be a key: text, bytes, a number, a ref, or a tuple of these."""


@message
class Keyed(Carrier):
    """To a `PartitionSupervisor`: `message` is for the child that `key` belongs to.

    An ask is answered by that child.

    Raises:
        TypeError: of this type there are no keys; see `Key`.

    """

    key: Key
    message: Any

    def __post_init__(self) -> None:
        digest(self.key)


def partition_of(key: Key, count: int) -> int:
    """Which of `count` partitions the key belongs to: the same one everywhere and always.

    Equal keys go together; whole numbers go to the partitions by turns. Python's own `hash` would
    not do: that of text is another in every process.

    Raises:
        TypeError: of this type there are no keys; see `Key`.

    """
    return digest(key) % count


def digest(key: Key) -> int:
    """A number for a key: a whole number is its own. Raises as `partition_of`."""
    match key:
        case int():
            return int(key)
        case float():
            return int(key) if key.is_integer() else crc32(struct.pack(">d", key))
        case str():
            return crc32(key.encode("utf-8", "surrogatepass"))
        case bytes():
            return crc32(key)
        case tuple():  # an address is one
            return crc32(repr([digest(part) for part in key]).encode())
        case ActorRef():
            return digest(key.address)
        case _:
            raise TypeError(
                "a key is text, bytes, a number, a ref, or a tuple of these, "
                f"not {type(key).__name__}: {key!r:.80}"
            )
