"""The log of a command, on all of its cores. Other programs set theirs up as they like."""

from __future__ import annotations

import logging

PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_level: int | None = None


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


def chosen_level() -> int | None:
    """Any thread. From which level on the child cores are to log; None where nothing was set up."""
    return _level
