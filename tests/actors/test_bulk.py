"""How much memory a message takes, whatever it consists of."""

import dataclasses
import sys
from collections import deque

import numpy as np
import pytest
from pykka.messages import ProxyCall

from zanni import message
from zanni.actors.bulk import BULKY, is_bulky, size_of


@message
class Parcel:
    content: object


@dataclasses.dataclass
class Plain:
    content: object


@pytest.mark.parametrize(
    "within",
    [
        lambda content: content,
        Parcel,
        Plain,
        ValueError,
        lambda content: [1, (content,)],
        lambda content: {"key": content},
        lambda content: {content: "value"},
        lambda content: ProxyCall(attr_path=("take",), args=(content,), kwargs={}),
    ],
)
@pytest.mark.parametrize("kind", [bytes, "x".__mul__])
def test_a_large_part_makes_a_message_bulky_and_a_small_one_does_not(within, kind):
    assert is_bulky(within(kind(BULKY)))
    assert not is_bulky(within(kind(BULKY // 2)))


@pytest.mark.parametrize("kind", [bytearray, lambda size: memoryview(bytes(size)), np.zeros])
def test_buffers_are_as_large_as_what_they_hold(kind):
    assert is_bulky(kind(BULKY + 1))
    assert not is_bulky(kind(1000))


def test_many_small_parts_are_bulky():
    assert is_bulky([[] for _ in range(BULKY // 50)])


def test_what_contains_itself_is_not():
    endless = []
    endless.append(endless)
    assert not is_bulky(endless)


class Odd:
    def __sizeof__(self):
        raise RuntimeError("no")


def test_an_object_of_the_users_own_is_taken_as_it_is():
    assert not is_bulky(Odd())
    assert not is_bulky(object())


def test_the_size_of_a_message_is_that_of_all_that_it_consists_of():
    content = bytes(10_000)
    plain = sys.getsizeof(content)
    assert size_of(content) == plain
    held = {content}, deque([content]), {"key": content}, {content: 1}, ValueError(content)
    for whole in ([content], (content,), *held):
        assert plain < size_of(whole) < plain + 1000
    assert plain < size_of(Parcel(content)) < plain + 1000
    assert size_of(Parcel([content, "a" * 1000])) > size_of(Parcel(content)) + 1000
    assert size_of([content, content]) < plain + 1000  # it is there once


def test_a_message_that_holds_itself_has_a_size():
    whole = [1]
    whole.append(whole)
    assert 0 < size_of(whole) < 1000


@pytest.mark.parametrize("kind", [lambda size: memoryview(bytes(size)), np.zeros])
def test_what_a_buffer_shows_counts(kind):
    assert 0 < size_of(kind(10)) < 1000
    assert 10_000 <= size_of([kind(10_000)]) < 100_000


def test_a_released_buffer_has_a_size():
    view = memoryview(b"it")
    view.release()
    assert 0 < size_of(view) < 1000
