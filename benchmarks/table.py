"""The table of medians and ratios at the end of a run."""

from collections.abc import Iterable
from itertools import zip_longest
from operator import itemgetter

from rich.console import Group
from rich.table import Table
from rich.text import Text

from .runner import Outcome
from .workload import Side

COLUMNS = {
    "": 18,
    "median": 8,
    "min": 8,
    "max": 8,
    "p50 µs": 8,
    "p99 µs": 8,
    "Zanni is": 10,
    "also": 15,
}
"""With their widths: they are the same in the table of each benchmark."""


def table_of(outcomes: Iterable[Outcome]) -> Group:
    """A table for each benchmark, with a row for each side of it."""
    heading = Table.grid(padding=(0, 1))
    for title, width in COLUMNS.items():
        heading.add_column(justify="right" if title else "left", min_width=width)
    heading.add_row(*COLUMNS, "  target: share reached", style="bold")
    title = "Zanni and its peers: median, least and most of the timed runs"
    return Group("", title, "", heading, *(section_of(outcome) for outcome in outcomes))


def section_of(outcome: Outcome) -> Group:
    benchmark = outcome.benchmark
    rows = Table.grid(padding=(0, 1))
    for title, width in COLUMNS.items():
        rows.add_column(justify="right" if title else "left", min_width=width)
    sides = [side for side in benchmark.sides if side.name not in outcome.lacking]
    for side, target in zip_longest(sides, targets_of(outcome)):
        figures = row_of(outcome, side) if side is not None else [""] * len(COLUMNS)
        rows.add_row(*figures, "  " + (target or ""))
    title = f"{benchmark.name} {benchmark.title}, {benchmark.unit}"
    return Group("", Text(title, style="bold"), rows)


def row_of(outcome: Outcome, side: Side) -> list[str]:
    """Its figures, and how many times better Zanni is."""
    benchmark, medians = outcome.benchmark, outcome.medians
    values = outcome.values(side)
    if not values:
        return [f"  {side.name}", "failed", *[""] * (len(COLUMNS) - 2)]
    figures = [shown(each) for each in (medians[side.name], min(values), max(values))]
    waits = [outcome.median(side, itemgetter(each)) for each in ("p50_us", "p99_us")]
    figures += ["" if each is None else shown(each) for each in waits]
    compared = not side.ours and benchmark.sides[0].name in medians
    ratio = f"{benchmark.advantage(medians, side.name):.3g} x" if compared else ""
    return [f"  {side.name}", *figures, ratio, also_of(outcome, side)]


def also_of(outcome: Outcome, side: Side) -> str:
    """The figure that its benchmark wants to be shown too, with its unit."""
    also = outcome.benchmark.also
    found = None if also is None else outcome.median(side, also.of)
    return "" if also is None or found is None else f"{shown(found)} {also.unit}"


def targets_of(outcome: Outcome) -> list[str]:
    """What we want to reach, and how much of it is."""
    medians, told = outcome.medians, []
    for target in outcome.benchmark.targets:
        try:
            told.append(f"{target.text}: {target.share(medians):.0%}")
        except KeyError:  # a side that it speaks of failed, or was left out
            told.append(f"{target.text}: ?")
    return told


def shown(value: float) -> str:
    """Three digits that count, and thousands and millions as k and M."""
    for unit, letter in ((1e6, " M"), (1e3, " k"), (1, "")):
        if abs(value) >= 0.9995 * unit:
            digits = value / unit
            return f"{digits:.0f}{letter}" if digits >= 99.95 else f"{digits:#.3g}{letter}"
    return f"{value:.3g}"
