"""The runtime half of an actor: its mailbox, its state, and a turn. The hot path is here.

    state       meaning                                  a message is
    STARTING    made; on_start has not ended             queued
    IDLE        nothing queued                           queued; SCHEDULED
    SCHEDULED   in the core's run queue                  queued
    RUNNING     a turn is on                             queued
    PARKED      a turn waits, its greenlet set aside     queued
    RESUMING    its wait ended; in the run queue         queued
    LEAVING     ends this incarnation: hooks run         queued
    SUSPENDED   supervised, ended, awaits a verdict      queued
    DEAD        gone for good                            a dead letter

What may follow which is `LEAVES_TO`, in `state.py`. What a turn may be that does not hold the core
is a table in docs/decisions/003-hand-off.md.

Guarantees:
- A cell is touched by the thread that holds its core, and by its own turn in what is its turn's
  alone, wherever that runs: what others deliver or signal, and what a late turn wants of the rest,
  goes through the core's inbox. So nothing here needs a lock.
- At most one message of an actor is handled at a time.
- A message is taken once, in the order of its arrival (G1, G3).

The mailbox is None while idle, and while not a list that senders append to and the turn iterates:
an eager deque would cost 760 bytes an actor.

A cell is one class, a file for each of its jobs. Each knows those below it; what it calls of those
above is declared in `cell_parts.py`:

    kinds.py        which cell an actor gets: this one, or one of those that build on it
    cell.py         deliver, and the turn
    signalled.py    what each signal does
    linked.py       links to other actors        parked.py    a turn that waits
    overtaking.py   the order of the queue       |
    lifecycle.py    the data of a cell; how an incarnation begins and ends
"""

from __future__ import annotations

import logging
from _contextvars import Context
from collections.abc import Callable, Iterator, Mapping
from math import inf
from operator import length_hint
from types import CoroutineType
from typing import Any

from greenlet import getcurrent

from .control import CONTROL
from .crash import as_exception, log
from .crew import Unwinding, Worker
from .environment import now
from .errors import ActorDeadError
from .losing import lose
from .mailbox import HIGH_WATER, MailboxHigh, MailboxRecord
from .overtaking import HASTENED
from .parking import Killed, check_not_killed, coroutine_owner, here
from .process import Bury, Headers, Item, Process, Reply
from .signalled import Signalled
from .state import DEAD, IDLE, LEAVING, RESUMING, RUNNING, SCHEDULED, STARTING, State
from .stopped import STOP
from .travelling import asker_deadline, contexts
from .user_code import calls_user_code

COMPACT = 1024
"""Handled messages at the head of a mailbox that are worth cutting off."""


