"""A turn that waits: how it is set aside, and carried on.

A turn on the core leaves its greenlet behind, and another greenlet carries the loop on. A late one
tells the loop that it waits, and its thread looks at what else is its own (`crew.py`).
"""

from __future__ import annotations

from typing import ClassVar

from greenlet import GreenletExit, getcurrent, greenlet

from .crew import Unwinding, Worker
from .environment import now
from .future import check_may_wait
from .lifecycle import Lifecycle
from .parking import SEVERED, Killed, here
from .state import DEAD, PARKED, RESUMING
from .travelling import contexts, modules


class Parked(Lifecycle):
    """A cell's half that waits."""

    __slots__ = ()

    waits_for_room: ClassVar[bool] = True
    """Whether its turns wait where a mailbox says so; if not, that goes beyond its bound."""

    @property
    def broken_off(self) -> bool:
        """Any thread. See `Turn.broken_off`."""
        return self.killed or self.is_given_up(here.worker)

    def go_late(self, worker: Worker) -> None:
        """Watcher only. See `Turn.go_late`."""
        self.thread = worker
        if self.killed:  # on the core, where it was left to unwind
            self.core.post(self.give_up_if_late)

    def sever(self) -> None:
        """Own turn only. See `Turn.sever`."""
        if not self.is_given_up(here.worker):  # else it is done, and the actor may be the next
            self.actor._cell = SEVERED

    def park(self, until: float | None) -> None:
        """Own turn only. See `Turn.park`."""
        if self.killed:
            raise Killed
        # As `running_loop`, at a third of the cost; asyncio's C half has it from the first.
        asyncio = modules.get("_asyncio") if contexts else None
        if asyncio is not None and asyncio._get_running_loop() is not None:
            check_may_wait()  # a handler runs one: it would be that of all turns of this thread
        core = self.core
        worker: Worker = here.worker
        state = self.state
        carrier = getcurrent()
        timer = None if until is None else core.call_later(until - now(), self.unpark)
        held = worker.core is core
        if held:
            # This greenlet stays behind with the turn, and another one carries the loop on.
            self.carrier = carrier
            self.thread = worker
            self.state = PARKED
        else:
            core.post(self._park_late, worker, carrier)
            if self.actor_class not in core.blocking:
                core.post(core.pass_to, worker)
        spares = worker.spares
        try:
            (spares.pop() if held and spares else worker.hub).switch()
        except GreenletExit:  # nobody will ever carry the turn on
            raise Unwinding from None
        worker.turn = self
        if timer is not None:
            timer.cancel()
        if self.carrier is not carrier:  # given up meanwhile
            worker.suspect = True
            raise Killed
        self.carrier = None
        self.state = state
        if worker.core is core:
            self.thread = None
        else:
            self.interrupted = True  # so that the turn ends after this message
        if self.killed:
            raise Killed

    def _park_late(self, worker: Worker, carrier: greenlet) -> None:
        """Owner only. A late turn waits now; what it waits for may have come before."""
        if self.state is DEAD or self.is_given_up(worker):
            worker.give(carrier.switch)  # to unwind
            return
        self.carrier = carrier
        self.thread = worker
        self.state = PARKED
        if self.permit or self.killed:
            self._resume()

    def unpark(self) -> None:
        """Any thread. See `Waiter.unpark`."""
        if here.worker.core is self.core:  # as `Core.call`, written out
            self._resume()
        else:
            self.core.post(self._resume)

    def _resume(self) -> None:
        if self.state is not PARKED:
            self.permit = True  # a late turn may be about to wait
        elif self.thread is self.core.worker:
            self.state = RESUMING
            self.core.run_queue.append(self)
        else:
            self.state = RESUMING
            self.permit = False
            self._carry_on_late()

    def _carry_on_late(self) -> None:
        """Owner only. The turn's thread does not hold the core: it goes on there by itself."""
        assert self.thread is not None
        assert self.carrier is not None
        self.thread.give(self.carrier.switch)
