"""What an actor that keeps others running shows of them to those who look at a running system."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from .address import Address
from .crash import shown
from .user_code import calls_back


class ChildRecord(NamedTuple):
    """One of those that are kept running, as it is at this moment."""

    id: str
    kind: str
    """"worker" or "supervisor"."""
    restart: str
    """"permanent", "transient" or "temporary"."""
    state: str
    """"running", "restarting", "stopped" or "not started"."""
    class_name: str
    address: Address | None
    """None: there is no actor."""
    name: str | None
    restarts: int
    """How often it was started again."""
    reason: str | None
    """Why it last ended, or did not start; None: it never has."""


class Oversight(NamedTuple):
    """All of them, and by which rule they are kept running."""

    kind: str
    """"supervisor" or "pool"."""
    strategy: str
    """Of a pool: its router."""
    intensity: int | None
    """How many restarts are too many within `period` seconds; None: no number is."""
    period: float | None
    recent: int | None
    """How many restarts there were within the period that ends now."""
    children: Iterable[ChildRecord]
    """In start order; each is made when it is asked for."""


class Judge:
    """Base of actors that give a verdict on each child that fails: others supervise nobody."""


class Overseer(Judge):
    """Base of actors that keep others running."""

    _controls: ClassVar[frozenset[str | type[Any]]] = frozenset()
    """What says whom it keeps running, and how: attributes to be called or set, and messages. It is
    for those that may stop and spawn actors."""

    _has_begun = False

    @calls_back
    def _begin(self) -> None:
        """Own turn only. Start those that are to run, unless that has been done."""
        if not self._has_begun:
            self._has_begun = True
            self._start_children()

    def _start_children(self) -> None:
        """Own turn only. Start those that are to run."""
        raise NotImplementedError

    def _oversee(self, message: object) -> bool:
        """Own turn only. Obey a message that is the overseer's own; False: it is for the hooks."""
        raise NotImplementedError

    def _oversight(self) -> Oversight:
        """Owner only: the loop calls it, though a turn of the actor may run in another thread.

        So it, and the making of each child's record, only reads; it never waits.
        """
        raise NotImplementedError


class Carrier:
    """Base of messages that an overseer opens: `message` goes on to one that it keeps running."""

    __slots__ = ()

    message: Any


def carried(message: object) -> object:
    """Any thread. What is handed on at last, where the message is one that carries another."""
    while isinstance(message, Carrier):
        message = message.message
    return message


def is_control(actor_class: type[Any], what: str | type[Any]) -> bool:
    """Any thread. Whether an actor of that class is told so whom it is to keep running."""
    return issubclass(actor_class, Overseer) and what in actor_class._controls


def in_words(reason: object) -> str:
    """Any thread. Why an actor ended, as text; it contains what a `__repr__` of users raises."""
    return reason if isinstance(reason, str) else shown(reason)
