"""Where an actor is: node, core, the core's incarnation, and the actor's own id."""

from __future__ import annotations

from typing import NamedTuple

KERNEL_ID = 0
"""The id of a core's own process, which answers spawn, name and introspection requests."""
ANY_INCARNATION = 0
"""In the place of an incarnation: whichever lives there now."""


class CoreAddress(NamedTuple):
    """One start of one core. `incarnation` is 64 random bits, drawn at each start."""

    node: str
    core: int
    incarnation: int

    def __str__(self) -> str:
        return f"{self.node}/{self.core}"


class Address(NamedTuple):
    """One actor's life. Ids are never reused within an incarnation, so an address never is."""

    node: str
    core: int
    incarnation: int
    id: int

    @property
    def home(self) -> CoreAddress:
        """The core that this actor lives on."""
        return CoreAddress(self.node, self.core, self.incarnation)

    def __str__(self) -> str:
        return f"{self.node}/{self.core}/{self.id}"


def urn(address: Address) -> str:
    """An address as a URN of a UUID of version 4 (RFC 9562): incarnation, then id."""
    high = address.incarnation & ~0xF000 | 0x4000
    low = address.id & (1 << 62) - 1 | 1 << 63
    digits = f"{high:016x}{low:016x}"
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "urn:uuid:" + "-".join(parts)
