import struct

import pytest

from zanni import Future
from zanni.transport.events import (
    KEY_REFUSED,
    KEYS_WANTED,
    NO_KEYS,
    NO_NODE,
    NOTHING_LISTENS,
    WRONG_KEY,
)
from zanni.transport.probe import (
    FAILED,
    FAILED_AUTHENTICATION,
    FAILED_PROTOCOL,
    GREETING,
    SUCCEEDED,
    Attempts,
    Event,
    reason_of,
    wants_keys,
)

CLOSED = Event(FAILED, 32)


@pytest.mark.parametrize(
    ("events", "wanted", "with_key", "reason"),
    [
        ([], None, True, NO_NODE),
        ([], None, False, NO_NODE),
        ([Event(FAILED_AUTHENTICATION, 400)], True, True, KEY_REFUSED),
        ([CLOSED], False, True, NO_KEYS),
        ([CLOSED], True, False, KEYS_WANTED),
        ([Event(FAILED_PROTOCOL, 5)], True, True, NO_NODE),
        ([CLOSED, CLOSED], True, True, WRONG_KEY),
        ([CLOSED, CLOSED], None, True, NO_NODE),
        ([CLOSED, CLOSED], None, False, NO_NODE),
        ([CLOSED, CLOSED], False, False, NO_NODE),
        ([Event(SUCCEEDED, 0)], True, True, NO_NODE),
    ],
)
def test_the_reason(events, wanted, with_key, reason):
    assert reason_of(events, wanted, with_key=with_key) == reason


def greeting(mechanism):
    return GREETING + b"\1" + mechanism.ljust(20, b"\0") + bytes(32)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (greeting(b"CURVE"), True),
        (greeting(b"NULL"), False),
        (greeting(b"CURVE")[:-1], None),
        (b"", None),
        (b"HTTP/1.1 400 Bad Request\r\n".ljust(64), None),
    ],
)
def test_a_greeting_says_whether_keys_are_wanted(said, wanted):
    assert wants_keys(said) is wanted


@pytest.fixture
def greeted():
    return Future()


@pytest.fixture
def ended():
    return []


@pytest.fixture
def attempts(greeted, ended):
    frames = iter([struct.pack("=HI", *CLOSED)])
    return Attempts(lambda: next(frames, None), lambda: ended.append(True), greeted, with_key=True)


def test_what_is_told_is_kept_until_there_is_a_greeting(attempts, greeted, ended):
    assert attempts.reason() is None
    greeted.resolve(greeting(b"CURVE"))
    assert attempts.reason() == attempts.reason() == WRONG_KEY
    attempts.close()
    assert ended == [True]


def test_where_there_is_nobody_to_greet_nothing_listens(attempts, greeted):
    greeted.resolve(None)
    assert attempts.reason() == NOTHING_LISTENS
