"""What a message takes along: its sender's context variables, and how long its asker waits."""

from __future__ import annotations

import sys
from _contextvars import ContextVar, copy_context  # see `contexts`
from math import inf

from .environment import deadline_in
from .parking import OwnCoroutine, coroutine_owner
from .process import Headers

asker_deadline: ContextVar[float] = ContextVar("zanni_asker_deadline", default=inf)
"""When the time of the asker is over whose message is served here, on the clock.

Being a context variable it costs nothing where there is none, and goes with what a handler begins.
"""

contexts: list[str] = []
"""Not empty once the program has imported `contextvars` (asyncio does), or an ask with a deadline
was served: before, no context variable can be set, and turns and what they send are spared the
look. So we import it nowhere ourselves; a core looks for it once a slice."""

CONTEXTVARS = "contextvars"
modules = sys.modules


def travelling() -> Headers | None:
    """Any thread. What a message sent from here takes along: the context variables that are set."""
    if CONTEXTVARS not in modules:
        return None
    context = copy_context()
    if len(context) == (coroutine_owner in context) + (asker_deadline in context):
        return None
    return {"context": context}


def time_of_asker() -> float:
    """Any thread. When the time of the asker is over that is served here, on the clock.

    None is served any more by what a coroutine has left to other tasks, once it has ended.
    """
    until = asker_deadline.get()
    if until < inf:
        own = coroutine_owner.get()
        if isinstance(own, OwnCoroutine) and own.end.done():
            return inf
    return until


def travelling_with_ask(timeout: float | None) -> tuple[Headers | None, float, bool]:
    """Any thread. What an ask made here takes along, and when its time is over, on the clock.

    That is after `timeout` seconds, or, as the third says, when the time of the asker is over that
    is served here, if that is no later.
    """
    headers, until, own = travelling(), time_of_asker(), True
    if timeout is not None and (deadline := deadline_in(timeout)) < until:
        until, own = deadline, False
    if until < inf:
        headers = headers or {}
        headers["deadline"] = until
    return headers, until, own


def copied(headers: Headers | None) -> Headers | None:
    """Any thread. Headers for another receiver: one at a time can be in a context."""
    if headers is None or "context" not in headers:
        return headers
    return {**headers, "context": headers["context"].copy()}
