"""Ending other actors: first asked, then killed, and whatever they do, waited for no longer.

Guarantees:
- An actor of this core, or of one that runs its loop, has ended soon after it was killed.
- One whose core is stuck, as in C code that holds the interpreter's lock, is reported as abandoned
  and its core replaced; core 0 alone cannot be, as it is the program's own process.
"""

from __future__ import annotations

from typing import Any

from .environment import now
from .errors import ActorDeadError, Timeout
from .future import Future
from .hosting import ActorCell, System
from .process import Kill, Shutdown
from .ref import ActorRef
from .state import DEAD, SUSPENDED


def check_not_ended(cell: ActorCell) -> None:
    """Any thread. Raise ActorDeadError where nothing that is begun would end with the actor."""
    if cell.state is DEAD or cell.state is SUSPENDED:
        raise ActorDeadError(f"{cell.ref} has ended: it begins nothing any more")


def stop_all(
    system: System, refs: list[ActorRef[Any]], timeout: float, parents_reason: object
) -> None:
    """Have children end after the message in hand; kill those that have not after `timeout` s."""
    ends = [ref.exited() for ref in refs]
    for ref in refs:
        ref.process.signal(Shutdown(reason_below(ref.actor_class, parents_reason)))
    deadline = now() + timeout
    for ref, end in zip(refs, ends, strict=True):
        try:
            end.get(timeout=max(deadline - now(), 0.0))
        except Timeout:
            kill(system, ref, end)


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
