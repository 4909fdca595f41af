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
        second, times = int(now), self._times
        while times and times[0] < second - self._period:
            times.popleft()
        times.append(second)
        return len(times) > self._limit

    @property
    def latest(self) -> int:
        """Owner only. How many restarts the window held when the last one was counted."""
        return len(self._times)

    def count(self, now: float) -> int:
        """Any thread. How many restarts the window that ends at `now` holds."""
        begin = int(now) - self._period
        return sum(second >= begin for second in tuple(self._times))
