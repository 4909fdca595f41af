"""Collections that are made when they are first looked at."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from zanni.actors.on_demand import OnDemand


class Thing:
    __slots__ = ("_items", "_others")

    items = OnDemand[list[int]](list)
    others = OnDemand[dict[str, int]](dict)

    def __init__(self):
        self._items = self._others = None


def test_it_is_made_when_it_is_looked_at_and_once():
    thing = Thing()
    assert thing._items is None
    thing.items.append(1)
    assert thing.items == [1]
    assert thing.items is thing._items
    assert thing._others is None


def test_each_object_has_its_own():
    one, other = Thing(), Thing()
    one.items.append(1)
    assert other.items == []


def test_another_may_take_its_place():
    thing = Thing()
    thing.others = kept = {"a": 1}
    assert thing.others is kept


def test_threads_that_look_at_the_same_time_see_the_same():
    def look(thing, barrier):
        barrier.wait(10)
        return thing.items

    with ThreadPoolExecutor(4) as threads:
        for _ in range(200):
            thing, barrier = Thing(), Barrier(4)
            looks = [threads.submit(look, thing, barrier) for _ in range(4)]
            assert {id(each.result()) for each in looks} == {id(thing.items)}
