"""`reentrant = True`: while one message waits, further ones are handled.

Each message has a strand: a cell for it alone, that shares the actor, the address and the ties
with the whole, and parks by itself. The whole keeps the mailbox and the signals; it begins a
strand for each message, in their order, and ends when its strands have ended.

    what ends the actor                   messages that wait        messages not begun
    stop                                  are handled to their end  those queued before: handled
    exit, a shutdown, a suspension        are handled to their end  lost, or kept for a restart
    a failure, a kill                     are broken off: their     lost, or kept for a restart
                                          asks get ActorDeadError

Guarantees:
- Messages begin in the order of the mailbox. One that has waited goes on when its wait is over.
- Two strands never run at the same time: a strand gives way only where it waits.
- Each ask ends once (G9), whatever ends the actor while several are in hand.

So while a strand is late, the others of its actor wait, and the core does not. A kill gives up a
strand that is stuck, as it does a plain cell's turn. The hooks are the whole's, and never late.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from greenlet import greenlet
from pykka.messages import _ActorStop

from .actor import Actor
from .cell import Cell
from .control import CONTROL
from .crew import Worker
from .dispatcher import Core
from .errors import ActorDeadError
from .lifecycle import Lifecycle
from .links import Ties
from .loop_cell import USERS, LoopCell
from .losing import lose
from .parking import SEVERED, Killed, current_sender
from .process import Headers, Item, Kill, Process, Reply, Signal
from .ref import ActorRef
from .state import DEAD, IDLE, RESUMING, SCHEDULED, State

_own_current: Any = Lifecycle.__dict__["current"]  # the slot behind the property below


class ReentrantCell(Cell):
    """The whole: a cell that has a strand for each message in hand."""

    __slots__ = ("_graceful", "_late", "_severed", "_strands", "_unbegun", "_waiting")

    strand_class: type[Strand]
    may_be_late = False

    def __init__(self, core: Core, identity: int, actor_class: type[Actor]) -> None:
        self._strands: set[Strand] = set()
        self._unbegun: list[Item] = []
        self._graceful = False
        self._severed = False
        self._late: Strand | None = None
        """The strand that runs in a thread which does not hold the core."""
        self._waiting: list[Strand] = []
        super().__init__(core, identity, actor_class)

    @property
    def current(self) -> Item | None:
        """Own turn only. The message of the strand that runs here."""
        turn = current_sender()
        if isinstance(turn, Strand) and turn.whole is self:
            return turn.current
        found: Item | None = _own_current.__get__(self)
        return found

    @current.setter
    def current(self, item: Item | None) -> None:
        turn = current_sender()
        if isinstance(turn, Strand) and turn.whole is self:
            turn.current = item
        else:
            _own_current.__set__(self, item)

    def receiver(self) -> Callable[[Any], object]:
        """Own turn only. See `Cell.receiver`."""
        return self.begin_strand

    def begin_strand(self, _message: object) -> None:
        """Own turn only. Have a strand handle the message in hand."""
        item = self.current
        assert item is not None
        self.current = None  # whoever asked is answered by the strand
        strand = self.strand_class(self, item)
        self._strands.add(strand)
        self.core.schedule(strand)

    def stop_gracefully(self, message: _ActorStop) -> None:
        """Own turn only. Stop, once what was queued before is handled."""
        self._graceful = True
        self.need_ties()  # keeps the answer: the queue is not done with yet
        CONTROL[_ActorStop](self, message)

    def begin(self) -> bool:
        """Own turn only. See `Lifecycle.begin`."""
        self._graceful = self._severed = False
        return super().begin()

    def fail(self, error: BaseException) -> None:
        """Owner only. See `Lifecycle.fail`; of several errors the first is the reason."""
        if not isinstance(self.exit_reason, BaseException):
            super().fail(error)
        self._break_off()

    def leave(self) -> None:
        """Own turn only. See `Lifecycle.leave`; not before all strands have ended."""
        if not self._strands:
            super().leave()
            return
        self.state = IDLE
        if not self._may_return():  # those in hand may wait for an answer to what is queued here
            queue, cursor = self.queue, self.cursor
            self.queue = self.cursor = None
            for item in cursor or queue or ():
                lose(self, item)

    def sever(self) -> None:
        """Own turn only. See `Turn.sever`; after a failure not before `on_failure` has run."""
        self._severed = True

    def _left(self) -> None:
        if self._severed:
            self.actor._cell = SEVERED
        super()._left()

    def _handle_messages(self, worker: Worker) -> None:
        if self.exit_reason is None:
            super()._handle_messages(worker)
        else:
            self.leave()

    def push_front(self, items: list[Item]) -> None:
        """Any thread. As `Lifecycle.push_front`; a strand may do so while the whole is idle."""
        if not self.core.holds():
            self.core.post(self.push_front, items)
            return
        super().push_front(items)
        if self.state is IDLE and self.exit_reason is None:
            self.state = SCHEDULED
            self.core.schedule(self)

    def take_turn(self, strand: Strand, *, late: bool) -> bool:
        """Owner only. Whether the strand may run now; if not, it is scheduled when it may."""
        if self._late not in (None, strand):  # the watcher may say so of one that is late already
            self._waiting.append(strand)
            return False
        if late:
            self._late = strand
        return True

    def end_turn(self, strand: Strand) -> None:
        """Owner only. The strand runs no more; if it was late, others may."""
        if self._late is strand:
            self._late = None
            waiting, self._waiting = self._waiting, []
            self.core.run_queue.extendleft(reversed(waiting))  # before those that came later

    def may_begin(self) -> bool:
        """Owner only. Whether a strand that has not begun may do so."""
        return self.exit_reason is None or (self._graceful and not self.killed)

    def ended(self, strand: Strand, unbegun: Item | None = None) -> None:
        """Owner only. A strand is done with its message, or has not begun and gives it back."""
        self._strands.discard(strand)
        if unbegun is not None and self._may_return():
            self._unbegun.append(unbegun)
        elif unbegun is not None:
            lose(self, unbegun)
        if self._strands or self.exit_reason is None:
            return
        given_back, self._unbegun = self._unbegun, []
        if given_back:
            self.push_front(given_back)
        self._leave_soon()

    def _obey(self, signal: Signal) -> None:
        super()._obey(signal)
        if type(signal) is Kill:
            self._break_off()

    def _break_off(self) -> None:
        self._graceful = False
        for strand in tuple(self._strands):
            strand.break_off()


class Strand(Cell):
    """One message of a reentrant actor, being handled."""

    __slots__ = ("whole",)

    def __init__(self, whole: ReentrantCell, item: Item) -> None:
        super().__init__(whole.core, whole.id, whole.actor_class)
        self.whole = whole
        self.actor = whole.actor
        self.queue = [item]
        self.state = SCHEDULED

    def run(self, worker: Worker) -> None:
        """Owner only. One turn."""
        if self.state is DEAD:  # given up
            return
        if self.state is SCHEDULED and not self.whole.may_begin():
            assert self.queue is not None
            self.whole.ended(self, self.queue[0])
            return
        late = self.state is RESUMING and self.thread is not worker
        if late and self.whole.killed:  # its thread may be stuck in another turn
            self._give_up()
            return
        if not self.whole.take_turn(self, late=late):
            return
        if late:
            super()._carry_on_late()
        else:
            super().run(worker)

    def _lend(self, state: State) -> bool:
        lent = super()._lend(state)
        if lent:
            self.whole.take_turn(self, late=True)
        return lent

    def go_late(self, worker: Worker) -> None:
        """Watcher only. See `Turn.go_late`."""
        super().go_late(worker)
        self.whole.take_turn(self, late=True)

    def _handle_messages(self, worker: Worker) -> None:
        super()._handle_messages(worker)
        self.core.call(self.whole.ended, self)

    def settle(self) -> None:
        """Owner only. See `Cell.settle`; lent, it may have been broken off before it began."""
        self.whole.end_turn(self)
        self.whole.ended(self, self.queue[0] if self.queue and self.cursor is None else None)

    def _park_late(self, worker: Worker, carrier: greenlet) -> None:
        super()._park_late(worker, carrier)
        self.whole.end_turn(self)

    def _carry_on_late(self) -> None:
        # By way of the run queue: another strand may be on.
        self.core.schedule(self)

    def break_off(self) -> None:
        """Owner only. End the wait of the message, if it waits."""
        self.killed = True
        self.unwind()

    def give_up_if_late(self) -> None:
        """Owner only. See `Signalled.give_up_if_late`; not if the whole has failed by another."""
        if self.whole.killed:
            super().give_up_if_late()

    def _give_up(self) -> None:
        assert self.thread is not None
        if self.carrier is not None:
            self.thread.give(self.carrier.switch)  # to unwind
        self._leave_to_thread()
        self.state = DEAD
        self.whole.end_turn(self)
        self.whole.ended(self)

    def fail(self, error: BaseException) -> None:
        """Own turn only. The whole fails by it."""
        self.core.call(self.whole.fail, error)

    def _on_error(self, error: BaseException, item: Item) -> None:
        reply = (self.current or item)[2]
        if isinstance(error, Killed) and reply is not None and not self.whole.killed:
            reply.reject(ActorDeadError(f"{self.ref} failed while it handled the message"))
        else:
            super()._on_error(error, item)

    # What is the whole's

    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. See `Process.deliver`."""
        self.whole.deliver(message, sender, reply, headers)

    def signal(self, signal: Signal) -> None:
        """Any thread. See `Process.signal`."""
        self.whole.signal(signal)

    def is_alive(self) -> bool:
        """Any thread. See `Lifecycle.is_alive`."""
        return self.whole.is_alive()

    def sever(self) -> None:
        """Own turn only. See `Turn.sever`."""
        if self.state is not DEAD:  # else it was given up, and that is done
            self.whole.sever()

    def forget_stashed(self, item: Item) -> bool:
        """Own turn only. See `Overtaking.forget_stashed`."""
        return self.whole.forget_stashed(item)

    def need_ties(self) -> Ties:
        """Owner only. See `Lifecycle.need_ties`."""
        return self.whole.need_ties()

    @property
    def ref(self) -> ActorRef[Any]:
        """Any thread. A ref to the actor."""
        return self.whole.ref

    @property
    def name(self) -> str | None:
        """Any thread. See `Lifecycle.name`."""
        return self.whole.name


class LoopStrand(Strand, LoopCell):
    """The same, of an actor that runs on the asyncio loop."""

    __slots__ = ()


class ReentrantLoopCell(ReentrantCell, LoopCell):  # pyright: ignore[reportIncompatibleVariableOverride]  # `current`: a slot in the one, a property over it in the other
    """The whole of an actor that runs on the asyncio loop."""

    __slots__ = ()


ReentrantCell.strand_class = Strand
ReentrantLoopCell.strand_class = LoopStrand
ReentrantCell.control = {
    **CONTROL,
    **dict.fromkeys(USERS, ReentrantCell.begin_strand),
    _ActorStop: ReentrantCell.stop_gracefully,
}
