"""Connections on a virtual clock: what is under way on each, and what becomes of it.

Guarantees:
- A connection keeps the order of what it took, and doubles nothing.
- One that breaks loses a suffix of what it had taken. What is left of it may arrive after what its
  successor brings, and some of what it had brought may come once more.
- Where a way is cut, what a connection took waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from .clock import Timeline
from .endpoint import Frames

CAPACITY = 256
"""The most messages under way on a connection, and the most that wait at an address."""
ECHO = 8
"""The most messages of a broken connection that come once more."""


class Chance(Protocol):
    """Where what is left open is drawn from: a `random.Random`."""

    def random(self) -> float:
        """A number from 0 up to 1."""
        ...

    def randrange(self, stop: int) -> int:
        """A whole number from 0 up to `stop`."""
        ...


class Way:
    """From one machine to another: what all connections that way have in common."""

    def __init__(self, timeline: Timeline, chance: Chance) -> None:
        self.timeline, self.chance = timeline, chance
        self.delay = (0.0002, 0.001)
        """Seconds that a message takes, at least and at most."""
        self.is_cut = False
        self.is_clogged = False
        self.connections: dict[Connection, None] = {}
        self.arrivals: dict[object, float] = {}
        """When something of which endpoint arrived last."""
        self.last_loss = 0.0
        """When a connection broke for the last time that had something under way."""


class Address:
    """What came to one address and was not taken in yet."""

    __slots__ = ("inbox", "is_closed", "machine", "receive", "waiting", "wake")

    def __init__(
        self, machine: str, receive: Callable[[Frames], None], wake: Callable[[], object]
    ) -> None:
        self.machine, self.receive, self.wake = machine, receive, wake
        self.inbox: deque[Frames] = deque()
        self.waiting: dict[Connection, None] = {}
        """Those that have brought something for which there was no room, or no way."""
        self.is_closed = False


class Connection:
    """One connection: what was taken and has not arrived, in order."""

    __slots__ = ("_source", "_way", "address", "brought", "flight", "is_broken", "last", "stuck")

    def __init__(self, way: Way, source: object, address: Address) -> None:
        self._way, self._source, self.address = way, source, address
        self.flight: deque[Frames] = deque()
        self.brought: deque[Frames] = deque(maxlen=ECHO)
        self.last = 0.0
        """When the last of them arrives, as far as is known."""
        self.stuck = 0
        """How many would have arrived by now, if there were a way and room."""
        self.is_broken = False
        way.connections[self] = None

    @property
    def refuses(self) -> bool:
        """Whether it takes nothing now."""
        return self._way.is_clogged or len(self.flight) >= CAPACITY

    def take(self, frames: Frames) -> None:
        """Send a message on its way."""
        self.flight.append(frames)
        self._set_out()

    def _set_out(self) -> None:
        way, (least, most) = self._way, self._way.delay
        delay = least + (most - least) * way.chance.random()
        self.last = max(self.last, way.timeline.now() + delay)
        way.timeline.at(self.last, self._arrive)

    def _arrive(self) -> None:
        address = self.address
        if not self.flight or address.is_closed:
            self.flight.clear()
        elif self._way.is_cut or self.stuck or len(address.inbox) >= CAPACITY:
            self.stuck += 1
            address.waiting[self] = None
            return
        else:
            frames = self.flight.popleft()
            self.brought.append(frames)
            self._way.arrivals[self._source] = self._way.timeline.now()
            address.inbox.append(frames)
            address.wake()
        if self.is_broken and not self.flight:
            self._way.connections.pop(self, None)

    def go_on(self) -> None:
        """There may be room again, or a way."""
        stuck, self.stuck = self.stuck, 0
        for _ in range(stuck):
            self._set_out()

    def close(self) -> None:
        """Take no more; what has a way arrives."""
        if self.stuck or self._way.is_cut:
            self.break_()
        elif self.flight:
            self.is_broken = True
        else:
            self._way.connections.pop(self, None)

    def break_(self, *, echo: bool = False) -> None:
        """Lose a suffix of what is under way, and take no more."""
        if self.is_broken:
            return
        self.is_broken = True
        keep = self._way.chance.randrange(len(self.flight) + 1)
        if self.flight:  # what is left of it may come too late
            self._way.last_loss = self._way.timeline.now()
        while len(self.flight) > keep:
            self.flight.pop()
        self.stuck = min(self.stuck, keep)
        if echo and self.brought:
            again = Connection(self._way, self._source, self.address)
            again.is_broken = True
            for frames in self.brought:
                again.take(frames)
        if not self.flight:
            self._way.connections.pop(self, None)
