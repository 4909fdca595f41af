"""The log of a command, on all of its cores; and what the cores of other programs take over.

A program sets its log up as it likes, often in the part of the script that child cores do not run.
Where it does so by `logging.basicConfig`, its child cores log likewise; they do so by the handler
of last resort, so that what their modules and actors set up themselves has its place.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal, NamedTuple, TypeAlias

PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_level: int | None = None


Stream: TypeAlias = Literal["stdout", "stderr"]


class Log(NamedTuple):
    """How a child core is to log; it fits into JSON."""

    level: int
    format: str = PLAIN
    date_format: str | None = None
    stream: Stream = "stderr"
    is_commands: bool = False
    """Whether a command has set it up, and the program has no say."""


def log_to_stderr(level: int, handler: logging.Handler | None = None) -> None:
    """Main thread only. Log what is of this level or above; nothing where a log is set up already.

    Args:
        level: of the `logging` module; child cores that are started later log from it on, too.
        handler: writes the lines of this process; without one they are plain, as in child cores.

    """
    global _level  # noqa: PLW0603  (one log per process)
    if logging.root.handlers:
        return
    _level = level
    handlers = None if handler is None else [handler]
    logging.basicConfig(level=level, format=PLAIN, handlers=handlers)


def printable(text: str, limit: int, keep: str = "") -> str:
    """Any thread. A stranger's text, fit for a log or a terminal.

    Args:
        text: what may hold anything, as line ends and a terminal's commands.
        limit: how many characters are shown of it.
        keep: characters that are left as they are. All else that does not print is escaped.

    """
    shown = text if len(text) <= limit else f"{text[:limit]}..."
    if shown.isprintable():
        return shown
    return "".join(
        each if each.isprintable() or each in keep else repr(each)[1:-1] for each in shown
    )


def childrens_log() -> Log | None:
    """Any thread. How child cores are to log; None: as they do by themselves.

    That is where nothing was set up, or more than one handler that writes to a standard stream.
    """
    if _level is not None:
        return Log(_level, is_commands=True)
    handlers = logging.root.handlers
    if len(handlers) != 1 or not isinstance(handler := handlers[0], logging.StreamHandler):
        return None
    if handler.stream is None or handler.stream not in (sys.stdout, sys.stderr):
        return None
    shown = handler.formatter
    if shown is None or not _works_alone(shown):
        shown = logging.Formatter(PLAIN)
    stream: Stream = "stdout" if handler.stream is sys.stdout else "stderr"
    return Log(logging.root.level, shown._fmt or PLAIN, shown.datefmt, stream)


def _works_alone(shown: logging.Formatter) -> bool:
    """Whether a plain formatter of that format does for any record, without a filter's fields."""
    if type(getattr(shown, "_style", None)) is not logging.PercentStyle:
        return False
    record = logging.LogRecord("zanni", logging.INFO, "", 0, "", (), None)
    try:
        logging.Formatter(shown._fmt, shown.datefmt).format(record)
    except Exception:  # whatever its author thought of
        return False
    return True


def log_as(log: Log) -> None:
    """In a child core, first of all. Log as core 0 does, unless something else is set up here."""
    if log.is_commands:
        log_to_stderr(log.level)
        return
    handler = logging.StreamHandler(getattr(sys, log.stream))
    handler.setFormatter(logging.Formatter(log.format, log.date_format))
    logging.root.setLevel(log.level)
    logging.lastResort = handler
