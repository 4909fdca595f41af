"""Short ids for types: a number in the place of a qualified name, which the receiver gives out.

    the sender                            the receiver
    ["shop:Order", "count", 3]     ->     finds the type by its name, and gives it the id 12
                                   <-     ["shop:Order", 12, fingerprint], with its next heartbeat
    [12, 3]                        ->

Guarantees:
- Whoever is sent an id knows it, since it is the one that gave it out. So nothing has to be
  acknowledged: where the heartbeat is lost the name goes on being sent, and is offered again.
- An id means one type for as long as the process lives, whatever incarnation its core is in and
  whoever it was told to. Another start of a core is another peer, to which names are sent first.
- It is used only where both sides have the same fields in the same order. So between two versions
  of a program the fields travel by their names for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

LIMIT = 65_536
"""How many types get ids at most; the others travel by name."""
NAME_LIMIT = 255
"""How many characters the name of a type that gets one has at most."""


class Offer(NamedTuple):
    """What a receiver tells of a type that came by its name."""

    name: str
    id: int
    fields: bytes
    """The fingerprint of those that the receiver knows."""


class TypeIds:
    """The ids that one core gives out, or those that a peer has told. Owner only."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def give(self, name: str) -> int | None:
        """The id of a type; None where it gets none."""
        known = self._ids.get(name)
        if known is None and len(self._ids) < LIMIT and len(name) <= NAME_LIMIT:
            known = len(self._ids)
            self.note(name, known)
        return known

    def note(self, name: str, id: int) -> None:
        """Keep what a peer has told.

        Raises:
            ValueError: the peer said something else before.

        """
        if self._ids.get(name, id) != id or self._names.get(id, name) != name:
            raise ValueError(f"the id {id} of {name!r} is another than it was")
        self._ids[name], self._names[id] = id, name

    def name(self, id: int) -> str:
        """The name of a type.

        Raises:
            LookupError: no type has this id.

        """
        try:
            return self._names[id]
        except KeyError:
            raise LookupError(f"no type was given the id {id}") from None


def offer_of(told: object) -> Offer:
    """Any thread. An offer as it came from a peer.

    Raises:
        ValueError: it is none.

    """
    match told:
        case [str(name), int(number), bytes(fields)] if 0 <= number < LIMIT:
            return Offer(name, number, fields)
        case _:
            raise ValueError("the id of a type is a name, a number and a fingerprint")


def fingerprint(fields: Sequence[str]) -> bytes:
    """Any thread. What stands for the fields of a `@message` in their order; an enum has none."""
    return blake2b("\n".join(fields).encode(), digest_size=8).digest()
