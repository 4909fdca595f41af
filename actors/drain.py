"""Stopping all actors of a core, within a time."""

from __future__ import annotations

from collections.abc import Callable

from .cell import Cell
from .dispatcher import Core
from .future import Future
from .process import kill_for_good
from .state import SUSPENDED
from .timers import Timer


class Countdown:
    """One `Reply` for many: `then` is called when all were answered. A future each takes 1 kB."""

    __slots__ = ("_left", "_then")

    def __init__(self, left: int, then: Callable[[], object]) -> None:
        self._left = left
        self._then = then

    def resolve(self, value: object) -> bool:
        """Owner only. One of them has ended."""
        self._left -= 1
        if self._left == 0:
            self._then()
        return True

    def reject(self, error: BaseException) -> bool:
        """Owner only. One of them had ended before."""
        return self.resolve(error)


def living(core: Core) -> list[Cell]:
    """Any thread. The cells of a core that have not ended."""
    return [cell for cell in core.processes.copy().values() if isinstance(cell, Cell)]


def drain(core: Core, seconds: float, kill_seconds: float, done: Future[bool]) -> None:
    """Owner only. Stop the actors after what is queued; kill what is left after `seconds`.

    Roots are told, last started first; their children stop with them. `done` is settled with
    whether all ended in time; with False, too, `kill_seconds` after the kill if one still runs.
    """
    in_time = True
    timer: Timer

    def look() -> None:
        left = living(core)
        if not left:
            timer.cancel()
            done.resolve(in_time)
            return
        roots = [cell for cell in left if not _has_local_parent(cell, core)] or left
        ends = Countdown(len(roots), lambda: core.post(look))
        for cell in reversed(roots):
            cell.stop_for_good(ends)

    def kill() -> None:
        nonlocal in_time, timer
        in_time = False
        for cell in living(core):
            kill_for_good(cell)
        timer = core.call_later(kill_seconds, lambda: done.resolve(value=False))

    timer = core.call_later(seconds, kill)
    look()


def _has_local_parent(cell: Cell, core: Core) -> bool:
    parent = cell.parent
    is_here = isinstance(parent, Cell) and parent.id in core.processes
    return is_here and cell.state is not SUSPENDED
