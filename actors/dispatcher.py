"""Waist 2: a core's run queue and the loop that runs it.

Guarantees:
- One thread holds the core and runs its loop; `here.worker` says so in that thread.
- What other threads want of the core's actors they `post`; it happens on the loop, in the order
  posted by each thread, and no wake-up is lost: the loop says that it sleeps before it looks at
  the queues for the last time, and whoever posts looks whether it sleeps after.
- A turn that waits costs no thread. The loop runs in a greenlet; when a turn of it waits, that
  greenlet stays behind with the turn and another one, from a free list, carries the loop on. When
  the wait ends, the loop is carried on by the greenlet that had stayed behind. So only a wait
  switches stacks, and a turn that does not wait pays nothing.
"""

from __future__ import annotations

import heapq
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from itertools import count
from typing import Any, Protocol

from greenlet import getcurrent, greenlet

from .address import Address, CoreAddress
from .environment import make_lock, make_rlock, now
from .network import Poller
from .observe import DeadLetters
from .parking import Worker, here
from .process import Process
from .timers import Timer

logger = logging.getLogger("zanni")

SLICE = 0.001
"""Seconds of turns between two looks at sockets, timers and what other threads posted."""

CROWD = 1024
"""Timers among which it is worth looking for those that were called off."""


class Runnable(Protocol):
    """What stands in a run queue: a cell."""

    def run(self) -> None:
        """Owner only. One turn."""
        ...


