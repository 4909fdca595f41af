"""What a supervisor writes into the log: one report for a crash, with what it does about it."""

import gc
import logging
import re
import weakref
from typing import ClassVar

import pytest
from waiting import wait_for

from zanni import Actor, Future
from zanni.supervisors import Backoff, Supervisor, child


class Discreet(Actor):
    def on_receive(self, message):
        raise RuntimeError("crash")

    def on_report(self, message):
        if message == "odd":
            raise KeyError(message)
        return f"{len(message)} secret letters"


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.ERROR, "zanni")
    return caplog


def texts(log):
    return [record.getMessage() for record in log.records]


def test_a_crash_is_reported_once_with_what_follows(world, crash, log):
    world.supervise(world.child("a", name="ann"), intensity=3, period=60)
    ref = world.ref("a")
    error = crash(ref)
    world.until_noted("start a")
    crash(ref)
    world.until_noted("start a", "start a")
    first, second = log.records
    who = f"Worker 'ann' at {ref.address}"
    subject = f"child 'a' of Subject at {world.supervisor.address}"
    assert first.getMessage() == (
        f"{who} crashed in its incarnation 1 while handling ('raise', RuntimeError('crash')): "
        f"{subject} is restarted (1 of at most 3 within 60 seconds)"
    )
    assert first.exc_info[1] is error
    assert f"{who} crashed in its incarnation 2" in second.getMessage()
    assert "(2 of at most 3 within" in second.getMessage()


def test_a_crash_that_is_one_too_many_is_reported_with_the_giving_up(world, crash, log):
    world.supervise(world.child("a"), intensity=0)
    exited = world.supervisor.exited()
    crash(world.ref("a"))
    assert exited.get(timeout=10) == "shutdown"
    (text,) = texts(log)
    assert "crashed in its incarnation 1" in text
    assert text.endswith("as there may be at most 0 within 5 seconds: its supervisor gives up")
    (report,) = world.kinds("gave_up")
    assert report.failures == ("a: RuntimeError('crash')",)


def test_an_end_without_an_error_is_told_where_it_matters(world, log):
    world.supervise(world.child("a"), world.child("b", restart="temporary"), intensity=5, period=60)
    for each in "ab":
        world.ref(each).kill()
    world.until(lambda: len(world.kinds("terminated")) == 2)
    world.settle()
    ends = sorted(texts(log))
    assert len(ends) == 2
    assert "ended for reason 'killed': child 'a'" in ends[0]
    assert "is restarted" in ends[0]
    assert "is not restarted, as it is temporary" in ends[1]


def test_an_orderly_end_that_changes_nothing_is_not_told(world, log):
    world.supervise(world.child("a", restart="transient"))
    world.ref("a").stop()
    world.until(lambda: world.kinds("terminated"))
    world.settle()
    assert texts(log) == []


def test_a_delay_is_told(world, crash, log):
    world.supervise(world.child("a", backoff=Backoff(min=3600, max=3600, jitter=0)))
    crash(world.ref("a"))
    world.until(lambda: world.kinds("terminated"))
    world.settle()
    (text,) = texts(log)
    assert "is restarted in 3.6e+03 seconds (1 of at most 1" in text


def test_a_start_that_fails_is_reported_with_its_error(world, crash, log):
    world.supervise(world.child("a"), intensity=5, period=60)
    world.fail_start["a"] = [ValueError("no")]
    crash(world.ref("a"))
    world.until_noted("fail a", "start a")
    crashed, not_started = log.records
    assert "crashed in its incarnation 1" in crashed.getMessage()
    assert "did not start: child 'a'" in not_started.getMessage()
    assert repr(not_started.exc_info[1]) == "ValueError('no')"


def test_what_a_report_shows_of_a_message_is_the_actors_choice(world, log):
    world.supervise(child(Discreet, id="a"), intensity=5, period=60)
    ref = world.ref("a")
    for word in ("password", "odd"):
        ref.tell(word)
    world.until(lambda: len(world.kinds("terminated")) == 2)
    world.settle()
    assert "while handling '8 secret letters'" in texts(log)[0]
    assert "while handling <on_report failed: KeyError>" in texts(log)[1]
    assert "password" not in log.text


def failing(world, id):
    """The ref of a child in whose hand is a message, and what has that fail."""
    gate, ref = Future(), world.ref(id)
    world.make_wait(ref, gate)
    error = RuntimeError("in passing")
    return ref, lambda: gate.set_exception((type(error), error, None))


def test_the_crash_of_one_that_is_stopped_for_its_group_is_reported_too(world, crash, log):
    world.supervise(
        world.child("a"), world.child("b"), strategy="one_for_all", intensity=5, period=60
    )
    ref, fail = failing(world, "b")
    crash(world.ref("a"))
    wait_for(lambda: ref.process.exit_reason == "shutdown")
    fail()
    world.until(lambda: world.journal[-2:] == ["start a", "start b"])
    world.settle()
    (of_a, of_b) = texts(log)
    assert "is restarted (1 of" in of_a
    assert "RuntimeError('in passing')" not in of_b
    assert of_b.endswith("its supervisor was stopping it")


def test_one_that_was_spawned_under_it_and_is_no_child_of_it_ends_when_it_fails(world, log):
    world.supervise(world.child("a"))
    world.settle()
    stranger = world.system.spawn(Discreet, supervisor=world.supervisor)
    stranger.tell("now")
    assert isinstance(stranger.wait(timeout=10), RuntimeError)
    (text,) = texts(log)
    assert text.endswith("no supervisor keeps it running, and so it ends")
    assert world.states() == {"a": "running"}


def test_the_crash_of_one_that_is_stopped_for_good_is_reported_too(world, log):
    world.supervise(world.child("a"))
    ref, fail = failing(world, "a")
    terminated = world.supervisor.call(Supervisor.terminate_child, "a")
    wait_for(lambda: not ref.is_alive())
    fail()
    terminated.get(timeout=10)
    (record,) = log.records
    assert record.exc_info[1].args == ("in passing",)


class Heavy(Actor):
    made: ClassVar = weakref.WeakSet()

    def __init__(self):
        super().__init__()
        self.made.add(self)

    def on_receive(self, message):
        try:
            raise KeyError(message)
        except KeyError as error:
            raise ValueError(message) from error


def test_what_is_kept_of_a_crash_keeps_no_actor_alive(world, log):
    world.supervise(child(Heavy, id="a"), intensity=100)
    ref = world.ref("a")
    for number in range(20):
        ref.tell(number)
    world.until(lambda: len(world.kinds("terminated")) == 20)
    world.settle()
    gc.collect()
    assert len(Heavy.made) == 1  # the one that lives
    assert "raise ValueError(message) from error" in log.text
    assert len(world.system.events.last) >= 40


def test_delays_grow_to_the_cap_and_begin_anew_after_a_stable_time(world, crash, log):  # C12
    skipped = [0.0]
    clock = world.system.now
    world.system.now = lambda: clock() + skipped[0]
    delays = Backoff(min=0.001, max=0.004, jitter=0, reset_after=60)
    world.supervise(world.child("a", backoff=delays), intensity=100)
    for number in range(5):
        if number == 4:
            skipped[0] = 61.0  # it has run for so long
        crash(world.ref("a"))
        world.until(lambda number=number: world.journal.count("start a") == number + 1)
        world.settle()
    found = [re.search(r"in (\S+) seconds", text)[1] for text in texts(log)]
    assert found == ["0.001", "0.002", "0.004", "0.004", "0.001"]
