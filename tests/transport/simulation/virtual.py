"""Virtual time: a clock, and threads that are greenlets, in place of what the package gets outside.

The package reaches time, randomness and threads through `actors/environment.py` alone. `install`
puts virtual ones in the place of those, in every module that has taken them from there; so whole
systems run in one thread, as they are, and nothing happens that the seed does not say.
"""

import logging
import sys
from collections import deque
from functools import partial
from random import Random
from types import SimpleNamespace

from greenlet import GreenletExit, getcurrent, greenlet

from zanni.actors import collector, environment, system
from zanni.actors.parking import Here, here
from zanni.transport.clock import VirtualClock

BEGINNING = 1000.0
"""What the clock shows at first."""

TICK = 1e-6
"""Seconds that a sleep lasts longer than asked for, so that rounding never makes it too short."""


class Strand:
    """A virtual thread."""

    def __init__(self, time, machine, function):
        self.machine = machine
        self.worker = Here.worker
        self.call = 0
        """Which of its sleeps it is in."""
        self.is_over = False
        self._time = time
        self.resume = greenlet(partial(self._run, function), time.main)

    def _run(self, function):
        try:
            function()
        finally:
            self.is_over = True
            self._time.wake(self)

    def join(self, timeout=None):
        if not self.is_over:
            self._time.sleep(self, timeout)


class VirtualTime(VirtualClock):
    """The clock, and the strands: who sleeps is switched away from, and others run."""

    def __init__(self, seed):
        super().__init__(BEGINNING)
        self.random = Random(f"{seed} environment")
        self._ready = deque()
        self._sleepers = {}
        self._running = None
        self.main = getcurrent()
        self.paused = {}
        """By machine: the strands that would run."""

    def run(self, end):
        """Let time go on until then."""
        self._run_ready()
        while self.step(end):
            if self._ready:
                self._run_ready()
        self.moment = max(self.moment, end)

    # Strands

    def start(self, function, machine=None):
        """Run it in a new strand, of that machine or of the one that runs."""
        if machine is None:
            machine = self._running.machine
        strand = Strand(self, machine, function)
        self._ready.append(strand)
        return strand

    def sleep(self, who, timeout):
        strand = self._running
        strand.call += 1
        if timeout is not None:
            moment = self.moment + max(timeout, 0.0) + TICK
            self.at(moment, partial(self._end_sleep, strand, who, strand.call))
        strand.resume = getcurrent()
        self._sleepers[who] = strand
        self.main.switch()
        self._sleepers.pop(who, None)

    def wake(self, who):
        strand = self._sleepers.pop(who, None)
        if strand is not None:
            strand.call += 1
            self._ready.append(strand)

    def go_on(self, strands):
        """Let those run that were held up by a pause."""
        self._ready.extend(strands)

    def _end_sleep(self, strand, who, call):
        if strand.call == call:
            self.wake(who)

    def _run_ready(self):
        ready = self._ready
        while ready:
            strand = ready.popleft()
            backlog = self.paused.get(strand.machine)
            if backlog is None:
                self._switch_to(strand)
            else:
                backlog.append(strand)

    def _switch_to(self, strand):
        self._running, here.worker = strand, strand.worker
        strand.resume.switch()
        self._leave(strand)

    def _leave(self, strand):
        strand.worker = here.worker
        here.__dict__.clear()
        self._running = None

    def kill(self, machine):
        """End the strands of a machine, wherever they are: they do nothing more."""
        doomed = self.paused.pop(machine, [])
        for who, strand in tuple(self._sleepers.items()):
            if strand.machine == machine:
                del self._sleepers[who]
                doomed.append(strand)
        doomed += [strand for strand in self._ready if strand.machine == machine]
        self._ready = deque(each for each in self._ready if each.machine != machine)
        for strand in doomed:
            strand.call += 1
            self._running, here.worker = strand, strand.worker
            strand.resume.throw(GreenletExit)
            self._leave(strand)


class VirtualLatch:
    """In place of `Latch`."""

    def __init__(self):
        self._is_released = False

    def wait(self, timeout=None):
        time = current.time
        ends = None if timeout is None else time.moment + timeout
        while not self._is_released:
            left = None if ends is None else ends - time.moment
            if left is not None and left <= 0:
                return False
            time.sleep(self, left)
        return True

    def release(self):
        self._is_released = True
        current.time.wake(self)

    unpark = release


class VirtualAlarm:
    """In place of `Alarm`."""

    def __init__(self):
        self._is_set = False

    def poll(self):
        pass

    def wait(self, timeout):
        if not self._is_set:
            current.time.sleep(self, timeout)
        self._is_set = False

    def wake(self):
        self._is_set = True
        if current.time is not None:
            current.time.wake(self)

    def close(self):
        pass


current = SimpleNamespace(time=None)
"""The virtual time of this moment."""


def now():
    return current.time.moment


def random_bits(bits):
    return current.time.random.getrandbits(bits) or 1


def random_bytes(count):
    return current.time.random.randbytes(count)


def random_float():
    return current.time.random.random()


REPLACED = {
    "now": now,
    "random_bits": random_bits,
    "random_bytes": random_bytes,
    "random_float": random_float,
    "process_cpu": lambda: 0.0,
    "process_id": lambda: 1,
    "start_thread": lambda target, name: current.time.start(target),
    "Latch": VirtualLatch,
    "Alarm": VirtualAlarm,
}


class Installed:
    """While it is entered, the package lives in virtual time. What it logs is thrown away."""

    def __enter__(self):
        replaced = {id(getattr(environment, name)): new for name, new in REPLACED.items()}
        self._undo = []
        for name, module in tuple(sys.modules.items()):
            if name.startswith("zanni."):
                for key, value in tuple(vars(module).items()):
                    if id(value) in replaced:
                        self._set(module, key, replaced[id(value)])
        nobody = SimpleNamespace(add=lambda core, handoff: None, remove=lambda core, grace: None)
        self._set(system, "watcher", nobody)
        self._set(collector, "relax", lambda threshold: None)
        self._set(collector, "restore", lambda: None)
        self._set(logging.getLogger("zanni"), "disabled", True)
        return self

    def _set(self, module, name, value):
        self._undo.append((module, name, getattr(module, name)))
        setattr(module, name, value)

    def __exit__(self, *exc_info):
        for module, name, value in reversed(self._undo):
            setattr(module, name, value)
