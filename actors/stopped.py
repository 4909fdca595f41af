"""How those hear of an actor's stop that asked for it, or look for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pykka.messages import _ActorStop

from .errors import ActorDeadError, Timeout
from .future import Future

STOP = _ActorStop()
"""The one message that stops an actor: all are alike, and making one costs as much as a tell."""


class StopFuture(Future[bool]):
    """The answer to a stop: True once stopped, False if it was dead already (Pykka's rule)."""

    note_end: Callable[[], object] | None = None
    """To be called when it has stopped for good: not to be restarted by its supervisor."""

    def resolve(self, value: object) -> bool:
        """Any thread. It has stopped; `value` says whether for good."""
        if value is True and self.note_end is not None:
            self.note_end()
        return self._settle(value=True, error=None)

    def reject(self, error: BaseException) -> bool:
        """Any thread. It was dead, or could not be reached."""
        if isinstance(error, ActorDeadError):
            return super().resolve(value=False)
        return super().reject(error)


class StoppedEvent:
    """Pykka's `actor_stopped`, made when asked for: an Event an actor would cost 500 bytes each."""

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
