"""Which member of a pool gets a message: one class for each router word.

Any thread may send. What a router counts it counts without a lock: it may be off by one or two when
threads send at once, which only makes a choice less good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from functools import partial
from itertools import count
from typing import Any, Literal, Protocol, TypeAlias

from .cell import Cell
from .deadlock import hand_on
from .environment import make_lock, random_float
from .errors import Timeout
from .future import Future
from .process import Item, Reply
from .proxy import Describe, Mark
from .ref import ActorProcess
from .travelling import copied

Members = Sequence[ActorProcess]


class Router(Protocol):
    """Passes messages on to the members of one pool."""

    def send(self, members: Members, item: Item) -> bool:
        """Any thread. Deliver to a member, or to all; False if none of them lives.

        Raises what the member's `deliver` raises.
        """
        ...


class RoundRobin:
    """Each member in turn; one that is known to be dead is passed over."""

    def __init__(self) -> None:
        self._next = count().__next__

    def first(self, members: Members) -> int:
        """Any thread. The index from which to look for a living one."""
        return self._next() % len(members)

    def send(self, members: Members, item: Item) -> bool:
        """Any thread. See `Router.send`."""
        if not members:
            return False
        member = members[first := self.first(members)]
        if not member.is_alive():
            found = (each for each in (*members[first:], *members[:first]) if each.is_alive())
            living = next(found, None)
            if living is None:
                return False
            member = living
        member.deliver(*item)
        hand_on(item[2], member)
        return True


class Random(RoundRobin):
    """Any member, each as likely."""

    def first(self, members: Members) -> int:
        """Any thread. The index from which to look for a living one."""
        return int(random_float() * len(members))


class Backlog:
    """How many of the messages that were sent to one member it has still to handle.

    An answer shows that what was sent before it is handled, as a mailbox is a queue. Behind a tell
    a mark is sent, one at a time, whose answer shows the same.
    """

    __slots__ = ("_handled", "_marked", "_member", "_sent")

    def __init__(self, member: ActorProcess) -> None:
        self._member = member
        self._sent = self._handled = 0
        self._marked = False

    def length(self) -> int:
        """Any thread. What is left, and no less than what is seen in a mailbox of this process."""
        member = self._member
        seen = member.depth() if isinstance(member, Cell) else 0
        return max(self._sent - self._handled, seen)

    def send(self, item: Item) -> None:
        """Any thread. Deliver a message, and count it."""
        self._sent += 1
        reply = item[2]
        if isinstance(reply, Future):
            reply.add_done_callback(partial(self._answered, self._sent))
        try:
            self._member.deliver(*item)
            hand_on(reply, self._member)
        finally:
            if not isinstance(reply, Future):
                self._mark()

    def _answered(self, number: int, reply: Future[Any]) -> None:
        if isinstance(reply._error, Timeout | CancelledError):
            self._mark()  # the asker has given up, and not the member
        else:
            self._handled = max(self._handled, number)

    def _mark(self) -> None:
        if not self._marked:
            self._marked = True
            answer: Future[None] = Future()
            answer.add_done_callback(partial(self._passed, self._sent))
            self._member.deliver(Mark(), None, answer, None)

    def _passed(self, number: int, answer: Future[None]) -> None:
        self._marked = False
        self._handled = max(self._handled, number)
        if answer._error is None and self._sent > self._handled:
            self._mark()


class SmallestMailbox:
    """The member with the fewest messages to handle, as far as this pool knows."""

    def __init__(self) -> None:
        self._next = count().__next__
        self._backlogs: dict[ActorProcess, Backlog] = {}

    def send(self, members: Members, item: Item) -> bool:
        """Any thread. See `Router.send`."""
        living = [member for member in members if member.is_alive()]
        if not living:
            return False
        first = self._next() % len(living)  # of equals, each in turn
        known = self._backlogs
        if len(known) > 2 * len(members):
            known = self._backlogs = {each: known[each] for each in living if each in known}
        backlogs = [
            known.get(each) or known.setdefault(each, Backlog(each))
            for each in (*living[first:], *living[:first])
        ]
        min(backlogs, key=Backlog.length).send(item)
        return True


class Broadcast:
    """All members. An ask is answered by the list of their answers, or by the first error."""

    def send(self, members: Members, item: Item) -> bool:
        """Any thread. See `Router.send`; all get it, and the first error is raised."""
        living = [member for member in members if member.is_alive()]
        message, sender, reply, headers = item
        if not living:
            return False
        if type(message) is Describe:  # a proxy's question about the class
            living[0].deliver(*item)
            return True
        replies: Sequence[Reply | None] = [None] * len(living)
        if reply is not None:
            replies = Answers(len(living), reply).parts
        errors: list[Exception] = []
        for member, part in zip(living, replies, strict=True):
            try:
                member.deliver(message, sender, part, copied(headers))
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return True


class Answers:
    """Gathers one answer of each member, in the order of the members."""

    def __init__(self, size: int, reply: Reply) -> None:
        self._reply = reply
        self._missing = size
        self._lock = make_lock()
        self.parts: list[Future[Any]] = [Future() for _ in range(size)]
        for part in self.parts:
            part.add_done_callback(self._take)
        if isinstance(reply, Future):  # nobody waits for the others any more
            reply.add_done_callback(lambda _: self._give_up())

    def _take(self, part: Future[Any]) -> None:
        if part._error is not None:
            self._reply.reject(part._error)
            return
        with self._lock:
            self._missing -= 1
            complete = self._missing == 0
        if complete:
            self._reply.resolve([each._value for each in self.parts])

    def _give_up(self) -> None:
        for part in self.parts:
            if not part.done():
                part.cancel()


RouterName: TypeAlias = Literal["round_robin", "random", "smallest_mailbox", "broadcast"]
"""Which member of a pool gets a message."""
ROUTERS: dict[str, Callable[[], Router]] = {
    "round_robin": RoundRobin,
    "random": Random,
    "smallest_mailbox": SmallestMailbox,
    "broadcast": Broadcast,
}
