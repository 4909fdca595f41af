"""Supervisors: actors that start other actors, restart those that fail, and stop them in order."""

from __future__ import annotations

from .backoff import Backoff
from .report import ChildCount, ChildInfo, SupervisorReport
from .spec import ChildSpec, child
from .supervisor import Supervisor

__all__ = [
    "Backoff",
    "ChildCount",
    "ChildInfo",
    "ChildSpec",
    "Supervisor",
    "SupervisorReport",
    "child",
]