class Cell(Signalled):
    """One actor's mailbox and state. A `Process`, and what the dispatcher runs."""

    __slots__ = ()

    control: Mapping[type, Callable[[Any, Any], object]]
    """What the runtime handles for the actor: see `CONTROL`, at the end."""

    # Sending

    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. See `Process.deliver`."""
        worker, core = here.worker, self.core
        if worker.core is core:
            # As `enqueue`, written out: this is the hottest path there is.
            queue = self.queue
            if queue is not None:
                queue.append((message, sender, reply, headers))
            elif self.state is IDLE:
                self.queue = [(message, sender, reply, headers)]
                self.state = SCHEDULED
                core.run_queue.append(self)
            elif self.state is not DEAD:
                self.queue = [(message, sender, reply, headers)]
            else:
                self._refuse(message, sender, reply)
        elif self.state is DEAD:
            self._refuse(message, sender, reply)
        else:
            if worker.suspect:
                check_not_killed()
            # As `post`, written out: a late turn may send as much as any.
            core.inbox.append((self.enqueue, ((message, sender, reply, headers),)))
            if core.asleep:
                core.wake()

    def enqueue(self, item: Item) -> None:
        """Owner only. Put a message at the end of the mailbox."""
        queue = self.queue
        if queue is not None:
            queue.append(item)
        elif self.state is IDLE:
            self.queue = [item]
            self.state = SCHEDULED
            self.core.run_queue.append(self)
        elif self.state is not DEAD:
            self.queue = [item]
        else:
            lose(self, item)

    def _refuse(self, message: object, sender: Process | None, reply: Reply | None) -> None:
        error = ActorDeadError(f"{self.ref} not found")
        if reply is not None:
            reply.reject(error)
        else:
            self.core.owner.dead_letters.count("dead", message, self.address, sender)
            raise error

    def depth(self) -> int:
        """Any thread. How many messages wait, without the one in hand."""
        queue, cursor = self.queue, self.cursor
        if cursor is not None:
            return length_hint(cursor)
        return 0 if queue is None else len(queue)

    def statistics(self) -> MailboxRecord:
        """Any thread. What waits for the actor; ActorDeadError if it is gone."""
        if self.state is DEAD:
            raise ActorDeadError(f"{self.ref} not found")
        ties = self.ties
        return MailboxRecord(length=self.depth(), stashed=0 if ties is None else len(ties.stash))

    def stop_for_good(self, told: Reply) -> None:
        """Owner only. Stop after what is queued, and have no supervisor begin anew.

        `told` hears of the end, once.
        """
        self.signal(Bury())
        if self.state is DEAD:
            told.resolve(value=True)
        elif self.is_alive():
            self.enqueue((STOP, None, told, None))
        else:
            self.need_ties().stopping += (told,)

    # Turns

    def run(self, worker: Worker) -> None:
        """Owner only. One turn."""
        state = self.state
        core = self.core
        if core.blocking and self.actor_class in core.blocking and self._lend(state):
            return
        if state is SCHEDULED:
            worker.turn = self
            self.state = RUNNING
            self._handle_messages(worker)
        elif state is RESUMING:
            assert self.carrier is not None
            if self.thread is worker:
                # The loop is carried on by the greenlet that had stayed behind with the turn.
                worker.spares.append(getcurrent())
                self.carrier.switch()
            else:
                self._carry_on_late()
                self.give_up_if_late()
        elif state is STARTING:
            worker.turn = self
            awaited = self.ties is not None and self.ties.starting is not None
            if not self.begin():
                pass
            elif awaited and self.queue is not None:
                # Who waited goes first: it may wait in this thread, which a message may block.
                self.state = SCHEDULED
                core.run_queue.append(self)
            else:
                self.state = RUNNING
                self._handle_messages(worker)
        elif state is LEAVING:
            worker.turn = self
            self.leave()

    def _lend(self, state: State) -> bool:
        """Owner only. Have a thread at rest run the turn, whose class is known to block."""
        if not self.may_be_late or state not in (SCHEDULED, STARTING, LEAVING):
            return False
        if state is SCHEDULED:
            self.state = RUNNING
        if self.core.crew.lend(self):
            return True
        self.state = state
        return False

    def late_turn(self) -> None:
        """A lent thread only. See `Lent.late_turn`."""
        worker: Worker = here.worker
        worker.turn = self
        self.interrupted = True  # so that the turn ends after one message
        needless = self.state is RUNNING and (self.killed or not self.depth())
        if needless or self.thread is not worker:  # or given up, before it began
            self._own(self.settle)
        if self.state is RUNNING:
            self._handle_messages(worker)
        elif self.state is STARTING:
            self.begin()
        elif self.state is LEAVING:
            self.leave()

    @calls_user_code
    def _handle_messages(self, worker: Worker) -> None:
        """Handle up to `throughput` messages, or until the slice ends.

        The clock is read after 2, 4, 8, ... messages only, since reading it costs a tenth of a
        short handler; so a turn lasts no longer than twice its time.
        """
        queue = self.queue
        if queue is None:
            self.state = IDLE
            return
        cursor = self.cursor
        if cursor is None:
            cursor = self.cursor = iter(queue)
        core = self.core
        receive, control = self.receiver(), self.control
        limit = self.actor_class.throughput
        count, look = 0, 2 if limit > 1 else 1
        for item in cursor:
            self.current = item
            message, _, reply, headers = item
            try:
                if headers is not None:
                    result = self._handle_with(headers, message)
                elif type(message) in control:
                    result = control[type(message)](self, message)
                else:
                    result = receive(message)
                if type(result) is CoroutineType:
                    result = core.owner.run_coroutine(result)
            except Unwinding:
                raise
            except BaseException as error:
                if worker.core is not core:
                    self._own(self._fail_late, error, item)
                self._on_error(error, item)
            else:
                if reply is not None and self.current is item and not reply.resolve(result):
                    self._came_late(result, item)
            if self.interrupted:
                # Before the look: the watcher takes first, and sets then. It is never cleared while
                # one that was given up may return, who would go on.
                self.interrupted = self.has_given_up()
                if worker.core is not core:
                    self._own(self.settle)
                if self.exit_reason is not None:
                    self.current = None
                    self.leave()
                    return
                self._heed()
                receive = self.receiver()
            count += 1  # noqa: SIM113  (enumerate costs a tuple a message)
            if count == look:
                if count >= limit or now() >= core.slice_end:
                    break
                look = min(look + look, limit)
        else:
            self.queue = self.cursor = self.current = None
            self.state = IDLE
            return
        self.current = None
        self.state = SCHEDULED
        core.run_queue.append(self)
        if len(queue) > COMPACT:
            self._compact(queue, cursor)

    def _handle_with(self, headers: Headers, message: Any) -> object:
        """Handle a message that something travels with: in its sender's context, if it has one."""
        context, deadline = headers.get("context"), headers.get("deadline", inf)
        if context is None and deadline == inf:
            return self._handle(message)
        return (context or Context()).run(self._handle_within, message, deadline)

    def _handle_within(self, message: Any, deadline: float) -> object:
        # In the context are the sender's variables, these two of ours among them.
        coroutine_owner.set(self)
        if asker_deadline.get() != deadline:
            asker_deadline.set(deadline)
            if not contexts:
                contexts.append("deadline")
        return self._handle(message)

    @calls_user_code
    def _handle(self, message: Any) -> object:
        control = self.control.get(type(message))
        result = self.receiver()(message) if control is None else control(self, message)
        if type(result) is CoroutineType:
            return self.core.owner.run_coroutine(result)
        return result

    def _came_late(self, answer: object, item: Item) -> None:
        """Own turn only. Nobody waits for this answer any more."""
        _, sender, _, _ = item
        target = self.address if sender is None else sender.address
        self.core.owner.dead_letters.count("late", answer, target, self)

    def _fail_late(self, error: BaseException, item: Item) -> None:
        self._on_error(error, item)
        self.settle()

    def settle(self) -> None:
        """Owner only. A turn has ended in a thread that did not hold the core any more."""
        self.current = None
        if self.exit_reason is not None:
            self.state = LEAVING
            self.core.schedule(self)
            return
        self.interrupted = self.has_given_up()
        self._heed()
        if self.depth():
            self.state = SCHEDULED
            self.core.schedule(self)
            queue, cursor = self.queue, self.cursor
            if queue is not None and cursor is not None and len(queue) > COMPACT:
                self._compact(queue, cursor)
        else:
            self.queue = self.cursor = None
            self.state = IDLE

    def _compact(self, queue: list[Item], cursor: Iterator[Item]) -> None:
        """Cut the handled half off a long mailbox, so that one which never empties stays small."""
        left = cursor.__length_hint__()  # type: ignore[attr-defined]  # a list's iterator has it
        if left * 2 < len(queue):
            del queue[: len(queue) - left]
            self.cursor = iter(queue)
        self.tell_if_long()

    def tell_if_long(self) -> None:
        """Owner only. Publish `MailboxHigh` if the mailbox has grown very long."""
        left, ties = self.depth(), self.ties
        if left >= (HIGH_WATER if ties is None else ties.high_water):
            self.need_ties().high_water = 2 * left
            self.core.post(self.core.owner.events.publish, MailboxHigh(self.ref, left))
        elif ties is not None and left < HIGH_WATER:
            ties.high_water = HIGH_WATER

    def _heed(self) -> None:
        """Own turn only. Something has come that must not wait for the end of the turn."""
        ties = self.ties
        if ties is not None and ties.hastened:
            self.push_front([HASTENED])

    def _on_error(self, error: BaseException, item: Item) -> None:
        # Where it was forwarded or is answered later, the message has another reply now.
        message, sender, reply, _ = self.current or item
        self.forget_stashed(item)  # it had its turn
        if isinstance(error, Killed):
            if reply is not None:
                reply.reject(ActorDeadError(f"{self.ref} was killed while handling the message"))
        elif reply is None:
            self.core.owner.dead_letters.count("failed", message, self.address, sender)
            self.fail(error)
        elif isinstance(error, Exception):
            log(logging.INFO, "Exception returned from %s to caller:", self.actor, error=error)
            if not reply.reject(error):
                self._came_late(error, item)
            if self.actor.crash_on_ask_error:
                self.fail(error)
        else:  # SystemExit, KeyboardInterrupt, CancelledError: the actor fails, it alone (api.md)
            reply.reject(as_exception(error))
            self.fail(error)


Cell.control = CONTROL
