"""What the cores of other nodes are called here. No input or output happens here.

On the wire, in addresses as in handshakes, a core goes by the incarnation that it has drawn at its
start, to everyone and for as long as it runs. A core that was lost here while it lived comes back
under the same one. What was known of it before has to stay dead: so from then on it goes by another
incarnation here, an alias, which was drawn here and is never told to anyone.

    lost here    on the wire                here
    never        a/0, incarnation 7         a/0, incarnation 7
    once         a/0, incarnation 7         a/0, incarnation 931; 7 stays dead
    twice        a/0, incarnation 7         a/0, incarnation 248; 7 and 931 stay dead

The two cores agree on how often they have lost each other, since one may know of a loss before the
other does: the larger number holds, and a frame that was sent under a smaller one is not taken in.

Guarantees:
- A name that was lost here stands for nothing that comes later.
- Whoever names an actor to others names it as its own core does: so a ref of one that was lost
  here and is passed on by a node which did not lose it stands for the one that has come back.
"""

from __future__ import annotations

from typing import NamedTuple

from ..actors.address import Address, CoreAddress
from ..actors.environment import random_bits

LIMIT = 10_000
"""How many names that are not those of the wire are remembered; the oldest go first."""


class Known(NamedTuple):
    """What is known of a core that was lost, here or there."""

    home: CoreAddress
    """What it is called here now."""
    separations: int
    """How often it and this core have lost each other."""


class Aliases:
    """The names of other cores as one core has them. Owner only, where nothing else is said."""

    def __init__(self) -> None:
        self._known: dict[CoreAddress, Known] = {}
        self._there: dict[CoreAddress, CoreAddress] = {}

    def renew(self, itself: CoreAddress, separations: int) -> None:
        """With the lock of the peers. A core was lost: it goes by another name from now on.

        Args:
            itself: what it is called on the wire.
            separations: how often it and this core have lost each other now, or more often.

        """
        alias = itself._replace(incarnation=random_bits(63))
        self._there[alias] = itself
        known = Known(alias, max(separations, self.separations(itself)))
        self._known.pop(itself, None)  # so that it becomes the latest
        self._note(itself, known)
        if len(self._there) > LIMIT:
            oldest = next(iter(self._there))
            started = self._there.pop(oldest)
            if self.home(started) == oldest:
                del self._known[started]

    def agree(self, itself: CoreAddress, separations: int) -> None:
        """So often, or more, have this core and that one lost each other, as that one knows."""
        if separations > self.separations(itself):
            self._note(itself, Known(self.home(itself), separations))

    def _note(self, itself: CoreAddress, known: Known) -> None:
        self._known[itself] = known
        if len(self._known) > LIMIT:
            del self._known[next(iter(self._known))]

    def separations(self, itself: CoreAddress) -> int:
        """Any thread. How often this core and that one have lost each other."""
        known = self._known.get(itself)
        return 0 if known is None else known.separations

    def home(self, itself: CoreAddress) -> CoreAddress:
        """Any thread. What a core is called here now, by its name on the wire."""
        known = self._known.get(itself)
        return itself if known is None else known.home

    def itself(self, home: CoreAddress) -> CoreAddress:
        """Any thread. What a core is called on the wire, by a name that it has here, or had."""
        return self._there.get(home, home)

    def here(self, address: Address) -> Address:
        """Any thread. The address of an actor that has come on the wire, as it is here now."""
        if not self._known:  # as nearly always
            return address
        return Address(*self.home(address.home), address.id)

    def there(self, address: Address) -> Address:
        """Any thread. The address of an actor as it is told to others."""
        if not self._there:
            return address
        return Address(*self.itself(address.home), address.id)
