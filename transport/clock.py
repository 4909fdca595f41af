"""Virtual time, for the endpoints of `faulty.py`: it goes on only while somebody sleeps."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from math import inf
from typing import Protocol


class Timeline(Protocol):
    """Virtual time, and who sleeps in it."""

    def now(self) -> float:
        """Seconds on the virtual clock."""
        ...

    def at(self, moment: float, function: Callable[[], object]) -> None:
        """Have `function` called then; of one moment, what was asked for first comes first."""
        ...

    def sleep(self, who: object, timeout: float | None) -> None:
        """Let time go on until `wake(who)`, or for `timeout` seconds."""
        ...

    def wake(self, who: object) -> None:
        """End the `sleep` of that one, if it sleeps."""
        ...


class VirtualClock:
    """A `Timeline` for one thread that sleeps for itself: meanwhile it does what is due."""

    def __init__(self, moment: float = 0.0) -> None:
        self.moment = moment
        """Seconds that it shows."""
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._asked = 0
        self._woken = False
        self._sleeper: object = None

    def now(self) -> float:
        """See `Timeline.now`."""
        return self.moment

    def at(self, moment: float, function: Callable[[], object]) -> None:
        """See `Timeline.at`."""
        self._asked += 1
        heapq.heappush(self._due, (moment, self._asked, function))

    def step(self, end: float = inf) -> bool:
        """Do the first thing that is due until then; False where there is none."""
        if not self._due or self._due[0][0] > end:
            return False
        moment, _, function = heapq.heappop(self._due)
        self.moment = max(self.moment, moment)
        function()
        return True

    def sleep(self, who: object, timeout: float | None) -> None:
        """See `Timeline.sleep`.

        Raises:
            RuntimeError: nothing will ever end it.

        """
        end = inf if timeout is None else self.moment + timeout
        self._sleeper, self._woken = who, False
        while not self._woken and self.step(end):
            pass
        self._sleeper = None
        if not self._woken:
            if end == inf:
                raise RuntimeError(f"{who!r} would sleep for ever: nothing is due any more")
            self.moment = end

    def wake(self, who: object) -> None:
        """See `Timeline.wake`."""
        if who is self._sleeper:
            self._woken = True
