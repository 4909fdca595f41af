"""The reports of crashes: what they say, how much of it, and that a storm is not told in full."""

import logging

import pytest

from zanni import Actor, ActorSystem
from zanni.actors import crash as crashes
from zanni.actors.crash import BURST, PERIOD, Crash, Crashes, Text, seen, shown, type_and_text


class Clock:
    """Stands for the core's timers and its clock."""

    def __init__(self):
        self.now, self.due = 0.0, []

    def call_later(self, seconds, function):
        self.due.append((self.now + seconds, function))

    def advance(self, seconds):
        self.now += seconds
        due, self.due = self.due, []
        for when, function in due:
            if when <= self.now:
                function()
            else:
                self.due.append((when, function))


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(crashes, "now", lambda: clock.now)
    return clock


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.ERROR, "zanni")
    return caplog


def raised(error):
    try:
        raise error
    except type(error):
        return error


def test_a_report_names_the_actor_its_incarnation_the_message_and_what_follows(clock, log):
    error = raised(ValueError("insufficient funds"))
    crash = Crash("Account 'ann' at bank/0/7", 2, {"withdraw": 30}, error)
    Crashes(clock.call_later).report(crash, "child 'ann' of Bank is restarted")
    (record,) = log.records
    assert record.getMessage() == (
        "Account 'ann' at bank/0/7 crashed in its incarnation 2 while handling {'withdraw': 30}: "
        "child 'ann' of Bank is restarted"
    )
    assert record.exc_info[1] is error
    assert log.text.count("Traceback") == 1


def test_a_crash_elsewhere_is_told_with_the_traceback_that_came(clock, log):
    crash = Crash("Account at bank/1/7", 1, Text("Deposit(3)"), ValueError("no"), "Trace: there")
    Crashes(clock.call_later).report(crash, "restarted")
    assert "while handling Deposit(3): restarted\nTrace: there\nValueError: no" in log.text


def test_a_long_message_is_cut_off_and_one_whose_repr_fails_is_named():
    class Odd:
        def __repr__(self):
            raise KeyError("no repr")

    assert len(shown("x" * 10_000)) < 220
    assert len(shown(["x" * 10_000] * 100)) < 220
    assert shown(Odd()).startswith("<Odd instance at")


def exits(*_):
    raise SystemExit


def test_what_is_shown_may_do_as_it_likes():
    odd = type("Odd", (Exception,), {"__str__": exits, "__repr__": exits})()
    assert type_and_text(odd) == ("Odd", "<its text cannot be made: SystemExit>")
    assert shown(odd) == "<its text cannot be made: SystemExit>"
    assert shown(seen((odd,), exits)) == "<on_report failed: SystemExit>"


def test_a_storm_is_told_by_its_first_ones_and_their_number(clock, log):
    reports = Crashes(clock.call_later)
    for number in range(1000):
        reports.report(Crash(f"Worker at bank/0/{number}", 1), "restarted")
    assert len(log.records) == BURST
    clock.advance(PERIOD)
    assert len(log.records) == BURST + 1
    assert f"{1000 - BURST} more crashes" in log.records[-1].getMessage()
    reports.report(Crash("Worker at bank/0/1", 1), "restarted")  # told again
    assert len(log.records) == BURST + 2
    clock.advance(PERIOD)
    assert len(log.records) == BURST + 2


def test_what_was_left_out_is_told_when_the_system_stops(log):
    with ActorSystem("test") as system:
        for number in range(BURST + 5):
            system.crashes.report(Crash(f"Worker at bank/0/{number}", 1), "restarted")
    assert "5 more crashes" in log.records[-1].getMessage()


class Alone(Actor):
    """Fails at whatever it is told."""

    def on_receive(self, message):
        raise RuntimeError(message)


def test_an_actor_that_nobody_supervises_is_reported_in_pykkas_words(log):
    with ActorSystem("test") as system:
        ref = system.spawn(Alone)
        ref.tell("now")
        assert str(ref.wait(timeout=10)) == "now"
    (record,) = log.records
    assert record.getMessage() == f"Unhandled exception in {ref}:"
    assert str(record.exc_info[1]) == "now"


def test_a_filter_of_the_log_that_raises_ends_no_core(failing_filter):
    with ActorSystem("test") as system:
        ref = system.spawn(Alone)
        ref.tell("now")
        assert str(ref.wait(timeout=10)) == "now"
        assert system.spawn(Actor).ask("handled by nobody", timeout=10) is None
    assert failing_filter == ["Unhandled exception in %s:"]
