"""`async def` methods: coroutines run on an asyncio loop of the core's, in a thread of its own.

The actor's turn is parked meanwhile, so that a coroutine and a plain method are served alike: one
message at a time, in order. The loop is started when the first coroutine comes.

Guarantees:
- Whatever escapes a coroutine, or a task that one has begun, the loop goes on.
- A kill cancels the coroutine and does not wait for it: what it does after in its actor's name, it
  or a task that it has begun, is broken off by `Killed`. What it had sent comes before the end.
- `stop` ends within `STOP_TIMEOUT`, and a little more. What runs is cancelled, once; what does not
  heed that is dropped, and said so in the log. Only a coroutine that blocks the thread itself, in
  `time.sleep` say, keeps the thread until it returns.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

from .environment import start_thread, thread_id
from .errors import ShuttingDown
from .future import Future
from .parking import OwnCoroutine, Turn, coroutine_owner, own_coroutines
from .user_code import calls_user_code

STOP_TIMEOUT = 1.0
"""Seconds that cancelled coroutines may take to end."""
GRACE = 0.5
"""Seconds beyond that for the thread to end."""

logger = logging.getLogger("zanni")


class LoopThread:
    """An asyncio loop in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._stopping = False
        self.thread_id = 0
        self._seconds = STOP_TIMEOUT
        try:
            self._thread = start_thread(self._run, name)
        except BaseException:  # no more threads: the next coroutine will try again
            self._loop.close()
            raise

    def _run(self) -> None:
        self.thread_id = thread_id()
        while not self._stopping:
            self._survive(self._loop.run_forever)
        self._end(self._loop.time() + self._seconds)
        self._loop.close()

    @calls_user_code
    def _survive(self, run: Callable[[], object]) -> None:
        """Run the loop: a task that SystemExit or KeyboardInterrupt leaves breaks it off."""
        try:
            run()
        except BaseException:
            logger.exception("a task has left its loop; the loop goes on")

    def _end(self, deadline: float) -> None:
        loop = self._loop
        cancelled: set[asyncio.Task[Any]] = set()
        while asyncio.all_tasks(loop) and loop.time() < deadline:
            self._survive(lambda: loop.run_until_complete(_cancel_all(cancelled, deadline)))
        for task in asyncio.all_tasks(loop):
            logger.warning("dropped a coroutine that did not end when cancelled: %r", task)
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is said already
            _close(task.get_coro())
        closing = asyncio.wait_for(loop.shutdown_asyncgens(), GRACE / 2)
        self._survive(lambda: loop.run_until_complete(closing))

    def run(self, owner: Turn, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Owner's turn only. Run the coroutine, park the turn until it ends, give its result."""
        future: Future[Any] = Future()
        context = copy_context()
        own = future.coroutine = OwnCoroutine(owner, future, self)
        context.run(coroutine_owner.set, own)
        tasks: list[asyncio.Task[None]] = []  # the one, once the loop has made it

        @calls_user_code
        async def settle() -> None:
            task = asyncio.current_task()
            own_coroutines[task] = own
            try:
                future.resolve(await coroutine)
            except BaseException as error:  # out of a task, KeyboardInterrupt would end the loop
                future.reject(error)
            finally:
                del own_coroutines[task]

        def begin() -> None:
            # Not `create_task`: a factory that users have set there may begin it, now and here.
            task = asyncio.Task(settle(), loop=self._loop, context=context)
            tasks.append(task)
            task.add_done_callback(end)

        def end(task: asyncio.Task[None]) -> None:
            if task.cancelled():  # before it began: from then on, `settle` hears of it
                coroutine.close()
                future.reject(asyncio.CancelledError())

        if not self._post(begin):  # this turn has outlived its system
            coroutine.close()
            raise ShuttingDown("the system has stopped: it runs no coroutine any more")
        try:
            return future.get()
        finally:
            future.coroutine = None  # else they would be a cycle
            if not future.done():  # the actor was killed while it waited
                own.broken_off = True
                owner.sever()
                self._post(lambda: tasks[0].cancel())  # noqa: PLW0108  (not made yet)

    def _post(self, function: Callable[[], object]) -> bool:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # the loop is closed
            return False
        return True

    def stop(self, seconds: float) -> None:
        """Another thread. Cancel what runs, end the loop and its thread, in `seconds` at most."""
        self._seconds = min(seconds, STOP_TIMEOUT)
        self._stopping = True
        self._post(self._loop.stop)
        self._thread.join(self._seconds + GRACE)
        if self._thread.is_alive():
            logger.warning("a coroutine blocks %s, which is left behind", self._thread.name)


async def _cancel_all(cancelled: set[asyncio.Task[Any]], deadline: float) -> None:
    """Cancel each task once, those that others begin meanwhile too, and wait for their ends.

    One that was cancelled before, as its actor was killed, has half of the time for its `finally`:
    a second cancel would break that off.
    """
    loop = asyncio.get_running_loop()
    me = asyncio.current_task()
    ending = {task for task in asyncio.all_tasks() - {me} - cancelled if task.cancelling()}
    if ending:
        await asyncio.wait(ending, timeout=(deadline - loop.time()) / 2)
    while (left := asyncio.all_tasks() - {me}) and (seconds := deadline - loop.time()) > 0:
        for task in left - cancelled:
            task.cancel()
        cancelled |= left
        await asyncio.wait(left, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


def _close(coroutine: Any) -> None:
    try:
        coroutine.close()
    except BaseException:  # noqa: S110  (it heeds nothing)
        pass
