"""What a supervisor tells of itself: events on `system.events`, and answers to those who ask."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from ..actors.messages import message
from ..actors.ref import ActorRef
from .spec import Shutdown
from .strategy import RestartType

Kind: TypeAlias = Literal["started", "terminated", "start_error", "shutdown_error", "gave_up"]
State: TypeAlias = Literal["running", "restarting", "stopped"]


@message
class SupervisorReport:
    """Something happened to a child. `gave_up` names the child that was restarted too often.

    `terminated`: it ended by itself. `shutdown_error`: told to stop, it ended for another reason.
    """

    kind: Kind
    id: str
    ref: ActorRef[Any] | None
    restart: RestartType
    shutdown: Shutdown
    reason: object
    supervisor: ActorRef[Any]
    restarts: int = 0
    """With `gave_up`: how many there would have been within `period` seconds, with this one."""
    period: float = 0.0
    failures: tuple[str, ...] = ()
    """With `gave_up`: the last failures of the supervisor's children, as text, the newest last."""


ChildKind: TypeAlias = Literal["worker", "supervisor"]

ChildInfo: TypeAlias = tuple[
    str, ActorRef[Any] | Literal["restarting"] | None, ChildKind, RestartType
]
"""One line of `which_children()`, OTP's: id, ref, kind and restart type. In the ref's place stands
"restarting" while an attempt to restart the child is due, and None for one that does not run."""


@message
class ChildCount:
    """The answer of `count_children()`: all specs, those that run, and what kind they are of."""

    specs: int
    active: int
    supervisors: int
    workers: int
