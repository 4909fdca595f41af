"""The threads of a core: one holds it, the others rest or finish what they had begun.

    a thread    holds the core   its turn                         leaves to
    holding     yes              on the core                      late, by `watcher.py`
    late        no               begun before the core was        resting, when that ends or waits
                                 handed over or given away,
                                 lent, or carried on after a wait
    resting     no               none; some may be set aside      holding, late

Guarantees:
- One thread at most holds the core, and it alone runs the loop.
- A greenlet can only be carried on in the thread that began it. So a turn that waits belongs to its
  thread: if that holds the core when the wait ends, the loop goes on with it; if not, the thread
  does so itself, late.
- A late turn touches nothing that is the owner's: what has to be done about its actor when it ends
  it posts to the loop, and its thread starts nothing of its own accord.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from greenlet import GreenletExit, getcurrent, greenlet

from .cpus import pin_to
from .crash import log
from .environment import Alarm, make_lock, now, start_thread, system_thread_id, thread_id
from .parking import Turn, here

REST = 10.0
"""Seconds after which a thread that has nothing to do ends, unless it is the last at rest."""

QUICK = 0.001
"""Seconds within which a turn has not blocked."""

LEARNT, BLOCKED, MOST = 32, 16, 64
"""A class is known to block from the second time on, and not after 32 to 64 quick turns."""


class Unwinding(GreenletExit):
    """Ends a greenlet of the runtime's. Any other GreenletExit is an error of a handler's own."""


class HandedOver(Unwinding):
    """Ends the greenlet of a turn that ended late: the loop below it goes on in another thread."""


class Held(Protocol):
    """What a crew needs of its core."""

    over: bool
    """Whether the loop has ended for good."""

    worker: Any
    """Who holds it."""

    def loop(self) -> None:
        """Holder only. Run turns until the core is handed over or the loop has ended."""
        ...


class Lent(Turn, Protocol):
    """A cell whose turn a resting thread is to run."""

    def is_given_up(self, worker: Any) -> bool:
        """Any thread. Whether the end of a turn that was given up there is still to be heard of."""
        ...

    def late_turn(self) -> None:
        """That thread only. The turn."""
        ...


class Worker:
    """One thread of a crew."""

    __slots__ = (
        "alarm",
        "apart",
        "core",
        "crew",
        "hub",
        "pinned",
        "ready",
        "reported",
        "resting",
        "retired",
        "since",
        "spares",
        "stacks",
        "suspect",
        "system_id",
        "thread",
        "thread_id",
        "turn",
    )

    hub: greenlet
    """Where the loop is begun in a new greenlet: near the bottom of the stack, however deep in
    calls, and so near the recursion limit, the turn is that waits."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.core: Any = None
        self.turn: Turn | None = None
        self.spares: list[greenlet] = []
        """Greenlets of this thread that can carry the loop on."""
        self.ready: deque[Callable[[], object]] = deque()
        """What it has to carry on late."""
        self.stacks = 0
        """How many greenlets it has begun that have not ended: at rest, the turns set aside."""
        self.apart = False
        """Whether what is set aside here has the thread to itself: see `punctual.py`."""
        self.resting = False
        self.suspect = False
        """Whether a turn of it may have been given up."""
        self.pinned = False
        """Whether it is for the turns of one actor only."""
        self.retired = False
        """Whether it has nothing to do any more, once it has done what it does."""
        self.since = 0.0
        """When the late turn began."""
        self.reported = False
        self.alarm = Alarm()
        self.thread: Any = None
        self.thread_id = self.system_id = 0

    def work(self) -> None:
        """In the thread itself: its life."""
        here.worker = self
        self.thread_id, self.system_id = thread_id(), system_thread_id()
        self.hub = getcurrent()
        held = self.crew.core
        if self.crew.cpu is not None:
            pin_to([self.crew.cpu])
        try:
            while not held.over:
                if self.ready:  # first: as the holder it would not look at them again
                    self.since, self.reported, self.suspect = now(), False, False
                    self.ready.popleft()()
                elif self.core is not None:
                    self.begin(held.loop)  # until a turn of it waits and there is no spare
                elif not self._rest():
                    break
        except GreenletExit:  # the interpreter ends
            pass
        finally:
            del here.worker
            self.turn = None
            self.spares.clear()
            del self.hub
            self.crew.workers.discard(self)

    def begin(self, function: Callable[[], object]) -> None:
        """In the thread itself. Call it in a greenlet, until that ends or a turn in it waits."""

        def run() -> None:
            self.stacks += 1
            try:
                function()
            except Exception as error:  # a mistake of ours must not take the thread along
                log(logging.ERROR, "an error in the runtime itself, in a late turn", error=error)
            finally:
                self.stacks -= 1

        greenlet(run).switch()

    def has_others_aside(self) -> bool:
        """In the thread itself. Whether turns are set aside here besides the one that runs."""
        return self.stacks - len(self.spares) > 1

    def may_hold(self) -> bool:
        """Any thread, while it rests. Whether it may be given the core.

        Not if it has a turn to carry on: that is late, and must not find the core in hand.
        """
        return not (self.ready or (self.apart and self.stacks))

    def _rest(self) -> bool:
        """Wait for something to do; False where there was nothing for long."""
        self.turn = None
        self.spares.clear()
        return self.crew.rest(self)

    def retire(self) -> None:
        """Any thread. Have the thread end when it has done what it does."""
        self.retired = True
        self.alarm.wake()

    def give(self, function: Callable[[], object]) -> None:
        """Any thread. Have the thread call it, once it has nothing else on its hands."""
        self.ready.append(function)
        self.alarm.wake()


