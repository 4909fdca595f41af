"""What takes much memory is told from what does not, whatever it is within."""

import dataclasses

import numpy as np
import pytest
from pykka.messages import ProxyCall

from zanni import message
from zanni.actors.bulk import BULKY, is_bulky


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


def test_what_contains_itself_is_looked_at_for_a_while_only():
    endless = []
    endless.append(endless)
    assert is_bulky(endless)


class Odd:
    def __sizeof__(self):
        raise RuntimeError("no")


def test_an_object_of_the_users_own_is_taken_as_it_is():
    assert not is_bulky(Odd())
    assert not is_bulky(object())
