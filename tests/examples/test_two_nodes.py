"""The demo of two nodes, as a visitor starts it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(150)
def test_a_teller_survives_the_loss_of_the_bank_and_the_sum_is_conserved() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "two_nodes" / "check.py"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "check: passed, 400 in all before and after" in done.stdout
    assert "the bank is gone (noconnection)" in done.stdout
