"""`async def` methods: coroutines run on an asyncio loop of the core's, in a thread of its own.

The actor's turn is parked meanwhile, so that a coroutine and a plain method are served alike: one
message at a time, in order. The loop is started when the first coroutine comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any

from .environment import start_thread
from .future import Future
from .parking import OwnCoroutine, Turn, coroutine_owner, own_coroutines

STOP_TIMEOUT = 1.0
"""Seconds that the loop's thread may take to end."""


class LoopThread:
    """An asyncio loop in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = start_thread(self._run, name)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()

    def run(self, owner: Turn, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Owner's turn only. Run the coroutine, park the turn until it ends, give its result."""
        future: Future[Any] = Future()
        context = copy_context()
        context.run(coroutine_owner.set, owner)
        tasks: list[asyncio.Task[Any]] = []  # the one, once the loop has made it

        async def settle() -> None:
            own_coroutines[tasks[0]] = OwnCoroutine(owner, future)
            try:
                future.resolve(await coroutine)
            except BaseException as error:  # out of a task, KeyboardInterrupt would end the loop
                future.reject(error)
            finally:
                del own_coroutines[tasks[0]]

        def begin() -> None:
            tasks.append(self._loop.create_task(settle(), context=context))
            tasks[0].add_done_callback(lambda _: coroutine.close())  # cancelled before it began

        self._loop.call_soon_threadsafe(begin)
        try:
            return future.get()
        finally:
            if not future.done():  # the actor was killed while it waited
                self._loop.call_soon_threadsafe(lambda: tasks[0].cancel())  # noqa: PLW0108  (not made yet)

    def stop(self) -> None:
        """Another thread. Cancel what runs, end the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT)
