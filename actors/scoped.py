"""`with` and `async with`, for what starts and stops."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from .environment import start_thread
from .forked import Disowned
from .future import Future, check_may_wait
from .parking import here

T = TypeVar("T")

STOP_REMEDY = "use 'async with ActorSystem(...)', or await asyncio.to_thread(system.stop)"


class Scoped:
    """Started when entered, stopped when left, whatever the body raised. See `ActorSystem`."""

    _disowned: Disowned | None = None
    """Set in a forked child, which leaves the body too."""

    def start(self) -> Self:
        """Start, and return when that is done."""
        raise NotImplementedError

    def stop(self, timeout: float | None = None) -> bool:
        """Stop, within so many seconds; whether all finished in time."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        check_may_wait(STOP_REMEDY)  # at once, and not when it ends
        return wait_for(self.start, undo=self.stop)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._disowned is None:
            self.stop()

    async def __aenter__(self) -> Self:
        await _in_thread(self.start, undo=self.stop)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._disowned is None:
            await _in_thread(self.stop)


def wait_for(function: Callable[[], T], undo: Callable[[], object] | None = None) -> T:
    """Any thread. Call a function that blocks; a turn parks meanwhile, so that its core goes on."""
    if here.worker.turn is None:
        return function()
    done = _begun(function, undo)
    try:
        return done.get()
    except BaseException:
        _give_up(done, undo)  # the actor was killed
        raise


def to_the_end(end: Callable[[], T], hurry: Callable[[], object]) -> T:
    """Any thread. Call what ends something; where that is broken off, as by Ctrl-C, `hurry`.

    That runs in a thread of its own: a second Ctrl-C ends the wait for it, and nothing else.
    """
    try:
        return end()
    except BaseException:
        start_thread(hurry, "zanni-hurry").join()
        raise


async def _in_thread(
    function: Callable[[], object], undo: Callable[[], object] | None = None
) -> None:
    """Run a function that blocks, without holding up the loop."""
    done = _begun(function, undo)
    try:
        await done
    except BaseException:
        _give_up(done, undo)
        raise


def _give_up(done: Future[Any], undo: Callable[[], object] | None) -> None:
    """Nobody has the result: if it had just come, undo it here; else its thread will."""
    if not done.cancel() and done.error is None and undo is not None:
        start_thread(undo, "zanni-in-thread")


def _begun(function: Callable[[], T], undo: Callable[[], object] | None) -> Future[T]:
    """The result of a function that runs in a thread of its own.

    A thread cannot be cancelled: if the result is, `undo` is called there when it is there.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            result = function()
        except BaseException as error:
            done.reject(error)
        else:
            if not done.resolve(result) and undo is not None:
                undo()

    start_thread(run, "zanni-in-thread")
    return done
