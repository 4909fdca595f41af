"""What has to be lost before a core is adopted: its own past, and that of its place.

Guarantees:
- A core that has lost this one, unknown here, is lost here before it is adopted again: what the two
  have sent each other until then, and what waits to be, is over on both sides.
- Another start of a core is lost, and so is what else was of that start of its node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..actors.address import ANY_INCARNATION, CoreAddress
from .aliases import Aliases
from .handshake import Identity
from .peer import Peer


class Table(Protocol):
    """The members, as far as this goes."""

    @property
    def aliases(self) -> Aliases:
        """What cores are called here."""
        ...

    @property
    def peers(self) -> Mapping[CoreAddress, Peer]:
        """All that are not down."""
        ...

    @property
    def current(self) -> Mapping[tuple[str, int], Peer]:
        """The adopted one of each core."""
        ...

    def lose(self, home: CoreAddress, reason: str) -> None:
        """Owner only. Declare it down."""
        ...


def lose_who_lost_us(table: Table, stalled: float, moment: float) -> None:
    """Owner only. This core stood still for so long that all others have declared it down."""
    for peer in [*table.current.values()]:
        if not peer.own and peer.born <= moment - stalled:  # not one that came back since
            table.lose(peer.home, f"this core stood still for {stalled:.1f} seconds")


def make_way(table: Table, identity: Identity) -> None:
    """Owner only. This core is about to be adopted: lose what may not be there beside it."""
    _end_own_past(table, identity)
    _end_other_starts(table, identity)


def _end_own_past(table: Table, identity: Identity) -> None:
    aliases, itself = table.aliases, identity.home
    aliases.agree(itself, identity.separations)  # first: any thread may make a peer of it meanwhile
    earlier = table.peers.get(aliases.home(itself))
    if earlier is not None and earlier.separations < aliases.separations(itself):
        table.lose(earlier.home, "it has declared this core down")


def _end_other_starts(table: Table, identity: Identity) -> None:
    itself = identity.home
    earlier = table.current.get(itself[:2])
    for other in [*table.peers.values()]:
        is_start = other.home[:2] == itself[:2] and other.home.incarnation != ANY_INCARNATION
        if is_start and other.itself != itself:
            table.lose(other.home, "another incarnation of it is up")
    if earlier is None or earlier.own or earlier.itself == itself or itself.core != 0:
        return
    # A node that was started again: all its earlier cores are gone with it.
    living = {CoreAddress(itself.node, each.core, each.incarnation) for each in identity.cores}
    for other in [*table.peers.values()]:
        home = other.home
        known = other.itself in living or home.core == 0 or home.incarnation == ANY_INCARNATION
        if home.node == itself.node and not known:
            table.lose(home, "its node was started again")
