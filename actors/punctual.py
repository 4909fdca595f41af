"""`punctual = True`: a cell whose waits end in time, while others of its core block or compute.

A turn that waits is set aside on its thread, and only that can carry it on. If the thread is in the
turn of another actor by then, and that blocks, the wait ends when that does. So

- while a punctual actor waits, the core goes on in another thread;
- its first and its last turn, in which the hooks run, begin where no other turn is set aside that
  might go on, and block, there: if not on the core, in a thread that is lent.

Two things cost as little as with any other actor, for the sake of quick restarts: to begin with a
message, and to wait, before its own end and without a limit, for one that is not punctual either.
What that leaves open is told in docs/decisions/003-hand-off.md.
"""

from __future__ import annotations

from .cell import Cell
from .crew import Worker
from .parking import here
from .state import LEAVING, STARTING
from .waits import future_of, is_limited


class PunctualCell(Cell):
    """A cell whose turns have their thread to themselves while they wait."""

    __slots__ = ()

    def run(self, worker: Worker) -> None:
        """Owner only. One turn."""
        state = self.state
        hooks = state is STARTING or state is LEAVING
        if not (hooks and worker.has_others_aside() and self._lend(state)):
            super().run(worker)

    def late_turn(self) -> None:
        """A lent thread only. See `Lent.late_turn`."""
        here.worker.apart = True
        super().late_turn()

    def leave(self) -> None:
        """Own turn only. See `Lifecycle.leave`; in a turn that begins as it should."""
        if self.state is not LEAVING and self.core.holds() and here.worker.has_others_aside():
            self.state = LEAVING
            self.core.schedule(self)
        else:
            super().leave()

    def park(self, until: float | None) -> None:
        """Own turn only. See `Turn.park`."""
        apart = (
            self.state is LEAVING
            or is_limited(self.awaits)
            or not _is_plain(future_of(self.awaits).owed_by)
        )
        if apart and not self.killed:  # who was killed is only to unwind
            worker: Worker = here.worker
            worker.apart = worker.core is not self.core or self._leave_core(worker)
        super().park(until)

    def _leave_core(self, worker: Worker) -> bool:
        """Own turn only. Go on late; False if there is no other thread for the core."""
        self.thread = worker
        if self.core.crew.give_away(worker):
            return True
        self.thread = None
        return False


def _is_plain(owner: object) -> bool:
    """Whether it is an actor of this process that may be held up itself."""
    return isinstance(owner, Cell) and not isinstance(owner, PunctualCell)
