"""Runs measurements: each in a fresh process, the sides in turn, the first round thrown away."""

import json
import math
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from .workload import Benchmark, Figures, Medians, Side

ROOT = Path(__file__).parents[1]
PATIENCE = 180.0
"""Seconds after which a measurement is taken to hang."""


@dataclass(frozen=True)
class Measurement:
    """What one fresh process found, or why it did not."""

    benchmark: str
    side: str
    unit: str
    run: int
    """From 1; 0 is the discarded one."""
    n: int
    figures: Figures | None
    error: str | None = None
    lacks: str | None = None
    """What this machine has not, so that it was not tried."""

    def __str__(self) -> str:
        if self.lacks is not None:
            return f"{self.benchmark}, {self.side}: skipped, {self.lacks}"
        run = f"run {self.run}" if self.run > 0 else "discarded run"
        found = self.error or f"{(self.figures or {})['value']:,.6g} {self.unit}"
        return f"{self.benchmark}, {self.side}, {run}: {found}"

    def as_json(self) -> str:
        return json.dumps({**asdict(self), "python": sys.version.split()[0]})


@dataclass(frozen=True)
class Outcome:
    """All that was measured of one benchmark."""

    benchmark: Benchmark
    measurements: list[Measurement]

    def of(self, side: Side) -> list[Measurement]:
        return [each for each in self.measurements if each.side == side.name]

    def values(self, side: Side) -> list[float]:
        counted = [each for each in self.of(side) if each.run > 0]
        return [each.figures["value"] for each in counted if each.figures is not None]

    def median(self, side: Side, figure: Callable[[Figures], float]) -> float | None:
        """The median of another of its figures, such as a percentile; None if it has none."""
        figures = [each.figures for each in self.of(side) if each.run > 0 and each.figures]
        try:
            return statistics.median(figure(each) for each in figures)
        except (KeyError, statistics.StatisticsError):
            return None

    @property
    def medians(self) -> Medians:
        sides = [side for side in self.benchmark.sides if self.values(side)]
        return {side.name: statistics.median(self.values(side)) for side in sides}

    @property
    def lacking(self) -> dict[str, str]:
        """The sides that were left out, with what they lack."""
        return {each.side: each.lacks for each in self.measurements if each.lacks is not None}

    @property
    def errors(self) -> list[str]:
        return [str(each) for each in self.measurements if each.error is not None]


def run_benchmark(
    benchmark: Benchmark,
    *,
    runs: int,
    discarded: int,
    scale: float,
    tell: Callable[[Measurement], None],
) -> Outcome:
    """Measure all sides, one after the other, and that so many times; `tell` hears of each."""
    outcome = Outcome(benchmark, [])
    for run in range(1 - discarded, runs + 1):
        for side in benchmark.sides:
            if any(each.error or each.lacks for each in outcome.of(side)):
                continue  # it failed before, or cannot run here
            made = measure(benchmark, side, run, max(math.ceil(side.n * scale), 1))
            outcome.measurements.append(made)
            tell(made)
    return outcome


def measure(benchmark: Benchmark, side: Side, run: int, n: int) -> Measurement:
    """Have a fresh process do the work, if what it needs is there."""
    if (lacks := side.lacks()) is not None:
        return Measurement(benchmark.name, side.name, benchmark.unit, run, n, None, lacks=lacks)
    figures, error = None, None
    try:
        figures = json.loads(in_fresh_process(benchmark.name, side.name, str(n)))
    except MeasurementFailed as failure:
        error = str(failure)
    return Measurement(benchmark.name, side.name, benchmark.unit, run, n, figures, error)


class MeasurementFailed(Exception):
    """The process did not end as it should."""


def in_fresh_process(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks.measure", *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise MeasurementFailed(f"not done after {PATIENCE:g} seconds") from None
        finally:
            end_group(process)
    if process.returncode != 0 or not out:
        last = "\n".join(err.strip().splitlines()[-1:]) or "it said nothing"
        raise MeasurementFailed(f"exit status {process.returncode}: {last}")
    return out.splitlines()[-1]


def end_group(process: "subprocess.Popen[str]") -> None:
    """Leave nothing of it behind: its own children end with it, unless it hangs or crashed."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run_all(
    benchmarks: Iterable[Benchmark],
    *,
    runs: int = 5,
    discarded: int = 1,
    scale: float = 1.0,
    tell: Callable[[Measurement], None] = lambda _: None,
) -> Iterator[Outcome]:
    """Measure one benchmark after the other."""
    for benchmark in benchmarks:
        yield run_benchmark(benchmark, runs=runs, discarded=discarded, scale=scale, tell=tell)
