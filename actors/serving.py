"""What an actor does with the message in hand: pass it on, answer it later, wait without waiting.

Guarantees:
- An ask is answered once (G9), by whoever has it at last: the handler's return, `reply_later`'s
  future, or the actor that it was forwarded to. If an actor ends with an answer still to give, the
  answer is `ActorDeadError`.
- What is piped to one incarnation is handled by that one or by none (B13).
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol

import pykka

from .crash import as_exception
from .deadlock import hand_on
from .dispatcher import Core
from .errors import ActorDeadError
from .future import ExcInfo, Future
from .hosting import ActorCell
from .links import Piped
from .losing import AT_ONCE, Loser
from .process import OWN, Headers, Item, Process, Reply
from .timers import Timer
from .travelling import copied
from .user_code import calls_back


class Settling(Protocol):
    """Something that is not there yet, and tells when it is."""

    def add_done_callback(self, fn: Callable[[Any], Any], /) -> object:
        """Call `fn(self)` when it is there."""
        ...


def in_hand(cell: ActorCell, verb: str) -> Item:
    """Own turn only. The message in hand.

    Raises:
        RuntimeError: there is none.

    """
    if cell.current is None:
        raise RuntimeError(f"{verb}() has no message in hand: call it while one is handled")
    return cell.current


IN_HAND: Any = object()
"""In place of a message: the one in hand."""


def forward(cell: ActorCell, target: Process, instead: object = IN_HAND) -> None:
    """Own turn only. See `Actor.forward`."""
    message, sender, reply, headers = in_hand(cell, "forward")
    headers = None if headers is OWN else copied(headers)
    target.deliver(message if instead is IN_HAND else instead, sender, reply, headers)
    cell.current = (message, sender, None, headers)
    hand_on(reply, target)


def reply_later(cell: ActorCell) -> Future[Any]:
    """Own turn only. See `Actor.reply_later`."""
    message, sender, reply, headers = in_hand(cell, "reply_later")
    if isinstance(reply, Deferred):
        return reply
    owed = Deferred()
    owed.begin(cell, reply, sender, headers)
    if reply is not None:
        cell.current = (message, sender, owed, headers)
    return owed


class Deferred(Future[Any]):
    """The answer to an ask that its actor gives later."""

    _cell: ActorCell
    _asker: Process | None

    def begin(
        self, cell: ActorCell, reply: Reply | None, asker: Process | None, headers: Headers | None
    ) -> None:
        """Own turn only. It goes to `reply` when it is there, or when the actor ends.

        Nothing is owed any more to an asker that has given up, where that is known here, or whose
        time is over.
        """
        self._cell, self._asker = cell, asker
        if reply is None:
            return
        every = cell.need_ties().owed
        every.add(self)

        def forget(_: object = None) -> None:
            every.discard(self)

        def give(_: object) -> None:
            forget()
            error = self.error
            if error is None:
                given = reply.resolve(self._value)
            else:
                given = reply.reject(as_exception(error))
            if not given:
                self._came_late(self._value if error is None else error)

        self.add_done_callback(give)
        if isinstance(reply, Future):
            reply.add_done_callback(forget)
        elif headers is not None and "deadline" in headers:  # of one elsewhere
            timer = Timer(headers["deadline"], forget)
            cell.core.begin(timer)
            self.add_done_callback(lambda _: timer.cancel())

    def set(self, value: Any = None) -> None:
        """Any thread. Give the answer; one that comes second is dropped and counted."""
        if not self.resolve(value):
            self._came_late(value)

    def set_exception(self, exc_info: ExcInfo | BaseException | None = None) -> None:
        """Any thread. Answer with an error, as `set`."""
        try:
            super().set_exception(exc_info)
        except queue.Full:
            self._came_late(exc_info or sys.exc_info()[1])

    def set_get_hook(self, func: Callable[[float | None], Any]) -> None:
        """Not for answers: nobody would call it."""
        raise TypeError("an answer is given by set() or set_exception(), not by a get hook")

    def _came_late(self, answer: object) -> None:
        cell = self._cell
        target = cell.address if self._asker is None else self._asker.address
        cell.core.owner.dead_letters.count("late", answer, target, cell)


def reject_owed(cell: Loser, every: set[Any]) -> None:
    """Owner only. The actor ends: nobody will give these answers, unless it is done just now.

    They may be as many as its messages: see `losing.py`.
    """
    if every:
        _reject_some(cell.core, iter(tuple(every)), f"{cell.ref} ended before it answered")


def _reject_some(core: Core, answers: Iterator[Future[Any]], text: str) -> None:
    some = [*islice(answers, AT_ONCE)]
    for owed in some:
        owed.reject(ActorDeadError(text))
    if len(some) == AT_ONCE:
        core.post(_reject_some, core, answers, text)


def pipe(cell: ActorCell, future: Settling) -> None:
    """Own turn only. See `Actor.pipe`."""
    piped, pipes, core = Piped(future), cell.need_ties().pipes, cell.core
    pipes.add(piped)

    def take_in() -> None:
        if piped in pipes:
            cell.enqueue((piped, None, None, None))

    def arrive(_: object) -> None:
        core.call(take_in)

    try:
        future.add_done_callback(arrive)
    except (AttributeError, TypeError):
        pipes.discard(piped)
        raise TypeError(
            f"pipe() takes a future that tells when it is done, not {type(future).__name__}: "
            "run what waits in an executor, and pipe the future that its submit() gives"
        ) from None


@calls_back
def result_of(future: Any) -> object:
    """Own turn only. What became of a future that is done; raises what it failed with."""
    return future.get() if isinstance(future, pykka.Future) else future.result()
