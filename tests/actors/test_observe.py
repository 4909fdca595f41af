"""Dead letters and events."""

import logging

import pytest

from zanni import ActorDeadError
from zanni.actors.address import Address
from zanni.actors.bulk import BULKY
from zanni.actors.observe import DeadLetters, Events, Omitted

TARGET = Address("node", 0, 1, 2)


def test_dead_letters_are_counted_by_reason_and_the_last_ones_kept():
    letters = DeadLetters(keep=3)
    for number in range(5):
        letters.count("dead", number, TARGET)
    letters.count("stale", "other", TARGET)
    assert len(letters) == 6
    assert letters.statistics() == {"dead": 5, "stale": 1}
    assert [letter.message for letter in letters.last] == [3, 4, "other"]


@pytest.mark.parametrize("message", [bytes(BULKY), {"part": ["x" * BULKY]}])
def test_of_a_dead_letter_that_takes_much_memory_the_type_is_kept(caplog, message):
    letters = DeadLetters()
    with caplog.at_level(logging.INFO, "zanni"):
        letters.count("dead", message, TARGET)
    assert letters.last[-1] == (Omitted(type(message).__name__), TARGET, None, "dead")
    assert repr(message)[:200] in caplog.text


def test_a_storm_of_dead_letters_is_one_line_a_reason(caplog):
    letters = DeadLetters()
    with caplog.at_level(logging.INFO, "zanni"):
        for number in range(1000):
            letters.count("dead", number, TARGET)
            letters.count("stale", number, TARGET)
    assert len(caplog.records) == 2


def test_a_filter_of_the_log_that_raises_harms_nobody(caplog, failing_filter):
    letters = DeadLetters()
    with caplog.at_level(logging.INFO, "zanni"):
        letters.count("dead", 1, TARGET)
    (text,) = failing_filter
    assert text.startswith("dead letter for")
    assert len(letters) == 1


def test_a_dead_letter_bears_its_sender(system, tools):
    recorder = system.spawn(tools.Recorder)
    recorder.stop()
    hooked = system.spawn(tools.Hooked, [])

    def turn(self):
        with pytest.raises(ActorDeadError):
            recorder.tell("hello")

    hooked.ask(("apply", turn))
    assert system.dead_letters.last[-1].sender == hooked.address


@pytest.mark.parametrize("kind", [KeyError, SystemExit, KeyboardInterrupt])
def test_events_reach_subscribers_until_they_unsubscribe(caplog, kind):
    events, one, two = Events(), [], []

    def fails(event):
        raise kind(event)

    events.subscribe(one.append)
    events.subscribe(fails)
    events.subscribe(two.append)
    with caplog.at_level(logging.ERROR, "zanni"):
        events.publish("first")
    assert one == two == ["first"]
    assert "a subscriber to events failed" in caplog.text
    events.unsubscribe(one.append)
    events.unsubscribe(fails)
    events.publish("second")
    assert (one, two) == (["first"], ["first", "second"])
    assert list(events.last) == ["first", "second"]


def test_subscribers_of_several_threads_all_stay(in_threads, switching):
    events, seen = Events(), []

    def subscribe():
        for _ in range(200):
            events.subscribe(seen.append)

    in_threads(*[subscribe] * 4)
    events.publish("once")
    assert len(seen) == 800
