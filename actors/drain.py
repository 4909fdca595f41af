"""Stopping all actors of a core, within a time."""

from __future__ import annotations

from .cell import Cell
from .dispatcher import Core
from .future import Future
from .links import Monitor
from .process import kill_for_good
from .state import SUSPENDED
from .timers import Timer


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
        waiting = len(roots)

        def one_ended(_: object) -> None:
            nonlocal waiting
            waiting -= 1
            if waiting == 0:
                core.post(look)

        for cell in reversed(roots):
            Monitor(core, cell).begin().add_done_callback(one_ended)
            cell.stop_for_good()

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
