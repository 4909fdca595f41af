"""Asking what another core knows, or has to do: its kernel is asked, and waited for."""

from __future__ import annotations

from typing import Any

from .errors import ConnectionLost
from .future import Future, check_may_wait
from .parking import current_sender
from .process import Process


def check_may_wait_for(what: str) -> None:
    """Any thread, before anything is begun that has to be waited for.

    Raises:
        RuntimeError: waiting would hold up a loop.

    """
    check_may_wait(f"use 'await asyncio.to_thread(...)' for {what}")


def begin_ask(kernel: Process, request: object) -> Future[Any]:
    """Any thread that may wait. Ask for something, and give the future of the answer."""
    check_may_wait_for("what another core has a part in")
    future: Future[Any] = Future()
    kernel.deliver(request, current_sender(), future, None)
    return future


def look_up(kernel: Process, request: object) -> object:
    """Any thread that may wait. Ask for what changes nothing; where that is lost, ask again."""
    while True:
        try:
            return begin_ask(kernel, request).get()
        except ConnectionLost:
            continue
