"""The order of a mailbox, beside a list that is searched from end to end."""

from math import inf
from operator import methodcaller

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pykka.messages import _ActorStop

from zanni.actors.address import Address
from zanni.actors.ranked import Entry, Ranked


class Sender:
    def __init__(self, number):
        self.address = Address("node", 1, 0, number)


SENDERS = [Sender(number) for number in range(3)]


class Searched:
    """What `Ranked` is to do, done the long way."""

    def __init__(self):
        self.front, self.lines, self.stops = [], [], 0

    def append(self, entry):
        self.lines.append((self.stops, entry.priority, entry))
        self.lines.sort(key=lambda line: line[:2])  # stable
        self.stops += type(entry.item[0]) is _ActorStop

    def push_front(self, entries):
        self.front[:0] = entries

    def take(self):
        if self.front:
            return self.front.pop(0)
        return self.lines.pop(0)[2] if self.lines else None

    def take_last(self, priority):
        ranks = sorted({line[:2] for line in self.lines}, reverse=True)
        for rank in (rank for rank in ranks if rank >= (self.stops, priority)):
            for line in self.lines:
                if line[:2] == rank and type(line[2].item[0]) is not _ActorStop:
                    self.lines.remove(line)
                    return line[2]
        for entry in self.front:
            if type(entry.item[0]) is not _ActorStop:
                self.front.remove(entry)
                return entry
        return None

    def put_behind(self, waiting):
        put = [self._put_behind(sender, item) for sender, [item] in waiting.items()]
        return [entry for entry in put if entry is not None]

    def _put_behind(self, sender, item):
        for place, (stops, priority, entry) in reversed([*enumerate(self.lines)]):
            if entry.item[1].address == sender:
                new = entry._replace(item=item, size=0)
                self.lines.insert(place + 1, (stops, priority, new))
                return new
        for place, entry in reversed([*enumerate(self.front)]):
            if entry.item[1].address == sender:
                new = entry._replace(item=item, size=0)
                self.front.insert(place + 1, new)
                return new
        return None

    def remove(self, is_it):
        removed = [entry for entry in self.entries() if is_it(entry.item)]
        self.front = [entry for entry in self.front if not is_it(entry.item)]
        self.lines = [line for line in self.lines if not is_it(line[2].item)]
        return removed

    def entries(self):
        return [*self.front, *(line[2] for line in self.lines)]

    def oldest(self):
        return min((entry.moment for entry in self.entries()), default=None)


VERBS = ("append",) * 6 + (
    "stop",
    "take",
    "take",
    "take last",
    "front",
    "behind",
    "remove",
    "oldest",
)


def call_of(verb, number, moment):
    sender = SENDERS[number % 3]
    entry = Entry((moment, sender, None, None), number, 0, float(moment))
    match verb:
        case "stop":
            stop = entry._replace(item=(_ActorStop(), sender, None, None), priority=inf)
            return methodcaller("append", stop)
        case "take last":
            return methodcaller("take_last", number)
        case "front":
            return methodcaller("push_front", [entry, entry])
        case "behind":
            items = [(moment, each, None, None) for each in (sender, SENDERS[0])]
            return lambda ranked: ranked.put_behind({item[1].address: [item] for item in items})
        case "remove":
            return methodcaller("remove", lambda item: item[1] is sender)
        case "append":
            return methodcaller("append", entry)
    return methodcaller(verb)


@given(st.lists(st.tuples(st.sampled_from(VERBS), st.integers(-3, 3)), max_size=200))
def test_it_is_the_order_that_a_search_finds(script):
    ranked, searched = Ranked(), Searched()
    for moment, (verb, number) in enumerate(script):
        call = call_of(verb, number, moment)
        found, expected = call(ranked), call(searched)
        if verb in ("remove", "behind"):
            found, expected = {*found}, {*expected}
        assert found == expected
        assert {*ranked} == {entry.item for entry in searched.entries()}
    assert [*iter(ranked.take, None)] == [*iter(searched.take, None)]


def test_the_oldest_may_be_one_that_has_returned_to_the_front():
    first, second, third = [Entry((n, None, None, None), 0, 0, float(n)) for n in range(3)]
    ranked = Ranked()
    ranked.push_front([first])
    ranked.push_front([second])
    ranked.append(third)
    assert ranked.oldest() == 0.0
    assert [ranked.take(), ranked.take()] == [second, first]
    assert ranked.oldest() == 2.0


class Unwalkable(dict):
    """Cannot be gone through from end to end."""

    def __iter__(self):
        raise AssertionError

    keys = values = items = __iter__


def test_the_oldest_is_found_without_a_search():
    ranked = Ranked()
    for number in range(1000):
        ranked.append(Entry((number, None, None, None), number * 7 % 1000, 0, float(number)))
    ranked._queues = Unwalkable(ranked._queues)
    taken = {ranked.take().moment for _ in range(400)}
    assert ranked.oldest() == min({*range(1000)} - taken)


@pytest.mark.parametrize("take", [Ranked.take, lambda ranked: ranked.take_last(-inf)])
def test_ranks_that_are_gone_leave_nothing(take):
    ranked = Ranked()
    for number in range(10_000):
        ranked.append(Entry((number, None, None, None), number % 977, 0, float(number)))
        if number >= 5:
            take(ranked)
    assert max(len(heap) for heap in (ranked._first, ranked._last, ranked._oldest)) < 100
