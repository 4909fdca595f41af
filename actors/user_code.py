"""Where users' code runs: what of the runtime calls it, and whether a thread is in it just now.

The watcher asks (see `watcher.py`), as it takes the core from nobody but users' code.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, TypeVar

from .environment import thread_frame

F = TypeVar("F", bound=Callable[..., Any])

user_code: set[CodeType] = set()
"""The functions that call what users wrote. See `watcher.py`."""


def calls_user_code(function: F) -> F:
    """Mark a function of the runtime: while what it calls runs, its core may be handed over.

    So when that returns, the function must not touch what is the owner's without asking whether
    its thread still holds the core.
    """
    user_code.add(function.__code__)
    return function


calling_back: set[CodeType] = set()
"""The functions for users that may call what users wrote. See `watcher.py`."""


def calls_back(tool: F) -> F:
    """Mark a function for users, or a class of such, that calls back: a `map`, say, or a callback.

    What they call from user code is user code as well, then. It is for any thread: so whatever it
    does after the call, it asks whether its thread holds the core.
    """
    functions = (tool, *vars(tool).values())
    calling_back.update(each.__code__ for each in functions if isinstance(each, FunctionType))
    return tool


RUNTIME = tuple(f"{__name__.partition('.actors.')[0]}.{part}." for part in ("actors", "transport"))


def is_in_user_code(worker: Any) -> bool:
    """Any thread. Whether that worker's thread is in what a handler or hook does.

    And not in the runtime, called by it or above it. When it leaves it again, the runtime asks
    whether it still has the core, and its turn.
    """
    innermost = frame = thread_frame(worker.thread_id)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(RUNTIME) and (
            frame is innermost or frame.f_code not in calling_back
        ):
            return frame is not innermost and frame.f_code in user_code
        frame = frame.f_back
    return False
