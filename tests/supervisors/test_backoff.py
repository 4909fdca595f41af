"""Delays: they grow, they are spread, they never pass the cap."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.supervisors import Backoff


def delays(backoff, count):
    delay = None
    for _ in range(count):
        delay = backoff.grow(delay)
        yield delay


def test_delays_double_up_to_the_cap():
    assert list(delays(Backoff(min=1, max=10), 6)) == [1, 2, 4, 8, 10, 10]


def test_they_never_overflow():
    assert next(itertools.islice(delays(Backoff(factor=1e300), 5000), 4999, None)) == 30


@given(random=st.floats(0, 1, exclude_max=True), delay=st.floats(0, 30))
def test_jitter_stays_within_its_share_and_under_the_cap(random, delay):
    spread = Backoff(jitter=0.2).spread(delay, random)
    assert delay * 0.8 - 1e-9 <= spread <= min(30, delay * 1.2 + 1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        Backoff(min=-1),
        Backoff(min=5, max=1),
        Backoff(factor=0.5),
        Backoff(jitter=2),
        Backoff(reset_after=-1),
        Backoff(min=float("nan")),
    ],
)
def test_wrong_numbers_are_named_with_the_remedy(wrong):
    assert "Backoff(" in wrong.problem()


def test_the_defaults_are_right():
    assert Backoff().problem() is None
