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


@message
class ChildInfo:
    """One line of `which_children()`. `ref` is None unless the child runs."""

    id: str
    ref: ActorRef[Any] | None
    state: State
    type: Literal["worker", "supervisor"]
    restart: RestartType


@message
class ChildCount:
    """The answer of `count_children()`: all specs, those that run, and what kind they are of."""

    specs: int
    active: int
    supervisors: int
    workers: int
