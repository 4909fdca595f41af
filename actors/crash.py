"""Reports of crashes in the log: who, in which incarnation, at which message, and what follows.

Guarantees:
- One report for a crash. Of a supervised actor its supervisor writes it, with what it does about
  it; of any other actor, its own core does.
- In a storm the first ones are written, and the others are counted and told in one line.
- What users' `__repr__` and `__str__` raise is contained, as is what their filters and handlers of
  the log do.
"""

from __future__ import annotations

import logging
import reprlib
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from greenlet import GreenletExit

from .address import Address
from .environment import make_rlock, now
from .errors import RemoteError
from .logs import printable

logger = logging.getLogger("zanni")


def log(level: int, text: str, *args: object, error: BaseException | None = None) -> None:
    """Any thread. Write to the log; what users' filters and handlers raise ends nothing of ours."""
    try:
        logger.log(level, text, *args, exc_info=error)
    except GreenletExit:  # the turn that logs is unwound
        raise
    except BaseException:  # noqa: S110  (nowhere to tell it)
        pass


BURST = 30
"""How many reports are written in one `PERIOD`."""
PERIOD = 10.0
"""Seconds."""
SHOWN = 200
"""Characters of a message that a report shows."""
CHAIN = 16
"""How many of an error's causes are looked at."""
TRACE = 8192
"""Characters of a traceback, its end, that go to a supervisor on another core."""


class Named(Protocol):
    """What is needed of a ref."""

    @property
    def type_name(self) -> str:
        """See `ActorRef.type_name`."""
        ...

    @property
    def name(self) -> str | None:
        """See `ActorRef.name`."""
        ...

    @property
    def address(self) -> Address:
        """See `ActorRef.address`."""
        ...


def title(ref: Named) -> str:
    """Any thread. What the log calls an actor: `Account 'ann' at bank/0/7`."""
    name = f" {ref.name!r}" if ref.name else ""
    return f"{ref.type_name.rpartition(':')[2]}{name} at {ref.address}"


class Text(str):
    """A text that stands for something, and is shown as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


UNKNOWN = Text("")
"""In place of a message: none was in hand."""


class Crash(NamedTuple):
    """What an actor knows of its own crash."""

    who: str
    incarnation: int
    """1 in a life's first, one more with each restart."""
    message: object = UNKNOWN
    """What was in hand, as `Actor.on_report` lets it be seen."""
    error: BaseException | None = None
    trace: str = ""
    """Where the error was raised, if in another process."""

    def to_data(self, *, tracebacks: bool) -> list[Any]:
        """Any thread. As text and numbers, for a supervisor on another core."""
        trace = (self.trace or _trace_of(self.error))[-TRACE:] if tracebacks else ""
        return [self.who, self.incarnation, shown(self.message), trace]

    @classmethod
    def from_data(cls, data: list[Any], reason: object) -> Crash:
        """Owner only. What `to_data` gave; raises where it is nothing of the kind."""
        who, incarnation, message, trace = data
        error = reason if isinstance(reason, BaseException) else None
        told = Text(printable(str(message), 2 * SHOWN))
        lines = printable(str(trace)[-TRACE:], TRACE, keep="\n").splitlines()
        # No line begins as one of the log's own would.
        below = "\n".join(line if line.startswith(" ") else f"  {line}" for line in lines)
        return cls(printable(str(who), 2 * SHOWN), int(incarnation), told, error, below)


def seen(item: tuple[Any, ...] | None, on_report: Callable[[Any], object]) -> object:
    """Own turn only. What a report may show of the message in hand, by that hook of the actor."""
    if item is None:
        return UNKNOWN
    try:
        return on_report(item[0])
    except GreenletExit:  # the turn is unwound
        raise
    except BaseException as fault:
        return Text(f"<on_report failed: {type(fault).__name__}>")


class Crashes:
    """Writes the reports of one core. Any thread."""

    def __init__(self, call_later: Callable[[float, Callable[[], object]], object]) -> None:
        self._call_later = call_later
        self._lock: AbstractContextManager[object] = make_rlock()
        self._since = -PERIOD
        self._written = self._unwritten = 0

    def report(self, crash: Crash, follows: str) -> None:
        """Write the report of a supervised actor; `follows` says what its supervisor does."""
        if self._may_write():
            error, message = crash.error, shown(crash.message)
            at = f" while handling {message}" if message else ""
            text = "%s crashed in its incarnation %d%s: %s%s"
            below = f"\n{crash.trace}" if crash.trace else ""
            log(logging.ERROR, text, crash.who, crash.incarnation, at, follows, below, error=error)
        _forget_locals(crash.error)

    def report_start(self, who: str, error: BaseException, follows: str) -> None:
        """Write that a supervised actor did not start."""
        if self._may_write():
            log(logging.ERROR, "%s did not start: %s", who, follows, error=error)
        _forget_locals(error)

    def report_end(self, who: str, reason: object, follows: str) -> None:
        """Write that a supervised actor ended otherwise: it was killed, say, or is lost."""
        if self._may_write():
            log(logging.ERROR, "%s ended for reason %s: %s", who, shown(reason), follows)

    def report_alone(self, who: object, error: BaseException) -> None:
        """Write the report of an actor that nobody supervises, in Pykka's words."""
        if self._may_write():
            log(logging.ERROR, "Unhandled exception in %s:", who, error=error)

    def _may_write(self) -> bool:
        with self._lock:
            moment = now()
            if moment - self._since >= PERIOD:
                self._since, self._written = moment, 0
            self._written += 1
            if self._written <= BURST:
                return True
            self._unwritten += 1
            if self._unwritten == 1:
                self._call_later(self._since + PERIOD - moment, self.tell_rest)
            return False

    def tell_rest(self) -> None:
        """Say how many reports were left out, if any were."""
        with self._lock:
            unwritten, self._unwritten = self._unwritten, 0
        if unwritten:
            text = "%d more crashes within %g seconds are not told one by one"
            log(logging.ERROR, text, unwritten, PERIOD)


def _forget_locals(error: BaseException | None) -> None:
    """Empty the frames that an error was raised through: they have ended, and hold the dead actor.

    Events and watchers may keep the error for long. What it says of lines and calls stays.
    """
    for _ in range(CHAIN):
        if error is None:
            return
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


_short = reprlib.Repr()
_short.maxstring = _short.maxother = SHOWN


def shown(message: object) -> str:
    """Any thread. The message's repr, of which the most is cut off where it is long."""
    text = _contained(_short.repr, message)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def type_and_text(error: BaseException) -> tuple[str, str]:
    """Any thread. What is told of an error where it cannot go itself: its type's name, its text."""
    return type(error).__name__, _contained(str, error)


def as_exception(error: BaseException) -> Exception:
    """Any thread. What others get of an error: SystemExit and the like would end them, too."""
    if isinstance(error, Exception):
        return error
    told = RemoteError(*type_and_text(error))
    told.__cause__ = error
    return told


def _contained(text_of: Callable[[Any], str], thing: object) -> str:
    try:
        return text_of(thing)
    except GreenletExit:  # the turn is unwound
        raise
    except BaseException as fault:
        return f"<its text cannot be made: {type(fault).__name__}>"


def _trace_of(error: BaseException | None) -> str:
    """Where it was raised, without the chain of causes, which may be any length."""
    if error is None:
        return ""
    lines = traceback.format_tb(error.__traceback__, limit=-50)
    return "Traceback (most recent call last):\n" + "".join(lines).rstrip()
