"""Every side of every benchmark does a little of its work, and the checks agree. No timing."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
A_LITTLE = 0.001


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements find this Zanni, also where it is not installed."""
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setattr(imported("runner"), "PATIENCE", 20.0)  # before pytest loses its own
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))


def imported(name: str) -> Any:
    return importlib.import_module(f"benchmarks.{name}")


def sides() -> list[tuple[str, str]]:
    known = imported("catalogue").all_benchmarks()
    return [(benchmark.name, side.name) for benchmark in known for side in benchmark.sides]


@pytest.mark.parametrize(("name", "side_name"), sides())
def test_it_does_its_work(name: str, side_name: str) -> None:
    runner = imported("runner")
    benchmark = imported("catalogue").find(name)
    side = next(each for each in benchmark.sides if each.name == side_name)
    made = runner.measure(benchmark, side, 1, max(int(side.n * A_LITTLE), 1))
    assert made.error is None
    assert made.figures["value"] > 0


def test_a_run_prints_json_on_stdout_and_the_table_on_stderr() -> None:
    done = command("--only", "M2", "--runs", "2", "--scale", "0.001", "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["side"], line["run"], line["n"]) for line in lines] == [
        (side, run, n) for run in (0, 1, 2) for side, n in (("zanni", 500), ("pykka", 200))
    ]
    assert all(line["figures"]["value"] > 0 for line in lines)
    assert "Zanni is" in done.stderr
    assert "5 x Pykka" in done.stderr


def test_an_unknown_benchmark_is_refused_with_the_known_ones() -> None:
    done = command("--only", "M99")
    assert done.returncode == 2
    assert "no benchmark is called 'M99'; there are M1a, M1b" in " ".join(done.stderr.split())


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wrong_answer_is_an_error_and_no_figure() -> None:
    workload, runner = imported("workload"), imported("runner")
    with pytest.raises(workload.CheckFailed, match="the count: 9, and it should be 10"):
        workload.check("the count", 9, 10)
    benchmark = workload.Benchmark("M0", "", "", [])
    failed = runner.Measurement("M2", "zanni", "tells/s", 1, 10, None, "exit status 1: the count")
    outcome = runner.Outcome(benchmark, [failed])
    assert outcome.errors == ["M2, zanni, run 1: exit status 1: the count"]
    assert outcome.medians == {}


def test_a_measurement_that_fails_is_told_with_its_last_words() -> None:
    runner = imported("runner")
    with pytest.raises(runner.MeasurementFailed, match="exit status 1: StopIteration"):
        runner.in_fresh_process("M2", "nobody", "10")


def test_advantage_and_targets() -> None:
    workload = imported("workload")
    of = {"zanni": 300.0, "pykka": 100.0}
    side = workload.Side("zanni", dict, 1)
    rates = workload.Benchmark("M2", "", "tells/s", [side])
    costs = workload.Benchmark("M6", "", "bytes", [side], more_is_better=False)
    assert rates.advantage(of, "pykka") == 3
    assert costs.advantage(of, "pykka") == pytest.approx(1 / 3)
