"""A cell whose mailbox has a bound, priorities or times: other actors pay nothing for it.

Senders put their messages into the cell's box in their own thread, so that they learn at once
whether there is room; the thread that holds the core is told that there is something in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import cast

from .address import Address
from .box import Box, Put
from .cell import Cell
from .environment import now
from .errors import ActorDeadError, DeadlockError, MailboxFull, Timeout
from .future import Future
from .losing import lose
from .mailbox import HIGH_WATER, Mailbox, MailboxHigh, MailboxRecord
from .parking import can_wait, check_not_killed, here, waits_for_room
from .process import OWN, Headers, Item, Process, Reply
from .state import DEAD, IDLE, SCHEDULED
from .user_code import calls_back


class Boxed(Cell):
    """What makes a cell of any kind keep its queue in a `Box`; see `boxed`.

    `queue` is the box while there is something in it.
    """

    # No slots: they could not be combined with those of another kind.

    box: Box
    high_water: int

    def keep(self, mailbox: Mailbox) -> None:
        """Whoever makes it, first of all. Say what its mailbox is."""
        self.box = Box(mailbox)
        self.high_water = HIGH_WATER

    # Sending

    @calls_back
    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. See `Process.deliver`.

        Raises:
            MailboxFull: there is no room, and the mailbox says "fail"; or "wait", and this sender
                cannot wait. With a `reply`, the error goes there.
            DeadlockError: this sender waits for room, and the actor, itself or through others, for
                this sender.

        """
        if here.worker.suspect:
            check_not_killed()
        item = (message, sender, reply, headers)
        done = self.box.put(item, may_wait=here.worker.turn is not self and can_wait())
        if done.queued and not done.dropped:
            self._announce()
        else:
            self.tell_outcome(done, item)

    def tell_outcome(self, done: Put, item: Item) -> None:
        """Any thread. Tell whoever has to know what became of a message; raises as `deliver`."""
        message, sender, reply, _ = item
        for dropped in done.dropped:
            self._drop(dropped)
        if done.queued:
            self._announce()
        elif done.room is not None:
            self._wait_for(done.room, item)
        elif not done.dropped:
            self._refuse(message, sender, reply)
        elif reply is None and self.box.settings.overflow in ("fail", "wait"):
            raise self._full()

    def _drop(self, item: Item) -> None:
        message, sender, reply, _ = item
        if reply is None:
            self.core.owner.dead_letters.count("overflow", message, self.address, sender)
        else:
            reply.reject(self._full())

    def _full(self) -> MailboxFull:
        settings, found = self.box.settings, self.box.statistics()
        bounds: list[str] = []
        if settings.capacity is not None:
            bounds.append(f"{found.length} of {settings.capacity} messages")
        if settings.max_bytes is not None:
            bounds.append(f"{found.bytes} of {settings.max_bytes} bytes")
        waits = " and this sender cannot wait" if settings.overflow == "wait" else ""
        return MailboxFull(f"no room in the mailbox of {self.ref}{waits}: {', '.join(bounds)}")

    def _wait_for(self, room: Future[None], item: Item) -> None:
        """Wait until the message is queued, for as long as its asker would wait at all."""
        if not waits_for_room():
            self._let_in(room, item)
            return
        message, sender, reply, _ = item
        left = reply.expires - now() if isinstance(reply, Future) else inf
        room.owed_by = self.ref.process  # who may wait for this sender: see `deadlock.py`
        try:
            room.get(timeout=None if left == inf else max(left, 0.0))
        except DeadlockError:
            if self.box.give_up(room) or self.box.closed:  # if not, it is queued meanwhile
                raise
        except ActorDeadError:
            self._refuse(message, sender, reply)
        except Timeout:
            if self.box.give_up(room) and reply is not None:
                reply.reject(Timeout(f"no room in the mailbox of {self.ref} in time"))
        except BaseException:
            self.box.give_up(room)
            raise

    def _let_in(self, room: Future[None], item: Item) -> None:
        def note_end(room: Future[None]) -> None:
            if room.error is not None:
                lose(self, item)

        if self.box.let_in(room):
            self._announce()
        else:  # it was queued meanwhile, or the actor has ended
            room.add_done_callback(note_end)

    def enqueue(self, item: Item) -> None:
        """Owner only. Put a message at the end of the mailbox, whether or not there is room."""
        if self.state is DEAD:
            lose(self, item)
        else:
            self.box.append(item)
            self._schedule_if_filled()

    def _announce(self) -> None:
        """Any thread. There is something in the box."""
        if here.worker.core is self.core:  # as `Core.call`, written out
            self._schedule_if_filled()
        else:
            self.core.post(self._schedule_if_filled)
        self.tell_if_long()

    def tell_if_long(self) -> None:
        """Any thread. See `Cell.tell_if_long`."""
        length = len(self.box)
        if length >= self.high_water:
            self.high_water = 2 * length
            self.core.owner.events.publish(MailboxHigh(self.ref, length))
        elif length < HIGH_WATER:
            self.high_water = HIGH_WATER

    def _schedule_if_filled(self) -> None:
        if self.queue is None and self.state is not DEAD and len(self.box):
            self.queue = self._as_queue()
            if self.state is IDLE:
                self.state = SCHEDULED
                self.core.schedule(self)

    def _as_queue(self) -> list[Item]:
        return cast("list[Item]", self.box)  # all that a turn does with a list, a box does too

    def _compact(self, queue: list[Item], cursor: Iterator[Item]) -> None:
        """Own turn only. A box holds nothing that was handled."""

    def depth(self) -> int:
        """Any thread. See `Cell.depth`."""
        return len(self.box)

    def statistics(self) -> MailboxRecord:
        """Any thread. See `Cell.statistics`."""
        super().statistics()
        return self.box.statistics()

    # The front of the queue

    def push_front(self, items: list[Item]) -> None:
        """Any thread. See `Overtaking`."""
        self.box.push_front(items)
        self._announce()

    def queued(self) -> list[Item]:
        """Own turn only. See `Overtaking`."""
        return self.box.items()

    def newest_first(self) -> Iterator[Item]:
        """Any thread. See `Overtaking`."""
        return reversed(self.box.items())

    def take_out(self, is_it: Callable[[Item], bool]) -> None:
        """Owner only. See `Overtaking`."""
        self.box.remove(is_it)
        self.take_out_stashed(is_it)

    def has_waiting(self, room: object) -> bool:
        """Any thread. See `Overtaking`."""
        return self.box.has_waiting(room)

    def put_behind(self, waiting: dict[Address, list[Item]]) -> None:
        """Own turn only. See `Overtaking`."""
        self.box.put_behind(waiting)

    def set_aside(self, item: Item) -> None:
        """Own turn only. Keep a message for later; MailboxFull if the stash is full."""
        if not self.box.set_aside(item):
            raise MailboxFull(f"no room in the stash of {self.ref}: it holds what its mailbox does")
        super().set_aside(item)

    def _forget_at(self, index: int) -> None:
        super()._forget_at(index)
        self.box.forget_aside(index)

    def return_stash(self) -> None:
        """Own turn only. See `Overtaking`."""
        super().return_stash()
        self.box.clear_aside()

    def lose_own(self) -> None:
        """Owner only. See `Lifecycle`."""
        for item in self.box.remove(lambda item: item[1] is self or item[3] is OWN):
            lose(self, item, "stale")

    def die(self) -> None:
        """Owner only. See `Lifecycle`."""
        waiting, self.cursor = self.box.close()
        self.queue = self._as_queue()  # with what came since it was looked at, too
        super().die()
        for room in waiting:
            room.reject(ActorDeadError("gone"))


_kinds: dict[type[Cell], type[Boxed]] = {}


def boxed(kind: type[Cell]) -> type[Boxed]:
    """Any thread. That kind of cell with a box."""
    if kind not in _kinds:
        _kinds[kind] = type(f"Boxed{kind.__name__}", (Boxed, kind), {})
    return _kinds[kind]
