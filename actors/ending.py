"""Ending other actors: first asked, then killed, and whatever they do, waited for no longer.

Guarantees:
- An actor of this core, or of one that runs its loop, has ended soon after it was killed.
- One whose core is stuck, as in C code that holds the interpreter's lock, is reported as abandoned
  and its core replaced; core 0 alone cannot be, as it is the program's own process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .errors import ActorDeadError, Timeout
from .future import Future
from .hosting import ActorCell, System
from .links import Ties
from .process import Kill, Shutdown
from .ref import ActorRef
from .state import DEAD, SUSPENDED


def check_not_ended(cell: ActorCell) -> None:
    """Any thread. Raise ActorDeadError where nothing that is begun would end with the actor."""
    if cell.state is DEAD or cell.state is SUSPENDED:
        raise ActorDeadError(f"{cell.ref} has ended: it begins nothing any more")


def check_may_spawn(cell: ActorCell) -> None:
    """Any thread. Raise ActorDeadError where a child would not be stopped with its parent.

    While that stops those that it has, too: where a thread or a task that it has left behind goes
    on spawning, it would never be done.
    """
    check_not_ended(cell)
    if cell.need_ties().when_alone is not None:
        raise ActorDeadError(f"{cell.ref} stops its children: it spawns none any more")


def stop_children(cell: ActorCell, system: System, timeout: float) -> None:
    """Own turn only. Have the children end after the message in hand, all at once.

    Those that have not after `timeout` seconds are killed.
    """
    ties = cell.need_ties()
    alone: Future[None] = Future()
    cell.core.call(_tell_children, ties, cell.exit_reason, partial(alone.resolve, None))
    if _is_done_after(alone, timeout):
        return
    for ref in [*ties.children.values()]:
        ref.process.signal(Kill())
    if not _is_done_after(alone, system.config.kill_timeout):
        for ref in [*ties.children.values()]:
            system.abandon(ref)
        alone.get()


def _tell_children(ties: Ties, reason: object, when_alone: Callable[[], object]) -> None:
    """Owner only. Have the children end, and call that when the last one has."""
    ties.call_when_alone(when_alone)  # first: who is adopted while these are told is told as well
    for ref in [*ties.children.values()]:
        ref.process.signal(Shutdown(reason_below(ref.actor_class, reason)))


def _is_done_after(future: Future[None], seconds: float) -> bool:
    try:
        future.get(timeout=seconds)
    except Timeout:
        return False
    return True


def reason_below(actor_class: type[Any], parents_reason: object) -> object:
    """Why a child of that class exits when its parent has ended for that reason."""
    shares = getattr(actor_class, "_shares_reason", False)  # not there if only its name is known
    return parents_reason if shares else "shutdown"


def kill(system: System, ref: ActorRef[Any], end: Future[Any]) -> Any:
    """Kill an actor and wait for its end; `end` is settled by it, and what it says is returned."""
    ref.process.signal(Kill())
    try:
        return end.get(timeout=system.config.kill_timeout)
    except Timeout:
        if end.done():  # the actor itself had ended for that reason
            raise
        system.abandon(ref)
        return end.get()
