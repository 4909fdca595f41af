"""Pykka's `actor_stopped`, made when asked for: an Event an actor would cost 500 bytes each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import Timeout
from .future import Future


class StoppedEvent:
    """Whether an actor was stopped, as a `threading.Event` would tell it."""

    __slots__ = ("_exited", "_is_alive")

    def __init__(self, is_alive: Callable[[], bool], exited: Callable[[], Future[Any]]) -> None:
        self._is_alive, self._exited = is_alive, exited

    def is_set(self) -> bool:
        """Any thread. Whether the actor is stopped or being stopped."""
        return not self._is_alive()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait up to `timeout` seconds for the actor's end; whether it came."""
        exited = self._exited()
        try:
            exited.get(timeout=timeout)
        except Timeout:
            exited.cancel()
        return self.is_set()
