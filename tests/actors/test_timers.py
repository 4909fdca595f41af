"""`after` and `every`: they come, can be called off, and end with the incarnation."""

import time
from types import SimpleNamespace

import pytest
from waiting import make_due

from zanni import Actor
from zanni.actors import actor, timers


class Timed(Actor):
    def __init__(self, seen=None):
        self.seen = [] if seen is None else seen

    def on_receive(self, message):
        match message:
            case ("after", seconds, what):
                self.timer = self.after(seconds, what)
            case ("every", seconds, what):
                self.timer = self.every(seconds, what)
            case "cancel":
                return self.timer.cancel()
            case ("apply", function):
                return function(self)
            case _:
                self.seen.append(message)
        return None


def test_after_comes_once_and_not_before_its_time(system, eventually):
    seen, moment = [], time.monotonic()
    system.spawn(Timed, seen).tell(("after", 0.02, "tick"))
    eventually(lambda: seen)
    assert time.monotonic() - moment >= 0.02
    late = system.spawn(Timed)
    late.tell(("after", 0.05, "later"))
    eventually(lambda: late.ask(("apply", lambda self: list(self.seen))))
    assert seen == ["tick"]


def test_timers_come_in_the_order_of_their_time(system, eventually, monkeypatch):
    seen = []
    timed = system.spawn(Timed, seen)

    def turn(self):
        for delay in (0.03, 0.01, 0.02, 0, 0):
            self.after(delay, delay)

    moment = time.monotonic()
    with monkeypatch.context() as frozen:
        frozen.setattr(actor, "now", lambda: moment)
        timed.ask(("apply", turn))
    eventually(lambda: len(seen) == 5)
    assert seen == [0, 0, 0.01, 0.02, 0.03]


def test_every_comes_again_and_again_until_it_is_cancelled(system, eventually):
    seen = []
    timed = system.spawn(Timed, seen)
    timed.tell(("every", 0.001, "tick"))
    eventually(lambda: len(seen) >= 5)
    assert timed.ask("cancel") is True
    assert timed.ask("cancel") is False
    count = len(timed.ask(("apply", lambda self: list(self.seen))))
    mark = system.spawn(Timed, marks := [])
    mark.tell(("after", 0.02, "later"))
    eventually(lambda: marks)
    assert len(seen) <= count


def test_a_cancelled_timer_does_not_come(system, eventually):
    seen = []
    timed = system.spawn(Timed, seen)
    timed.tell(("after", 1000, "never"))
    assert timed.ask("cancel") is True
    assert timed.ask("cancel") is False
    timed.tell(("after", 1000, "later"))
    timed.ask(("apply", lambda self: make_due(system.core)))
    eventually(lambda: seen)
    assert seen == ["later"]


def test_cancel_of_a_timer_that_has_come_is_false(system, eventually):
    seen = []
    timed = system.spawn(Timed, seen)
    timed.tell(("after", 0, "tick"))
    eventually(lambda: seen)
    assert timed.ask("cancel") is False


def test_an_every_may_cancel_itself(system, eventually):
    class Thrice(Timed):
        def on_receive(self, message):
            super().on_receive(message)
            if message == "tick" and len(self.seen) == 3:
                self.timer.cancel()

    seen, other = [], []
    system.spawn(Thrice, seen).tell(("every", 0.001, "tick"))
    eventually(lambda: len(seen) >= 3)
    system.spawn(Timed, other).tell(("after", 0.02, "later"))
    eventually(lambda: other)
    assert seen == ["tick"] * 3


def test_missed_periods_are_not_made_up_for(system, eventually):  # F14
    timed, period, held = system.spawn(Timed), 0.02, 0.2

    def hold_up():
        end = time.monotonic() + held
        while time.monotonic() < end:  # the loop itself: a handler would lose the core
            pass

    began = time.monotonic()
    timed.ask(("apply", lambda self: self.every(period, "tick")))
    system.core.post(hold_up)
    ticks = len(timed.ask(("apply", lambda self: list(self.seen))))
    # One for the time it was held, and one soon after, in time with the beat.
    assert ticks <= (time.monotonic() - began - held) / period + 2


