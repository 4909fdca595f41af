"""Names: one table per node, on its core 0.

A name is reserved before its actor is made and bound when it is there, so that two spawns of one
name cannot both succeed, and a failed one leaves the name free.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from .address import Address
from .environment import make_rlock
from .errors import NameInUse
from .forked import Disowned
from .ref import ActorRef


class Names:
    """The node's table of names. Any thread may use it."""

    def __init__(self) -> None:
        self._table: dict[str, ActorRef[Any] | None] = {}
        self._lock: AbstractContextManager[object] = make_rlock()  # a signal handler may spawn

    def disown(self, lock: Disowned) -> None:
        """In a forked child: the table is the parent's."""
        self._lock = lock

    def reserve(self, name: str) -> None:
        """Any thread. Take the name for an actor that is about to be made.

        Raises:
            NameInUse: a living actor has it, or another is being made.

        """
        with self._lock:
            holder = self._table.get(name)
            if name in self._table and (holder is None or holder.is_alive()):
                whose = "an actor that is starting" if holder is None else str(holder.address)
                raise NameInUse(f"the name {name!r} belongs to {whose}: stop it or take another")
            self._table[name] = None

    def bind(self, name: str, ref: ActorRef[Any]) -> None:
        """Any thread. The actor is there."""
        with self._lock:
            self._table[name] = ref

    def release(self, name: str, address: Address | None) -> None:
        """Any thread. Free the name, if that actor has it (None: if it is only reserved)."""
        with self._lock:
            holder = self._table.get(name)
            if name in self._table and (holder and holder.address) == address:
                del self._table[name]

    def find(self, name: str) -> ActorRef[Any] | None:
        """Any thread. The living actor of that name."""
        ref = self._table.get(name)
        return ref if ref is not None and ref.is_alive() else None
