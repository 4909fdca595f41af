"""The table of medians and ratios at the end of a run."""

from collections.abc import Iterable
from itertools import zip_longest

from rich.table import Table

from .runner import Outcome
from .workload import Side


def table_of(outcomes: Iterable[Outcome]) -> Table:
    """A section for each benchmark, with a row for each side of it."""
    table = Table(title="Zanni and its peers: median, least and most of the timed runs")
    table.add_column("benchmark")
    for title in ("median", "min", "max"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("Zanni is", justify="right", no_wrap=True)
    table.add_column("target: share reached", no_wrap=True)
    for outcome in outcomes:
        benchmark = outcome.benchmark
        table.add_row(f"{benchmark.name} {benchmark.title}", style="bold")
        for side, target in zip_longest(benchmark.sides, targets_of(outcome), fillvalue=""):
            table.add_row(*row_of(outcome, side), target)
        table.add_section()
    return table


def row_of(outcome: Outcome, side: Side) -> list[str]:
    """Its figures, and how many times better Zanni is."""
    benchmark, medians = outcome.benchmark, outcome.medians
    values = outcome.values(side)
    if not values:
        return [f"  {side.name}", "failed", "", "", benchmark.unit, ""]
    figures = [shown(medians[side.name]), shown(min(values)), shown(max(values))]
    compared = not side.ours and benchmark.sides[0].name in medians
    ratio = f"{benchmark.advantage(medians, side.name):.3g} x" if compared else ""
    return [f"  {side.name}", *figures, benchmark.unit, ratio]


def targets_of(outcome: Outcome) -> list[str]:
    """What we want to reach, and how much of it is."""
    medians, told = outcome.medians, []
    for target in outcome.benchmark.targets:
        try:
            told.append(f"{target.text}: {target.share(medians):.0%}")
        except KeyError:  # a side that it speaks of failed
            told.append(f"{target.text}: ?")
    return told


def shown(value: float) -> str:
    """Three digits that count, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
