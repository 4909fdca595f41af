"""A pool: an actor whose ref behaves like one of its members, and that keeps them in number.

Guarantees:
- A message goes from its sender straight to the member: no turn of the pool lies between, so from
  one sender to one member the order is kept (G3).
- A member that ends, for whatever reason, is started again behind the same ref with what is queued
  there; one that cannot be, as its core is lost, is replaced by a new one.
- While no member lives, what is sent waits for the next one, in order: see held.py. That one's
  mailbox takes it beyond its bound where it would have senders wait: theirs have gone on, or have
  waited, and the pool must not.
- The pool stops as an actor does: after what was sent before; its members with it.

The pool itself handles only what its cell keeps for it (`FOR_POOL`).
"""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple, cast

from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr

from .actor import Actor
from .box import Put
from .control import CONTROL
from .dispatcher import Core
from .environment import make_rlock
from .errors import ActorDeadError, DeadlockError, MailboxFull, NodeDown
from .future import Future
from .held import Held
from .links import ChildFailed, Down
from .losing import lose_all
from .mailbox import MailboxRecord
from .messages import message, type_name
from .oversight import ChildRecord, Overseer, Oversight, in_words
from .plan import Plan, check_size
from .process import Bury, Headers, Item, Process, Reply, Restart
from .proxy import Describe
from .punctual import PunctualCell
from .ref import ActorRef
from .routing import ROUTERS, Router
from .timers import Timer

logger = logging.getLogger("zanni")

FIRST_DELAY = 0.1
"""Seconds until a start of a member that failed is tried again; each time twice as long."""
LONGEST_DELAY = 10.0
"""The longest of these delays."""


@message
class Resize:
    """To a pool: have `n` members from now on. Those that go finish what they have.

    The answer is how many there are; a member whose start fails is tried again, and logged.
    """

    n: int

    def __post_init__(self) -> None:
        check_size(self.n)


@message
class Members:
    """To a pool: the answer is the refs of its members."""


@message
class Move:
    """To a pool: replace this member by one elsewhere, as its core is to be removed."""

    member: Any


class Fill(NamedTuple):
    """A pool's word to itself: try again to have as many members as it should."""


_process_of = attrgetter("process")

FOR_MEMBERS = frozenset({ProxyCall, ProxyGetAttr, ProxySetAttr, Describe})
"""What the runtime handles for an actor, in its place: members are called, and not the pool."""

MOVABLE = ("spread", "least-loaded")
"""Where members are placed that may as well be elsewhere."""

FOR_POOL = frozenset({Resize, Members, Move, Fill, ChildFailed, *CONTROL}) - FOR_MEMBERS
"""What a pool handles itself."""


