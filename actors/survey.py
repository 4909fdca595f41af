"""Which actors a core has, for those who look at a running system: see `Oversight`.

No actor is asked for it, as its turn may be long: what a core's loop can read is told. A survey may
be left after each row, and taken up later: the loop goes on meanwhile.

rows         fields
supervisor   id, kind ("supervisor" or "pool"), class, name, state, strategy, intensity, period,
             recent
child        of (a supervisor's id), id, kind, restart, state, class, name, address, restarts,
             reason
more         of, state, count: children that are counted only
actor        id, class, name, state, parent (an address), queued
others       class, count: actors that are counted only
total        count: all actors of users

States of actors are "starting", "idle", "busy", "waiting" (in a handler, for another actor),
"stopping" and "suspended" (it has ended, and its supervisor is to decide).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias

from .cell import Cell
from .dispatcher import Core
from .messages import type_name
from .oversight import ChildRecord, Overseer, Oversight
from .state import DEAD, IDLE, PARKED, RESUMING, STARTING, SUSPENDED

logger = logging.getLogger("zanni")

Row: TypeAlias = dict[str, Any]

CHILDREN = 100
"""How many children of a supervisor are told one by one; the others are counted by state."""
STRIDE = 256
"""How many actors or children are looked at between two pauses, at most."""

PACKAGE = __name__.partition(".")[0]


def survey(core: Core, *, everything: bool) -> Iterator[Row | None]:
    """Owner only, each step. The rows of the table above, and now and then None, for a pause.

    Without `everything`, only supervisors and some of their children are told one by one. Actors of
    our own are left out, unless they are supervisors or pools.
    """
    total, others = 0, Counter[type[Any]]()
    for number, process in enumerate(list(core.processes.values())):
        if number % STRIDE == 0:
            yield None
        if not isinstance(process, Cell) or process.state is DEAD:
            continue
        total += not _is_ours(process.actor_class)
        if issubclass(process.actor_class, Overseer):
            yield from _overseer(process, everything=everything)
        elif _is_overseen(process) or _is_ours(process.actor_class):
            continue
        elif everything:
            yield _actor(process)
        else:
            others[process.actor_class] += 1
    for actor_class, count in others.items():
        yield {"row": "others", "class": type_name(actor_class), "count": count}
    yield {"row": "total", "count": total}


def _overseer(cell: Cell, *, everything: bool) -> Iterator[Row | None]:
    oversight = _oversight_of(cell)
    yield {
        "row": "supervisor",
        "id": cell.id,
        "kind": oversight.kind,
        "class": type_name(cell.actor_class),
        "name": cell.name,
        "state": _state(cell),
        "strategy": oversight.strategy,
        "intensity": oversight.intensity,
        "period": oversight.period,
        "recent": oversight.recent,
    }
    children = iter(oversight.children)
    for child in islice(children, None if everything else CHILDREN):
        yield _child(cell, child)
    yield from _rest(cell, children)


def _oversight_of(cell: Cell) -> Oversight:
    """What it shows; nothing where it is not made yet, has ended, or cannot say."""
    actor: object = getattr(cell, "actor", None)
    if isinstance(actor, Overseer):
        try:
            return actor._oversight()
        except Exception:  # a subclass's own `__init__` may be under way, or have left ours out
            logger.debug("%s cannot be looked at", cell.ref, exc_info=True)
    return Oversight("supervisor", "", None, None, None, ())


def _child(cell: Cell, child: ChildRecord) -> Row:
    return {
        "row": "child",
        "of": cell.id,
        "id": child.id,
        "kind": child.kind,
        "restart": child.restart,
        "state": child.state,
        "class": child.class_name,
        "name": child.name,
        "address": None if child.address is None else list(child.address),
        "restarts": child.restarts,
        "reason": child.reason,
    }


def _rest(cell: Cell, children: Iterable[ChildRecord]) -> Iterator[Row | None]:
    counts: Counter[str] = Counter()
    for number, child in enumerate(children):
        counts[child.state] += 1
        if number % STRIDE == 0:
            yield None
    for state, count in counts.items():
        yield {"row": "more", "of": cell.id, "state": state, "count": count}


def _actor(cell: Cell) -> Row:
    parent = cell.parent
    return {
        "row": "actor",
        "id": cell.id,
        "class": type_name(cell.actor_class),
        "name": cell.name,
        "state": _state(cell),
        "parent": None if parent is None else list(parent.address),
        "queued": cell.depth(),
    }


def _is_overseen(cell: Cell) -> bool:
    """Whether one of the supervisors' rows tells of it; of one elsewhere that is supposed."""
    supervisor = cell.supervisor
    if isinstance(supervisor, Cell):
        return issubclass(supervisor.actor_class, Overseer)
    return supervisor is not None


def _is_ours(actor_class: type[Any]) -> bool:
    return actor_class.__module__.partition(".")[0] == PACKAGE


def _state(cell: Cell) -> str:
    state, ties = cell.state, cell.ties
    if state is SUSPENDED:
        return "suspended"
    if state is STARTING or (ties is not None and ties.starting is not None):
        return "starting"
    if cell.exit_reason is not None:
        return "stopping"
    if state in (PARKED, RESUMING):
        return "waiting"
    return "idle" if state is IDLE else "busy"
