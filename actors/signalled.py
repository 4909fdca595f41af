"""What a cell does on each signal: see `process.py` for what they mean.

A signal comes to a cell in any state. One that ends it takes effect between two messages; only a
kill breaks off a wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .address import Address
from .ending import reason_below
from .environment import now
from .errors import ActorDeadError
from .linked import Linked
from .links import ChildFailed, leave_alone
from .oversight import Judge
from .parked import Parked
from .parking import SEVERED, Killed, here
from .process import (
    Broken,
    Bury,
    Died,
    Failed,
    Kill,
    Link,
    Restart,
    Shutdown,
    Signal,
    Suspend,
    Unlink,
    Unlinked,
    Unwatch,
    Watch,
)
from .state import DEAD, IDLE, LEAVING, PARKED, RESUMING, SCHEDULED, STARTING, SUSPENDED
from .user_code import is_in_user_code
from .waits import coroutine_of

MOMENT = 0.001
"""Seconds between two looks at a turn that was killed, and is about to get somewhere."""
PATIENCE = 1.0
"""Seconds of such looks."""
LOOP_PATIENCE = 0.02
"""The same for an asyncio loop's thread; of a loop written in C it cannot be seen that it rests."""


class Abandoned(NamedTuple):
    """An actor was killed while a handler of it was stuck.

    The thread is left to itself; if it holds its core even so, and that is a child core, the whole
    process is replaced.
    """

    ref: Any


