"""Waiting for what other threads and processes do."""

import time

DEADLINE = 40.0
"""Seconds: a busy machine may be late."""


def wait_for(condition, seconds=DEADLINE, what="it"):
    """Wait until `condition()` is true, and return what it returned."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.001)
    return found


def run_until(condition, *endpoints):
    """Run the endpoints' loops until `condition()` is true."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE} s"
        for endpoint in endpoints:
            endpoint.wait(0.001)


def make_due(core):
    """Have a core of this process do now what it is to do later: delays of an hour are over."""

    def make_due():
        for timer in core._timers:
            timer.when = 0.0

    core.post(make_due)
