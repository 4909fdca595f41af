"""What becomes of the messages that an actor will not handle.

Who told it something is not waiting: all these are counted in one step, before anybody hears of the
death. Who asked gets `ActorDeadError`, a thousand at a time after those who watch have heard of it:
so a death passes whatever is queued (A4), and the core goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from operator import length_hint
from typing import Any, Protocol

from pykka.messages import _ActorStop

from .crash import shown
from .dispatcher import Core
from .errors import ActorDeadError
from .links import ChildFailed, Hastened, Piped, leave_alone
from .process import Broken, Died, Item, Process

AT_ONCE = 1000
"""How many askers hear of a death until the core does something else."""

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
        leave_alone(cell.core.owner, message.ref.process, message.crash)
    elif type(message) in UNCOUNTED:
        pass
    elif reply is None:
        cell.core.owner.dead_letters.count(reason, message, cell.address, sender)
    elif type(message) is _ActorStop:
        reply.resolve(value=True)
    else:
        reply.reject(ActorDeadError(f"{cell.ref} ended before that: {shown(end)}"))


def count_lost(cell: Loser, items: Iterable[Item]) -> list[Item]:
    """Owner only. Count what was told, of all that a dead actor leaves; the rest is returned."""
    told: list[Item] = []
    rest: list[Item] = []
    for item in items:
        (told if item[2] is None and type(item[0]) not in UNCOUNTED else rest).append(item)
    cell.core.owner.dead_letters.count_all("dead", told, cell.address)
    return rest


def lose_slowly(cell: Loser, items: Iterator[Item], end: object) -> None:
    """Owner only. Lose these, some at a time; `end` is why the actor has ended."""
    for item in islice(items, AT_ONCE):
        lose(cell, item, end=end)
    if length_hint(items):
        cell.core.post(lose_slowly, cell, items, end)
