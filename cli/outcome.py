"""How a root actor's life ended: in words, and as an exit code."""

from __future__ import annotations

import traceback
from typing import Any, NamedTuple

import click

from ..actors.crash import title
from ..actors.errors import NameInUse
from ..actors.ref import ActorRef
from ..supervisors.report import SupervisorReport
from .target import describe

GRACEFUL = ("normal", "shutdown")


class End(NamedTuple):
    """What has ended a program that was run: its root's end, or what came before that."""

    ref: ActorRef[Any] | None
    """The root; None where its end was not what ended the program, or it never began."""
    reason: Any


class Outcome:
    """Listens to the system's events, to know which supervisors have given up, and why."""

    def __init__(self) -> None:
        self._given_up: dict[ActorRef[Any], SupervisorReport] = {}

    def hear(self, event: object) -> None:
        """Any thread. Take note of a supervisor that gives up: it ends for reason "shutdown"."""
        if isinstance(event, SupervisorReport) and event.kind == "gave_up":
            self._given_up[event.supervisor] = event

    def report(self, end: End, *, debug: bool) -> int:
        """Main thread only. Say on stderr what the root failed of, if it did; the exit code."""
        gave_up = None if end.ref is None else self._given_up.pop(end.ref, None)
        reason = end.reason
        if gave_up is not None:
            click.echo(f"Error: the root supervisor gave up: {_in_words(gave_up)}", err=True)
            for earlier in self._given_up.values():
                click.echo(
                    f"{title(earlier.supervisor)} gave up, too: {_in_words(earlier)}", err=True
                )
            return 1
        cause = reason[0] if isinstance(reason, tuple) and reason else reason
        if cause in GRACEFUL:
            return 0
        if end.ref is None and isinstance(reason, NameInUse):
            click.echo(f"Error: {reason}", err=True)
            return 1
        text = describe(reason) if isinstance(reason, BaseException) else str(reason)
        click.echo(f"Error: the root actor failed: {text}", err=True)
        if isinstance(reason, BaseException) and debug:
            traceback.print_exception(reason)
        return 1


def _in_words(report: SupervisorReport) -> str:
    said = (
        f"child {report.id!r} failed, and {report.restarts} restarts within {report.period:g} "
        "seconds are more than it allows. The last failures:"
    )
    return "\n  ".join([said, *report.failures])
