"""Links of whole nodes in virtual time: no random schedule of faults makes them break a promise.

`simulation/` is the world, and `python -m simulation SEED`, from this folder, shows what happens in
one schedule. What it holds the nodes to is in `oracle.py`.
"""

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from simulation.mutants import MUTANTS, mutated
from simulation.play import playing
from simulation.schedule import CHURN, Schedule

from zanni.actors import environment, system

FOLDER = Path(__file__).parent
ENOUGH = {"no nonce check": 1000, "tombstones forgotten": 200, "credit ignored": 200}
"""How many schedules a weakening may survive, where it is not 100."""


def begin(*arguments, **environ):
    """Run the simulation as one would by hand."""
    path = os.pathsep.join([str(FOLDER), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-m", "simulation", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environ},
    )


def output_of(*runs):
    try:
        return [run.communicate()[0] for run in runs]
    finally:
        for run in runs:
            run.kill()
            run.wait()


def broken(first, count):
    """Play so many schedules in two processes; what is told of those that break a promise."""
    half = count // 2
    runs = [begin(start, "--count", half, "--quiet") for start in (first, first + half)]
    outputs = output_of(*runs)
    assert [run.returncode for run in runs] == [0, 0], "\n".join(outputs)[-10_000:]


@pytest.mark.timeout(900)  # some 30 seconds of two processors that have nothing else to do
def test_no_random_schedule_of_faults_breaks_a_promise():  # G2 to G7, G9, F4
    broken(0, 2000)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_no_random_schedule_of_very_many_breaks_a_promise():
    broken(1_000_000, 50_000)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_weakening_of_the_protocol_is_noticed(name):
    weather = CHURN if name == "no nonce check" else None
    with playing() as play:
        with mutated(name):
            played = (play(seed, weather) for seed in range(ENOUGH.get(name, 100)))
            caught = next((each for each in played if each.violations), None)
        assert caught is not None, "nothing noticed that the rule is left out"
        assert play(caught.seed, weather).violations == []


def test_a_seed_gives_the_same_schedule_in_every_process():
    runs = [begin(7, "--count", 5, PYTHONHASHSEED=str(seed)) for seed in (1, 2)]
    one, other = output_of(*runs)
    assert one == other
    assert one.count("seed") == 5


def test_nothing_in_a_schedule_is_random_but_by_its_seed(monkeypatch):
    drawn = Mock()
    monkeypatch.setattr(environment, "_random", drawn)
    with playing() as play:
        play(1)
    assert drawn.mock_calls == []


def test_a_broken_promise_is_shown_with_its_seed_and_all_that_led_to_it():
    with playing() as play, mutated("acks lost"):
        seed = next(seed for seed in range(100) if play(seed).violations)
    run = begin(seed, "--mutant", "acks lost")
    (text,) = output_of(run)
    assert run.returncode == 1
    assert text.startswith(f"seed {seed}, ")
    assert "boot a1" in text
    assert "VIOLATION G11" in text


def test_what_runs_in_virtual_time_leaves_the_real_one_as_it_was():
    before = (environment.now, system.now, system.watcher, system.network_of.function)
    with playing() as play:
        play(1)
        assert environment.now is not before[0]
    assert (environment.now, system.now, system.watcher, system.network_of.function) == before
    assert not system.systems


def test_schedules_have_two_and_three_nodes_and_all_kinds_of_weather():
    with playing():
        schedules = [Schedule(seed) for seed in range(100)]
    assert {each.world.count for each in schedules} == {2, 3}
    assert len({each.weather for each in schedules}) == 5