class Owner(Protocol):
    """The system that a core belongs to, as the runtime below it sees it."""

    dead_letters: DeadLetters

    def ref_to(self, process: Process) -> Any:
        """Any thread. The ref of a process, as users have it."""
        ...

    def ref_of(self, address: Address, type_name: str | None) -> Any:
        """Any thread. A ref for an address."""
        ...

    def process_of(self, address: Address) -> Process:
        """Any thread. What stands behind an address, seen from this core."""
        ...

    def forget_name(self, name: str, address: Address) -> None:
        """Owner only. The actor that had the name is gone."""
        ...

    def run_coroutine(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """A turn only. Run a coroutine for the actor; the turn parks until it ends."""
        ...


class Core:
    """One interpreter's run queue, and the loop that the thread holding it runs."""

    hub: greenlet
    """Where the loop is begun in a new greenlet: near the bottom of the stack, however deep in
    calls, and so near the recursion limit, the turn is that waits."""

    def __init__(self, home: CoreAddress, poller: Poller, owner: Owner) -> None:
        self.home = home
        self.poller = poller
        self.owner = owner
        self.run_queue: deque[Runnable] = deque()
        self.processes: dict[int, Process] = {}
        """By id. Any thread may read it; changed by `enter` and `forget` alone."""
        self._forgotten = 0
        self._changing = make_rlock()
        self.slice_end = 0.0
        self.turns = 0
        self.now = now
        self.next_id = count(1).__next__
        self._inbox: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._timers: list[Timer] = []
        self._crowded = CROWD
        self.worker = Worker(self)
        self.spares: list[greenlet] = []
        self._sleeping = False
        self._wake: Callable[[], object] = poller.wake
        self._late = make_lock()
        self._stopping = False
        self.noted: dict[Any, Any] = {}
        """Waits that may be part of a cycle, to be followed when they last: see `waits.py`."""

    def holds(self) -> bool:
        """Any thread. Whether this thread holds the core."""
        return here.worker is self.worker

    def schedule(self, cell: Runnable) -> None:
        """Owner only. Have the cell run a turn."""
        self.run_queue.append(cell)

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Any thread. Have the loop call `function(*args)`, which must not raise or wait."""
        self._inbox.append((function, args))
        if self._sleeping:
            self._wake()

    def call_later(self, seconds: float, function: Callable[[], object]) -> Timer:
        """Any thread. Have the loop call `function`, which must not raise or wait."""
        timer = Timer(now() + seconds, function)
        self.begin(timer)
        return timer

    def begin(self, timer: Timer) -> None:
        """Any thread. Have the loop call the timer's function when it is due."""
        if self.holds():
            self._begin(timer)
        else:
            self.post(self._begin, timer)

    def _begin(self, timer: Timer) -> None:
        heapq.heappush(self._timers, timer)
        if len(self._timers) > self._crowded:  # most asks with a timeout are answered before it
            self._timers[:] = [timer for timer in self._timers if timer.pending]
            heapq.heapify(self._timers)
            self._crowded = max(CROWD, 2 * len(self._timers))

    def wait_in(self, poller: Poller) -> None:
        """Owner only. From now on the loop waits there.

        Whoever posts at the same time may wake the old one in vain: what it posted is found, since
        the loop looks once more before it waits.
        """
        self.poller = poller
        self._wake = poller.wake

    def stop(self) -> None:
        """Any thread. Have the loop end after what it does now."""
        self.post(self._stop)

    def _stop(self) -> None:
        self._stopping = True

    def enter(self, identity: int, process: Process) -> None:
        """Any thread. Have the process found under that id. Nothing is called under the lock."""
        with self._changing:
            self.processes[identity] = process

    def forget(self, identity: int) -> None:
        """Any thread. There is no process of that id any more.

        A dict never shrinks by itself: after a million actors it would keep 42 MB.
        """
        with self._changing:
            if identity in self.processes:
                del self.processes[identity]
            self._forgotten += 1
        if self._forgotten > 4 * len(self.processes) + 1024:
            with self._changing:
                self.processes = {**self.processes}
                self._forgotten = 0

    def disown(self, refuse: Callable[[], object]) -> None:
        """In a forked child: nobody runs this loop. `refuse` is called for each that posts."""
        self._stopping = self._sleeping = True
        self._wake = refuse

    def run(self) -> None:
        """Hold the core and run its loop until `stop`, in the calling thread."""
        here.worker = self.worker
        self.hub = getcurrent()
        try:
            while not self._stopping:  # a turn that waits comes back here if there is no spare
                greenlet(self._loop).switch()
        finally:
            del here.worker
            self.worker.turn = None
            self.spares.clear()
            del self.hub
            self._wake = self._take_in_late
            self._sleeping = True
            self._take_in_late()

    def _take_in_late(self) -> None:
        """Any thread, once the loop has ended: whoever asks for the dead must hear that they are.

        One thread at a time stands in for the loop, and does what others post meanwhile.
        """
        while self._inbox and self._late.acquire(blocking=False):
            before, here.worker = here.worker, self.worker
            try:
                self._take_in()
            except Exception:
                logger.exception("an error in the runtime itself, after its end")
            finally:
                here.worker = before
                self._late.release()

    def _loop(self) -> None:
        queue = self.run_queue
        while not self._stopping:
            self.worker.turn = None
            try:
                if self._inbox:
                    self._take_in()
                if self._timers:
                    self._fire()
                if queue:
                    self._run_slice()
                    self.poller.poll()
                else:
                    self._sleep()
            except Exception:  # a mistake of ours must not take the other actors along
                logger.exception("an error in the runtime itself; the core goes on")

    def _run_slice(self) -> None:
        """Run turns for about SLICE; the clock is read after 1, 2, 4, ... turns, as it costs."""
        queue = self.run_queue
        self.slice_end = now() + SLICE
        turns, look = 0, 1
        while queue:
            queue.popleft().run()
            if copy_context():  # the turn has set context variables: they are not the next one's
                getcurrent().gr_context = None
            turns += 1
            if turns == look:
                if turns >= 64 or now() >= self.slice_end:
                    break
                look += look
        self.turns += turns

    def _take_in(self) -> None:
        inbox = self._inbox
        for _ in range(len(inbox)):  # what is posted meanwhile waits: turns come between
            function, args = inbox.popleft()
            function(*args)

    def _fire(self) -> None:
        timers = self._timers
        moment = now()
        while timers and (timers[0].function is None or timers[0].when <= moment):
            timer = heapq.heappop(timers)
            function, timer.function = timer.function, None
            if function is not None:
                function()

    def _sleep(self) -> None:
        self._sleeping = True
        if not self._inbox and not self._stopping:
            timeout = max(self._timers[0].when - now(), 0.0) if self._timers else None
            self.poller.wait(timeout)
        self._sleeping = False
        if self._inbox:
            # What was posted may be for other cores: they must not wait for a long turn here.
            self._take_in()
            self.poller.poll()
