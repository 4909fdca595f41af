"""Who hears of an actor's end: watchers, its parent, its supervisor, and those that wait for it."""

from __future__ import annotations

import dataclasses
import weakref
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, NamedTuple

from .address import Address
from .crash import Crash, Crashes, shown
from .dispatcher import Core
from .errors import ActorDeadError
from .future import Future
from .mailbox import HIGH_WATER, Mailbox
from .messages import message
from .on_demand import OnDemand
from .process import (
    Broken,
    Bury,
    Died,
    Headers,
    Item,
    Process,
    Reply,
    Shutdown,
    Signal,
    Unwatch,
    Watch,
)
from .timers import Periodic, Timer


@message
class Down:
    """To a watcher, once: the actor behind `ref` has ended for `reason`.

    `reason` is "normal", "shutdown", "killed", an exception, "noproc" (it was gone before), or
    "noconnection" (its core or node is lost).
    """

    ref: Any
    reason: Any


@message
class Exit:
    """To an actor with `trap_exit = True`: the linked one behind `ref` has ended for `reason`.

    Reasons are those of `Down`.
    """

    ref: Any
    reason: Any


@message
class Failure:
    """In place of the result of a future that was piped and has failed."""

    exception: Any


@message
class ChildFailed:
    """To a supervisor: the child behind `ref` has ended an incarnation and awaits a verdict."""

    ref: Any
    reason: Any
    crash: Crash | None = dataclasses.field(default=None, repr=False, compare=False)
    """What the log is to say of it, where a handler has failed."""


class Hastened(NamedTuple):
    """In a queue: the first of `Ties.hastened` is due here, if it was not handled before."""


