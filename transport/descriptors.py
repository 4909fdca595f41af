"""The descriptors that an endpoint looks at, and how it waits when none has news.

To be woken from sleep takes longer than an answer from another core, as what ran meanwhile has
emptied the CPU's caches. So a wait looks again and again for `spin` seconds before it sleeps; but
only if the wait before it ended in that time, slept or not. A core with little to do looks once
(competitive spinning: Karlin, Li, Manasse and Owicki, 1991). Between two looks another thread may
have the CPU: those of ZeroMQ bring the news.
"""

from __future__ import annotations

import math
import select

from ..actors.cpus import give_way
from ..actors.environment import now


class Descriptors:
    """Owner only, all of it.

    Args:
        spin: for how many seconds a wait keeps looking where that pays; 0: it sleeps at once.

    """

    def __init__(self, spin: float) -> None:
        self._spin = spin
        self._pays = False
        self._looked_at, self._waited_for = select.poll(), select.poll()

    def add(self, fd: int) -> None:
        """From now on look at this one, and wait for it."""
        self._looked_at.register(fd, select.POLLIN)
        self._waited_for.register(fd, select.POLLIN)

    def add_waking(self, fd: int) -> None:
        """From now on let this one end a wait, and look at it at no other time."""
        self._waited_for.register(fd, select.POLLIN)

    def remove(self, fd: int) -> None:
        """Forget one that was added."""
        self._looked_at.unregister(fd)
        self._waited_for.unregister(fd)

    def remove_waking(self, fd: int) -> None:
        """Forget one that only ended a wait."""
        self._waited_for.unregister(fd)

    def look(self) -> list[int]:
        """Those that are readable now."""
        return [fd for fd, _events in self._looked_at.poll(0)]

    def wait(self, timeout: float | None) -> list[int]:
        """Those that are readable, waiting up to `timeout` seconds for one (None: for ever)."""
        poll = self._waited_for.poll
        began = now()
        if self._pays:
            until = began + (self._spin if timeout is None else min(self._spin, timeout))
            while now() < until:
                if news := poll(0):
                    return [fd for fd, _events in news]
                give_way()
        news = poll(None if timeout is None else math.ceil(max(timeout, 0.0) * 1000))
        self._pays = now() - began < self._spin
        return [fd for fd, _events in news]
