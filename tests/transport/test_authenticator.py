import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.transport.authenticator import DOMAIN, answer
from zanni.transport.key import key_text

RAW = bytes(range(32))
REQUEST = [b"1.0", b"7", DOMAIN.encode(), b"10.0.0.2", b"", b"CURVE", RAW]


def test_who_is_admitted_is_known_by_the_key():
    asked = []

    def admits(key, address):
        asked.append((key, address))
        return True

    assert answer(REQUEST, admits) == [b"1.0", b"7", b"200", b"OK", key_text(RAW).encode(), b""]
    assert asked == [(key_text(RAW), "10.0.0.2")]


def test_who_is_not_admitted_is_refused():
    version, number, status, _, user, _ = answer(REQUEST, lambda *_: False)
    assert (version, number, status, user) == (b"1.0", b"7", b"400", b"")


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, b"2.0"), (2, b""), (2, b"other"), (5, b"NULL"), (5, b"PLAIN"), (6, b""), (6, RAW[1:])],
)
def test_another_request_is_refused_unasked(place, value):
    request = [*REQUEST]
    request[place] = value
    assert answer(request, lambda *_: True)[2] == b"400"


@given(st.lists(st.binary(max_size=40), max_size=9))
def test_whatever_is_no_request_is_refused(request):
    assert answer(request, lambda *_: True)[2] == b"400"


def test_a_judgement_that_fails_lets_nobody_in(caplog):
    def admits(key, address):
        raise RuntimeError("no judge")

    with caplog.at_level(logging.CRITICAL, "zanni"):
        assert answer(REQUEST, admits)[2] == b"400"
