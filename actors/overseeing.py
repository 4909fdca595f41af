"""What makes a cell do its overseer's part, whatever hooks a subclass of that has.

Guarantees:
- What those that are kept running need is done beside the user's hooks: they are started if
  `on_start` has not done so, and their ends are heard of before `on_receive`, or what `become` has
  put in its place, is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from .cell import Cell
from .lifecycle import Lifecycle
from .oversight import Overseer
from .state import STARTING
from .user_code import calls_back


class Overseeing(Cell):
    """What is put before a cell of any kind; see `overseeing`."""

    # No slots: they could not be combined with those of another kind.

    def _run_hook(self, hook: Callable[..., Any], *args: object) -> None:
        super()._run_hook(hook, *args)
        if self.state is STARTING and hook == self.actor.on_start:
            Lifecycle._run_hook(self, self._overseer._begin)  # on no asyncio loop: it waits

    def receiver(self) -> Callable[[Any], object]:
        """Own turn only. See `Lifecycle.receiver`."""
        return partial(_hear, self._overseer._oversee, super().receiver())

    @property
    def _overseer(self) -> Overseer:
        return cast("Overseer", self.actor)


@calls_back
def _hear(
    oversee: Callable[[object], bool], receive: Callable[[object], object], message: object
) -> object:
    return None if oversee(message) else receive(message)


_kinds: dict[type[Cell], type[Overseeing]] = {}


def overseeing(kind: type[Cell]) -> type[Overseeing]:
    """Any thread. That kind of cell for an overseer."""
    if kind not in _kinds:
        _kinds[kind] = type(f"Overseeing{kind.__name__}", (Overseeing, kind), {})
    return _kinds[kind]
