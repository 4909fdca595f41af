"""Names: one table per node, on its core 0.

A name is reserved before its actor is made and bound when it is there, so that two spawns of one
name cannot both succeed, and a failed one leaves the name free. An actor may end before its name is
bound: the reservation notes it, and the name is free at once. So it is when the core is lost that
has reserved it, or on which the actor lived.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from .address import Address
from .environment import make_lock
from .errors import NameInUse
from .forked import Disowned
from .ref import ActorRef


class Reservation:
    """An actor of that name is being made."""

    __slots__ = ("ended", "incarnation")

    def __init__(self, incarnation: int) -> None:
        self.incarnation = incarnation
        """That of the core that makes it."""
        self.ended: list[Address] = []
        """Those that have ended since and had the name: that actor itself may be among them."""


Holder = ActorRef[Any] | Reservation | None


class Names:
    """The node's table of names. Any thread may use it."""

    def __init__(self) -> None:
        self._table: dict[str, Holder] = {}
        self._lock: AbstractContextManager[object] = make_lock()

    def disown(self, lock: Disowned) -> None:
        """In a forked child: the table is the parent's."""
        self._lock = lock

    def reserve(self, name: str, incarnation: int) -> None:
        """Any thread. Take the name for an actor that a core is about to make, or to have made.

        Raises:
            NameInUse: a living actor has it, or another is being made.

        """
        while True:
            holder = self._table.get(name)
            if isinstance(holder, Reservation) or (holder is not None and holder.is_alive()):
                whose = holder.address if isinstance(holder, ActorRef) else "an actor being made"
                raise NameInUse(f"the name {name!r} belongs to {whose}: stop it or take another")
            if self._replace(name, holder, Reservation(incarnation)):
                return

    def bind(self, name: str, ref: ActorRef[Any]) -> None:
        """Any thread. The actor is there, if it has not ended again."""
        holder = self._table.get(name)
        if not (isinstance(holder, Reservation) and self._replace(name, holder, ref)):
            return
        if ref.address in holder.ended:
            self._replace(name, ref, None)

    def release(self, name: str, address: Address | None) -> None:
        """Any thread. Free the name, if that actor has it (None: if it is only reserved)."""
        holder = self._table.get(name)
        if isinstance(holder, Reservation) and address is not None:
            holder.ended.append(address)
            holder = self._table.get(name)  # it may have been bound just before that
        if (holder.address if isinstance(holder, ActorRef) else None) == address:
            self._replace(name, holder, None)

    def core_lost(self, incarnation: int) -> None:
        """Any thread. Free what its actors had, and what it had reserved: it says nothing more."""
        for name, holder in self._table.copy().items():
            whose = holder.address if isinstance(holder, ActorRef) else holder
            if whose is not None and whose.incarnation == incarnation:
                self._replace(name, holder, None)

    def find(self, name: str) -> ActorRef[Any] | None:
        """Any thread. The living actor of that name."""
        holder = self._table.get(name)
        return holder if isinstance(holder, ActorRef) and holder.is_alive() else None

    def _replace(self, name: str, holder: Holder, by: Holder) -> bool:
        """Any thread. Change who has the name; False if it is not `holder` any more.

        Nothing is called under the lock: it would let a signal handler run there, which may wait
        for the very core that is about to take it.
        """
        table = self._table
        with self._lock:
            if (table[name] if name in table else None) is not holder:  # noqa: SIM401  (a call)
                return False
            if by is not None:
                table[name] = by
            elif name in table:
                del table[name]
            return True
