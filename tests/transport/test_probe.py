import struct

import pytest

from zanni.transport.events import KEY_REFUSED, KEYS_WANTED, NO_KEYS, NO_NODE, WRONG_KEY
from zanni.transport.probe import (
    FAILED,
    FAILED_AUTHENTICATION,
    FAILED_PROTOCOL,
    SUCCEEDED,
    Attempts,
    Event,
    reason_of,
)

MISMATCH = 0x11000002
CLOSED = Event(FAILED, 32)


@pytest.mark.parametrize(
    ("events", "with_key", "reason"),
    [
        ([], True, NO_NODE),
        ([], False, NO_NODE),
        ([Event(FAILED_AUTHENTICATION, 400)], True, KEY_REFUSED),
        ([Event(FAILED_PROTOCOL, MISMATCH)], True, NO_KEYS),
        ([Event(FAILED_PROTOCOL, MISMATCH)], False, KEYS_WANTED),
        ([Event(FAILED_PROTOCOL, 0x10000000)], True, NO_NODE),
        ([CLOSED, CLOSED], True, WRONG_KEY),
        ([CLOSED, Event(FAILED_PROTOCOL, MISMATCH)], True, NO_KEYS),
        ([CLOSED, CLOSED], False, NO_NODE),
        ([Event(SUCCEEDED, 0)], True, NO_NODE),
    ],
)
def test_the_reason(events, with_key, reason):
    assert reason_of(events, with_key=with_key) == reason


def test_what_is_told_is_kept():
    frames = [struct.pack("=HI", *CLOSED), None, None]
    ended = []
    attempts = Attempts(lambda: frames.pop(0), lambda: ended.append(True), with_key=True)
    assert attempts.reason() == attempts.reason() == WRONG_KEY
    attempts.close()
    assert ended == [True]
