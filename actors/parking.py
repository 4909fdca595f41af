"""Waiting: who runs in this thread, and how a waiter is woken.

A turn of an actor waits by parking (see `dispatcher.py`), any other thread on a latch, a coroutine
on a future of its loop. To what they wait for, all three are a `Waiter`.
"""

from __future__ import annotations

from contextvars import ContextVar, copy_context
from typing import Any, NamedTuple, Protocol

from .environment import Local, current_task
from .process import Headers, Process


class Waiter(Protocol):
    """Something that waits, and can be woken."""

    def unpark(self) -> object:
        """Any thread. Look again whether what you wait for has come; may be called in vain."""
        ...


class Turn(Process, Waiter, Protocol):
    """An actor's turn that runs in this thread."""

    awaits: Any
    """What it waits for: see `waits.py`."""

    def park(self, until: float | None) -> None:
        """Own turn only. Let others run until `unpark`, or until that time of the clock."""
        ...


class Worker:
    """What a thread is to the runtime: the core it holds, and the actor whose turn it runs.

    An object of its own, since looking into a thread-local costs thrice an attribute: a turn sets
    what it needs here and whoever sends looks it up once.
    """

    __slots__ = ("core", "turn")

    def __init__(self, core: object = None) -> None:
        self.core = core
        self.turn: Turn | None = None


class Here(Local):
    """What this thread is."""

    worker = Worker()
    """By default that of a thread which holds no core and runs no turn; nobody writes to it."""


here = Here()

coroutine_owner: ContextVar[Process | None] = ContextVar("zanni_coroutine_owner", default=None)
"""The actor that a coroutine runs for, in whatever thread its loop is."""


def current_sender() -> Process | None:
    """Any thread. The actor that runs here, as a turn or as a coroutine."""
    return here.worker.turn or coroutine_owner.get()


def travelling() -> Headers | None:
    """Any thread. What a message sent from here takes along: the context variables that are set.

    A copy of a context is one pointer, so asking for one costs little even where none is set.
    """
    context = copy_context()
    if not context or (len(context) == 1 and coroutine_owner in context):
        return None
    return {"context": context}


class OwnCoroutine(NamedTuple):
    """A coroutine that an actor's turn is parked for, and the future of its end."""

    owner: Turn
    end: Any


own_coroutines: dict[object, OwnCoroutine] = {}
"""By the task that runs it. What that leaves to other tasks is not here."""


def own_coroutine() -> OwnCoroutine | None:
    """On an asyncio loop only. The actor's coroutine that this task runs, if it does."""
    return own_coroutines.get(current_task())
