"""What becomes of the messages that an actor will not handle.

They may be very many, and a death passes them (A4): the first thousand are lost before anybody
hears of it, and the others, a thousand at a time, while the core goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol

from pykka.messages import _ActorStop

from .crash import shown
from .dispatcher import Core
from .errors import ActorDeadError
from .links import ChildFailed, Hastened, Piped, leave_alone
from .process import Broken, Died, Item, Process

AT_ONCE = 1000
"""How many are lost until the core does something else."""

UNCOUNTED = frozenset({Died, Broken, Hastened, Piped, ChildFailed})
"""What the runtime says to actors: no loss to anybody when they are gone."""


class Loser(Process, Protocol):
    """A cell, as seen from here."""

    core: Core

    @property
    def ref(self) -> Any:
        """Any thread. A ref to the actor."""
        ...


def lose(cell: Loser, item: Item, reason: str = "dead", end: object = "noproc") -> None:
    """Owner only. Nobody will handle this message; `end` is why the actor has ended."""
    message, sender, reply, _ = item
    if type(message) is ChildFailed:
        leave_alone(cell.core.owner.crashes, message.ref.process, message.crash)
    elif type(message) in UNCOUNTED:
        pass
    elif reply is None:
        cell.core.owner.dead_letters.count(reason, message, cell.address, sender)
    elif type(message) is _ActorStop:
        reply.resolve(value=True)
    else:
        reply.reject(ActorDeadError(f"{cell.ref} ended before that: {shown(end)}"))


def lose_all(cell: Loser, items: Iterator[Item], end: object) -> None:
    """Owner only. Nobody will handle these messages of an actor that has ended for `end`."""
    some = [*islice(items, AT_ONCE)]
    told: list[Item] = []
    rest: list[Item] = []
    for item in some:
        if item[2] is None and type(item[0]) not in UNCOUNTED:
            told.append(item)
        else:
            rest.append(item)
    cell.core.owner.dead_letters.count_all("dead", told, cell.address)
    for item in rest:
        lose(cell, item, end=end)
    if len(some) == AT_ONCE:
        cell.core.post(lose_all, cell, items, end)
