"""The watcher: one thread per process that sees a core stuck in one turn, and hands it over.

Handlers are plain Python and may block or compute for long. The loop marks each slice of turns; so
a look that finds the mark of the look before knows a slice that lasts, and costs the loop nothing.
A core is handed over

- once its thread used no CPU between two looks, while the process did not either: it is blocked
  (a thread that waits for the interpreter's lock uses none too, but then another one computes);
- or else after `handoff` seconds: it computes.

How a core changes hands, while its thread may come back from user code at any time:

1. The thread is seen in user code: of the frames on its stack, the innermost of the runtime's own
   is one that calls user code, and other frames are above it. Those of functions that users call,
   and that call them back, count as theirs.
2. The core is taken from it. From now on, whatever it does in the runtime finds that it does not
   hold the core and posts what it wants of it.
3. It is seen in user code again, or at rest: so nothing that it began while it held the core is
   still going on. Until then nobody holds the core.
4. A thread at rest gets the core.

This is what Go's scheduler does with its safe points: the price is paid when a turn is late, and by
nobody else.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from .cpus import is_ready_to_run
from .crash import log, title
from .crew import Worker
from .dispatcher import Core
from .environment import (
    Alarm,
    make_lock,
    now,
    pause,
    process_cpu,
    set_switch_interval,
    stack_of,
    start_thread,
    switch_interval,
    thread_cpu,
)
from .mailbox import HIGH_WATER
from .user_code import is_in_user_code

LOOK = 0.001
"""Seconds between two looks, while a core has something to do."""
IDLE_LOOKS = 20
"""After so many looks that found every core asleep, the watcher sleeps too."""
LATE_LOOK = 0.05
"""Seconds between two looks at turns that are late."""
LONG = 1.0
"""Seconds after which a turn is reported."""
WHY_HELD_UP = ": if it waits for a lock that one of them holds across ask() or get(), for ever"
"""What may have to be mended in the program, where turns that could go on are held up."""
GENEROUS = 0.0005
"""The switch interval in seconds while a late turn computes: the loop must get its share."""


class LongTurn(NamedTuple):
    """A turn lasts longer than a second. Told once for a turn."""

    ref: Any
    seconds: float
    stack: str
    held_up: int
    """Turns that were set aside on its thread, and could go on by now if it did not last."""


class ThreadLimitReached(NamedTuple):
    """A core is stuck in a turn, and no thread is left that could go on with it."""

    core: int
    threads: int


class Look:
    """What the watcher saw of a core the last time."""

    __slots__ = (
        "at_limit",
        "handoff",
        "mark",
        "process_cpu",
        "reported",
        "since",
        "thread_cpu",
        "worker",
    )

    def __init__(self, handoff: float) -> None:
        self.handoff = handoff
        """Seconds for which a turn of the core may compute."""
        self.mark: float | None = None
        self.worker: Worker | None = None
        self.since = self.thread_cpu = self.process_cpu = 0.0
        self.at_limit = self.reported = False

    def begin(self, mark: float, worker: Worker) -> None:
        """A new slice was seen."""
        self.mark, self.worker = mark, worker
        self.since = now()
        self.thread_cpu = thread_cpu(worker.thread_id)
        self.process_cpu = process_cpu()
        self.reported = False

    def is_blocked(self, age: float) -> bool:
        """Whether the thread, and the process, have hardly used the CPU since.

        Nor wants it one: on a busy machine a thread that computes may have to wait for a CPU.
        """
        assert self.worker is not None
        return (
            thread_cpu(self.worker.thread_id) - self.thread_cpu < age / 8
            and process_cpu() - self.process_cpu < age / 2
            and not is_ready_to_run(self.worker.system_id)
        )


def _patience(look: Look, worker: Worker) -> float:
    """For how many seconds the turn that runs there may compute: its class may say so itself."""
    turn = worker.turn
    own: float | None = None if turn is None else turn.actor_class.handoff
    return look.handoff if own is None else own


class Watcher:
    """See above. Any thread may use it."""

    def __init__(self) -> None:
        self.dozing = False
        self.handed_over = 0
        self._cores: dict[Core, Look] = {}
        self._lock = make_lock()
        self._alarm = Alarm()
        self._thread: Any = None
        self._late_looked = 0.0
        self._cpu_of: dict[Worker, float] = {}
        self._interval: float | None = None

    def renew(self) -> None:
        """In a forked child: its thread and all that it watches are the parent's."""
        self.__init__()  # type: ignore[misc]  # as new, the lock too

    def add(self, core: Core, handoff: float) -> None:
        """Watch a core; a turn that computes is handed over after `handoff` seconds."""
        with self._lock:
            self._cores[core] = Look(handoff)
            core.watcher = self
            if self._thread is None:
                self._thread = start_thread(self._run, "zanni-watcher")
        self._alarm.wake()

    def remove(self, core: Core, timeout: float) -> None:
        """Watch it no more; with the last core the thread ends, within `timeout` seconds."""
        with self._lock:
            self._cores.pop(core, None)
            thread = None if self._cores else self._thread
        self._alarm.wake()
        if thread is not None:
            thread.join(timeout)

    def wake(self) -> None:
        """Any thread. See `Doze.wake`."""
        self._alarm.wake()

    def _run(self) -> None:
        idle = 0
        while True:
            with self._lock:
                cores = [*self._cores.items()]
                if not cores:
                    self._thread = None
                    break
            try:
                busy = sum(self._look(core, look) for core, look in cores) > 0
                late = self._look_at_late([core for core, _ in cores])
            except Exception as error:  # a mistake of ours: the cores go on, unwatched for a moment
                log(logging.ERROR, "an error in the watcher; it goes on", error=error)
                busy = late = True
            idle = 0 if busy else idle + 1
            if idle < IDLE_LOOKS:
                pause(LOOK)
                continue
            self.dozing = True  # before the last look: whoever wakes up looks at it after
            if all(core.asleep for core, _ in cores):
                self._alarm.wait(LATE_LOOK if late else None)
            self.dozing = False
            idle = 0 if not late else IDLE_LOOKS
        self._restore_interval()

    def _look(self, core: Core, look: Look) -> bool:
        """Whether the core is awake; hand it over if it is stuck."""
        if core.asleep or core.over:
            look.mark = None
            return False
        mark, worker = core.slice_end, core.worker
        if mark is not look.mark or worker is not look.worker:
            look.begin(mark, worker)
            return True
        age = now() - look.since
        blocked = age >= LOOK and look.is_blocked(age)
        if blocked or age >= _patience(look, worker):
            self._hand_over(core, look, blocked=blocked)
        if age >= LONG and not look.reported and core.worker is worker:
            look.reported = True
            self._report(core, worker, age)
        return True

    def _hand_over(self, core: Core, look: Look, *, blocked: bool) -> None:
        worker = core.worker
        turn = worker.turn
        if turn is None or not (turn.may_be_late and is_in_user_code(worker)):
            return
        if not core.crew.recruit():
            if not look.at_limit:
                look.at_limit = True
                event = ThreadLimitReached(core.home.core, core.crew.limit)
                text = (
                    "core %d is stuck in a turn, and its %d threads are all in use: raise the "
                    "setting 'threads', or block in fewer actors at once"
                )
                _tell(core, event, text, *event)
            return
        look.at_limit = False
        if not core.crew.take(worker):
            return
        # From now on it posts.
        while not worker.resting:
            if turn is not None:
                turn.interrupted = True  # so that it asks whether it still has the core
                if is_in_user_code(worker) and worker.turn is turn and turn.may_be_late:
                    break
            if core.over:
                return
            core.poller.wake()  # should it have gone to sleep meanwhile
            pause(LOOK / 20)
            turn = worker.turn
        if turn is not None and not worker.resting:
            turn.go_late(worker)
            worker.since, worker.reported = look.since, look.reported
            if blocked:
                core.crew.learn(turn.actor_class, blocked=True)
            else:
                self._lower_interval()
        while not core.crew.hand_over():
            if core.over:
                return
            pause(LOOK / 20)
        self.handed_over += 1
        look.mark = None

    def _look_at_late(self, cores: list[Core]) -> bool:
        """Whether any turn is late; now and then, report those that last and see who computes."""
        moment = now()
        if moment - self._late_looked < LATE_LOOK:
            return bool(self._cpu_of)
        age, self._late_looked = moment - self._late_looked, moment
        before, self._cpu_of = self._cpu_of, {}
        computes = False
        for core in cores:
            for worker in list(core.crew.workers):
                turn = worker.turn
                if turn is None or worker.core is not None or worker.resting:
                    continue
                if turn.depth() >= HIGH_WATER:  # it would be told of when the turn ends
                    core.post(turn.tell_if_long)
                used = self._cpu_of[worker] = thread_cpu(worker.thread_id)
                computes = computes or used - before.get(worker, used - age) > age / 8
                if moment - worker.since >= LONG and not worker.reported:
                    worker.reported = True
                    self._report(core, worker, moment - worker.since)
        if not computes:
            self._restore_interval()
        return bool(self._cpu_of)

    def _report(self, core: Core, worker: Worker, age: float) -> None:
        turn = worker.turn
        if turn is None:
            return
        ref, stack = core.owner.ref_to(turn), stack_of(worker.thread_id)
        held_up = len(worker.ready)
        more = f"; it holds up {held_up} that waited on its thread{WHY_HELD_UP}" if held_up else ""
        text = "%s has been in one turn for %.1f s%s; it is at\n%s"
        _tell(core, LongTurn(ref, age, stack, held_up), text, title(ref), age, more, stack)

    def _lower_interval(self) -> None:
        if self._interval is None and switch_interval() > GENEROUS:
            self._interval = switch_interval()
            set_switch_interval(GENEROUS)

    def _restore_interval(self) -> None:
        if self._interval is not None:
            set_switch_interval(self._interval)
            self._interval = None


def _tell(core: Core, event: object, text: str, *args: object) -> None:
    """Log and publish something, in a thread of its own: whoever hears of it may block."""

    def tell() -> None:
        log(logging.WARNING, text, *args)
        core.owner.events.publish(event)

    try:
        start_thread(tell, "zanni-teller")
    except RuntimeError:  # no more threads
        tell()


watcher = Watcher()
"""The one of this process."""
