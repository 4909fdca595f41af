"""What becomes of a queue's order: what overtakes it, is set aside, returns to it, or is dropped.

A death that the actor watches or is linked to overtakes all messages, except those that the dead
actor had sent itself. It waits in `Ties.hastened`, and a mark at the front of the queue says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from operator import itemgetter, length_hint

from .address import Address
from .last_words import put_behind
from .lifecycle import Lifecycle
from .links import Hastened
from .losing import lose
from .process import OWN, Broken, Died, Item
from .state import PARKED, RESUMING, RUNNING

HASTENED: Item = (Hastened(), None, None, None)


class Overtaking(Lifecycle):
    """A cell's half that orders the front of its queue."""

    __slots__ = ()

    def hasten(self, death: Died | Broken) -> None:
        """Owner only. Queue a death before all messages, after the deaths that came before it."""
        ties = self.need_ties()
        if ties.hastened is None:
            ties.hastened = deque()
        ties.hastened.append(death)
        if len(ties.hastened) > 1:
            return  # due already
        if self.queue is None:
            self.deliver(Hastened(), None, None, None)
        elif self.state in (RUNNING, PARKED, RESUMING):
            # A turn, in another thread perhaps, is at the queue: it moves this to the front
            # after the message in hand. Or it ends before, and another turn finds this.
            self.queue.append(HASTENED)
            self.interrupted = True
        else:
            self.push_front([HASTENED])

    def next_death(self) -> Died | Broken | None:
        """Own turn only. The death that is due, unless its actor's messages come first (G7)."""
        ties = self.need_ties()
        hastened = ties.hastened
        if not hastened:
            return None  # a mark that came to the front has taken its place
        if not ties.overtaking:
            fresh = [hastened.popleft() for _ in range(len(hastened))]
            overtaking = self._put_behind(fresh)
            hastened.extendleft(reversed(overtaking))
            ties.overtaking = len(overtaking)
        death = None
        if ties.overtaking:
            ties.overtaking -= 1
            death = hastened.popleft()
        if hastened:
            self.push_front([HASTENED])
        elif self.core.holds():  # no other thread can be about to put one in; a finaliser may have
            ties.hastened = hastened or None  # an empty deque takes 760 bytes
        return death

    def _put_behind(self, deaths: list[Died | Broken]) -> list[Died | Broken]:
        """Own turn only. Queue each death behind the last message of its actor; those with none."""
        waiting: dict[Address, list[Item]] = {}
        for death in deaths:
            waiting.setdefault(death.process.address, []).append((death, None, None, None))
        before = len(waiting)
        self.put_behind(waiting)
        if len(waiting) == before:
            return deaths
        return [death for death in deaths if death.process.address in waiting]

    def push_front(self, items: list[Item]) -> None:
        """Own turn, or the owner while none is on. Have these handled next, in their order."""
        queue = self.queue
        if queue is None:
            self.queue = items
        else:
            index = self._next_index()
            queue[index:index] = items

    def queued(self) -> list[Item]:
        """Own turn only. What is queued."""
        queue = self.queue
        return [] if queue is None else queue[self._next_index() :]

    def newest_first(self) -> Iterator[Item]:
        """Any thread. What is queued, the last one first."""
        queue = self.queue
        if queue is None:
            return iter(())
        return islice(reversed(queue), length_hint(queue if self.cursor is None else self.cursor))

    def take_out(self, is_it: Callable[[Item], bool]) -> None:
        """Owner only. Drop the newest item that is asked for, if it is queued or set aside."""
        queue = self.queue
        if queue is not None:
            first = self._next_index()
            for index in range(len(queue) - 1, first - 1, -1):
                if is_it(queue[index]):
                    del queue[index]
                    return
        self.take_out_stashed(is_it)

    def take_out_stashed(self, is_it: Callable[[Item], bool]) -> None:
        """Owner only. Drop the items that are asked for, of what was set aside."""
        for item in [] if self.ties is None else [*self.ties.stash]:
            if is_it(item):
                self.forget_stashed(item)

    def has_waiting(self, room: object) -> bool:
        """Any thread. Whether a sender waits for that room in the mailbox: see `boxed.py`."""
        return False

    def put_behind(self, waiting: dict[Address, list[Item]]) -> None:
        """Own turn only. Queue items behind the last one of these senders, and take them out."""
        queue, before = self.queue, self.queued()
        after = put_behind(before, itemgetter(1), waiting, lambda _, item: item)
        if queue is not None and len(after) > len(before):
            first = self._next_index()
            queue[first : first + len(before)] = after  # others may append meanwhile

    def _next_index(self) -> int:
        # Not from the length and what is left: another thread may append between the two.
        return 0 if self.cursor is None else self.cursor.__reduce__()[2]  # type: ignore[return-value]  # a list iterator's index

    def set_aside(self, item: Item) -> None:
        """Own turn only. Keep a message for later."""
        self.need_ties().stash.append(item)

    def forget_stashed(self, item: Item) -> bool:
        """Own turn only. Keep a message no more, if it was set aside; whether it was."""
        stash = [] if self.ties is None else self.ties.stash
        for index, each in enumerate(stash):
            if each is item:
                self._forget_at(index)
                return True
        return False

    def _forget_at(self, index: int) -> None:
        del self.need_ties().stash[index]

    def return_stash(self) -> None:
        """Own turn only. Put what was set aside back to the front of the queue."""
        ties = self.need_ties()
        stash, ties.stash = ties.stash, []
        if stash:
            self.push_front(stash)

    def lose_own(self) -> None:
        """Owner only. What this incarnation has sent itself is not for the next one (B13)."""
        kept, address = [], self.address
        for item in self.cursor or self.queue or ():
            sender = item[1]
            if item[3] is OWN or (sender is not None and sender.address == address):
                lose(self, item, "stale")
            else:
                kept.append(item)
        self.queue, self.cursor = kept or None, None