def test_the_beat_is_kept_however_late_each_period_ends(monkeypatch):
    clock, begun = SimpleNamespace(now=100.0), []
    monkeypatch.setattr(timers, "now", lambda: clock.now)
    periodic = timers.Periodic(1.0, begun.append, lambda: None)
    periodic.again()
    for late in (0.25, 0.0, 0.75, 2.5, 0.5):
        clock.now = begun[-1].when + late
        periodic.again()
    assert [timer.when for timer in begun] == [101.0, 102.0, 103.0, 104.0, 107.0, 108.0]


def test_timers_die_with_their_actor(system, eventually):  # B13
    for end in ("stop", "kill", "fail"):
        seen, others = [], []
        timed = system.spawn(Timed, seen)
        timed.tell(("after", 0.01, "never"))
        timed.tell(("every", 0.01, "never"))

        def fail(self):
            raise KeyError

        timed.ask(("apply", lambda self: None))
        ends = {"stop": timed.stop, "kill": timed.kill}
        exited = timed.exited()
        ends[end]() if end in ends else timed.tell(("apply", fail))
        exited.get(timeout=10)
        before = (list(seen), len(system.dead_letters))
        system.spawn(Timed, others).tell(("after", 0.03, "later"))
        eventually(lambda others=others: others)
        assert (seen, len(system.dead_letters)) == before


def test_a_timer_may_be_set_in_init_and_in_on_start(system, eventually):
    class Early(Timed):
        def __init__(self, seen):
            super().__init__(seen)
            self.after(0, "init")

        def on_start(self):
            self.after(0, "start")

    seen = []
    system.spawn(Early, seen)
    eventually(lambda: len(seen) == 2)
    assert sorted(seen) == ["init", "start"]


def test_timers_set_by_many_inits_at_once_all_come(system, in_threads, switching, eventually):
    class Early(Timed):
        def __init__(self, seen):
            super().__init__(seen)
            self.after(0.001, "init")

    seen = []

    def spawns():
        for _ in range(200):
            system.spawn(Early, seen)

    in_threads(*[spawns] * 3)
    eventually(lambda: len(seen) == 600)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 10**400])
def test_times_that_cannot_be(system, seconds):
    timed = system.spawn(Timed)
    for verb in ("after", "every"):
        with pytest.raises(ValueError, match="timer takes"):
            timed.ask((verb, seconds, "never"))
    with pytest.raises(ValueError, match="timer takes"):
        timed.ask(("every", 0, "never"))
    with pytest.raises(TypeError, match=r"timer takes a number of seconds.*'soon'"):
        timed.ask(("after", "soon", "never"))


def test_timers_that_were_called_off_are_forgotten(system):
    """A long-lived actor that sets a timeout for each request and calls it off."""
    timed = system.spawn(Timed)

    def turn(self):
        for _ in range(5000):
            self.after(1000, "timeout").cancel()
            self.every(1000, "tick").cancel()
        return len(self._cell.ties.timers)

    assert timed.ask(("apply", turn)) < 200
    for _ in range(3000):
        timed.ask(("apply", lambda self: None), timeout=1000)
        timed.ask(("apply", lambda self: None), block=False, timeout=1000).get()
    assert len(system.core._timers) < 3000


def test_many_timers_of_an_actor_in_its_own_thread_may_come_while_it_sets_more(system, switching):
    class Pinned(Timed):
        dispatcher = "pinned"

    pinned = system.spawn(Pinned)

    def set_many(self):
        for number in range(5000):
            self.after(0, number)

    for _ in range(3):
        pinned.ask(("apply", set_many))
    assert pinned.ask(("apply", lambda self: None)) is None
