"""Pykka's `ActorRegistry` as a view of Zanni's own tables.

Pykka appends to and removes from a plain list, which makes stopping 16 000 actors take 10 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast, overload

import pykka

from .cell import Cell
from .defaults import started_refs
from .pool import PoolCell
from .process import Headers, Process, Reply
from .ref import ActorProcess, ActorRef


class RegistryView:
    """Stands in for the list `ActorRegistry._actor_refs`. Used under Pykka's own lock."""

    def __init__(self) -> None:
        self._others: dict[Any, None] = {}
        self._hidden: set[ActorRef[Any]] = set()

    def append(self, ref: Any) -> None:
        """Register by hand: an actor of Pykka's own, or one that was taken out."""
        if isinstance(ref, ActorRef):
            self._hidden.discard(ref)
        else:
            self._others[ref] = None

    def remove(self, ref: Any) -> None:
        """Take out by hand."""
        if isinstance(ref, ActorRef):
            self._hidden.add(ref)
        else:
            self._others.pop(ref, None)

    def __contains__(self, ref: object) -> bool:
        if isinstance(ref, ActorRef):
            return ref.is_alive() and ref not in self._hidden
        return ref in self._others

    def __iter__(self) -> Iterator[Any]:
        refs = [_itself(ref) for ref in started_refs()]
        if self._hidden:
            self._hidden.intersection_update(refs)
            refs = [ref for ref in refs if ref not in self._hidden]
        return iter([*self._others, *refs])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        return list(self)[index]


class _PoolItself:
    """A pool, and not its members: these are in the registry, too, and get what is for all."""

    __slots__ = ("_cell",)

    def __init__(self, cell: PoolCell) -> None:
        self._cell = cell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cell, name)

    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. See `Process.deliver`."""
        Cell.deliver(self._cell, message, sender, reply, headers)


def _itself(ref: ActorRef[Any]) -> ActorRef[Any]:
    if not isinstance(ref.process, PoolCell):
        return ref
    return ActorRef(cast("ActorProcess", _PoolItself(ref.process)), ref.process.actor_class)


def install() -> None:
    """Put the view in place, with what Pykka has registered so far."""
    view = RegistryView()
    for ref in pykka.ActorRegistry._actor_refs:
        view.append(ref)
    pykka.ActorRegistry._actor_refs = view  # type: ignore[assignment]  # no list, but a view of one
