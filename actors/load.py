"""What a core has to do: measured once a heartbeat, reported to the other cores, and placed by."""

from __future__ import annotations

from itertools import islice

from .cell import Cell
from .crew import Worker
from .dispatcher import Core
from .environment import now, process_cpu
from .network import IDLE, Load

SAMPLE = 256
"""How many of the queued turns are looked at for the messages that wait for them."""


class Meter:
    """Measures the load of one core. Owner only, but for `last`, which any thread may read."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._moment, self._cpu = 0.0, process_cpu()
        self._queued_at: float | None = None
        self._delay = 0.0
        self.last = IDLE

    def measure(self) -> Load:
        """Measure anew, since the last time: what that gave is `last`, too."""
        moment, cpu = now(), process_cpu()
        # Nothing yet at the first time: what starting cost says nothing of the load.
        used = (cpu - self._cpu) / max(moment - self._moment, 1e-3) if self._moment else 0.0
        self._moment, self._cpu = moment, cpu
        waits = 0.0 if self._queued_at is None else moment - self._queued_at
        self.last = Load(
            queued=len(self._core.run_queue) - (self._queued_at is not None),
            messages=self._messages(),
            delay=round(max(self._delay, waits), 6),
            cpu=round(used, 3),
        )
        if self._queued_at is None:
            self._queued_at = moment
            self._core.schedule(self)
        return self.last

    def run(self, worker: Worker) -> None:
        """A turn among the others: how long it had to wait is the run queue's delay."""
        if self._queued_at is not None:
            self._delay = now() - self._queued_at
            self._queued_at = None

    def _messages(self) -> int:
        queue = self._core.run_queue
        seen = min(len(queue), SAMPLE)
        found = sum(each.depth() for each in islice(queue, seen) if isinstance(each, Cell))
        return found * len(queue) // seen if seen else 0
