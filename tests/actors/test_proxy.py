"""Pykka's proxies over Zanni's actors."""

import logging
from unittest.mock import Mock

import pykka
import pytest

from zanni import Actor, ActorDeadError
from zanni.actors.proxy import Describe
from zanni.supervisors import Supervisor, child


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


class NeverEqual:
    def __eq__(self, other):
        raise AssertionError("compared")

    __hash__ = object.__hash__


@pykka.traversable
class Marked:
    shown = 1

    def __init__(self):
        self.within = pykka.traversable(Inner())

    def __call__(self):
        return self.shown


class Older:
    pykka_traversable = True

    def double(self, number):
        return number * 2


class Slotted:
    __slots__ = ("filled", "left_empty")
    pykka_traversable = True

    def __init__(self):
        self.filled = 1


class Base(Actor):
    changed = "a value here"
    called_in_the_base = len

    def hidden_by_a_value(self):
        raise NotImplementedError


class Varied(Base):
    """Has an attribute of each kind that a proxy may meet."""

    older = Older()
    slotted = Slotted()
    nothing = None

    def __init__(self, other=None):
        super().__init__()
        self.looked = 0
        self.hidden_by_a_value = 1
        self.called_in_the_base = "a value here"
        self.never_equal = NeverEqual()
        self.inner = pykka.traversable(Inner())
        self.inner.marked = Marked()
        self.inner.inner = pykka.traversable(Inner())
        self.function = lambda: 1
        self.mock = Mock()
        self.other = other
        self._private = 1

    def changed(self):
        return "a method here"

    @property
    def counted(self):
        self.looked += 1
        return self.looked

    @staticmethod
    def without_self():
        return 1

    @classmethod
    def of_the_class(cls):
        return 1

    def set(self, name, value):
        setattr(self, name, value)

    def set_in_the_class(self, name, value):
        setattr(type(self), name, value)

    def fail(self):
        raise KeyError("mine")


def kinds(proxy, held):
    """What a proxy makes of each public attribute of what it stands for, and of those below."""
    found = {name: getattr(proxy, name) for name in dir(held) if not name.startswith("_")}
    return {
        name: kinds(made, getattr(held, name))
        if isinstance(made, pykka.ActorProxy)
        else type(made).__name__
        for name, made in found.items()
    }


def test_it_makes_of_each_attribute_what_pykkas_own_does(system):
    ref = system.spawn(Varied, system.spawn(Shown).proxy())
    ours, theirs = ref.proxy(), pykka.ActorProxy(actor_ref=ref)
    actor = ref.process.find_actor()
    assert kinds(ours, actor) == kinds(theirs, actor)
    assert {name for name in dir(theirs) if name[:1] != "_" or name[:2] == "__"} <= {*dir(ours)}
    assert kinds(ours, actor)["inner"]["inner"] == {"depth": "Future", "double": "CallableProxy"}
    assert ours.inner.inner.double(2).get() == ours.older.double(2).get() == 4


def test_a_proxy_to_one_elsewhere_makes_the_same_of_each_attribute(system):
    pool = system.pool(Varied, 1)  # its members are asked, as any actor elsewhere is
    ref = system.spawn(Varied)
    actor = ref.process.find_actor()
    assert kinds(pool.proxy(), actor) == kinds(ref.proxy(), actor)


def test_no_property_is_evaluated(system):
    ref = system.spawn(Varied)
    ref.proxy().set("later", 1).get()
    ref.ask(Describe())
    assert ref.proxy().later.get() == 1
    assert ref.proxy().counted.get() == 1


def test_attributes_that_come_later_are_found(system):
    ref = system.spawn(Varied)
    proxy = ref.proxy()
    with pytest.raises(AttributeError, match="has no attribute 'later'"):
        proxy.later  # noqa: B018
    proxy.set("later", 1).get()
    assert proxy.later.get() == 1
    inner = Inner()
    proxy.set("led", pykka.traversable(inner)).get()
    assert proxy.led.depth.get() == 2
    inner.deeper = 3
    assert proxy.led.deeper.get() == 3


def test_what_becomes_of_a_class_is_seen(system):
    class Patched(Varied):
        changing = 1

    class Below(Patched):
        pass

    ref = system.spawn(Below)
    assert ref.proxy().changing.get() == 1
    Patched.changing = lambda self: 2
    assert ref.proxy().changing().get() == 2
    proxy = ref.proxy()
    Base.come_later = lambda self: 3
    try:
        assert proxy.come_later().get() == 3
    finally:
        del Base.come_later


@pytest.mark.parametrize("start", ["spawn", "pool"])
def test_what_it_gives_is_made_once(system, start):
    proxy = getattr(system, start)(*(Varied, 1) if start == "pool" else (Varied,)).proxy()
    assert proxy.fail is proxy.fail
    assert proxy.inner is proxy.inner
    assert proxy.inner.double is proxy.inner.double