class Signalled(Linked, Parked):
    """A cell's half that obeys signals."""

    __slots__ = ()

    def signal(self, signal: Signal) -> None:
        """Any thread. See `Process.signal`."""
        if here.worker.core is self.core:  # as `Core.call`, written out
            self._obey(signal)
        else:
            self.core.post(self._obey, signal)

    def _obey(self, signal: Signal) -> None:
        OBEY[type(signal)](self, signal)

    def _on_watch(self, signal: Watch) -> None:
        if self.state is DEAD:
            signal.watcher.signal(Died(self, "noproc"))
        elif not self._is_child_of(signal.watcher.address):
            self.need_ties().watchers[signal.watcher.address] = signal.watcher

    def _on_unwatch(self, signal: Unwatch) -> None:
        if self.ties is not None:
            self.ties.watchers.pop(signal.watcher.address, None)

    def _is_child_of(self, address: Address) -> bool:
        return self.parent is not None and self.parent.address == address

    def _on_died(self, signal: Died) -> None:
        if self.state is DEAD:
            return
        ties, address = self.ties, signal.process.address
        if ties is not None:
            ties.forget_child(address)
            ties.watchers.pop(address, None)  # the dead hear of nothing
            if address in ties.watching:  # `Down` is made in its turn: it may be unwatched before
                self.hasten(signal)
        if self._is_child_of(address):
            assert self.origin is not None
            self.origin = self.origin._replace(parent=None)  # as above
            self._on_shutdown(Shutdown(reason_below(self.actor_class, signal.reason)))
        elif self.supervisor is not None and self.supervisor.address == address:
            self._on_bury(Bury())  # no verdict will come

    def _on_shutdown(self, signal: Shutdown) -> None:
        self.dismissed = True
        if self.state is SUSPENDED:
            self.die()
        elif self.state is not DEAD:
            self.end_soon(signal.reason)

    def _on_kill(self, _signal: Kill) -> None:
        if self.state in (DEAD, SUSPENDED):
            return
        self.killed = True
        self.end_for("killed")
        self._leave_soon()
        self.unwind()

    def unwind(self) -> None:
        """Owner only. It was killed: end its wait, or go on without it if another thread has it.

        Not before all has come that a coroutine of it has sent: that is cut off first, and what its
        loop's thread may be about to send, in the runtime, has a moment to do so.
        """
        coroutine = coroutine_of(self.awaits)
        if coroutine is None:
            self._end_wait()
            return
        coroutine.broken_off = True
        self._end_wait_by(now() + LOOP_PATIENCE, coroutine.loop)

    def _end_wait_by(self, until: float, loop: Any) -> None:
        if is_in_user_code(loop) or now() >= until:
            self.core.post(self._end_wait)
        else:
            self.core.call_later(MOMENT, lambda: self._end_wait_by(until, loop))

    def _end_wait(self) -> None:
        if self.killed and self.state is PARKED:
            self._resume()  # to unwind
        self.give_up_if_late()

    def give_up_if_late(self) -> None:
        """Owner only. It was killed: if another thread has its turn, go on without it.

        A turn that is stuck is given up in user code only, or after PATIENCE: on the way there its
        thread may be about to take a message, which nobody would answer for.
        """
        self._give_up_by(now() + PATIENCE)

    def _give_up_by(self, until: float) -> None:
        worker = self.thread
        if not self.killed or worker in (None, self.core.worker):
            return
        if self.state is not RESUMING:
            if not is_in_user_code(worker) and now() < until:
                self.core.call_later(MOMENT, lambda: self._give_up_by(until))
                return
            self.core.owner.events.publish(Abandoned(self.ref))
        self._give_up()

    def _give_up(self) -> None:
        """Owner only. The turn was killed in a thread that nobody can end: go on without it."""
        assert self.thread is not None
        ties = self.need_ties()
        ties.given_up |= {self.thread}
        self._leave_to_thread()
        if self.state is STARTING or ties.is_start_awaited():  # which may be parked
            self._start_failed(Killed())
        else:
            self._left()

    def _leave_to_thread(self) -> None:
        """Owner only. Answer for the message in hand; nothing comes of the turn any more."""
        current, self.current = self.current, None
        assert self.thread is not None
        self.thread.suspect = True
        self.carrier = self.thread = None
        if hasattr(self, "actor"):
            self.actor._cell = SEVERED
        if current is not None and current[2] is not None:
            current[2].reject(ActorDeadError(f"{self.ref} was killed while handling the message"))

    def exit(self, reason: object) -> None:
        """Own turn only. End this incarnation after the message in hand, unless it was killed."""
        if not self.killed:
            self.end_for("normal" if reason is None else reason)

    def end_soon(self, reason: object) -> None:
        """Owner only. End this incarnation after the message in hand, if it does not end yet."""
        if self.exit_reason is None:
            self.end_for(reason)
            self._leave_soon()

    def _leave_soon(self) -> None:
        if self.state is IDLE:
            self.core.schedule(self)
            self.state = LEAVING
        elif self.state is SCHEDULED:
            self.state = LEAVING

    def _on_failed(self, signal: Failed) -> None:
        if self.state is DEAD or not issubclass(self.actor_class, Judge):
            leave_alone(self.core.owner.crashes, signal.process, signal.crash)
            return
        ref = self.core.owner.ref_to(signal.process)
        self.deliver(ChildFailed(ref, signal.reason, signal.crash), signal.process, None, None)

    def _on_suspend(self, signal: Suspend) -> None:
        if self.state is SUSPENDED:
            signal.reply.resolve(self.exit_reason)
        elif self.state is DEAD:
            signal.reply.reject(ActorDeadError(f"{self.ref} is gone"))
        else:
            self.need_ties().suspending = signal.reply
            self.end_soon(signal.reason)

    def _on_restart(self, signal: Restart) -> None:
        ties = self.ties
        if self.state is not SUSPENDED or ties is None:
            if signal.reply is not None:
                signal.reply.reject(ActorDeadError(f"{self.ref} is not waiting for a restart"))
            return
        ties.be_alone(ties.when_alone)  # the supervisor hears of one failure before the next
        ties.shed()
        self.exit_reason = None
        self.interrupted = True  # a turn that was given up is not to go on
        self.awaits = None  # it may be about to end
        self.killed = False
        ties.starting = signal.reply
        ties.restart_reason = signal.reason
        ties.incarnation += 1
        if hasattr(self, "actor"):
            del self.actor
        self.state = STARTING
        self.core.schedule(self)

    def _on_bury(self, _signal: Bury) -> None:
        self.dismissed = True
        if self.state is SUSPENDED:
            self.die()


OBEY: dict[type, Callable[[Any, Any], None]] = {
    Watch: Signalled._on_watch,
    Unwatch: Signalled._on_unwatch,
    Died: Signalled._on_died,
    Link: Signalled.on_link,
    Unlink: Signalled.on_unlink,
    Unlinked: Signalled.on_unlinked,
    Broken: Signalled.on_broken,
    Shutdown: Signalled._on_shutdown,
    Kill: Signalled._on_kill,
    Failed: Signalled._on_failed,
    Suspend: Signalled._on_suspend,
    Restart: Signalled._on_restart,
    Bury: Signalled._on_bury,
}
