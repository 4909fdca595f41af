"""Who waits for a future, and is neither a turn nor a thread: a callback, or a coroutine's loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent

from .address import KERNEL_ID, Address, CoreAddress
from .observe import contained
from .parking import here
from .user_code import calls_back

DEEPEST = 16
"""How many callbacks of a stack may be called one by the other: a chain may be longer than it."""


@calls_back
class Callback:
    """Any thread. Calls a function with the future, once; see `Future.add_done_callback`."""

    __slots__ = ("_callback", "_future")

    def __init__(self, callback: Callable[[Any], object], future: Any) -> None:
        self._callback, self._future = callback, future

    def unpark(self) -> None:
        """Any thread. See `Waiter.unpark`."""
        stack = vars(getcurrent())
        depth = stack.get("callbacks", 0)
        if depth < DEEPEST:
            stack["callbacks"] = depth + 1
            try:
                self._call()
            finally:
                stack["callbacks"] = depth
        elif "further" in stack:  # the first one that is so deep goes on with the chain
            stack["further"].append(self)
        else:
            further = stack["further"] = deque([self])
            try:
                while further:
                    further.popleft()._call()
            finally:
                del stack["further"]

    def _call(self) -> None:
        contained(self._callback, self._future, "a callback of %r failed")


class LoopWaiter:
    """Any thread. Settles a future of the loop's, so that who awaits that looks at ours again."""

    __slots__ = ("_answer", "_loop", "future")

    def __init__(self, loop: Any, answer: Any) -> None:
        self._loop = loop
        self._answer = answer
        self.future: Any = loop.create_future()

    def unpark(self) -> None:
        """Any thread. See `Waiter.unpark`."""
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the loop is closed: whoever awaited is gone
            self._count_unheard()

    def _count_unheard(self) -> None:
        """Count the answer with the system of the actor that gave it, or of the core it came to."""
        worker: Any = here.worker
        core = worker.core or getattr(worker.turn, "core", None)
        if core is not None:
            answer = self._answer._error or self._answer._value
            home: CoreAddress = core.home
            core.owner.dead_letters.count("loop closed", answer, Address(*home, KERNEL_ID))

    def _wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)
