"""Waist 2: a core's run queue and the loop that runs it.

Guarantees:
- One thread holds the core and runs its loop; `here.worker.core` says so in that thread. Which one
  may change while a handler runs (`watcher.py`) or begins to wait (`punctual.py`), and at no other
  time.
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
from _contextvars import copy_context
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Protocol
from weakref import WeakValueDictionary

from greenlet import GreenletExit, getcurrent

from .address import Address, CoreAddress
from .config import Config
from .crash import Crashes, log
from .crew import Crew, Unwinding, Worker
from .environment import make_lock, make_rlock, now
from .network import Poller
from .observe import DeadLetters, Events
from .parking import here
from .process import Process
from .timers import Timer
from .travelling import CONTEXTVARS, contexts, modules

SLICE = 0.001
"""Seconds of turns between two looks at sockets, timers and what other threads posted."""

SPARES = 1000
"""Greenlets, 8 KB each, that are kept for waits to come when the loop has nothing else to do."""

CROWD = 1024
"""Timers among which it is worth looking for those that were called off."""


class Runnable(Protocol):
    """What stands in a run queue: a cell."""

    def run(self, worker: Worker) -> None:
        """Owner only. One turn, in the thread of that worker."""
        ...


class Owner(Protocol):
    """The system that a core belongs to, as the runtime below it sees it."""

    config: Config
    dead_letters: DeadLetters
    events: Events
    crashes: Crashes

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


class Doze(Protocol):
    """The watcher, as the loop sees it."""

    dozing: bool
    """Whether it sleeps until somebody wakes it."""

    def wake(self) -> None:
        """Any thread. A loop has something to do again."""
        ...


class Core:
    """One interpreter's run queue, and the loop that the thread holding it runs."""

    def __init__(self, home: CoreAddress, poller: Poller, owner: Owner, threads: int = 256) -> None:
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
        self.inbox: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._timers: list[Timer] = []
        self._crowded = CROWD
        self.crew = Crew(self, f"{home.node}-core-{home.core}", threads)
        self.blocking = self.crew.blocking
        self.worker = self.crew.first()
        """Whose thread holds the core."""
        self._heir: Worker | None = None
        self.watcher: Doze | None = None
        self.over = False
        """Whether the loop has ended for good."""
        self.asleep = False
        """Whether the loop has nothing to do and waits, and has still to be woken."""
        self._called = False
        """Whether somebody has set out to wake it since it fell asleep."""
        self._wake: Callable[[], object] = poller.wake
        self.refuse: Callable[[], object] | None = None
        """In a forked child: raises ForkedError."""
        self._late = make_lock()
        self._stopping = False
        self.followed = 0
        """How many waits were followed as they began: see `deadlock.py`, for this and the next."""
        self.noted: dict[Any, Any] = {}
        """Waits that may be part of a cycle, to be followed when they last."""
        self.handed_on: WeakValueDictionary[Any, Any] = WeakValueDictionary()
        """Replies to the asks of other cores that were passed on, by what those know them by."""

    def holds(self) -> bool:
        """Any thread. Whether this thread holds the core."""
        return here.worker.core is self

    def schedule(self, cell: Runnable) -> None:
        """Owner only. Have the cell run a turn."""
        self.run_queue.append(cell)

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Any thread. Have the loop call `function(*args)`, which must not raise or wait."""
        self.inbox.append((function, args))
        if self.asleep:
            self.wake()

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Any thread. Call it now if this thread holds the core; else have the loop do so."""
        if here.worker.core is self:
            function(*args)
        else:
            self.post(function, *args)

    def wake(self) -> None:
        """Any thread, once it has put something in. Have the loop look, should it be asleep.

        It is called twice at most. Once would do, but for a signal that comes just before the call:
        its handler may wait for what it posts.
        """
        if self._called:
            self.asleep = self.over
        self._called = True
        self._wake()

    def call_later(self, seconds: float, function: Callable[[], object]) -> Timer:
        """Any thread. Have the loop call `function`, which must not raise or wait."""
        timer = Timer(now() + seconds, function)
        self.begin(timer)
        return timer

    def begin(self, timer: Timer) -> None:
        """Any thread. Have the loop call the timer's function when it is due."""
        if here.worker.core is self:  # as `call`, written out: an ask with a timeout begins one
            self._begin(timer)
        else:
            self.post(self._begin, timer)

    def _begin(self, timer: Timer) -> None:
        heapq.heappush(self._timers, timer)
        if len(self._timers) > self._crowded:  # most asks with a timeout are answered before it
            self._timers[:] = [timer for timer in self._timers if timer.pending]
            heapq.heapify(self._timers)
            self._crowded = max(CROWD, 2 * len(self._timers))

    def pass_to(self, worker: Worker) -> None:
        """Owner only. Before the next turn, let that thread have the core: `Crew.pass_on`."""
        self._heir = worker

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
        self._stopping = self.asleep = self.over = True
        self._wake = self.refuse = refuse

    def run(self) -> None:
        """Hold the core and run its loop in the calling thread; return when it has stopped."""
        self.worker.work()

    def _end(self) -> None:
        worker = self.worker
        self.worker = Worker(self.crew)  # in whose name late posts are done
        self.worker.core = self
        worker.core = None
        self._wake = self._take_in_late
        self.asleep = self.over = True
        self.crew.end()
        self._take_in_late()

    def _take_in_late(self) -> None:
        """Any thread, once the loop has ended: whoever asks for the dead must hear that they are.

        One thread at a time stands in for the loop, and does what others post meanwhile.
        """
        while self.inbox and self._late.acquire(blocking=False):
            before, here.worker = here.worker, self.worker
            try:
                self._take_in()
            except Exception as error:
                log(logging.ERROR, "an error in the runtime itself, after its end", error=error)
            finally:
                here.worker = before
                self._late.release()

    def loop(self) -> None:
        """Holder only. See `Held.loop`."""
        queue = self.run_queue
        worker: Worker = here.worker
        while worker.core is self and not self._stopping:
            worker.turn = None
            try:
                if self.inbox:
                    self._take_in()
                if self._heir is not None and self._pass_on(self._heir):
                    break
                if self._timers:
                    self._fire()
                if queue:
                    self._run_slice(worker)
                    self.poller.poll()
                else:
                    self._sleep()
            except GreenletExit:  # this greenlet ends, and not the loop
                raise
            except BaseException as error:  # a mistake of ours must not take the others along
                log(logging.ERROR, "an error in the runtime itself; the core goes on", error=error)
        if worker.core is self:
            self._end()

    def _pass_on(self, heir: Worker) -> bool:
        self._heir = None
        return self.crew.pass_on(heir)

    def _run_slice(self, worker: Worker) -> None:
        """Run turns for about SLICE; the clock is read after 1, 2, 4, ... turns, as it costs."""
        queue = self.run_queue
        if not contexts and CONTEXTVARS in modules:
            contexts.append(CONTEXTVARS)
        self.slice_end = now() + SLICE
        turns, look = 0, 1
        while queue:
            queue.popleft().run(worker)
            if contexts and copy_context():  # what the turn has set is not for the next one
                getcurrent().gr_context = None
            turns += 1
            if turns == look:
                if turns >= 64 or now() >= self.slice_end:
                    break
                look += look
        self.turns += turns

    def _take_in(self) -> None:
        inbox = self.inbox
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

    def _let_spares_go(self) -> None:
        """Holder only. Free of what a flood of waits has left as many as there is time for."""
        spares, end = self.worker.spares, now() + SLICE
        while len(spares) > SPARES:
            spare = spares.pop()
            spare.parent = getcurrent()  # where its end leads to
            spare.throw(Unwinding)
            if self.inbox or now() >= end:
                break

    def _sleep(self) -> None:
        if len(self.worker.spares) > SPARES:  # timers and sockets come between
            self._let_spares_go()
            self.poller.poll()
            return
        self._called = False
        self.asleep = True
        if not self.inbox and not self._stopping:
            timeout = max(self._timers[0].when - now(), 0.0) if self._timers else None
            self.poller.wait(timeout)
        self.asleep = False
        if self.watcher is not None and self.watcher.dozing:
            self.watcher.wake()
        if self.inbox:
            # What was posted may be for other cores: they must not wait for a long turn here.
            self._take_in()
            self.poller.poll()
