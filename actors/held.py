"""What is sent to a pool while it has no member.

Guarantees:
- It is bounded, and overflows, as what is sent to one member is: in a mailbox of that kind, whose
  statistics are the pool's, and of which events tell when it grows long.
- A sender that the mailbox has wait for room goes on when a member comes, or when the pool ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .box import Put
from .boxed import Boxed
from .cell import Cell
from .errors import ActorDeadError
from .mailbox import PLAIN, Mailbox
from .parking import can_wait
from .process import Item
from .ref import ActorRef


class Held(Boxed):
    """The mailbox of a pool's next member; no turn takes from it: the pool passes it on."""

    def __init__(self, pool: Cell) -> None:
        """For the pool of that cell: see `be`."""
        super().__init__(pool.core, pool.address.id, pool.actor_class)
        self._pool = pool
        self.keep(PLAIN)

    @property
    def ref(self) -> ActorRef[Any]:
        """Any thread. That of the pool."""
        return self._pool.ref

    def be(self, mailbox: Mailbox) -> None:
        """The pool's turn only, first of all. Say what its members' mailboxes are."""
        self.box.settings = mailbox

    def put(self, item: Item) -> Put:
        """Any thread. Have it wait, if there is room; the outcome is for `tell_outcome`."""
        return self.box.put(item, may_wait=can_wait())

    def _announce(self) -> None:
        """Any thread. The pool looks when it has a member."""
        self.tell_if_long()

    def close(self) -> Iterator[Item]:
        """Owner only. The pool has ended: nothing waits any more; what has waited."""
        waiting, left = self.box.close()
        for room in waiting:
            room.reject(ActorDeadError("gone"))
        return left
