"""What can be seen of a running system: events, dead letters and counters."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .address import Address
from .environment import make_rlock, now
from .process import Item, Process

logger = logging.getLogger("zanni")

LOG_INTERVAL = 60.0
"""Seconds between two log lines about dead letters of one reason: a storm is told in one line."""


def log(level: int, text: str, who: object, error: BaseException) -> None:
    """Any thread. Write a line about an actor's error; filters and handlers are user code too."""
    try:
        logger.log(level, text, who, exc_info=error)
    except Exception:  # noqa: S110  (nowhere to tell it: the actor's own error goes on)
        pass


class DeadLetter(NamedTuple):
    """A message that nobody will handle."""

    message: object
    target: Address
    sender: Address | None
    reason: str


class DeadLetters:
    """The messages that nobody will handle: counted by reason, the last ones kept.

    Any thread may use it, and counts are exact.
    """

    def __init__(self, keep: int = 1000) -> None:
        self.counts: Counter[str] = Counter()
        self.last: deque[DeadLetter] = deque(maxlen=keep)
        self._keep = keep
        self._logged: dict[str, float] = {}
        self._counting = make_rlock()  # a finaliser may lose a message meanwhile

    def count(
        self, reason: str, message: object, target: Address, sender: Process | None = None
    ) -> None:
        """Any thread. Note the loss of a message."""
        self.count_all(reason, [(message, sender, None, None)], target)

    def count_all(self, reason: str, items: Sequence[Item], target: Address) -> None:
        """Any thread. Note the loss of all these messages of a mailbox, in their order."""
        if not items:
            return
        with self._counting:
            self.counts[reason] += len(items)
        message: object = None  # the last one is shown
        for message, sender, _, _ in items[-self._keep :]:
            address = None if sender is None else sender.address
            self.last.append(DeadLetter(message, target, address, reason))
        if reason == "failed":  # the report of the crash shows what may be seen of it
            return
        moment = now()
        if moment - self._logged.get(reason, -LOG_INTERVAL) >= LOG_INTERVAL:
            self._logged[reason] = moment
            logger.info("dead letter for %s (%s): %.200r", target, reason, message)

    def __len__(self) -> int:
        return self.counts.total()

    def statistics(self) -> dict[str, int]:
        """Any thread. How many, by reason."""
        return dict(self.counts)


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
            try:
                subscriber(event)
            except Exception:
                logger.exception("a subscriber to events failed on %r", event)

    def subscribe(self, subscriber: Callable[[object], object]) -> None:
        """Any thread. Have `subscriber(event)` called with each event from now on."""
        with self._subscribing:
            self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Callable[[object], object]) -> None:
        """Any thread. No more events for this subscriber."""
        with self._subscribing:
            self._subscribers = tuple(each for each in self._subscribers if each != subscriber)
