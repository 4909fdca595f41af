"""What a benchmark is: the same work, done by Zanni and by its peers."""

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Figures = dict[str, float]
"""What one measurement gives: `value` in the benchmark's unit, and what else is worth a column."""

Medians = Mapping[str, float]
"""The median value of each side that was measured, by its name."""


@dataclass(frozen=True)
class Side:
    """One of those who do the work: Zanni or a peer."""

    name: str
    run: Callable[[int], Figures]
    """Does the work `n` times, checks it and says what it took."""
    n: int
    """How often. Slow peers do less of the same: all values are per message, actor or second."""
    ours: bool = False
    """Zanni in some way, and no peer."""
    lacks: Callable[[], str | None] = lambda: None
    """What it needs and this machine has not, in a few words; None if it can run."""


@dataclass(frozen=True)
class Also:
    """One more figure of each run that the table is to show, beside the value and percentiles."""

    unit: str
    of: Callable[[Figures], float]


@dataclass(frozen=True)
class Target:
    """What we want to reach: shown beside the figures, never a reason to fail."""

    text: str
    share: Callable[[Medians], float]
    """Which share of it the medians reach; 1.0 and more is all of it."""


@dataclass(frozen=True)
class Benchmark:
    """The same work for each side, the first of which is Zanni."""

    name: str
    title: str
    unit: str
    sides: Sequence[Side]
    targets: Sequence[Target] = ()
    also: Also | None = None
    more_is_better: bool = True
    long: bool = False
    """Left out unless named, or all long ones are asked for: it takes minutes or gigabytes."""

    @property
    def number(self) -> str:
        """The name without the letter of a variant: M1 for M1b."""
        return self.name.rstrip(string.ascii_lowercase)

    def advantage(self, medians: Medians, peer: str) -> float:
        """How many times better Zanni is than a peer."""
        ours, theirs = medians[self.sides[0].name], medians[peer]
        return ours / theirs if self.more_is_better else theirs / ours


class CheckFailed(Exception):
    """The work was not done, or not all of it: there is nothing to time."""


def check(what: str, found: object, expected: object) -> None:
    """Compare what actors answered with what arithmetic says.

    Raises:
        CheckFailed: it differs.

    """
    if found != expected:
        raise CheckFailed(f"{what}: {found!r}, and it should be {expected!r}")


def rate(n: int, seconds: float, **more: float) -> Figures:
    """Figures of something done `n` times."""
    return {"value": n / seconds, "seconds": seconds, **more}


def percentiles(moments: Sequence[float]) -> Figures:
    """The 50th and the 99th percentile, in microseconds, of the times between moments."""
    return percentiles_of(b - a for a, b in pairwise(moments))


def percentiles_of(waits: Iterable[float]) -> Figures:
    """The same of times in seconds."""
    ordered = sorted(waits)
    return {
        "p50_us": 1e6 * ordered[len(ordered) // 2],
        "p99_us": 1e6 * ordered[len(ordered) * 99 // 100],
    }
