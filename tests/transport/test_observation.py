"""The bodies of an observer's question and of the answer."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.transport.frame import CONTROL_CAP
from zanni.transport.observation import (
    TEXT_LIMIT,
    BadObservation,
    Part,
    Question,
    pack_part,
    pack_question,
    pack_row,
    unpack_part,
    unpack_question,
)


def test_a_question_comes_as_it_was_asked():
    question = Question(7, "actors", everything=True)
    assert unpack_question(pack_question(question)) == question


def test_a_part_comes_as_it_was_made():
    rows = [{"row": "actor", "id": 1, "parent": None}, {"row": "total", "count": 2}]
    body = pack_part(7, 2, map(pack_row, rows), is_last=False)
    assert unpack_part(body) == Part(7, 2, is_last=False, error=None, rows=rows)


def test_an_error_comes_as_it_was_made():
    body = pack_part(7, 1, [], is_last=True, error="no")
    assert unpack_part(body) == Part(7, 1, is_last=True, error="no", rows=[])


def test_what_a_later_version_appends_is_ignored():
    assert unpack_question(msgpack.packb([7, "actors", False, "more"])).what == "actors"
    assert unpack_part(msgpack.packb([7, 1, True, None, "more"])).is_last


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("x" * (TEXT_LIMIT + 1), "x" * TEXT_LIMIT + "..."),
        ("\ud800", "?"),
        (1.5, 1.5),
        (object(), "object"),
        (2**70, "int"),
    ],
)
def test_any_value_of_a_row_can_be_told(value, told):
    (row,) = unpack_part(pack_part(1, 1, [pack_row({"value": value})], is_last=True)).rows
    assert row == {"value": told}


def test_a_row_that_no_frame_could_hold_is_refused():
    with pytest.raises(BadObservation, match="bytes"):
        pack_row({f"field {number}": "x" * TEXT_LIMIT for number in range(1000)})


@pytest.mark.parametrize("body", [[1, "a"], ["1", "a", True], [-1, "a", True], 7, {}, []])
def test_what_is_no_question_is_refused(body):
    with pytest.raises(BadObservation):
        unpack_question(msgpack.packb(body))


@pytest.mark.parametrize("body", [[1, 1, True], [1, 1, "yes", None], 7, {}, []])
def test_what_is_no_part_is_refused(body):
    with pytest.raises(BadObservation):
        unpack_part(msgpack.packb(body))


def test_a_part_whose_rows_are_none_is_refused():
    with pytest.raises(BadObservation):
        unpack_part(msgpack.packb([1, 1, True, None]) + msgpack.packb([1]))


def test_a_body_over_the_cap_is_not_read():
    with pytest.raises(BadObservation, match="bytes"):
        unpack_part(bytes(CONTROL_CAP + 1))


@given(st.binary() | st.recursive(st.none() | st.integers(0, 9), st.lists).map(msgpack.packb))
def test_no_bytes_of_a_stranger_raise_anything_else(body):
    for unpack in (unpack_question, unpack_part):
        try:
            unpack(body)
        except BadObservation:
            pass
