"""What follows when a child ends: pure functions from what there is to what is to be done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias, cast, get_args

Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]
RestartType: TypeAlias = Literal["permanent", "transient", "temporary"]
AutoShutdown: TypeAlias = Literal["never", "any_significant", "all_significant"]

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
RESTART_TYPES: tuple[RestartType, ...] = get_args(RestartType)
AUTO_SHUTDOWNS: tuple[AutoShutdown, ...] = get_args(AutoShutdown)


class Member(NamedTuple):
    """What a strategy needs to know of a child."""

    id: str
    restart: RestartType


class Stop(NamedTuple):
    """Stop this child, if it runs; a temporary one is forgotten then."""

    id: str


class Start(NamedTuple):
    """Start this child."""

    id: str


Step: TypeAlias = Stop | Start


def is_orderly(reason: object) -> bool:
    """Whether an actor that ended for `reason` did so as it was meant to."""
    if isinstance(reason, tuple | list):
        parts = cast("Sequence[object]", reason)
        return len(parts) == 2 and parts[0] == "shutdown"
    return isinstance(reason, str) and reason in {"normal", "shutdown"}


def is_restarted(restart: RestartType, reason: object) -> bool:
    """Whether a child of that restart type which ended by itself for `reason` starts again."""
    if restart == "transient":
        return not is_orderly(reason)
    return restart == "permanent"


def steps(strategy: Strategy, members: Iterable[Member], failed: str) -> list[Step]:
    """What restarts the child `failed`, which does not run; `members` are in start order.

    The same list is right when a group's start broke off at a member, with that one as `failed`:
    one_for_all begins again, rest_for_one resumes there.
    """
    if strategy == "one_for_one":
        return [Start(failed)]
    group = [*members]
    if strategy == "rest_for_one":
        del group[: [member.id for member in group].index(failed)]
    stops: list[Step] = [Stop(each.id) for each in reversed(group) if each.id != failed]
    # A temporary sibling is gone once it is stopped; every other spec in the range is started, also
    # one that had finished or was stopped by hand.
    starts: list[Step] = [Start(each.id) for each in group if each.restart != "temporary"]
    return stops + starts
