"""Large messages between real processes: whole, in bounded memory, and in nobody's way."""

import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import zanni_large as large
from zanni_large import Keeper

from zanni import ActorSystem, MessageTooLarge

DEADLINE = 60.0
HEARTBEAT = 0.2
MIB = 1024 * 1024
TRIES = 5
"""How often it is tried: others may have had the CPUs."""
UNDER_WAY = 96
"""MiB that a link holds of a message at most, and some for all else."""


@pytest.fixture
def system():
    with ActorSystem("large", cores=2, config={"heartbeat": HEARTBEAT}) as system:
        yield system


@pytest.fixture
def there(system):
    return system.spawn(Keeper, core=1)


def call(there, method, *arguments):
    return there.call(method, *arguments).get(timeout=DEADLINE)


@pytest.mark.parametrize("size", [256, pytest.param(1024, marks=pytest.mark.soak)])
def test_a_large_array_arrives_whole_in_bounded_memory_and_holds_up_no_heartbeat(
    there, size
):  # F15
    array = np.arange(size * MIB // 8, dtype="<f8")
    expected = large.digest(array)
    before, before_there = large.peak(), call(there, Keeper.peak)
    for _ in range(TRIES):
        call(there, Keeper.listen)
        heartbeats = large.Heartbeats()
        assert call(there, Keeper.digest, array) == expected
        gaps = heartbeats.longest_gap(), call(there, Keeper.longest_gap)
        if max(gaps) < HEARTBEAT + 1.0:
            break
    else:
        pytest.fail(f"not once in {TRIES} times; at last they were {gaps} s apart")
    assert large.peak() - before < UNDER_WAY
    assert call(there, Keeper.peak) - before_there < size + UNDER_WAY


def test_a_large_answer_arrives_whole_on_cores_that_nothing_else_wakes():
    slow = {"heartbeat": 15.0, "suspect_after": 60.0, "down_after": 120.0}
    with ActorSystem("slow", cores=2, config=slow) as system:
        there = system.spawn(Keeper, core=1)
        assert call(there, Keeper.zeros, 100 * MIB) == bytes(100 * MIB)


def test_large_and_small_messages_of_one_sender_keep_their_order(there):
    sizes = [7, 8 * MIB, 8, 65_536, 65_535, 9, 9 * MIB, 9 * MIB, 10]
    for size in sizes:
        there.tell(bytes(size))
    assert call(there, Keeper.seen) == [("bytes", size) for size in sizes]


def test_a_message_over_the_limit_is_an_error_of_its_sender_and_its_neighbours_arrive():  # N3
    limit = 10 * MIB
    with ActorSystem("small", cores=2, config={"message_limit": limit}) as system:
        there = system.spawn(Keeper, core=1)
        there.tell("before")
        with pytest.raises(MessageTooLarge) as caught:
            there.tell(bytes(limit))
        assert caught.value.size > caught.value.limit == limit
        there.tell(b"after")
        assert call(there, Keeper.seen) == [("str", 6), ("bytes", 5)]


def test_the_limit_of_another_node_is_known_to_the_sender():  # F15
    limit = 10 * MIB
    with (
        ActorSystem("low", listen="tcp://127.0.0.1:0", config={"message_limit": limit}) as low,
        ActorSystem("high", join=low.nodes()[0]["urls"][0]) as high,
    ):
        low.spawn(Keeper, name="keeper")
        deadline = time.monotonic() + DEADLINE
        while sum(node["state"] == "up" for node in high.nodes()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        there = high.whereis("keeper@low")
        assert call(there, Keeper.digest, bytearray(limit - 1000))
        with pytest.raises(MessageTooLarge) as caught:
            call(there, Keeper.digest, bytearray(limit))
        assert caught.value.limit == limit
        assert call(there, Keeper.digest, bytearray(limit - 1000))
