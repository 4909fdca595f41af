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


def chosen_level() -> int | None:
    """Any thread. From which level on the child cores are to log; None where nothing was set up."""
    return _level
