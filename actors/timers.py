"""Timers: something that a core's loop does later."""

from __future__ import annotations

from collections.abc import Callable


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

    A period that was missed, as when the machine slept, is not made up for: the next one counts
    from the clock, so that no burst follows.
    """

    __slots__ = ("_begin", "_timer")

    def __init__(self, begin: Callable[[], Timer]) -> None:
        self._begin = begin
        self._timer: Timer | None = begin()

    @property
    def pending(self) -> bool:
        """Any thread. Whether it was not called off."""
        return self._timer is not None

    def again(self) -> None:
        """Owner only. Begin the next period, unless it was cancelled."""
        if self._timer is not None:
            self._timer = self._begin()

    def cancel(self) -> bool:
        """Any thread. Call it off; False if it was called off before."""
        timer, self._timer = self._timer, None
        if timer is None:
            return False
        timer.cancel()
        return True
