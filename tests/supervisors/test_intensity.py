"""A sliding window in whole seconds, on a clock that is passed in."""

import pytest

from zanni.actors.intensity import Intensity


def test_the_fourth_restart_of_three_in_five_seconds_is_too_many():
    window = Intensity(3, 5)
    assert [window.exceeded(now) for now in (10.0, 10.1, 10.2, 10.3)] == [False, False, False, True]


def test_it_is_a_sliding_window_and_not_a_rate():
    window = Intensity(1, 1)
    assert not any(window.exceeded(n * 2.1) for n in range(20))


def test_none_at_all_is_allowed_with_zero():
    assert Intensity(0, 5).exceeded(1.0)


@pytest.mark.parametrize(("second", "exceeded"), [(15.0, True), (15.99, True), (16.0, False)])
def test_a_restart_on_the_edge_of_the_window_is_inside(second, exceeded):
    window = Intensity(1, 5)
    window.exceeded(10.99)
    assert window.exceeded(second) is exceeded


def test_it_keeps_no_more_than_the_window_holds():
    window = Intensity(100_000, 2)
    for now in range(1000):
        window.exceeded(now)
    assert window.count(999) == 3
    assert window.count(5000) == 0
