"""Pykka's proxies over Zanni's actors."""

import pykka
import pytest

from zanni import Actor, ActorDeadError


class Inner:
    def __init__(self):
        self.depth = 2

    def double(self, number):
        return number * 2


class Shown(Actor):
    def __init__(self):
        self.value = 1
        self.inner = pykka.traversable(Inner())
        self.hidden = Inner()

    def add(self, number, *, times=1):
        self.value += number * times
        return self.value

    async def later(self, number):
        return number

    def fail(self):
        raise KeyError("mine")

    def itself(self):
        return self.actor_ref.proxy()


@pytest.fixture
def proxy(system):
    return system.spawn(Shown).proxy()


def test_methods_attributes_and_paths(proxy):
    assert isinstance(proxy, pykka.ActorProxy)
    assert proxy.add(2, times=3).get() == 7
    assert proxy.value.get() == 7
    proxy.value = 9
    assert proxy.value.get() == 9
    assert proxy.inner.double(4).get() == 8
    assert proxy.inner.depth.get() == 2
    assert proxy.later(5).get() == 5
    proxy.add.defer(1)
    assert proxy.value.get() == 10


def test_errors(proxy):
    with pytest.raises(KeyError):
        proxy.fail().get()
    with pytest.raises(AttributeError):
        proxy.nowhere  # noqa: B018
    with pytest.raises(AttributeError):
        proxy._cell  # noqa: B018
    assert proxy.actor_ref.is_alive()


def test_a_proxy_of_the_dead(proxy):
    proxy.stop().get()
    with pytest.raises(ActorDeadError):
        proxy.value.get()
    with pytest.raises(ActorDeadError):
        proxy.actor_ref.proxy()


def test_stop_through_the_proxy(proxy):
    ref = proxy.actor_ref
    proxy.stop()
    assert ref.wait(timeout=10) in ("normal", "noproc")


def test_proxies_are_equal_by_actor(proxy, system):
    assert proxy == proxy.actor_ref.proxy()
    assert proxy != system.spawn(Shown).proxy()
    assert proxy.itself().get() == proxy
