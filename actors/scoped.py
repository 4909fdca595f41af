"""`with` and `async with`, for what starts and stops."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from .forked import Disowned
from .future import check_may_wait, in_thread

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
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._disowned is None:
            self.stop()

    async def __aenter__(self) -> Self:
        await in_thread(self.start, undo=self.stop)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._disowned is None:
            await in_thread(self.stop)