class PoolCell(PunctualCell):
    """The process behind a pool's ref: it passes on to the members what is not for the pool."""

    __slots__ = ("_held", "_lock", "_processes", "_router", "_worker_class")

    waits_for_room = False

    _router: Router
    _worker_class: type[Actor]

    def __init__(self, core: Core, identity: int, actor_class: type[Actor]) -> None:
        super().__init__(core, identity, actor_class)
        self._processes: tuple[Any, ...] = ()
        self._held = Held(self)
        self._lock = make_rlock()

    def stand_for(self, plan: Plan) -> None:
        """Own turn only, first of all. What the members are, and how messages are passed on."""
        self._worker_class = plan.worker
        self._router = ROUTERS[plan.router]()
        self._held.be(plan.mailbox)

    @property
    def ref(self) -> ActorRef[Any]:
        """Any thread. A ref to the pool, as if it were a member."""
        return ActorRef(self, getattr(self, "_worker_class", self.actor_class))

    def find_actor(self) -> None:
        """Any thread. None: a proxy is to ask the members."""

    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. See `Process.deliver`."""
        if type(message) in FOR_POOL or not self.is_alive():
            super().deliver(message, sender, reply, headers)
        else:
            item = message, sender, reply, headers
            if not self._router.send(self._processes, item):
                self._hold(item)

    def _hold(self, item: Item) -> None:
        while True:
            held = self._keep(item)
            if held is not None:  # not under the lock, as what follows: its sender may wait
                self._held.tell_outcome(held, item)
                return
            if self._router.send(self._processes, item):
                return

    def _keep(self, item: Item) -> Put | None:
        """Any thread. Have the next member get it, if there is room; None where there is one."""
        with self._lock:
            if any(member.is_alive() for member in self._processes):
                return None
            return self._held.put(item)

    def set_members(self, members: Iterable[ActorRef[Any]]) -> None:
        """Own turn only. From now on messages go to these, first of all those that waited."""
        processes = tuple(map(_process_of, members))
        with self._lock:
            if any(member.is_alive() for member in processes):
                for item in (box := self._held.box):
                    if not self._pass_on(processes, item):  # the last one has died meanwhile
                        box.push_front([item])
                        break
            self._processes = processes

    def statistics(self) -> MailboxRecord:
        """Any thread. What waits for a member, while there is none; and what, for the pool."""
        own, held = super().statistics(), self._held.statistics()
        return dataclasses.replace(held, length=own.length + held.length)

    def has_waiting(self, room: object) -> bool:
        """Any thread. See `Overtaking`."""
        return self._held.has_waiting(room)

    def _pass_on(self, members: tuple[Any, ...], item: Item) -> bool:
        try:
            return self._router.send(members, item)
        except Exception as error:  # it cannot go there, and its sender has gone on
            said, sender, reply, _ = item
            if reply is not None:
                reply.reject(error)
            elif not isinstance(error, MailboxFull | ActorDeadError):  # which are counted
                self.core.owner.dead_letters.count(type(error).__name__, said, self.address, sender)
            return True

    def _let_go(self) -> None:
        """Owner only. The members go with this incarnation: what is sent waits for the next one."""
        with self._lock:
            self._processes = ()
        super()._let_go()

    def die(self) -> None:
        """Owner only. See `Lifecycle.die`."""
        super().die()
        with self._lock:
            left = self._held.close()
        lose_all(self, left, "noproc")


class Pool(Overseer, Actor):
    """Keeps the members: their `supervisor`, who always starts them again."""

    _cell_class: ClassVar[type[Any] | None] = PoolCell
    _controls = frozenset({Resize, Move})
    wait_for_start = True

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self._wanted = plan.size
        self._members: dict[ActorRef[Any], None] = {}
        """In the order of their start; a dict, as they may be very many."""
        self._placed = Counter[int]()
        """How many of them each core has."""
        self._revived: dict[ActorRef[Any], tuple[int, str]] = {}
        """How often a member was started again, and why the last time."""
        self._delay = 0.0
        self._retry: Timer | None = None
        self._pool_cell = cast("PoolCell", self._cell)
        self._pool_cell.stand_for(plan)

    def on_start(self) -> None:
        """Start the members; what one of them raises is raised by `system.pool`."""
        self._complete()

    def on_receive(self, message: object) -> object:
        """Handle what is in `FOR_POOL`."""
        match message:
            case ChildFailed(ref, reason, crash):
                if crash is not None:
                    self.system.crashes.report(crash, f"its pool {self.actor_ref} starts it again")
                self._revive(ref, reason)
            case Down(ref, _) if ref in self._members:
                self._drop(ref)
                self._publish()
                if self._retry is None:
                    self._fill()
            case Fill():
                self._fill()
            case Resize(n):
                return self._resize(n)
            case Members():
                return list(self._members)
            case Move(ref) if ref in self._members:
                self._drop(ref)
                self._fill()
                self._dismiss([ref])
            case _:
                pass
        return None

    def _complete(self) -> None:
        """Start what is missing. New members serve when they are a sixteenth of all, or the last.

        So a few do at once, and many do not all have to be told of at each start.
        """
        told = len(self._members)
        while len(self._members) < self._wanted:
            self._add()
            if 16 * (len(self._members) - told) >= told:
                self._publish()
                told = len(self._members)
        self._publish()

    def _add(self) -> None:
        plan = self._plan
        worker = functools.partial(plan.worker, *plan.args, **plan.kwargs)
        ref: ActorRef[Any] = self.spawn(
            worker, supervisor=self.actor_ref, core=self._next_core(), **plan.options
        )
        self.watch(ref)
        self._members[ref] = None
        self._placed[ref.core] += 1

    def _drop(self, ref: ActorRef[Any]) -> None:
        """Count that one as a member no more."""
        del self._members[ref]
        self._placed[ref.core] -= 1
        self._revived.pop(ref, None)

    def _next_core(self) -> int | str | None:
        """With "spread", the core with the fewest members, of those not known to be down."""
        if self._plan.core != "spread" or self._is_elsewhere:
            return self._plan.core
        down = {each["index"] for each in self.system.cores() if each["state"] != "up"}
        open_ = [index for index in range(self.system.open_cores) if index not in down]
        return min(open_, key=lambda index: (self._placed[index], index), default="here")

    @property
    def _is_elsewhere(self) -> bool:
        """Whether the members are on another node, which places them itself."""
        return self._plan.options.get("node") not in (None, self.system.name)

    def _publish(self) -> None:
        self._pool_cell.set_members(self._members)

    def _fill(self) -> None:
        """Start what is missing; where that fails, again later."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        try:
            self._complete()
        except Exception as error:
            self._publish()
            full = None if self._delay else error  # of several in a row one is told in full
            self._delay = min(max(FIRST_DELAY, 2 * self._delay), LONGEST_DELAY)
            text = "a member of pool %s did not start: %s; the next try in %.1f seconds"
            words = in_words(error)
            logger.warning(text, self.actor_ref, words, self._delay, exc_info=full)
            self._retry = self.after(self._delay, Fill())
        else:
            self._delay = 0.0

    def _revive(self, ref: ActorRef[Any], reason: object) -> None:
        """Start a member again that has ended; if it fails, it is gone, and its `Down` comes."""
        if ref not in self._members:
            ref.process.signal(Bury())
            return
        times, _ = self._revived.get(ref, (0, None))
        self._revived[ref] = times + 1, in_words(reason)
        started: Future[Any] = Future()

        def look(future: Future[Any]) -> None:
            if future.error is not None:
                ref.process.signal(Bury())

        started.add_done_callback(look)
        ref.process.signal(Restart(reason, started))

    def _resize(self, n: int) -> int:
        self._wanted = n
        leaving = [*self._members][n:]
        for ref in leaving:
            self._drop(ref)
        self._dismiss(leaving)
        self._fill()
        return len(self._members)

    def _oversight(self) -> Oversight:
        numbered = enumerate([*self._members])
        members = (self._record(number, ref) for number, ref in numbered)
        return Oversight("pool", self._plan.router, None, None, None, members)

    def _record(self, number: int, ref: ActorRef[Any]) -> ChildRecord:
        restarts, reason = self._revived.get(ref, (0, None))
        return ChildRecord(
            id=str(number),
            kind="worker",
            restart="permanent",
            state="running",
            class_name=type_name(self._plan.worker),
            address=ref.address,
            name=None,
            restarts=restarts,
            reason=reason,
        )

    def _dismiss(self, leaving: list[ActorRef[Any]]) -> None:
        """Send those that are no members any more nothing more; they end after what they have."""
        self._publish()
        for ref in leaving:
            self.unwatch(ref)
            _stop_for_good(ref)

    def movable(self, first: int) -> list[ActorRef[Any]]:
        """Owner only. The members on core `first` or a later one that can be replaced elsewhere."""
        if self._plan.core not in MOVABLE or self._is_elsewhere:
            return []
        return [ref for ref in [*self._members] if ref.core >= first]

    def _stop_children(self) -> None:
        """After `stop`, the members finish what was sent to them before; else they end at once."""
        self._pool_cell.set_members([])  # what is sent from now on waits for a next life, if any
        if self._cell.exit_reason == "normal":
            ends = [ref.exited() for ref in self._members]
            stops = [_stop_for_good(ref) for ref in self._members]
            for end, stop in zip(ends, stops, strict=True):
                try:
                    stop.get()
                except DeadlockError:  # it waits for this pool: it has the time of any child
                    pass
                except NodeDown:  # the ask is lost, its core perhaps not
                    end.get()
        super()._stop_children()


def _stop_for_good(ref: ActorRef[Any]) -> Future[bool]:
    ref.process.signal(Bury())
    return ref.stop(block=False)
