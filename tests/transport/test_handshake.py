from itertools import count

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.actors.address import CoreAddress
from zanni.transport.frame import VERSION_MAJOR, VERSION_MINOR
from zanni.transport.handshake import (
    BODY_LIMIT,
    PENDING_LIMIT,
    BadHandshake,
    CorePlace,
    Handshake,
    Holder,
    Identity,
    Refusal,
    identity_of,
    is_compatible,
)


def identity(node, incarnation=1, core=0):
    url = f"ipc:///{node}{core}"
    places = (CorePlace(1, 5, url + "1c", url + "1d"),)
    return Identity(CoreAddress(node, core, incarnation), url + "c", url + "d", "node", 100, places)


A, B = identity("a"), identity("b")


@pytest.fixture
def draw():
    return count(1).__next__


@pytest.fixture
def a(draw):
    return Handshake(draw)


@pytest.fixture
def b(draw):
    return Handshake(draw)


def test_both_sides_adopt(a, b):
    seen, welcome = b.welcome(B, a.hello(A, B.control))
    assert seen == A
    welcomed = a.on_welcome(A, welcome)
    assert (welcomed.identity, welcomed.url) == (B, B.control)
    a.adopted(B)
    assert b.on_confirm(welcomed.confirm) == A
    b.adopted(A)


def test_a_welcome_answers_the_current_hello_only(a, b):
    old = a.hello(A, B.control)
    a.hello(A, B.control)
    assert a.on_welcome(A, b.welcome(B, old)[1]) is None


def test_a_confirm_answers_the_current_welcome_only(a, b):
    first = a.on_welcome(A, b.welcome(B, a.hello(A, B.control))[1])
    b.welcome(B, a.hello(A, B.control))
    assert b.on_confirm(first.confirm) is None


def test_adopting_clears_all_nonces_of_that_core(a, b):
    # Both dial at once; what is left of either handshake counts no more once one is through.
    hello_a, hello_b = a.hello(A, B.control), b.hello(B, A.control)
    _, welcome_b = b.welcome(B, hello_a)
    _, welcome_a = a.welcome(A, hello_b)
    welcomed = a.on_welcome(A, welcome_b)
    late = b.on_welcome(B, welcome_a)
    a.adopted(B)
    assert a.on_welcome(A, welcome_b) is None
    assert a.on_confirm(late.confirm) is None
    assert b.on_confirm(welcomed.confirm) == A


def test_a_late_welcome_of_an_earlier_incarnation_is_nothing(a, b):
    old = identity("b", 1)
    new = identity("b", 2)
    hello = a.hello(A, B.control)
    late = b.welcome(old, hello)[1]
    # The new one dials, and is adopted first.
    _, welcome = a.welcome(A, Handshake(lambda: 99).hello(new, A.control))
    assert welcome
    a.adopted(new)
    assert a.on_welcome(A, late) is None


def test_a_confirm_of_another_incarnation_is_nothing(a, b):
    welcomed = a.on_welcome(A, b.welcome(B, a.hello(A, B.control))[1])
    forged = msgpack.unpackb(welcomed.confirm) | {"incarnation": 2}
    assert b.on_confirm(msgpack.packb(forged)) is None


def test_each_says_how_often_the_two_have_lost_each_other(a, b):
    hello = a.hello(A, B.control)
    _, welcome = b.welcome(B._replace(separations=2), hello)
    assert identity_of(welcome) == B._replace(separations=2)
    welcomed = a.on_welcome(A._replace(separations=3), welcome)
    assert welcomed.identity.separations == 2
    assert b.on_confirm(welcomed.confirm) == A._replace(separations=3)


def test_what_was_said_to_a_core_before_it_was_lost_may_not_be_confirmed(a, b):
    welcomed = a.on_welcome(A, b.welcome(B, a.hello(A, B.control))[1])
    b.lost(A.home)
    assert b.on_confirm(welcomed.confirm) is None


def test_a_refusal_names_the_url_it_answers(a, b):
    hello = a.hello(A, B.control)
    refusal = Refusal("name_in_use", "taken")
    assert a.on_reject(b.reject(B, hello, refusal)) == (B.control, B.home, refusal)
    named = refusal._replace(holder=Holder("host", 7))
    assert a.on_reject(b.reject(B, hello, named)) == (B.control, B.home, named)
    a.hung_up(B.control)
    assert a.on_reject(b.reject(B, hello, refusal)) == (None, B.home, refusal)
    assert a.on_reject(b.reject(B, None, refusal))[0] is None


def test_other_versions_are_named(a):
    hello = a.hello(A, B.control)
    assert is_compatible(hello) is None
    other = msgpack.packb(msgpack.unpackb(hello) | {"versions": [9, 3]})
    assert "9.3" in is_compatible(other).detail
    assert f"{VERSION_MAJOR}.{VERSION_MINOR}" in is_compatible(other).detail


def test_outstanding_handshakes_are_bounded(a):
    stranger = Handshake()
    for number in range(PENDING_LIMIT * 2):
        a.welcome(A, stranger.hello(identity(f"s{number}"), A.control))
        a.hello(A, f"ipc:///{number}")
    assert len(a._welcomed) <= PENDING_LIMIT
    assert len(a._dialled) <= PENDING_LIMIT


INTEGERS = st.integers(-(2**63), 2**64 - 1)
BODIES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | INTEGERS, inner),
    max_leaves=20,
)


@given(st.binary() | BODIES.map(msgpack.packb))
def test_no_bytes_of_a_stranger_raise_anything_else(body):
    handshake = Handshake()
    handshake.hello(A, B.control)
    for take in (
        lambda: handshake.welcome(A, body),
        lambda: handshake.on_welcome(A, body),
        lambda: handshake.on_confirm(body),
        lambda: handshake.on_reject(body),
        lambda: is_compatible(body),
    ):
        with pytest.raises(BadHandshake):
            take()


@given(
    st.sampled_from(["node", "core", "incarnation", "versions", "control", "cores", "nonce"]),
    BODIES,
)
def test_no_field_of_a_stranger_raises_anything_else(field, value):
    handshake = Handshake()
    hello = msgpack.packb(msgpack.unpackb(handshake.hello(A, B.control)) | {field: value})
    try:
        is_compatible(hello)
        handshake.welcome(B, hello)
    except BadHandshake:
        pass


def test_a_large_body_is_not_read():
    with pytest.raises(BadHandshake, match="bytes"):
        Handshake().welcome(A, b"\0" * (BODY_LIMIT + 1))
