"""The order of a mailbox: what was set aside and has returned, then by rank, then by arrival.

A rank is after how many stops, and the priority: so a stop keeps its place. Each rank has a queue
while something waits in it. Which is first, which is last, and in which something has waited
longest, heaps tell, so that many ranks cost hardly more than few. They may name ranks that are
gone, and times that are past: that is seen when these come up. Nothing here is locked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush, heapreplace
from typing import NamedTuple

from pykka.messages import _ActorStop

from .address import Address
from .last_words import put_behind
from .links import ChildFailed, Hastened
from .process import Broken, Died, Item
from .proxy import Mark

OURS = frozenset({_ActorStop, ChildFailed, Hastened, Died, Broken, Mark})
"""The runtime's own messages: let in always, not counted, and never dropped."""

Rank = tuple[int, float]


class Entry(NamedTuple):
    """A message that waits."""

    item: Item
    priority: float
    size: int
    moment: float


class Ranked:
    """What waits for one actor, in order."""

    __slots__ = ("_first", "_front", "_last", "_oldest", "_queues", "_stops")

    def __init__(self) -> None:
        self._front: deque[Entry] | None = None  # an empty one takes 760 bytes
        self._queues: dict[Rank, deque[Entry]] = {}
        self._stops = 0
        self._first: list[Rank] = []
        self._last: list[Rank] = []  # negated
        self._oldest: list[tuple[float, Rank]] = []

    def append(self, entry: Entry) -> None:
        """Put it behind all of its rank."""
        rank = (self._stops, entry.priority)
        queue = self._queues.get(rank)
        if queue is None:
            self._queues[rank] = deque([entry])
            heappush(self._first, rank)
            heappush(self._last, _negated(rank))
            heappush(self._oldest, (entry.moment, rank))
        else:
            queue.append(entry)
        if type(entry.item[0]) is _ActorStop:
            self._stops += 1

    def push_front(self, entries: list[Entry]) -> None:
        """Put these before all, in their order."""
        if self._front is None:
            self._front = deque()
        self._front.extendleft(reversed(entries))

    def put_behind(self, waiting: dict[Address, list[Item]]) -> list[Entry]:
        """Put items behind the last one of these senders, and take them out of `waiting`."""
        added: list[Entry] = []

        def made(entry: Entry, item: Item) -> Entry:
            added.append(entry._replace(item=item, size=0))
            return added[-1]

        ranks = sorted(self._queues, reverse=True)
        for queue in (*(self._queues[rank] for rank in ranks), self._front or deque()):
            after = put_behind(queue, lambda entry: entry.item[1], waiting, made)
            if len(after) > len(queue):
                queue.clear()
                queue.extend(after)
        return added

    def take(self) -> Entry | None:
        """Take out the first one; None if there is none."""
        if self._front:
            return self._front.popleft()
        while self._first:
            rank = self._first[0]
            queue = self._queues.get(rank)
            if queue is not None:
                entry = queue.popleft()
                if not queue:
                    self._forget([rank])
                return entry
            heappop(self._first)
        return None

    def take_last(self, priority: float) -> Entry | None:
        """Take out the oldest of the last rank, but for the runtime's own.

        None if all others come before one that is put now, with that priority.
        """
        for rank in self._from_last():
            if rank < (self._stops, priority):
                break
            entry = _take_users(self._queues[rank])
            if entry is not None:
                if not self._queues[rank]:
                    self._forget([rank])
                return entry
        return _take_users(self._front or deque())

    def _from_last(self) -> Iterator[Rank]:
        """The ranks from the last one on; only whoever asks for a second one waits for a sort."""
        while self._last:
            rank = _negated(self._last[0])
            if rank in self._queues:
                yield rank
                yield from sorted((each for each in self._queues if each < rank), reverse=True)
                return
            heappop(self._last)

    def remove(self, is_it: Callable[[Item], bool]) -> list[Entry]:
        """Take out all that are asked for."""
        removed: list[Entry] = []
        if self._front:
            self._front = _without(self._front, is_it, removed)
        for rank, queue in self._queues.items():
            self._queues[rank] = _without(queue, is_it, removed)
        self._forget([rank for rank, queue in self._queues.items() if not queue])
        return removed

    def drain(self) -> Iterator[Item]:
        """For the last time: take out all, equal ranks in their order, each as it is asked for."""
        queues = [self._front or deque(), *self._queues.values()]
        self._queues.clear()
        queues.reverse()
        while queues:
            queue = queues.pop()
            while queue:
                yield queue.popleft().item

    def __iter__(self) -> Iterator[Item]:
        """All that waits, equal ranks in their order."""
        for queue in (self._front or (), *self._queues.values()):
            for entry in queue:
                yield entry.item

    def oldest(self) -> float | None:
        """Since when the one has waited that has waited longest; None if none waits."""
        front = self._front[-1].moment if self._front else None
        while self._oldest:
            moment, rank = self._oldest[0]
            queue = self._queues.get(rank)
            if not queue:
                heappop(self._oldest)
            elif queue[0].moment > moment:
                heapreplace(self._oldest, (queue[0].moment, rank))
            else:
                return moment if front is None else min(moment, front)
        return front

    def _forget(self, ranks: list[Rank]) -> None:
        for rank in ranks:
            del self._queues[rank]
        if max(len(self._first), len(self._last), len(self._oldest)) > 2 * len(self._queues) + 64:
            self._first = [*self._queues]
            self._last = [_negated(rank) for rank in self._queues]
            self._oldest = [(queue[0].moment, rank) for rank, queue in self._queues.items()]
            heapify(self._first)
            heapify(self._last)
            heapify(self._oldest)


def _negated(rank: Rank) -> Rank:
    stops, priority = rank
    return -stops, -priority


def _without(
    queue: deque[Entry], is_it: Callable[[Item], bool], removed: list[Entry]
) -> deque[Entry]:
    kept: deque[Entry] = deque()
    for entry in queue:
        if is_it(entry.item):
            removed.append(entry)
        else:
            kept.append(entry)
    return kept


def _take_users(queue: deque[Entry]) -> Entry | None:
    for index, entry in enumerate(queue):
        if type(entry.item[0]) not in OURS:
            del queue[index]
            return entry
    return None
