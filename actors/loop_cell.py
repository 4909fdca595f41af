"""`dispatcher = "asyncio"`: a cell whose actor runs on the core's asyncio loop, all of it.

Plain handlers and hooks too: `asyncio.get_running_loop()` works in them, and they must not block.
The mailbox, the order and the ends are the same as any cell's: its turn, on the core, takes a
message, has the loop handle it, and is parked meanwhile. Only `__init__` runs where `spawn` was
called, or, where the start is waited for, on the core.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import CoroutineType
from typing import Any

from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr

from .cell import Cell
from .control import CONTROL
from .proxy import Describe
from .user_code import calls_user_code


class LoopCell(Cell):
    """A cell that has the loop run its actor."""

    __slots__ = ()

    def receiver(self) -> Callable[[Any], object]:
        """Own turn only. See `Cell.receiver`."""
        return partial(_invoke, self.actor.on_receive)

    def _run_hook(self, hook: Callable[..., Any], *args: object) -> None:
        self.core.owner.run_coroutine(_invoke(hook, *args))


@calls_user_code
async def _invoke(function: Callable[..., Any], *args: Any) -> Any:
    """On the loop. Call what is an actor's, plain or `async def`."""
    result = function(*args)
    return await result if type(result) is CoroutineType else result


USERS = (ProxyCall, ProxyGetAttr, ProxySetAttr, Describe)
"""Messages by which the runtime calls what is the actor's; the others are for the cell alone."""

LoopCell.control = {**CONTROL, **{kind: partial(_invoke, CONTROL[kind]) for kind in USERS}}
