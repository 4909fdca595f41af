"""Which partition a key belongs to: the same one everywhere and always."""

from collections import Counter
from enum import IntEnum

import pytest

from zanni import Actor
from zanni.supervisors import Keyed
from zanni.supervisors.keys import partition_of


class Color(IntEnum):
    RED = 2


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("", 0),
        ("ann", 3),
        ("\N{GREEK SMALL LETTER ALPHA}", 5),
        ("\ud800", 0),
        (b"ann", 3),
        (b"\xff", 0),
        (0, 0),
        (7, 7),
        (-1, 7),
        (2**70, 0),
        (Color.RED, 2),
        (1.5, 6),
        (float("inf"), 4),
        ((), 1),
        (("ann", 7), 2),
        (("ann", ("b", 1.5)), 2),
    ],
    ids=repr,
)
def test_the_place_of_a_key_never_changes(key, place):
    """Written down, so that another process, another run and another version agree."""
    assert partition_of(key, 8) == place


def test_equal_keys_go_together():
    for count in range(1, 9):
        assert len({partition_of(key, count) for key in (1, 1.0, True)}) == 1
        assert len({partition_of((key, "a"), count) for key in (1, 1.0, True)}) == 1
        assert partition_of(0.0, count) == partition_of(-0.0, count)


def test_the_same_ref_goes_to_the_same_place(world):
    refs = [world.system.spawn(Actor) for _ in range(50)]
    places = [partition_of(ref, 4) for ref in refs]
    assert set(places) == {0, 1, 2, 3}
    assert [partition_of(world.system.ref_to(ref.process), 4) for ref in refs] == places


@pytest.mark.parametrize("make", [str, lambda n: f"user-{n}", float, lambda n: ("room", n), bytes])
def test_keys_are_spread_evenly(make):
    for count in (2, 3, 8):
        found = Counter(partition_of(make(n), count) for n in range(4000))
        assert len(found) == count
        assert max(found.values()) < 1.3 * min(found.values())


def test_whole_numbers_take_turns():
    assert [partition_of(n, 3) for n in range(7)] == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("key", [None, [], {}, set(), object(), 1j, ("a", ["b"]), (None,)])
def test_what_is_no_key_is_refused(key):
    text = "a key is text, bytes, a number, a ref, or a tuple of these, not "
    with pytest.raises(TypeError, match=text):
        partition_of(key, 2)
    with pytest.raises(TypeError, match=text):
        Keyed(key, "never sent")
