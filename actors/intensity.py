"""How often something may be restarted before whoever restarts it gives up.

Supervisors count the restarts of their children with it, and a node those of its core processes.
"""

from __future__ import annotations

from collections import deque


class Intensity:
    """At most `limit` restarts within `period` seconds: a sliding window, not a rate.

    Time is counted in whole seconds, as OTP does, so that a restart on the edge of the window is
    inside it.
    """

    __slots__ = ("_limit", "_period", "_times")

    def __init__(self, limit: int, period: float) -> None:
        self._limit = limit
        self._period = period
        self._times: deque[int] = deque()

    def exceeded(self, now: float) -> bool:
        """Owner only. Count a restart at `now`, in seconds on a monotonic clock.

        Returns whether that was one too many. Those that have left the window are forgotten.
        """
        second = int(now)
        self._forget(second)
        self._times.append(second)
        return len(self._times) > self._limit

    def count(self, now: float) -> int:
        """Owner only. How many restarts the window that ends at `now` holds."""
        self._forget(int(now))
        return len(self._times)

    def _forget(self, second: int) -> None:
        while self._times and self._times[0] < second - self._period:
            self._times.popleft()
