"""How the census shows itself: a progress bar on a terminal or plain lines, and a report."""

import os
from collections import Counter
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from examples.census_count import Totals, printable

MOST_USED = 15


@dataclass
class Result:
    """What one round over all files came to."""

    cores: int
    seconds: float
    files_per_core: Counter[int]
    totals: Totals


class View:
    def __init__(self) -> None:
        self.console = Console()
        self.bar: Progress | None = None
        self.title = ""
        self.total = self.done = 0

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begin(self, title: str, total: int) -> None:
        """Begin a new bar; `total` and `advance` are in bytes of source."""
        self.title, self.total, self.done = title, total, 0
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
            )
            self.bar = Progress(*columns, console=self.console, auto_refresh=False)
            self.bar.add_task(title, total=total)
            self.bar.start()

    def advance(self, size: int) -> None:
        before, self.done = self.done, self.done + size
        if self.bar:
            self.bar.update(self.bar.task_ids[0], completed=self.done)
        if self.bar and self.percent(before) < self.percent(self.done):
            self.bar.refresh()
        elif not self.bar and self.percent(before) // 10 < self.percent(self.done) // 10:
            self.say(f"{self.title}: {self.percent(self.done)} %")

    def percent(self, done: int) -> int:
        return 100 * done // max(self.total, 1)

    def end(self) -> None:
        """End the bar, if there is one; it may be called twice."""
        if self.bar:
            self.bar.stop()
        self.bar = None

    def report(self, folder: str, results: list[Result]) -> None:
        first = results[0]
        totals = first.totals
        rows = {
            "files": f"{totals.files:,}",
            "lines": f"{totals.lines:,}",
            "classes": f"{totals.classes:,}",
            "functions": f"{totals.functions:,}",
            "most used": most_used(totals),
            "longest function": longest(totals, folder),
            "files per core": per_core(first),
            **{f"seconds on {cores(each.cores)}": f"{each.seconds:.1f}" for each in results},
            "speed-up": f"{results[-1].seconds / max(first.seconds, 1e-9):.2f}",
            "not counted": f"{len(totals.broken):,}",
        }
        table = Table(title=Text(f"Python below {folder}"), show_header=False)
        for name, value in rows.items():
            table.add_row(name, Text(value))
        self.console.print(table)
        self.list_broken(folder, totals.broken)

    def list_broken(self, folder: str, broken: dict[str, str]) -> None:
        if broken:
            self.say("Not counted:")
        for file, reason in sorted(broken.items()):
            why = reason if len(reason) <= 120 else f"{reason[:117]}..."
            self.say(f"  {printable(os.path.relpath(file, folder))}: {why}")


def cores(number: int) -> str:
    return "1 core" if number == 1 else f"{number} cores"


def most_used(totals: Totals) -> str:
    # By name where the numbers are equal: the order in which files came in is not to be seen.
    ranked = sorted(totals.identifiers.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(f"{name} {number:,}" for name, number in ranked[:MOST_USED])


def longest(totals: Totals, folder: str) -> str:
    lines, name, file = totals.longest
    where = printable(os.path.relpath(file, folder)) if file else ""
    return f"{name}, {lines:,} lines, in {where}" if file else "none"


def per_core(result: Result) -> str:
    pairs = sorted(result.files_per_core.items())
    return ", ".join(f"{files:,} on core {core}" for core, files in pairs)