class Birth(NamedTuple):
    """How an actor is made: kept for those that may be made again."""

    actor_class: type[Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    dispatcher: str | None = None
    """What `spawn` was told; None: what the class says."""
    mailbox: Mailbox | None = None
    """Likewise."""


class Piped:
    """To oneself: a future whose result is a message is done."""

    __slots__ = ("future",)

    def __init__(self, future: Any) -> None:
        self.future = future


class Origin(NamedTuple):
    """Whose an actor is, from its spawn on: kept apart from its ties, since most have no more."""

    name: str | None
    parent: Process | None
    """It hears of the actor's end, without a watch. None, too, once it has itself ended."""
    supervisor: Process | None


class Ties:
    """What binds an actor to others. Most have few ties, so a cell makes this when first needed."""

    __slots__ = (
        "_children",
        "_links",
        "_owed",
        "_pipes",
        "_stash",
        "_timers",
        "_unlinking",
        "_watchers",
        "_watching",
        "birth",
        "born",
        "crash",
        "given_up",
        "hastened",
        "high_water",
        "incarnation",
        "overtaking",
        "restart_reason",
        "starting",
        "stopping",
        "suspending",
        "when_alone",
    )

    children = OnDemand[dict[Address, Any]](dict)
    watchers = OnDemand[dict[Address, Process]](dict)
    watching = OnDemand[dict[Address, Any]](dict)
    links = OnDemand[dict[Address, Process]](dict)
    unlinking = OnDemand[dict[Address, int]](dict)
    """How many `Unlink` of ours each has yet to obey."""
    owed = OnDemand[set[Any]](set)
    """Answers to give later."""
    pipes = OnDemand[set[Piped]](set)
    timers = OnDemand[set[Timer | Periodic]](set)
    stash = OnDemand[list[Item]](list)
    """Messages that the actor has set aside."""

    def __init__(self) -> None:
        self._children = self._watchers = self._watching = self._links = self._unlinking = None
        self._owed = self._pipes = self._timers = self._stash = None
        self.birth: Birth | None = None
        """Of one that its own turn is to make, or a supervisor may have made again."""
        self.hastened: deque[Died | Broken] | None = None
        """Deaths that overtake the queue, in the order of their arrival."""
        self.overtaking = 0
        """How many of the first of these overtake all messages; the others were not looked at."""
        self.high_water = HIGH_WATER
        """How many messages must wait for that to be told."""
        self.given_up: frozenset[object] = frozenset()
        """The threads in which a turn is stuck that was given up, by a kill."""
        self.born: Reply | None = None
        """Hears when `__init__` is done."""
        self.starting: Reply | None = None
        """Hears when `on_start` is done."""
        self.incarnation = 1
        self.crash: Crash | None = None
        """Of this incarnation, which a supervisor is to hear of."""
        self.restart_reason: Any = None
        """Why the last incarnation ended, in one that follows another."""
        self.stopping: tuple[Reply, ...] = ()
        """Hear when this incarnation has ended."""
        self.suspending: Reply | None = None
        """Hears the reason, too, if a restart may follow."""
        self.when_alone: Callable[[], object] | None = None
        """To be called when no child is left; until then, new ones are to end at once."""

    def is_start_awaited(self) -> bool:
        """Owner only. Whether somebody is still to hear how the start went."""
        return self.born is not None or self.starting is not None

    def answer_ends(self, reason: object, *, for_good: bool) -> None:
        """Owner only. The incarnation has ended: tell those that asked for it."""
        stopping, self.stopping = self.stopping, ()
        for reply in stopping:
            reply.resolve(for_good)
        suspending, self.suspending = self.suspending, None
        if suspending is None:
            return
        if for_good:
            suspending.reject(ActorDeadError(f"the actor has ended for good: {shown(reason)}"))
        else:
            suspending.resolve(reason)

    def shed(self) -> None:
        """Owner only, between two incarnations. Keep no collection that is empty."""
        for slot in self.__slots__:
            if slot.startswith("_") and not getattr(self, slot):
                setattr(self, slot, None)

    def adopt(self, child: Any) -> None:
        """Own turn only. Keep the ref of a child that has been spawned."""
        self.children[child.address] = child
        if self.when_alone is not None:
            child.process.signal(Shutdown("shutdown"))

    def forget_child(self, address: Address) -> None:
        """Owner only. One that may have been a child has ended."""
        if self.children.pop(address, None) is not None and not self.children:
            self.be_alone(self.when_alone)

    def call_when_alone(self, step: Callable[[], object]) -> None:
        """Owner only. Call it when no child is left."""
        self.when_alone = step
        if not self.children:
            self.be_alone(step)

    def be_alone(self, step: Callable[[], object] | None) -> None:
        """Owner only. Call it now, whatever children are left, if it was not called yet."""
        if step is not None and self.when_alone is step:
            self.when_alone = None
            step()


def leave_alone(crashes: Crashes, child: Process, crash: Crash | None) -> None:
    """Owner only. There is nobody, or no longer, to give a verdict on that child: it is over."""
    if crash is not None:
        crashes.report(crash, "no supervisor keeps it running, and so it ends")
    child.signal(Bury())


class ExitFuture(Future[Any]):
    """The reason of an actor's end; where nobody holds it any more, that is not waited for."""

    monitor: Monitor | None = None
    """None: this was made of another, as by `map`, and holds that."""

    def add_done_callback(self, callback: Callable[[Future[Any]], object]) -> None:
        """Any thread. See `Future.add_done_callback`: it is called whoever holds the future."""
        self._hold()
        super().add_done_callback(callback)

    def _suspend(self) -> Generator[Any, None, None]:
        self._hold()  # asyncio holds a task by what that awaits, and nothing else
        yield from super()._suspend()

    def _hold(self) -> None:
        if self.monitor is not None:
            self.monitor.held = self

    def _settle(self, value: object, error: BaseException | None, *, made: bool = False) -> bool:
        if self.monitor is not None and not self._done:
            self.monitor.end(given_up=error is not None)
        return super()._settle(value, error, made=made)

    def __del__(self) -> None:
        if self.monitor is not None and not self._done:
            self.monitor.let_go()


class Monitor:
    """A process that waits for another's end, and settles a future with the reason."""

    __slots__ = ("_core", "_future", "_subject", "address", "held")

    def __init__(self, core: Core, subject: Process) -> None:
        self._core = core
        self._subject = subject
        self.address = Address(*core.home, core.next_id())
        self._future: Callable[[], Future[Any] | None] = lambda: None
        self.held: Future[Any] | None = None
        """The future, once it is to be settled though nobody else may hold it."""
        core.enter(self.address.id, self)

    def begin(self) -> Future[Any]:
        """Any thread. Send the request to watch, and give the future; it may be cancelled."""
        future = ExitFuture()
        future.monitor = self
        self._future = weakref.ref(future)
        self._subject.signal(Watch(self))
        return future

    def end(self, *, given_up: bool) -> None:
        """Any thread. The future is about to be settled, by us or by who has `given_up`."""
        self.held = None
        self._core.forget(self.address.id)
        if given_up:
            self._subject.signal(Unwatch(self))

    def let_go(self) -> None:
        """Any thread, in whatever it is about. Nobody holds the future any more."""
        if not self._core.over:
            self._core.post(partial(self.end, given_up=True))

    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. Nobody writes to a monitor."""

    def signal(self, signal: Signal) -> None:
        """Any thread. The end has come."""
        future = self._future()
        if isinstance(signal, Died) and future is not None:
            future.resolve(signal.reason)
