"""Large messages between real processes: whole, in bounded memory, and in nobody's way."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import zanni_large as large

from zanni import ActorSystem, MessageTooLarge

DEADLINE = 60.0
MIB = 1024 * 1024
UNDER_WAY = 96
"""MiB that the link holds at most, of which the rest is slack: 64 MiB where nothing is read."""


@pytest.fixture
def system():
    with ActorSystem("large", cores=2, config={"message_limit": 512 * MIB}) as system:
        yield system


@pytest.fixture
def there(system):
    return system.spawn(large.Keeper, core=1)


def array_of(size):
    return np.arange(size // 8, dtype="<f8")


def test_a_large_array_arrives_whole_and_its_sender_makes_no_copy(there):
    array = array_of(256 * MIB)
    before = large.peak()
    assert there.ask(array, timeout=DEADLINE) == large.digest(array)
    assert large.peak() - before < UNDER_WAY


def test_a_large_answer_arrives_whole(there):
    assert there.ask(100 * MIB, timeout=DEADLINE) == bytes(100 * MIB)


def test_a_message_over_the_limit_is_an_error_of_its_sender_and_its_neighbours_arrive(there):  # N3
    there.tell("before")
    with pytest.raises(MessageTooLarge) as caught:
        there.tell(bytes(513 * MIB))
    assert caught.value.size > caught.value.limit == 512 * MIB
    there.tell(b"after")
    assert there.call(large.Keeper.kept).get(timeout=DEADLINE) == ["str", "bytes"]