def test_proxies_of_one_actor_and_path_are_equal(system):
    ref, pool = system.spawn(Varied), system.pool(Varied, 1)
    by_hand = pykka.ActorProxy(actor_ref=ref)
    assert len({ref.proxy(), ref.proxy(), by_hand}) == 1
    assert len({ref.proxy().inner, ref.proxy().inner, by_hand.inner}) == 1
    assert len({pool.proxy(), pool.proxy()}) == len({pool.proxy().inner, pool.proxy().inner}) == 1
    different = [
        ref.proxy(),
        ref.proxy().inner,
        ref.proxy().older,
        pool.proxy(),
        pool.proxy().inner,
    ]
    assert len(set(different)) == len(different)
    assert ref.proxy() != ref


def test_an_attribute_is_set_when_that_returns_or_raises(system):
    ref = system.spawn(Varied)
    proxy = ref.proxy()
    proxy.inner.depth = 5
    assert proxy.inner.depth.get() == 5
    with pytest.raises(AttributeError, match="counted"):
        proxy.counted = 1


def test_actors_may_hold_proxies_to_each_other(system):
    one, other = system.spawn(Varied), system.spawn(Varied)
    one.proxy().other = other.proxy()
    other.proxy().other = one.proxy()
    assert one.proxy().other.get() == other.proxy()
    assert one.proxy().other.get().other.get() == one.proxy()


def test_a_proxy_to_itself_is_left_out_with_a_warning(system, caplog):
    ref = system.spawn(Varied)
    proxy = ref.proxy()
    proxy.inner.me = proxy
    with caplog.at_level(logging.WARNING, "zanni"):
        kept = ref.proxy()
        assert ("inner", "me") not in [tuple(path) for path, *_ in ref.ask(Describe())]
        with pytest.raises(AttributeError, match="has no attribute 'me'"):
            kept.inner.me  # noqa: B018
    shown = [record.getMessage() for record in caplog.records]
    warning = (
        f"{ref}: attribute 'inner.me' is a proxy to itself. "
        "Consider making it private by renaming it to '_me'."
    )
    # For `kept`, the question, `kept.inner`, and the second look for `me`.
    assert shown == [warning] * 4


def test_a_proxy_to_what_is_below_is_a_value(system):
    proxy = system.spawn(Varied).proxy()
    proxy.other = proxy.inner
    assert proxy.actor_ref.proxy().other.get() == proxy.inner


def test_a_class_whose_objects_are_traversable_is_called(system):
    class Maker(Actor):
        marked = Marked  # at which Pykka's own proxy fails

    assert isinstance(system.spawn(Maker).proxy().marked().get(), Marked)


def test_a_name_that_is_nowhere_is_named(system):
    class Claims(Actor):
        def __dir__(self):
            return ["made_up"]

    with pytest.raises(AttributeError, match="Claims lists 'made_up'"):
        system.spawn(Claims).proxy()


class Counting:
    """Counts how often somebody looks at all that it holds."""

    pykka_traversable = True
    looks = 0

    def __getattribute__(self, name):
        if name == "__dict__":
            type(self).looks += 1
        return super().__getattribute__(name)


def test_an_object_is_looked_through_once_however_much_it_holds(system):
    def looks(size):
        counting = type("Sized", (Counting,), {f"of_class_{n}": n for n in range(size)})()
        for number in range(size):
            setattr(counting, f"own_{number}", number)
        proxy = system.spawn(Varied, counting).proxy()
        looks = type(counting).looks
        assert proxy.other.own_0.get() == 0
        return looks

    assert looks(1) == looks(50) > 0


class Unruly(Supervisor):
    intensity, period = 10, 5.0

    def children(self):
        return [child(Varied, id="varied", name="varied")]


def test_a_proxy_looks_at_the_incarnation_that_there_is(system):
    system.spawn(Unruly)
    proxy = system.whereis("varied").proxy()
    proxy.fail.defer()
    proxy.set("later", 1).get()
    assert proxy.later.get() == 1


def test_an_attribute_of_the_dead_is_an_error_of_whoever_asks_for_it(system):
    proxy = system.spawn(Varied).proxy()
    proxy.stop().get()
    assert not hasattr(proxy, "nowhere")
    with pytest.raises(ActorDeadError) as caught:
        proxy.inner  # noqa: B018
    assert str(caught.value) == f"{proxy.actor_ref} not found"


class Leaving(Actor):
    def __init__(self, errors):
        super().__init__()
        self.errors = errors

    def on_stop(self):
        try:
            self.actor_ref.proxy()
        except ActorDeadError as error:
            self.errors.append(error)


def test_an_actor_that_is_stopping_counts_as_dead(system):
    errors = []
    ref = system.spawn(Leaving, errors)
    ref.stop()
    assert [str(error) for error in errors] == [f"{ref} not found"]
