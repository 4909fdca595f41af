"""A supervisor's own settings, and what is wrong with them."""

from __future__ import annotations

from typing import Any, Protocol

from ..actors.arguments import is_whole
from ..actors.errors import SpecError
from .strategy import AUTO_SHUTDOWNS, STRATEGIES, AutoShutdown, Strategy

CONTROLS: frozenset[str | type[Any]] = frozenset(
    {
        "auto_shutdown",
        "children",
        "delete_child",
        "intensity",
        "max_children",
        "partitions",
        "period",
        "restart_child",
        "start_child",
        "strategy",
        "template",
        "terminate_child",
    }
)
"""What says whom a supervisor of any kind keeps running, and how: see `Overseer`."""


class Settings(Protocol):
    """The class attributes of a supervisor."""

    strategy: Strategy
    intensity: int
    period: float
    auto_shutdown: AutoShutdown


def check_settings(supervisor: Settings) -> None:
    """Check the settings of a supervisor before it starts any child.

    Raises:
        SpecError: the first setting that is wrong, with the class and the remedy.

    """
    subject = subject_of(supervisor)
    if supervisor.strategy not in STRATEGIES:
        raise SpecError(subject, "strategy", f"use one of {', '.join(STRATEGIES)}")
    if supervisor.auto_shutdown not in AUTO_SHUTDOWNS:
        raise SpecError(subject, "auto_shutdown", f"use one of {', '.join(AUTO_SHUTDOWNS)}")
    if not is_count(supervisor.intensity):
        raise SpecError(subject, "intensity", "use a whole number of restarts, 0 or more")
    if not _is_seconds(supervisor.period):
        raise SpecError(subject, "period", "use seconds, more than 0")


def subject_of(supervisor: object) -> str:
    """How errors name a supervisor."""
    return f"supervisor {type(supervisor).__name__}"


def is_count(value: object) -> bool:
    """Whether it is a whole number, 0 or more."""
    return is_whole(value) and value >= 0


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and value > 0
