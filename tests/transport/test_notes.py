"""The notes of an error as they travel: what can, and no more than so many."""

import pytest

from zanni.transport.notes import LIMIT, are_notes, notes_of, put_notes
from zanni.transport.values import MAX_TEXT


def noted(*notes):
    error = ValueError("no")
    for note in notes:
        error.add_note(note)
    return error


def test_they_arrive_in_their_order():
    error = ValueError("no")
    put_notes(error, notes_of(noted("one", "two")))
    assert error.__notes__ == ["one", "two"]


@pytest.mark.parametrize("error", [ValueError(), "no error", noted()])
def test_without_notes_nothing_travels(error):
    assert notes_of(error) is None


def test_what_a_program_put_in_their_place_does_not_travel():
    error = ValueError()
    error.__notes__ = "text"
    assert notes_of(error) is None
    error.__notes__ = [1, "text", None]
    assert notes_of(error) == {"notes": ["text"]}


def test_many_and_long_ones_are_cut():
    headers = notes_of(noted(*["x" * 2 * MAX_TEXT] * 2 * LIMIT))
    assert are_notes(headers["notes"])
    assert max(map(len, headers["notes"])) < MAX_TEXT + 50


@pytest.mark.parametrize("found", [None, "text", {"a": 1}, [1], ["a"] * (LIMIT + 1)])
def test_what_else_comes_in_their_place_is_none(found):
    assert not are_notes(found)


def test_an_answer_without_headers_brings_none():
    error = ValueError()
    put_notes(error, None)
    put_notes(error, {"deadline": 1.0})
    assert not hasattr(error, "__notes__")