class Crew:
    """A core's threads. Any thread may use it."""

    def __init__(self, core: Held, name: str, limit: int) -> None:
        self.core = core
        self.limit = limit
        self.cpu: int | None = None
        """What its threads are pinned to, whichever holds the core; None where they are not."""
        self.workers: set[Worker] = set()
        self.blocking: set[type[Any]] = set()
        """The classes whose turns are lent to resting threads: declared or learnt."""
        self._scores: dict[type[Any], int] = {}
        self._name = name
        self._started = 0
        self._first: Worker | None = None
        self._resting: list[Worker] = []
        self._lock = make_lock()

    def first(self) -> Worker:
        """Once. The worker of the thread that will call `work`, with the core in hand."""
        worker = self._first = Worker(self)
        self.workers.add(worker)
        worker.core = self.core
        return worker

    def hand_over(self) -> bool:
        """Watcher only. Give the core, which nobody holds, to a thread that rests."""
        with self._lock:
            heir = self._find_heir()
            if heir is None:
                return False
            self._appoint(heir)
        heir.alarm.wake()
        return True

    def take(self, worker: Worker) -> bool:
        """Watcher only. Take the core from a thread; False if that has just given it away."""
        with self._lock:
            held = worker.core is not None
            worker.core = None
            return held

    def give_away(self, worker: Worker) -> bool:
        """Its own turn only. Have another thread hold the core; False if none can be had.

        Or if the watcher has just taken it.
        """
        with self._lock:
            if worker.core is None:
                return False
            found = self._find_heir()
            heir = found or Worker(self)
            worker.since, worker.reported = now(), False  # its turn is late from now on
            worker.core = None
            self._appoint(heir)
        if found is not None:
            heir.alarm.wake()
        elif not self._start(heir):
            with self._lock:
                heir.core = None
                self._appoint(worker)
            return False
        return True

    def pass_on(self, heir: Worker) -> bool:
        """Holder only, between turns. Let a thread at rest, where a late turn waits, have the core.

        The turn goes on there at the cost of any other then, and its next waits too: each would
        take two changes of threads. Not if turns wait here, which would be late in its place.
        """
        worker: Worker = here.worker
        with self._lock:
            if worker.core is None or worker.has_others_aside():
                return False
            if not (heir.resting and heir.may_hold()):
                return False
            worker.core = None
            self._appoint(heir)
        heir.alarm.wake()
        return True

    def _find_heir(self) -> Worker | None:
        return next((worker for worker in reversed(self._resting) if worker.may_hold()), None)

    def _appoint(self, worker: Worker) -> None:
        """With the lock. It holds the core from now on; who held it until now does so no more."""
        self._rouse(worker)
        self.core.worker = worker
        worker.core = self.core

    def _rouse(self, worker: Worker) -> None:
        """With the lock. It rests no more; the watcher reads the flag without the lock."""
        if worker.resting:
            self._resting.remove(worker)
            worker.resting = False

    def recruit(self) -> bool:
        """Any thread. See that a thread rests, or soon will; False where no more can be had."""
        with self._lock:
            if self._find_heir() is not None:
                return True
        return self._start(Worker(self))

    def lend(self, cell: Lent) -> bool:
        """Owner only. Have a thread with no turns set aside run a turn; False where none is left.

        What it waits for would hold up those that were set aside there.
        """
        with self._lock:
            resting = self._resting
            idle = [each for each in resting if not (each.stacks or cell.is_given_up(each))]
            worker = idle[-1] if idle else Worker(self)
            cell.thread = worker
            worker.ready.append(lambda: self._run_lent(cell))
            self._rouse(worker)
        if idle:
            worker.alarm.wake()
        elif not self._start(worker):
            cell.thread = None
            return False
        return True

    def pin(self) -> Worker:
        """Owner only. A thread for the turns of one actor, beside the limit, until it is retired.

        Raises:
            RuntimeError: the system has no more threads.

        """
        worker = Worker(self)
        worker.pinned = True
        self._start_thread(worker)
        return worker

    def _start(self, worker: Worker) -> bool:
        if sum(not each.pinned for each in tuple(self.workers)) >= self.limit:
            return False
        try:
            self._start_thread(worker)
        except RuntimeError as error:
            log(logging.WARNING, "no more threads for %s: %s", self._name, error)
            return False
        return True

    def _start_thread(self, worker: Worker) -> None:
        self.workers.add(worker)
        self._started += 1
        try:
            worker.thread = start_thread(worker.work, f"{self._name}-{self._started}")
        except RuntimeError:
            self.workers.discard(worker)
            raise

    def _run_lent(self, cell: Lent) -> None:
        began = now()
        actor_class = cell.actor_class
        here.worker.begin(cell.late_turn)
        self.learn(actor_class, blocked=now() - began > QUICK)

    def learn(self, actor_class: type[Any], *, blocked: bool) -> None:
        """Any thread. A turn of that class blocked its thread, or a lent one did not."""
        score = self._scores.get(actor_class, 0) + (BLOCKED if blocked else -1)
        self._scores[actor_class] = min(max(score, 0), MOST)
        if score >= LEARNT:
            self.blocking.add(actor_class)
        elif score <= 0 and not actor_class.blocking:
            self.blocking.discard(actor_class)

    def rest(self, worker: Worker) -> bool:
        """The worker's thread only. Wait for something to do; False: for long there was nothing."""
        if worker.pinned:
            if not (worker.ready or worker.retired or self.core.over):
                worker.alarm.wait(None)
            return bool(worker.ready) or not worker.retired
        with self._lock:
            if worker.core is not None or worker.ready or self.core.over:
                return True
            if not worker.stacks:
                worker.apart = False
            self._resting.append(worker)
            worker.resting = True
        keep = worker.stacks or worker is self._first  # its caller waits for the end of the loop
        worker.alarm.wait(None if keep else REST)
        with self._lock:
            if not worker.resting:
                return True
            self._rouse(worker)
            return bool(worker.ready or keep or not self._resting or self.core.over)

    def end(self) -> None:
        """Holder only. The loop has ended: have every thread that rests end too."""
        with self._lock:
            workers = list(self.workers)
        for worker in workers:
            worker.alarm.wake()

    def join(self, deadline: float) -> None:
        """Another thread. Wait until then for those that have ended, or are about to."""
        for worker in list(self.workers):
            if worker.thread is not None:
                worker.thread.join(max(deadline - now(), 0.0))
