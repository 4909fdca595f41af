"""How long to wait before a child is restarted once more."""

from __future__ import annotations

from ..actors.messages import message


@message
class Backoff:
    """Delays that grow from restart to restart; for a child, `child(..., backoff=Backoff())`.

    Delayed restarts count against the supervisor's intensity like any other, unless `counted` is
    False: then the child is retried for ever.
    """

    min: float = 0.1
    """The first delay, in seconds."""
    max: float = 30.0
    """No delay is longer, in seconds."""
    factor: float = 2.0
    """Each delay is so many times the one before."""
    jitter: float = 0.2
    """The share, up to 1, by which a delay may be shorter or longer, at random."""
    reset_after: float = 60.0
    """A child that ran for so many seconds begins again with the first delay."""
    counted: bool = True
    """Whether these restarts count against the supervisor's intensity."""

    def problem(self) -> str | None:
        """What is wrong with the numbers, with the remedy, or None."""
        if not 0 <= self.min <= self.max:
            return "Backoff(min=, max=) are seconds, with 0 <= min <= max"
        if not self.factor >= 1:
            return "Backoff(factor=) is 1 or more"
        if not 0 <= self.jitter <= 1:
            return "Backoff(jitter=) is a share from 0 to 1"
        if not self.reset_after >= 0:
            return "Backoff(reset_after=) is in seconds, 0 or more"
        return None

    def grow(self, previous: float | None) -> float:
        """The delay after `previous`, both in seconds and without jitter; None begins anew.

        One step at a time, not a power of the number of restarts: that overflows after a thousand.
        """
        return self.min if previous is None else min(self.max, previous * self.factor)

    def spread(self, delay: float, random: float) -> float:
        """The delay with its jitter, never over the cap; `random` is from 0 up to 1."""
        return min(self.max, delay * (1 + self.jitter * (2 * random - 1)))
