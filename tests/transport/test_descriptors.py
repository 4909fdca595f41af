import os
from types import SimpleNamespace

import pytest

from zanni import ActorSystem
from zanni.transport import descriptors as descriptors_module
from zanni.transport import network as network_module
from zanni.transport.descriptors import Descriptors

SPIN = 0.0005


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield SimpleNamespace(out=ends[0], into=ends[1])
    for end in ends:
        os.close(end)


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a tenth of a spin with each look; and what happens between looks."""
    at = SimpleNamespace(moment=0.0, given_way=0, meanwhile=lambda: None)

    def now():
        at.moment += SPIN / 10
        return at.moment

    def give_way():
        at.given_way += 1
        at.meanwhile()

    monkeypatch.setattr(descriptors_module, "now", now)
    monkeypatch.setattr(descriptors_module, "give_way", give_way)
    return at


def test_a_wait_keeps_looking_only_after_one_that_was_short(pipe, clock):
    descriptors = Descriptors(SPIN)
    descriptors.add(pipe.out)
    os.write(pipe.into, b"x")
    assert descriptors.wait(None) == [pipe.out]
    assert clock.given_way == 0  # nothing was known of the wait before the first
    os.read(pipe.out, 1)
    clock.meanwhile = lambda: clock.given_way == 3 and os.write(pipe.into, b"x")
    assert descriptors.wait(None) == [pipe.out]
    assert clock.given_way == 3  # found while it looked
    os.read(pipe.out, 1)
    assert descriptors.wait(0.001) == []
    assert 3 < clock.given_way < 3 + 10  # it looked as long as it may, and slept
    looked = clock.given_way
    assert descriptors.wait(0.001) == []
    assert clock.given_way == looked  # as the wait before was long


def test_without_a_spin_every_wait_sleeps(pipe, clock):
    descriptors = Descriptors(0.0)
    descriptors.add(pipe.out)
    os.write(pipe.into, b"x")
    assert descriptors.wait(None) == descriptors.wait(None) == [pipe.out]
    assert clock.given_way == 0


def test_a_wait_looks_no_longer_than_it_may_wait(pipe, clock):
    descriptors = Descriptors(SPIN)
    descriptors.add(pipe.out)
    assert descriptors.wait(0.0) == []
    before = clock.moment
    assert descriptors.wait(SPIN / 5) == []
    assert clock.moment - before < SPIN / 2


def test_what_only_wakes_is_not_looked_at(pipe):
    descriptors = Descriptors(0.0)
    descriptors.add_waking(pipe.out)
    os.write(pipe.into, b"x")
    assert descriptors.look() == []
    assert descriptors.wait(None) == [pipe.out]
    descriptors.remove_waking(pipe.out)
    assert descriptors.wait(0.0) == []


def test_what_is_removed_is_looked_at_no_more(pipe):
    descriptors = Descriptors(0.0)
    descriptors.add(pipe.out)
    os.write(pipe.into, b"x")
    assert descriptors.look() == [pipe.out]
    descriptors.remove(pipe.out)
    assert descriptors.look() == descriptors.wait(0.0) == []


@pytest.mark.parametrize(("cpus", "spin"), [(1, 0.0), (2, 0.25), (4, 0.25)])
def test_cores_that_share_a_cpu_do_not_keep_looking(monkeypatch, cpus, spin):
    made = []

    class Endpoint(network_module.ZeroMQEndpoint):
        def __init__(self, guard, spin):
            made.append(spin)
            super().__init__(guard, spin)

    monkeypatch.setattr(network_module, "ZeroMQEndpoint", Endpoint)
    monkeypatch.setattr(network_module, "usable_cpus", lambda: cpus)
    with ActorSystem(cores=2, config={"spin": 0.25}):
        assert made == [spin]


def test_a_spin_may_be_nothing_and_not_less():
    ActorSystem(config={"spin": 0})
    with pytest.raises(ValueError, match=r"'spin' .*not -1"):
        ActorSystem(config={"spin": -1})
