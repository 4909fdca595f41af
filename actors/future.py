"""`Future`: the answer to an ask, now or later.

Guarantees:
- A future is settled once; `resolve` and `reject` say whether they were the ones.
- Waiting in an actor parks its turn, waiting in a thread blocks that thread, `await` suspends.
- Settling may happen on any thread; waiters and callbacks are told on that thread.

One lock serves all futures: it is held for a handful of bytecodes, and a lock each would cost more
than the future itself. It may be taken again by its holder, since a finaliser may settle one; and
nothing is called under it, since a call lets signal handlers run, and one may wait for an answer
that another thread cannot settle while the lock is held.
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError
from math import inf
from types import TracebackType
from typing import Any, Protocol, TypeVar, cast

import pykka

from .deadlock import break_cycle, break_cycle_of_coroutine
from .environment import Latch, deadline_in, make_shared_lock, now, running_loop
from .errors import Timeout
from .parking import OwnCoroutine, Turn, Waiter, check_not_killed, here, own_coroutine
from .process import Reply
from .user_code import calls_back
from .waiters import Callback, LoopWaiter
from .waits import Wait, future_of

T = TypeVar("T")
J = TypeVar("J")
M = TypeVar("M")
R = TypeVar("R")

T_co = TypeVar("T_co", covariant=True)

_settling = make_shared_lock()

ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class Gives(Protocol[T_co]):
    """A future of a `list[int]` as one of an `Iterable[int]`, for which `Future` is invariant."""

    def get(self, *, timeout: float | None = None) -> T_co:
        """See `Future.get`."""
        ...


@calls_back
class Future(pykka.Future[T]):
    """A handle to a value that is available now or later. Any thread may use it.

    `get` waits; `await future` suspends the coroutine. `get(timeout=)` is not final: the answer may
    still be had later.
    """

    # Class attributes stand for a fresh future, so that making one runs no code at all.
    _done = False
    _value: Any = None
    _error: BaseException | None = None
    _traceback: TracebackType | None = None
    _waiters: list[Waiter] | None = None
    _sources: tuple[pykka.Future[Any], ...] = ()
    _get_hook: Any = None
    # Of the answer to an ask: see `Owed` in `waits.py`.
    owed_by: Any = None
    ask_number: int | None = None
    expires = inf
    wait: Wait | None = None
    inner_wait: Wait | None = None
    coroutine: Any = None

    def __init__(self) -> None:  # Pykka's own would set what the class already says
        pass

    def __repr__(self) -> str:
        state = "pending" if not self._done else "failed" if self._error else "done"
        return f"<zanni.Future {state}>"

    def get(self, *, timeout: float | None = None) -> T:
        """Any thread but an asyncio loop's. The value, waiting up to `timeout` seconds for it.

        Raises:
            Timeout: it did not come in time.
            ForkedError: it is to come from a system of the parent, in a forked child.
            RuntimeError: called on a thread whose asyncio loop it would block.
            Exception: what the handler raised, or what befell the ask.

        """
        if not self._done:
            if self._get_hook is None:
                self._wait(timeout)
            else:
                self._run_hook(timeout)
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)
        return self._value  # type: ignore[no-any-return]  # a cast would cost a call

    def done(self) -> bool:
        """Any thread. Whether `get` need not wait: all is here that `map` or `join` make it of."""
        sources = self._sources
        return self._done or (bool(sources) and all(map(_is_done, sources)))

    @property
    def error(self) -> BaseException | None:
        """Any thread. What it has failed with; None where it has not, or not yet."""
        return self._error

    def pass_on_to(self, reply: Reply) -> None:
        """Any thread. Once it is settled, settle `reply` by the same."""

        def pass_on(_: object) -> None:
            try:
                value = self.get()
            except BaseException as error:
                reply.reject(error)
            else:
                reply.resolve(value)

        self.add_done_callback(pass_on)

    def _run_hook(self, timeout: float | None) -> None:
        for source in self._sources:
            source.get(timeout=timeout)
        if self._done:  # somebody else has had it made meanwhile
            return
        try:
            self._settle(self._get_hook(timeout), None, made=True)
        except Exception as error:
            if not self._sources:  # Pykka's rule: the next `get` calls it again
                raise
            self._settle(None, error, made=True)

    def _wait(self, timeout: float | None) -> None:
        deadline = None if timeout is None else deadline_in(timeout)
        if here.worker.suspect:
            check_not_killed()
        turn = here.worker.turn
        if turn is None:
            self._wait_in_thread(timeout)
        elif self._add_waiter(turn):
            self._wait_in_turn(turn, deadline)
        if not self._done:
            raise Timeout(f"{timeout} seconds")

    def _wait_in_turn(self, turn: Turn, deadline: float | None) -> None:
        wait = turn.awaits = Wait(turn, self, deadline)
        # A turn may be woken in vain, by an earlier wait of its own that ends late: look again.
        try:
            owner = future_of(wait).owed_by  # a coroutine may have begun to await meanwhile
            if owner is not None and owner.awaits is not None:
                break_cycle(turn)
            while not self._done and (deadline is None or now() < deadline):
                if wait.error is not None:
                    raise wait.error
                turn.park(deadline)
        finally:
            turn.awaits = None
            if not self._done:
                self._remove_waiter(turn)

    def _wait_in_thread(self, timeout: float | None) -> None:
        check_may_wait()
        self._check_not_forked()
        latch = Latch()
        if self._add_waiter(latch):
            try:
                latch.wait(timeout)
            finally:
                self._remove_waiter(latch)

    def _add_waiter(self, waiter: Waiter) -> bool:
        with _settling:
            if self._done:
                return False
            if self._waiters is None:
                self._waiters = [waiter]
            else:
                self._waiters += [waiter]
            return True

    def _remove_waiter(self, waiter: Waiter) -> None:
        while (waiters := self._waiters) is not None and waiter in waiters:
            place = waiters.index(waiter)
            with _settling:
                if self._waiters is waiters and waiters[place : place + 1] == [waiter]:
                    del waiters[place]

    def resolve(self, value: object) -> bool:
        """Any thread. Settle with a value; False when it was settled before."""
        return self._settle(value, None)

    def reject(self, error: BaseException) -> bool:
        """Any thread. Settle with an error; False when it was settled before."""
        return self._settle(None, error)

    def _settle(self, value: object, error: BaseException | None, *, made: bool = False) -> bool:
        with _settling:
            if self._done or (self._get_hook is not None and not made):
                return False
            self._value = value
            if error is not None:
                self._error = error
                self._traceback = error.__traceback__
            self._done = True
            waiters = self._waiters
            self._waiters = None
        if waiters is not None:
            for waiter in waiters:
                waiter.unpark()
        return True

    def set(self, value: T | None = None) -> None:
        """Any thread. Settle with a value.

        Raises:
            queue.Full: it was settled before, or has a get hook (Pykka's rule).

        """
        if not self.resolve(value):
            raise queue.Full

    def set_exception(self, exc_info: ExcInfo | BaseException | None = None) -> None:
        """Any thread. Settle with an error: the given one, or the one being handled.

        Raises:
            queue.Full: it was settled before, or has a get hook (Pykka's rule).

        """
        if isinstance(exc_info, BaseException):
            error: BaseException | None = exc_info
        else:
            kind, error, traceback = exc_info or sys.exc_info()
            if error is None and kind is not None:
                error = kind()
            if error is not None:
                error = error.with_traceback(traceback)
        if error is None:
            raise ValueError("set_exception() needs an exception: none was given or is handled now")
        if not self.reject(error):
            raise queue.Full

    def cancel(self) -> bool:
        """Any thread. Give up on the answer; it is dropped when it comes. False if it is here."""
        return self.reject(CancelledError("the ask was cancelled"))

    def set_get_hook(self, func: Callable[[float | None], T]) -> None:
        """Any thread. Have `get(timeout=t)` return `func(t)`, called once.

        Raises:
            queue.Full: it was settled before.

        """
        with _settling:
            if self._done:
                raise queue.Full
            self._get_hook = func

    def add_done_callback(self, callback: Callable[[Future[T]], object]) -> None:
        """Any thread. Call `callback(self)` when it is done, or now; what it raises is logged.

        Whoever settles the future calls it, a core's loop perhaps: so it must not block.

        Raises:
            TypeError: it cannot tell: it has a get hook, or is made of a future that has.

        """
        waiter = Callback(callback, self)
        if self._get_hook is not None and not self._done:
            self._when_here(waiter.unpark)
        elif not self._add_waiter(waiter):
            waiter.unpark()

    def _when_here(self, function: Callable[[], object]) -> None:
        left = [True] + [False] * (len(self._sources) - 1)  # whoever takes the last is the last

        def count(_: object) -> None:
            if left.pop():
                function()

        for source in self._sources or (None,):
            if not isinstance(source, Future):
                raise TypeError(
                    f"{self} does not tell when it is done: it has a get hook, or is made of a "
                    "future that has, or of one of Pykka's"
                )
            source.add_done_callback(count)

    def __await__(self) -> Generator[Any, None, T]:
        """Suspend the coroutine until the value is here. Cancelling it drops the pending ask."""
        for source in self._sources:
            yield from _settled(source).__await__()
        if self._done:
            return self.get()
        if self._get_hook is None:
            yield from self._suspend()
        elif not self._sources:
            loop = _loop()
            return cast("T", (yield from loop.run_in_executor(None, self.get).__await__()))
        return self.get()

    __iter__ = __await__

    def _check_not_forked(self) -> None:
        refuse = None if self.owed_by is None else self.owed_by.core.refuse
        if refuse is not None:
            refuse()

    def _suspend(self) -> Generator[Any, None, None]:
        self._check_not_forked()
        waiter = LoopWaiter(_loop(), self)
        if self._add_waiter(waiter):
            coroutine = None if self.owed_by is None else own_coroutine()
            try:
                if coroutine is not None:
                    self._wait_in_coroutine(coroutine)
                yield from waiter.future.__await__()
            except BaseException:
                self._give_up(waiter)
                raise
            finally:
                if coroutine is not None:
                    coroutine.end.inner_wait = None

    def _give_up(self, waiter: Waiter) -> None:
        """Nobody awaits it here any more: drop the ask, unless others wait for its answer too."""
        self._remove_waiter(waiter)
        if all(isinstance(other, Callback) for other in tuple(self._waiters or ())):
            self.cancel()

    def _wait_in_coroutine(self, coroutine: OwnCoroutine) -> None:
        coroutine.end.inner_wait = Wait(coroutine.owner, self, None)
        if self.owed_by.awaits is not None:
            break_cycle_of_coroutine(coroutine.owner)

    def map(self, func: Callable[[T], M]) -> Future[M]:
        """A future of `func(value)`; `func` runs once, in the first `get`."""
        return _derived(super().map(func), self)

    def filter(self: Gives[Iterable[J]], func: Callable[[J], bool]) -> Future[Iterable[J]]:
        """A future of the items of an iterable value for which `func(item)` is true."""
        own = cast("Future[Iterable[J]]", self)
        return _derived(pykka.Future.filter(own, func), own)

    def join(self, *futures: pykka.Future[Any]) -> Future[Iterable[Any]]:
        """A future of the list of this value and the others', in order."""
        return _derived(super().join(*futures), self, *futures)

    def reduce(self: Gives[Iterable[J]], func: Callable[[R, J], R], *args: R) -> Future[R]:
        """A future of the items of an iterable value combined from the left."""
        own = cast("Future[Iterable[J]]", self)
        return _derived(pykka.Future.reduce(own, func, *args), own)


Future.__init__ = object.__init__  # type: ignore[method-assign]  # no call at all


def check_may_wait(
    remedy: str = "use 'await ref.ask(..., block=False)' or 'await future'",
) -> None:
    """Any thread. Raise RuntimeError where waiting would hold up a loop; a turn parks."""
    if here.worker.core is not None and here.worker.turn is None:
        raise RuntimeError("a callback of the runtime must not wait: it would stop its core")
    if running_loop() is not None:
        raise RuntimeError(f"waiting here would block the asyncio loop of this thread: {remedy}")


def _derived(future: pykka.Future[M], *sources: pykka.Future[Any]) -> Future[M]:
    made = cast("Future[M]", future)
    made._sources = sources
    return made


def _is_done(source: pykka.Future[Any]) -> bool:
    return isinstance(source, Future) and source.done()


async def _settled(source: pykka.Future[Any]) -> None:
    """Wait for a source; its error is raised by the `get` that follows."""
    try:
        await source
    except Exception:
        if isinstance(source, Future) and not source._done and source._get_hook is None:
            raise


def _loop() -> Any:
    loop = running_loop()
    if loop is None:
        raise RuntimeError("'await future' needs a running asyncio loop: use future.get() instead")
    return loop
