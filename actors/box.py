"""The queue of a mailbox that has a bound, priorities or times.

Guarantees:
- Any thread may put; what was put is taken once, by the turn, or left when the box is closed.
- What waits is within the bounds, but for the runtime's own messages, those that the actor had set
  aside, which return whether or not there is room, and those that a pool had held.
- Lower priorities are taken first, equal ones in the order in which they were put. A stop keeps
  its place: nothing that was put after it is taken before.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Self

from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from .address import Address
from .bulk import size_of
from .environment import make_rlock, now
from .future import Future
from .links import Piped
from .mailbox import Mailbox, MailboxRecord
from .process import Item
from .proxy import Describe, Mark
from .ranked import OURS, Entry, Ranked
from .user_code import calls_back

UNRANKED = frozenset({ProxyCall, ProxyGetAttr, ProxySetAttr, Describe, Piped})
"""What `on_receive` does not see as it is: nobody is asked for its priority."""


class Put(NamedTuple):
    """What became of a message that was put."""

    queued: bool
    dropped: Iterable[Item] = ()
    """What had to go, this message itself perhaps."""
    room: Future[None] | None = None
    """Settled when the message is queued: its sender is to wait for that."""


class Box:
    """What waits for one actor. It is iterated by the turn, which takes what it is given."""

    __slots__ = (
        "_aside",
        "_aside_bytes",
        "_busy",
        "_bytes",
        "_count",
        "_late",
        "_lock",
        "_overflowed",
        "_ranked",
        "_total",
        "_waiting",
        "closed",
        "settings",
    )

    def __init__(self, settings: Mailbox) -> None:
        self.settings = settings
        self.closed = False
        # A finaliser or a signal handler that runs while its thread is in here may send to the
        # same actor: what it sends comes late, when that thread or another is in here again.
        self._lock = make_rlock()
        self._busy = False
        self._late: list[Entry] = []  # seldom more than one; an empty deque takes 760 bytes
        self._ranked = Ranked()
        self._total = 0
        self._count = 0
        self._bytes = 0
        self._aside: list[int] = []
        self._aside_bytes = 0
        # To find its first, a dict passes over the places of all that have gone.
        self._waiting: OrderedDict[Future[None], Entry] = OrderedDict()
        self._overflowed = 0

    # Putting

    @calls_back
    def put(self, item: Item, *, may_wait: bool) -> Put:
        """Any thread. Queue a message if there is room; if not, do as the settings say.

        Raises what `priority` raises, and TypeError if it gives no int.
        """
        entry = self._entry(item)
        with self._lock:
            if self.closed:
                return Put(queued=False)
            if self._busy:
                self._late.append(entry)
                return Put(queued=True)
            self._busy = True
            try:
                return self._put(entry, may_wait=may_wait)
            finally:
                self._busy = False

    def _put(self, entry: Entry, *, may_wait: bool) -> Put:
        self._take_late()
        item, _, size, _ = entry
        if type(item[0]) in OURS or (self._fits(size) and not self._waiting):
            self._append(entry)
            return Put(queued=True)
        overflow = self.settings.overflow
        if overflow == "wait" and may_wait and self._ever_fits(size):
            room: Future[None] = Future()
            self._waiting[room] = entry
            return Put(queued=False, room=room)
        if overflow == "drop_old":
            return self._drop_for(entry)
        self._overflowed += 1
        return Put(queued=False, dropped=[item])

    def _take_late(self) -> None:
        while self._late:
            self._append(self._late.pop(0))

    def append(self, item: Item) -> None:
        """Any thread. Queue a message, whether or not there is room."""
        entry = self._entry(item)
        with self._lock:
            self._late.append(entry)
            if not self._busy:
                self._take_late()

    def push_front(self, items: Iterable[Item]) -> None:
        """Any thread. Have these taken next, in their order, whether or not there is room."""
        entries = [self._entry(item, ranked=False) for item in items]
        with self._lock:
            self._ranked.push_front(entries)
            for entry in entries:
                self._note(entry, 1)

    def put_behind(self, waiting: dict[Address, list[Item]]) -> None:
        """Any thread. Queue items of the runtime's behind the last one of these senders.

        Those are taken out of `waiting`.
        """
        with self._lock:
            for entry in self._ranked.put_behind(waiting):
                self._note(entry, 1)

    @calls_back
    def _entry(self, item: Item, *, ranked: bool = True) -> Entry:
        kind = type(item[0])
        size = 0
        if self.settings.max_bytes is not None and kind not in OURS:
            size = size_of(item[0])
        priority: float = 0
        if kind is _ActorStop:
            priority = math.inf
        elif kind is Mark:  # answered when what came before it is handled
            priority = 0 if self.settings.priority is None else math.inf
        elif kind in OURS:
            priority = -math.inf
        elif ranked and self.settings.priority is not None and kind not in UNRANKED:
            priority = self.settings.priority(item[0])
            if not isinstance(priority, int):
                raise TypeError(f"priority= gave {priority!r:.80}, no int, for {item[0]!r:.80}")
        return Entry(item, priority, size, now())

    def _append(self, entry: Entry) -> None:
        self._ranked.append(entry)
        self._note(entry, 1)

    def _note(self, entry: Entry, sign: int) -> None:
        self._total += sign
        if type(entry.item[0]) not in OURS:
            self._count += sign
            self._bytes += sign * entry.size

    def _fits(self, size: int) -> bool:
        capacity, max_bytes = self.settings.capacity, self.settings.max_bytes
        return (capacity is None or self._count < capacity) and (
            max_bytes is None or self._bytes + size <= max_bytes
        )

    def _ever_fits(self, size: int) -> bool:
        return self.settings.max_bytes is None or size <= self.settings.max_bytes

    def _drop_for(self, entry: Entry) -> Put:
        """Drop the oldest of the last in line until there is room; of less rank, the new one."""
        dropped: list[Item] = []
        fits = self._ever_fits(entry.size)
        while fits and not self._fits(entry.size):
            victim = self._ranked.take_last(entry.priority)
            if victim is None:
                fits = False
            else:
                self._note(victim, -1)
                dropped.append(victim.item)
        if fits:
            self._append(entry)
        else:
            dropped.append(entry.item)
        self._overflowed += len(dropped)
        return Put(queued=fits, dropped=dropped)

    # Taking

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        """Own turn only. Take the next one, and let in those that waited for its room."""
        with self._lock:
            self._busy = True
            try:
                self._take_late()
                entry = self._ranked.take()
                if entry is None:
                    raise StopIteration
                self._note(entry, -1)
                admitted = self._admit() if self._waiting else ()
            finally:
                self._busy = False
        for room in admitted:
            room.resolve(None)
        return entry.item

    def __len__(self) -> int:
        return self._total + len(self._late)

    __length_hint__ = __len__

    def items(self) -> list[Item]:
        """Any thread. All that waits; what is of equal priority, in its order."""
        with self._lock:
            return [*self._ranked]

    def remove(self, is_it: Callable[[Item], bool]) -> list[Item]:
        """Owner only. Take out those that are asked for, and let in those that waited for room."""
        with self._lock:
            removed = self._ranked.remove(is_it)
            for entry in removed:
                self._note(entry, -1)
            admitted = self._admit() if self._waiting else ()
        for room in admitted:
            room.resolve(None)
        return [entry.item for entry in removed]

    def _admit(self) -> list[Future[None]]:
        admitted: list[Future[None]] = []
        for room, entry in self._waiting.items():
            if not self._fits(entry.size):
                break
            self._append(entry)
            admitted.append(room)
        for room in admitted:
            del self._waiting[room]
        return admitted

    # Waiting, the stash, and the end

    def has_waiting(self, room: object) -> bool:
        """Any thread. Whether a sender waits for that room."""
        return room in self._waiting

    def give_up(self, room: Future[None]) -> bool:
        """Any thread. Wait no more; False if the message is queued already."""
        with self._lock:
            return self._waiting.pop(room, None) is not None

    def let_in(self, room: Future[None]) -> bool:
        """Any thread. Queue what waits for that room, though there is none; False if none does."""
        with self._lock:
            entry = self._waiting.pop(room, None)
            if entry is not None:
                self._append(entry)
            return entry is not None

    def set_aside(self, item: Item) -> bool:
        """Own turn only. Count a message that is stashed; False if the stash is full."""
        settings = self.settings
        size = 0 if settings.max_bytes is None else size_of(item[0])
        if settings.capacity is not None and len(self._aside) >= settings.capacity:
            return False
        if settings.max_bytes is not None and self._aside_bytes + size > settings.max_bytes:
            return False
        self._aside.append(size)
        self._aside_bytes += size
        return True

    def forget_aside(self, index: int) -> None:
        """Own turn only. That one of those that were stashed is so no more."""
        self._aside_bytes -= self._aside.pop(index)

    def clear_aside(self) -> None:
        """Own turn only. Nothing is stashed any more."""
        self._aside.clear()
        self._aside_bytes = 0

    def close(self) -> tuple[list[Future[None]], Iterator[Item]]:
        """Owner only. Take nothing more; those that still waited for room, and what is left."""
        with self._lock:
            self.closed = True
            self._take_late()
            waiting, left = [*self._waiting], self._ranked
            self._waiting.clear()
            self._ranked = Ranked()
            self._total = self._count = self._bytes = 0
            return waiting, left.drain()

    def statistics(self) -> MailboxRecord:
        """Any thread. What waits here."""
        with self._lock:
            within, self._busy = self._busy, True
            try:
                oldest = None if within else self._ranked.oldest()
            finally:
                self._busy = within
            return MailboxRecord(
                length=self._count,
                oldest=None if oldest is None else now() - oldest,
                bytes=None if self.settings.max_bytes is None else self._bytes,
                stashed=len(self._aside),
                waiting=len(self._waiting),
                overflowed=self._overflowed,
            )
