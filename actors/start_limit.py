"""How long an actor's first start may take."""

from __future__ import annotations

from typing import Any

from .dispatcher import Core
from .errors import Timeout
from .future import Future
from .process import Process, kill_for_good


def limit_start(core: Core, process: Process, started: Future[Any], seconds: float) -> None:
    """Any thread. Unless `started` is settled in so many seconds, reject it and end the actor.

    It is for good, so that a start which ends later brings nothing to life.
    """

    def expire() -> None:
        if started.reject(Timeout(f"the start took longer than {seconds} s")):
            kill_for_good(process)

    def begin() -> None:
        timer = core.call_later(seconds, expire)
        started.add_done_callback(lambda _: timer.cancel())

    core.call(begin)
