"""What a supervisor tells the log of its children: why each ended, and what is done about it."""

from __future__ import annotations

from collections import deque

from ..actors.actor import Actor
from ..actors.crash import Crash, shown, title
from .family import Child

KEPT = 5
"""How many of the last failures are remembered, for the report of a supervisor that gives up."""


class Journal:
    """Owner only. One entry for each end that matters, and for each start that failed."""

    def __init__(self, owner: Actor) -> None:
        self._owner = owner
        self._failures: deque[str] = deque(maxlen=KEPT)

    @property
    def failures(self) -> tuple[str, ...]:
        """The last failures, in the order in which they came."""
        return tuple(self._failures)

    def ended(self, child: Child, crash: Crash | None, decision: str) -> None:
        """Write why a child ended, and what the supervisor does."""
        crashes, what = self._owner.system.crashes, self._what(child, decision)
        if crash is None:
            crashes.report_end(self._name(child), child.reason, what)
        else:
            crashes.report(crash, what)
        self._failures.append(f"{child.spec.id}: {shown(child.reason)}")

    def not_started(self, child: Child, error: Exception, decision: str) -> None:
        """Write that a child did not start, and what the supervisor does."""
        what = self._what(child, decision)
        self._owner.system.crashes.report_start(self._name(child), error, what)
        self._failures.append(f"{child.spec.id}: did not start, {shown(error)}")

    def _what(self, child: Child, decision: str) -> str:
        return f"child {child.spec.id!r} of {title(self._owner.actor_ref)} {decision}"

    @staticmethod
    def _name(child: Child) -> str:
        return child.spec.actor_class.__qualname__ if child.ref is None else title(child.ref)
