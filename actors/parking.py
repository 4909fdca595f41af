"""Waiting: who runs in this thread, and how a waiter is woken.

A turn of an actor waits by parking (see `dispatcher.py`), any other thread on a latch, a coroutine
on a future of its loop. To what they wait for, all three are a `Waiter`.
"""

from __future__ import annotations

from _contextvars import ContextVar  # see `contexts` in `travelling.py`
from typing import Any, ClassVar, Protocol

from .environment import Local, current_task, running_loop
from .process import Process


class Waiter(Protocol):
    """Something that waits, and can be woken."""

    def unpark(self) -> object:
        """Any thread. Look again whether what you wait for has come; may be called in vain."""
        ...


class Turn(Process, Waiter, Protocol):
    """An actor's turn that runs in this thread."""

    awaits: Any
    """What it waits for: see `waits.py`."""
    actor_class: type[Any]
    may_be_late: ClassVar[bool]
    waits_for_room: ClassVar[bool]
    """Whether it waits where a mailbox says so; if not, what it sends goes beyond the bound."""
    interrupted: bool
    """Whether the turn has more to ask after the message in hand than whether there is another."""
    thread: Any
    """The worker whose stack the turn is on, while that is set aside or does not hold the core."""

    @property
    def broken_off(self) -> bool:
        """Any thread. Whether the turn that runs here was killed, and nothing may come of it."""
        ...

    def depth(self) -> int:
        """Any thread. How many messages wait for the actor."""
        ...

    def tell_if_long(self) -> None:
        """Owner only. Publish an event if these are very many."""
        ...

    def go_late(self, worker: Any) -> None:
        """Watcher only, while nobody holds the core. The turn's thread, that one, has lost it."""
        ...

    def sever(self) -> None:
        """Own turn only. What it has begun elsewhere goes on: nothing there may reach the cell."""
        ...

    def park(self, until: float | None) -> None:
        """Own turn only. Let others run until `unpark`, or until that time of the clock."""
        ...


class Outsider:
    """What a thread is that holds no core and runs no turn; nobody writes to it.

    An object, since looking into a thread-local costs thrice an attribute: whoever sends looks it
    up once. `crew.py` has what the threads of a core are.
    """

    __slots__ = ()

    core = None
    turn = None
    suspect = False


class Here(Local):
    """What this thread is."""

    worker: Any = Outsider()


here = Here()


class OwnCoroutine:
    """A coroutine that an actor's turn is parked for, and the future of its end."""

    __slots__ = ("broken_off", "end", "loop", "owner")

    def __init__(self, owner: Turn, end: Any, loop: Any) -> None:
        self.owner = owner
        self.end = end
        self.loop = loop
        """Its loop's thread."""
        self.broken_off = False
        """Whether the turn was killed: the coroutine may go on, and nothing may come of it."""

    def sender(self) -> Process:
        """Any thread. The owner, as the sender of what the coroutine sends."""
        if self.broken_off:
            raise Killed
        return self.owner


coroutine_owner: ContextVar[Process | OwnCoroutine | None] = ContextVar(
    "zanni_coroutine_owner", default=None
)
"""The actor that code runs for, in whatever thread that is, and as which coroutine of it."""


def current_sender() -> Process | None:
    """Any thread. The actor that runs here, as a turn or as a coroutine."""
    sender: Process | OwnCoroutine | None = here.worker.turn or coroutine_owner.get()
    return sender.sender() if isinstance(sender, OwnCoroutine) else sender


def waits_for_room() -> bool:
    """Any thread that can wait. Whether what runs here waits where a mailbox or a peer says so.

    A pool can wait and must not: what it sends goes beyond the bound (`Turn.waits_for_room`).
    """
    turn = here.worker.turn
    return turn is None or turn.waits_for_room


def can_wait() -> bool:
    """Any thread. Whether what runs here may wait without holding up others.

    A turn parks. A callback of the runtime would hold up its core, and a coroutine its loop; where
    that is an error and no answer, `check_may_wait` raises it.
    """
    worker = here.worker
    return worker.turn is not None or (worker.core is None and running_loop() is None)


own_coroutines: dict[object, OwnCoroutine] = {}
"""By the task that runs it. What that leaves to other tasks is not here."""


def own_coroutine() -> OwnCoroutine | None:
    """On an asyncio loop only. The actor's coroutine that this task runs, if it does."""
    return own_coroutines.get(current_task())


class Killed(BaseException):
    """Breaks off the turn of an actor that was killed; handlers need not know it."""


class _Severed:
    """In place of its cell, once a turn or coroutine of an actor was given up, and may go on.

    The cell is the next incarnation's, which knows nothing of it.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        raise Killed

    def __setattr__(self, name: str, value: object) -> None:
        raise Killed


SEVERED: Any = _Severed()


def check_not_killed() -> None:
    """Any thread. Break off a turn whose actor was killed meanwhile: nothing from it gets out.

    Only where `here.worker.suspect` says that there may be one.
    """
    turn = here.worker.turn
    if turn is not None and turn.broken_off:
        raise Killed
