"""The bodies of OBSERVE frames: a question, and the parts of its answer. No input or output here.

A question is a msgpack array `[number, what, everything]`: the observer's own number for it, a name
from the table in observers.py, and whether nothing is to be left out. A part of the answer is an
array `[number, part, is last, error or nil]` and then rows, maps of plain values, one msgpack value
after another. The parts are numbered from 1, so that one which is lost is missed.

How to change it: append to the arrays, add fields to rows, add questions; receivers ignore what
they do not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, cast

from ..actors.survey import Row
from .frame import CONTROL_CAP
from .msgpack_typed import make_unpacker, packb

TEXT_LIMIT = 256
"""Characters of a text in a row; what is beyond is cut off."""
ROWS_LIMIT = CONTROL_CAP // 4
"""From so many bytes of rows on a part is full."""
ROW_LIMIT = CONTROL_CAP // 2
"""The most bytes that a row may have."""


class BadObservation(ValueError):
    """A body is none; the text says what is wrong with it."""


class Question(NamedTuple):
    """What an observer wants to know."""

    number: int
    what: str
    everything: bool


class Part(NamedTuple):
    """A part of an answer; with an `error` it is the last one, and there is no answer."""

    number: int
    part: int
    is_last: bool
    error: str | None
    rows: list[Row]


def pack_question(question: Question) -> bytes:
    """Any thread. The body of a question."""
    return packb(list(question))


def unpack_question(body: bytes | memoryview) -> Question:
    """Any thread. Read a question.

    Raises:
        BadObservation: it is none.

    """
    match _values(body):
        case [[int(number), str(what), bool(everything), *_]] if number >= 0:
            return Question(number, what[:TEXT_LIMIT], everything)
        case _:
            raise BadObservation("an observer's question that is none")


def pack_row(row: Row) -> bytes:
    """Any thread. A row, with its texts cut; what is no plain value is told by its type's name."""
    cut = {key: _cut(value) for key, value in row.items()}
    packed = packb(cut, default=lambda value: type(value).__name__, unicode_errors="replace")
    if len(packed) > ROW_LIMIT:
        raise BadObservation(f"a row of {len(packed)} bytes, at most {ROW_LIMIT} can be told")
    return packed


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        return f"{value[:TEXT_LIMIT]}..."
    return value


def pack_part(
    number: int, part: int, rows: Iterable[bytes], *, is_last: bool, error: str | None = None
) -> bytes:
    """Any thread. The body of a part, of rows that are packed already."""
    head = [number, part, is_last, _cut(error)]
    return b"".join([packb(head, unicode_errors="replace"), *rows])


def unpack_part(body: bytes | memoryview) -> Part:
    """Any thread. Read a part of an answer.

    Raises:
        BadObservation: it is none.

    """
    match _values(body):
        case [[int(number), int(part), bool(is_last), None | str() as error, *_], *rows]:
            if all(isinstance(row, dict) for row in rows):
                return Part(number, part, is_last, error, cast("list[Row]", rows))
        case _:
            pass
    raise BadObservation("a part of an answer that is none")


def _values(body: bytes | memoryview) -> list[Any]:
    if len(body) > CONTROL_CAP:
        raise BadObservation(f"{len(body)} bytes, at most {CONTROL_CAP} are taken")
    unpacker = make_unpacker(max_buffer_size=CONTROL_CAP, max_ext_len=0, max_array_len=1024)
    unpacker.feed(body)
    try:
        return list(unpacker)
    except Exception as error:
        raise BadObservation(f"not msgpack: {error}") from None
