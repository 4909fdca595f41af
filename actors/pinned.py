"""`dispatcher = "pinned"`: a cell whose actor has a thread of its own, all its life.

For libraries that want to be called from one thread: sqlite3 connections, event loops of toolkits,
thread-locals. `__init__`, hooks and handlers run there; the mailbox, the order and the ends are the
same as any cell's. Its turns are late ones (`crew.py`), so they may block.
"""

from __future__ import annotations

from .actor import Actor
from .cell import Cell
from .crew import Worker
from .dispatcher import Core
from .state import LEAVING, RESUMING, RUNNING, SCHEDULED, STARTING


class PinnedCell(Cell):
    """A cell that has one thread run its actor."""

    __slots__ = ("_worker",)

    makes_itself = True

    def __init__(self, core: Core, identity: int, actor_class: type[Actor]) -> None:
        super().__init__(core, identity, actor_class)
        self._worker: Worker | None = None

    def run(self, worker: Worker) -> None:
        """Owner only. One turn."""
        state = self.state
        if state is RESUMING:
            self._carry_on_late()
        elif state in (SCHEDULED, STARTING, LEAVING) and self._has_thread():
            own = self.thread = self._worker
            assert own is not None
            if state is SCHEDULED:
                self.state = RUNNING
            own.give(lambda: own.begin(self.late_turn))

    def _has_thread(self) -> bool:
        """Owner only. Whether its thread is there, or could be started."""
        own = self._worker
        if own is None or self.is_given_up(own):
            self._let_go_of_thread()
            try:
                self._worker = self.core.crew.pin()
            except RuntimeError as error:
                self._start_failed(error)
                return False
        return True

    def _let_go_of_thread(self) -> None:
        own, self._worker = self._worker, None
        if own is not None:
            own.retire()

    def die(self) -> None:
        """Owner only. See `Lifecycle.die`."""
        super().die()
        self._let_go_of_thread()
