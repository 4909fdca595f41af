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

    __slots__ = ("_begin", "_timer", "pending")

    def __init__(self, begin: Callable[[], Timer]) -> None:
        self._begin = begin
        self._timer: Timer | None = None
        self.pending = True
        """Whether it was not called off."""

    def again(self) -> None:
        """Begin the first period or, unless it was cancelled, the next."""
        if self.pending:
            self._timer = self._begin()

    def cancel(self) -> bool:
        """Any thread. Call it off; False if it was called off before."""
        pending, self.pending = self.pending, False
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        return pending
