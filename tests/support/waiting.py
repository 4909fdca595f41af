"""Waiting for what other threads and processes do."""

import time

import pytest

DEADLINE = 20.0
"""Seconds."""


def wait_for(condition, seconds=DEADLINE):
    """Wait until `condition()` is true, and return what it returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    pytest.fail("it did not happen in time")
