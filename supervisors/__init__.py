"""Supervisors: actors that start other actors, restart those that fail, and stop them in order."""

from __future__ import annotations

from ..actors.errors import (
    AlreadyPresent,
    AlreadyStarted,
    MaxChildren,
    NotFound,
    Restarting,
    Running,
    SpecError,
    SupervisorError,
)
from .backoff import Backoff
from .dynamic import DynamicSupervisor
from .keys import Key, Keyed
from .partition import PartitionSupervisor
from .pools import pool
from .report import ChildCount, ChildInfo, SupervisorReport
from .spec import ChildSpec, child
from .supervisor import Supervisor

__all__ = [
    "AlreadyPresent",
    "AlreadyStarted",
    "Backoff",
    "ChildCount",
    "ChildInfo",
    "ChildSpec",
    "DynamicSupervisor",
    "Key",
    "Keyed",
    "MaxChildren",
    "NotFound",
    "PartitionSupervisor",
    "Restarting",
    "Running",
    "SpecError",
    "Supervisor",
    "SupervisorError",
    "SupervisorReport",
    "child",
    "pool",
]
