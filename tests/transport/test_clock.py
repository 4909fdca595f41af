"""Virtual time: it goes on while somebody sleeps, and does what is due."""

import pytest

from zanni.transport.clock import VirtualClock


def test_what_is_due_is_done_in_the_order_of_its_time_and_then_of_asking():
    clock, done = VirtualClock(), []
    for moment, name in ((2.0, "c"), (1.0, "a"), (1.0, "b"), (9.0, "never")):
        clock.at(moment, lambda name=name: done.append((clock.now(), name)))
    clock.sleep(clock, 5.0)
    assert done == [(1.0, "a"), (1.0, "b"), (2.0, "c")]
    assert clock.now() == 5.0


def test_a_sleep_ends_when_the_sleeper_is_woken_and_for_nobody_else():
    clock = VirtualClock()
    clock.at(1.0, lambda: clock.wake("another"))
    clock.at(2.0, lambda: clock.wake("sleeper"))
    clock.at(3.0, lambda: pytest.fail("it slept on"))
    clock.sleep("sleeper", None)
    assert clock.now() == 2.0


def test_a_wake_before_the_sleep_is_none():
    clock = VirtualClock()
    clock.wake("sleeper")
    clock.sleep("sleeper", 1.0)
    assert clock.now() == 1.0


def test_time_does_not_go_back():
    clock, done = VirtualClock(10.0), []
    clock.at(1.0, lambda: done.append(clock.now()))
    clock.sleep(clock, 1.0)
    assert (done, clock.now()) == ([10.0], 11.0)


def test_a_sleep_that_nothing_will_end_is_an_error():
    with pytest.raises(RuntimeError, match="would sleep for ever"):
        VirtualClock().sleep("sleeper", None)
