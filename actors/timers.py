"""Timers: something that a core's loop does later."""

from __future__ import annotations

from collections.abc import Callable

from .environment import now


class Timer:
    """Something that the loop will do at `when`, on its monotonic clock; it can be called off."""

    __slots__ = ("function", "when")

    def __init__(self, when: float, function: Callable[[], object]) -> None:
        self.when = when
        self.function: Callable[[], object] | None = function

    def __lt__(self, other: Timer) -> bool:
        return self.when < other.when

    @property
    def pending(self) -> bool:
        """Any thread. Whether it is still to come."""
        return self.function is not None

    def cancel(self) -> bool:
        """Any thread. Call it off; False if it was called off or done before."""
        pending, self.function = self.function is not None, None
        return pending


class Periodic:
    """A timer that begins anew each time, as `Actor.every` gives.

    It keeps its beat: a period begins when the one before was to end, however late that was seen.
    Periods that were missed, as when the machine slept, are not made up for, so that no burst
    follows: the next one ends in time with the beat (as with Go's tickers).
    """

    __slots__ = ("_begin", "_fire", "_seconds", "_timer", "_when", "pending")

    def __init__(
        self, seconds: float, begin: Callable[[Timer], object], fire: Callable[[], object]
    ) -> None:
        self._seconds = seconds
        self._begin = begin
        self._fire = fire
        self._when = now()
        self._timer: Timer | None = None
        self.pending = True
        """Whether it was not called off."""

    def again(self) -> None:
        """Begin the first period or, unless it was cancelled, the next."""
        if self.pending:
            missed = max(now() - self._when, 0.0) // self._seconds
            self._when += (1.0 + missed) * self._seconds
            self._timer = Timer(self._when, self._fire)
            self._begin(self._timer)

    def cancel(self) -> bool:
        """Any thread. Call it off; False if it was called off before."""
        pending, self.pending = self.pending, False
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        return pending
