"""`Mailbox`: what a mailbox holds, and what becomes of a message that finds it full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from .arguments import is_whole
from .messages import message

Overflow: TypeAlias = Literal["fail", "drop_new", "drop_old", "wait"]
OVERFLOWS: tuple[Overflow, ...] = get_args(Overflow)

HIGH_WATER = 10_000
"""Messages that wait for one actor, from which on events tell of it; then at each doubling."""


@message
class Mailbox:
    """How an actor's mailbox is kept: a class attribute `mailbox`, or `spawn(..., mailbox=)`.

    Args:
        capacity: the most messages that may wait, without the one in hand; None is no bound. The
            runtime's own (a stop, `Down`) are let in always, and not counted.
        overflow: what becomes of a message that finds the mailbox full. "fail": `MailboxFull` is
            raised at the sender. "drop_new": the message is dropped. "drop_old": the oldest is
            dropped (with priorities, the oldest of the last in line). "wait": the sender waits for
            room: an actor's turn parks, a thread blocks. Who cannot wait gets `MailboxFull`:
            senders on other cores, coroutines, timers, and an actor that tells itself. Whatever is
            lost is a dead letter, by reason "overflow"; an ask that is lost raises `MailboxFull`.
        priority: a function from a message to an int: lower ones are handled first, equal ones in
            the order of their arrival. Calls have 0. A function cannot go to another core: there,
            have the class say it.
        max_bytes: the most bytes that the waiting messages may take, as `bulk.size_of` counts them.
        timed: keep the time of each message, so that `ref.mailbox()` knows the age of the oldest.
            A mailbox with any of the others is timed anyway.

    Raises:
        ValueError, TypeError: an argument that cannot be; the text names it.

    """

    capacity: int | None = None
    overflow: Overflow = "fail"
    priority: Callable[[Any], int] | None = None
    max_bytes: int | None = None
    timed: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_bound("capacity", self.capacity, "messages")
        _check_bound("max_bytes", self.max_bytes, "bytes")
        if self.overflow not in OVERFLOWS:
            words = ", ".join(repr(word) for word in OVERFLOWS)
            raise ValueError(f"overflow= takes one of {words}, not {self.overflow!r:.80}")
        if self.priority is not None and not callable(self.priority):
            raise TypeError(
                "priority= takes a function from a message to an int, such as "
                f"lambda message: 0, not {self.priority!r:.80}"
            )
        if not isinstance(self.timed, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # users
            raise TypeError(f"timed= takes True or False, not {self.timed!r:.80}")


def _check_bound(name: str, bound: object, unit: str) -> None:
    if bound is None:
        return
    if not is_whole(bound):
        raise TypeError(f"{name}= takes a whole number of {unit}, or None, not {bound!r:.80}")
    if bound < 1:
        raise ValueError(f"{name}= takes 1 or more {unit}, or None for no bound, not {bound!r}")


PLAIN = Mailbox()
"""The default: no bound, no priorities, no times; it costs nothing."""


def checked_mailbox(mailbox: object, where: str) -> Mailbox:
    """`mailbox` itself, or a TypeError that says what `where` takes."""
    if not isinstance(mailbox, Mailbox):
        raise TypeError(f"{where} takes a zanni.Mailbox(...), not {mailbox!r:.80}")
    return mailbox


@message
class MailboxRecord:
    """What `ref.mailbox()` tells of a mailbox."""

    length: int
    """How many messages wait, without the one in hand."""
    oldest: float | None = None
    """For how many seconds the oldest has waited; None if none waits, or no times are kept."""
    bytes: int | None = None
    """How many bytes they take, where `max_bytes` bounds them."""
    stashed: int = 0
    """How many the actor has set aside."""
    waiting: int = 0
    """How many senders wait for room."""
    overflowed: int = 0
    """How many messages were lost because there was no room."""


class MailboxHigh(NamedTuple):
    """An event: `length` messages wait for the actor behind `ref`. The next is told at twice that.

    Looked at when a turn of the actor ends, and now and then while one is stuck, but not while one
    waits for an answer; where times are kept, when a message comes.
    """

    ref: Any
    length: int
