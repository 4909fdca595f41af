"""What an actor waits for, and who owes it: the edges of the graph in which `deadlock.py` looks.

A wait begins in a blocking `ask` or a `get` of an actor's turn, or an `await` of its coroutine, and
ends with it. Meanwhile the cell says what it `awaits`, and the future whose the answer is to be:
`owed_by`. Nothing else is kept; everything here is read off waiting cells, when it is asked for.
A coroutine is the actor's own as far as its own task goes: what that leaves to other tasks, as
`asyncio.gather` does, is no wait, for nobody can say whether it needs all of them.

An edge counts only while the one who owes has the ask in hand, queued or stashed, and has not put
off its answer (`reply_later`). Room in a full mailbox is owed by its actor, who makes it by taking
a message. A reentrant actor handles others meanwhile: no edge leads through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, Protocol, TypeAlias

from .address import CoreAddress
from .environment import now
from .errors import DeadlockError
from .process import Item, Process, Reply

ELSEWHERE = object()
"""What an actor of another core awaits, as far as is known here."""

Ask: TypeAlias = tuple[CoreAddress, int | None]
"""An ask of another core, and which of that core's it is."""


class Owed(Protocol):
    """A future, as seen from here."""

    _done: bool
    owed_by: Any
    """The process that has to answer; None where no actor does."""
    ask_number: int | None
    """Which of this core's asks to elsewhere it is."""
    expires: float
    """When it will be rejected, on the clock."""
    wait: Wait | None
    """The one wait for it, of one that only its asker has; made when first needed."""
    inner_wait: Wait | None
    """What the coroutine awaits whose result it is."""
    coroutine: Any
    """That coroutine, while it is awaited: an `OwnCoroutine`."""

    def reject(self, error: BaseException) -> bool:
        """Any thread. See `Reply.reject`."""
        ...


class Passed(Protocol):
    """The reply to an ask of another core that was passed on, as seen from here."""

    origin: Ask
    owed_by: Any
    """The process that it was passed on to, and that has to answer."""
    ask_number: int | None
    """Which of this core's asks to elsewhere it is now, if that process is there."""


class Wait:
    """One wait of a turn: from its begin to its end, and not again."""

    __slots__ = ("deadline", "error", "final", "future", "number", "since", "turn")

    def __init__(self, turn: Any, future: Owed, deadline: float | None) -> None:
        self.turn = turn
        self.future = future
        self.deadline = min(future.expires, inf if deadline is None else deadline)
        self.final = deadline is None or future.expires <= deadline
        """Whether the ask ends with it, as it does not with `get(timeout=)`."""
        self.number = 0
        """By which probes know it."""
        self.since = 0.0
        """When it began, on the clock; 0 if it began for one that did not wait."""
        self.error: DeadlockError | None = None
        """Breaks it off."""


class Waiting(Process, Protocol):
    """A cell, as seen from here."""

    core: Any
    actor_class: type[Any]
    awaits: Any
    """What its turn waits for: a `Wait`, or the future itself if only its asker has that."""
    current: Any
    ties: Any
    killed: bool
    farewell: Reply | None

    def newest_first(self) -> Iterator[Item]:
        """Any thread. What is queued, the last one first."""
        ...

    def take_out(self, is_it: Callable[[Item], bool]) -> None:
        """Owner only. Drop the newest item that is asked for, if it is queued or set aside."""
        ...

    def has_waiting(self, room: object) -> bool:
        """Any thread. Whether a sender waits for that room in its mailbox."""
        ...

    @property
    def name(self) -> str | None:
        """Its name, if it has one."""
        ...

    def unpark(self) -> None:
        """Any thread. See `Waiter.unpark`."""
        ...


def future_of(awaits: Any) -> Any:
    """Any thread. The future of what a cell awaits; of a coroutine, of what that awaits."""
    future = awaits.future if type(awaits) is Wait else awaits
    inner = future.inner_wait
    return future if inner is None else inner.future


def coroutine_of(awaits: Any) -> Any:
    """Any thread. The coroutine of its own whose end a cell awaits; None if it awaits no such."""
    if awaits is None:
        return None
    return (awaits.future if type(awaits) is Wait else awaits).coroutine


def wait_of(cell: Waiting) -> Wait | None:
    """Any thread. The wait of an actor; None if it does not wait, or only has to be woken."""
    awaits = cell.awaits
    if awaits is None or cell.killed:
        return None
    wait: Wait
    if type(awaits) is Wait:
        wait = awaits
    else:
        wait = awaits.wait = awaits.wait or Wait(cell, awaits, None)
    wait = wait.future.inner_wait or wait
    if wait.future._done or wait.error is not None or wait.deadline <= now():
        return None
    if not wait.number:
        wait.number = cell.core.next_id()
    return wait


def is_limited(awaits: Any) -> bool:
    """Any thread. Whether what a cell awaits is awaited up to some time, and no longer."""
    return type(awaits) is Wait and awaits.deadline < inf


def is_reentrant(cell: Any) -> bool:
    """Any thread. Whether the actor handles messages while it waits."""
    return bool(getattr(getattr(cell, "actor_class", None), "reentrant", False))


def next_in_line(cell: Any) -> Any:
    """Any thread. Who owes what an actor awaits, and may wait itself; None if that is nobody."""
    awaits = cell.awaits
    owner = None if awaits is None else future_of(awaits).owed_by
    return None if owner is None or owner.awaits is None or is_reentrant(owner) else owner


def owes(cell: Waiting, ask: object) -> bool:
    """Any thread. Whether the actor has that ask (see `_is`) in hand, queued or set aside.

    Or whether somebody waits with it for room in its mailbox.
    """
    return any(_is(reply, ask) for reply in _replies(cell)) or cell.has_waiting(ask)


def take_out(cell: Waiting, ask: object) -> None:
    """Owner only. Take an ask out of the queue, or what was set aside, if it is still there."""
    cell.take_out(lambda item: _is(item[2], ask))


def _is(reply: Reply | None, ask: object) -> bool:
    """Whether it is the reply of that ask: a future, or of elsewhere the core and its number."""
    return reply is ask or (reply is not None and getattr(reply, "origin", None) == ask)


def _replies(cell: Waiting) -> Iterator[Reply | None]:
    current = cell.current
    if current is not None:
        yield current[2]
    for item in cell.newest_first():  # the ask that has just been made is at the end
        yield item[2]
    yield cell.farewell
    ties = cell.ties
    if ties is not None:
        for item in tuple(ties.stash):
            yield item[2]
        yield from ties.stopping
        yield ties.starting
