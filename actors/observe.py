"""What can be seen of a running system: events, dead letters and counters."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from .address import Address
from .bulk import is_bulky
from .crash import log
from .crew import Unwinding
from .environment import make_rlock, now
from .process import Item, Process
from .user_code import calls_back

LOG_INTERVAL = 60.0
"""Seconds between two log lines about dead letters of one reason: a storm is told in one line."""


T = TypeVar("T")


@calls_back
def contained(function: Callable[[T], object], argument: T, text: str) -> None:
    """Any thread. Call what is a user's: whatever it raises is logged, and ends nothing of ours."""
    try:
        function(argument)
    except Unwinding:
        raise
    except BaseException as error:
        log(logging.ERROR, text, argument, error=error)


class DeadLetter(NamedTuple):
    """A message that nobody will handle."""

    message: object
    target: Address
    sender: Address | None
    reason: str


class Omitted(NamedTuple):
    """Stands in a dead letter for a message that takes much memory (more than `BULKY` bytes)."""

    type: str


class DeadLetters:
    """The messages that nobody will handle: counted by reason, the last ones kept.

    Any thread may use it, and counts are exact. What is kept is bounded in bytes, too, as other
    nodes can bring it about: of a message that takes much memory only the type is.
    """

    def __init__(self, keep: int = 1000) -> None:
        self.counts: Counter[str] = Counter()
        self.last: deque[DeadLetter] = deque(maxlen=keep)
        self._keep = keep
        self._logged: dict[str, float] = {}
        self._counting = make_rlock()  # a finaliser may lose a message meanwhile

    def count(
        self,
        reason: str,
        message: object,
        target: Address,
        sender: Process | None = None,
        level: int = logging.INFO,
    ) -> None:
        """Any thread. Note the loss of a message; `level` is that of its log line."""
        self.count_all(reason, [(message, sender, None, None)], target, level)

    def count_all(
        self, reason: str, items: Sequence[Item], target: Address, level: int = logging.INFO
    ) -> None:
        """Any thread. Note the loss of all these messages of a mailbox, in their order."""
        if not items:
            return
        with self._counting:
            self.counts[reason] += len(items)
        message: object = None  # the last one is shown
        for message, sender, _, _ in items[-self._keep :]:
            address = None if sender is None else sender.address
            kept = Omitted(type(message).__qualname__) if is_bulky(message) else message
            self.last.append(DeadLetter(kept, target, address, reason))
        if reason == "failed":  # the report of the crash shows what may be seen of it
            return
        moment = now()
        if moment - self._logged.get(reason, -LOG_INTERVAL) >= LOG_INTERVAL:
            self._logged[reason] = moment
            log(level, "dead letter for %s (%s): %.300r", target, reason, message)

    def __len__(self) -> int:
        return self.counts.total()

    def statistics(self) -> dict[str, int]:
        """Any thread. How many, by reason."""
        return dict(self.counts)


@calls_back
class Events:
    """What happened in the runtime, told to whoever subscribed. Any thread may use it."""

    def __init__(self, keep: int = 1000) -> None:
        self.last: deque[object] = deque(maxlen=keep)
        self._subscribers: tuple[Callable[[object], object], ...] = ()
        self._subscribing = make_rlock()

    def publish(self, event: object) -> None:
        """Any thread. Tell the subscribers, on this thread; one that raises is logged."""
        self.last.append(event)
        for subscriber in self._subscribers:
            contained(subscriber, event, "a subscriber to events failed on %r")

    def subscribe(self, subscriber: Callable[[object], object]) -> None:
        """Any thread. Have `subscriber(event)` called with each event from now on."""
        with self._subscribing:
            self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Callable[[object], object]) -> None:
        """Any thread. No more events for this subscriber."""
        with self._subscribing:
            self._subscribers = tuple(each for each in self._subscribers if each != subscriber)
