"""`Actor`: what users subclass."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypeAlias, TypeVar, cast

import pykka

from .arguments import check_handoff, check_throughput
from .ending import check_not_ended, stop_children
from .environment import now
from .errors import ActorDeadError, MailboxFull
from .future import Future
from .hosting import ActorCell, System
from .joint import Joint
from .mailbox import PLAIN, Mailbox, checked_mailbox
from .overrides import refuse_collisions
from .process import OWN, Process, Unwatch, Watch
from .receiving import Receiving
from .ref import ActorRef
from .serving import IN_HAND, Settling, forward, pipe, reply_later
from .stopped import STOP
from .timers import Periodic, Timer
from .travelling import time_of_asker

A = TypeVar("A", bound="Actor")

Dispatcher: TypeAlias = Literal["core", "asyncio", "pinned"]
"""What runs an actor: see `Actor.dispatcher`."""

CHILD_SHUTDOWN = 5.0
"""Seconds a child may take to stop before it is killed, where nothing else is said (as in OTP)."""


class _Unstarted:
    """In the class, in place of a cell: makes one where the actor has none, as no system runs it.

    Such an actor was made by calling the class. Any other's own attribute comes before this.
    """

    def __get__(self, actor: Actor | None, _: type[Actor] | None = None) -> Any:
        if actor is None:
            return self
        made = actor._cell = make_unstarted(actor)
        return made


class Actor(Receiving, pykka.Actor):
    """An object with a mailbox: it handles one message at a time and shares nothing.

    Subclass it; start it with `system.spawn(MyActor, ...)`, or with `MyActor.start(...)` on the
    process's default system (Pykka's way). All methods below are for the actor's own turns.
    """

    dispatcher: ClassVar[Dispatcher] = "core"
    """What runs the actor: "core"; "asyncio" for all its handlers, plain ones too, to run on the
    core's asyncio loop; or "pinned" for a thread of its own, as sqlite3 and thread-locals want."""
    mailbox: ClassVar[Mailbox] = PLAIN
    """Bounds, priorities and times of the mailbox; by default none."""
    throughput: ClassVar[int] = 64
    """How many messages are handled before other actors get their turn; 1 or more."""
    reentrant: ClassVar[bool] = False
    """Whether further messages are handled while one waits; with an `async def` among its methods,
    such an actor runs on the asyncio loop."""
    crash_on_ask_error: ClassVar[bool] = False
    """Whether an error in an ask or call, besides going to the caller, ends the actor."""

    trap_exit: bool = False
    """Whether the end of a linked actor is an `Exit` message, and does not end this one."""

    blocking: ClassVar[bool] = False
    """Whether handlers are known to block: each turn gets a thread, and the core goes on at once.

    Classes that do are found out in time; so this matters for their first turns only.
    """
    punctual: ClassVar[bool] = False
    """Whether its waits end in time even while other actors of its core block or compute: it has a
    thread to itself while it waits, which costs some 0.1 ms. Supervisors and pools are punctual."""
    handoff: ClassVar[float | None] = None
    """Seconds (more than 0) after which the core goes on without a turn that computes; None: the
    config's."""

    wait_for_start: ClassVar[bool] = False
    """Whether `spawn` returns only when `on_start` is done, and raises what it raised."""

    _shares_reason: ClassVar[bool] = False
    """Whether it exits for the reason for which its parent ended; any other exits "shutdown"."""

    _cell_class: ClassVar[type[Any] | None] = None
    """What its cell is, where the runtime needs another."""

    _has_overseeing_cell: ClassVar[bool] = False
    """Whether its cell does an overseer's part beside the hooks: see `overseeing.py`."""

    _is_listed: ClassVar[bool] = True
    """Whether lists of a system's actors show it: not what users have not asked for."""

    _cell: ActorCell = cast("Any", _Unstarted())

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_collisions(cls, Actor)
        checked_mailbox(cls.mailbox, f"{cls.__name__}.mailbox")
        check_throughput(cls.throughput, f"{cls.__name__}.throughput")
        check_handoff(cls.handoff, f"{cls.__name__}.handoff")

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        """Take and ignore anything, as Pykka's does; nothing is set up here."""

    @classmethod
    def start(  # pyright: ignore[reportIncompatibleMethodOverride]  # Pykka's ref is invariant
        cls, *args: Any, **kwargs: Any
    ) -> ActorRef[Self]:
        """Any thread. Start the actor on the process's default system (Pykka)."""
        return start_on_default_system(cls, *args, **kwargs)

    @property
    def actor_ref(  # pyright: ignore[reportIncompatibleMethodOverride]  # as start
        self,
    ) -> ActorRef[Self]:
        """The actor's own ref. Send this to others, never the actor itself."""
        return self._cell.ref

    @property
    def system(self) -> System:
        """The system that the actor lives in."""
        return cast("System", self._cell.core.owner)

    @property
    def sender(self) -> ActorRef[Any] | None:
        """The actor that sent the message in hand; None if no actor did."""
        current = self._cell.current
        if current is None or current[1] is None:
            return None
        return cast("ActorRef[Any]", self._cell.core.owner.ref_to(current[1]))

    @property
    def deadline(self) -> float | None:
        """Seconds that are left of the time of whoever asks; None if it has no end.

        The asks that are made while this one is served take no longer; those of a task that the
        handler leaves behind may.
        """
        until = time_of_asker()
        return None if until == inf else max(until - now(), 0.0)

    def forward(self, ref: ActorRef[Any], message: Any = IN_HAND) -> None:
        """Send the message in hand on to another actor, as from its sender.

        An ask is answered by that actor: what this handler returns is no answer then. Give a
        `message` to send that in its place: what the one in hand wraps, perhaps.

        Raises:
            RuntimeError: no message is in hand.
            ActorDeadError, EncodeError, MessageTooLarge: as `tell`; the message is still in hand.

        """
        forward(self._cell, _process_of(ref, "forward"), message)

    def reply_later(self) -> Future[Any]:
        """Answer the ask in hand later: by `set` or `set_exception` of this future, in any thread.

        What this handler returns is no answer then. If the actor ends first, the answer is
        `ActorDeadError`. An answer that comes second, or to a tell, is dropped. Nothing is kept of
        an asker that has given up: of one on another core, by the end of its timeout alone.

        Raises:
            RuntimeError: no message is in hand.

        """
        return reply_later(self._cell)

    def pipe(self, future: Settling) -> None:
        """Have a future's result sent here as a message, a failure as `Failure(exception)`.

        Nothing arrives in a later incarnation of the actor.

        Args:
            future: one of Zanni's, or of `concurrent.futures`, or of the running asyncio loop.

        Raises:
            TypeError: it cannot tell when it is done.

        """
        pipe(self._cell, future)

    def spawn(self, actor_class: Callable[..., A], *args: Any, **options: Any) -> ActorRef[A]:
        """Start a child: it stops with this actor. Arguments and errors as `ActorSystem.spawn`."""
        return self.system.spawn_child(self._cell, actor_class, args, options)

    def watch(self, ref: ActorRef[Any]) -> None:
        """Have one `Down(ref, reason)` message sent here when that actor has ended.

        Watching twice is watching once. An actor that is gone already gives "noproc".
        """
        process, cell = _process_of(ref, "watch"), self._cell  # once: a kill may take it away
        watching = cell.need_ties().watching
        if ref.address not in watching:
            watching[ref.address] = ref
            process.signal(Watch(cell))

    def unwatch(self, ref: ActorRef[Any]) -> None:
        """Undo `watch`: no `Down` for this ref is handled from now on."""
        process, cell = _process_of(ref, "unwatch"), self._cell
        ties = cell.need_ties()
        watched = ties.watching.pop(process.address, None) is not None
        if watched and process.address not in ties.children:  # a child's end is heard of anyway
            process.signal(Unwatch(cell))

    def link(self, ref: ActorRef[Any]) -> None:
        """Link this actor and that one: if either ends for a reason that is not "normal", both do.

        The other one ends for the same reason, after its message in hand; with `trap_exit = True`
        it gets an `Exit(ref, reason)` message instead, for "normal" too. Linking twice is linking
        once. An actor that is gone already gives "noproc". A restart by a supervisor is no end.
        """
        self._cell.link(_process_of(ref, "link"))

    def unlink(self, ref: ActorRef[Any]) -> None:
        """Undo `link`, whichever of the two linked: from now on it neither ends nor tells this."""
        self._cell.unlink(_process_of(ref, "unlink"))

    def stop(self) -> None:
        """Stop after the messages that are queued already; the reason is "normal"."""
        cell = self._cell
        cell.deliver(STOP, cell, None, None)

    def exit(self, reason: Any = "normal") -> None:
        """Stop right after the message in hand, for that reason; what is queued is dropped.

        None is "normal", too. Who was killed stays so.
        """
        self._cell.exit(reason)

    def after(self, seconds: float, message: Any) -> Timer:
        """Send yourself a message in so many seconds; the timer dies with this incarnation.

        Raises:
            ValueError, TypeError: the time is negative, or no number.
            ActorDeadError: the actor has ended, and a thread that it has left behind asks.

        """
        _check_delay(seconds, least=0.0)
        check_not_ended(self._cell)
        timers = self._cell.need_ties().timers

        def fire() -> None:
            timers.discard(timer)
            self._remind(message)

        timer = Timer(now() + seconds, fire)
        _keep(timers, timer)
        self._cell.core.begin(timer)
        return timer

    def every(self, seconds: float, message: Any) -> Periodic:
        """Send yourself a message again and again, in an even beat that busy times do not shift.

        Periods that were missed, as when the machine slept, are not made up for.

        Raises:
            ValueError, TypeError: the time is not positive, or no number.
            ActorDeadError: as `after`.

        """
        _check_delay(seconds, least=1e-9)
        check_not_ended(self._cell)

        def fire() -> None:
            if timer.pending:
                self._remind(message)
                timer.again()

        timer = Periodic(seconds, self._cell.core.begin, fire)
        _keep(self._cell.need_ties().timers, timer)
        timer.again()
        return timer

    def _remind(self, message: Any) -> None:
        with contextlib.suppress(MailboxFull, ActorDeadError):  # a dead letter: nobody to tell
            self._cell.deliver(message, None, None, OWN)

    def on_start(self) -> Any:
        """Run first in the actor's life; an error is logged and stops the actor."""

    def on_stop(self) -> Any:
        """Run last when the actor stops without an error."""

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        """Run last when the actor ends by an error."""

    def on_restart(self, reason: Any) -> Any:
        """Run before `on_start` in an incarnation that a supervisor began after `reason`."""

    def on_report(self, message: Any) -> object:
        """Say what the log may show of the message that a handler failed at; by default all of it.

        It is shown by its repr, cut off after 200 characters. A field that nobody is to see can as
        well be declared `field(repr=False)` in the message's class.
        """
        return message

    def _stop_children(self) -> None:
        """Stop the children, all at once, and wait; those that take too long are killed."""
        stop_children(self._cell, self.system, CHILD_SHUTDOWN)

    # What Pykka asks of an implementation.

    @property
    def actor_urn(self) -> str:  # type: ignore[override]  # Pykka: a plain attribute
        """The actor's address as a UUID (Pykka)."""
        return self.actor_ref.actor_urn

    @property
    def actor_inbox(self) -> Any:  # type: ignore[override]  # Pykka: a plain attribute
        """The mailbox as Pykka shows it."""
        return Inbox(self._cell)

    @property
    def actor_stopped(self) -> Any:  # type: ignore[override]  # Pykka: a plain attribute
        """Whether the actor was stopped, to wait for (Pykka)."""
        return self.actor_ref.actor_stopped

    @property
    def _actor_ref(self) -> ActorRef[Any]:  # type: ignore[override]  # Pykka: a plain attribute
        return self.actor_ref

    @staticmethod
    def _create_actor_inbox() -> Any:
        raise NotImplementedError("a Zanni actor's mailbox belongs to its cell")

    @staticmethod
    def _create_future() -> Future[Any]:
        return Future()

    def _start_actor_loop(self) -> None:
        raise NotImplementedError("start a Zanni actor with start() or system.spawn()")


def _process_of(ref: ActorRef[Any], verb: str) -> Process:
    if not isinstance(ref, ActorRef):  # pyright: ignore[reportUnnecessaryIsInstance]  # users
        raise TypeError(f"{verb}() takes a zanni.ActorRef, not {type(ref).__name__}: {ref!r:.80}")
    return ref.process


def _check_delay(seconds: float, least: float) -> None:
    wanted = f"a timer takes a number of seconds from {least:g} up, not {seconds!r:.80}"
    try:
        fits = least <= seconds < inf and float(seconds) < inf
    except TypeError:
        raise TypeError(wanted) from None
    except OverflowError:
        fits = False
    if not fits:
        raise ValueError(wanted)


def _keep(timers: set[Timer | Periodic], timer: Timer | Periodic) -> None:
    timers.add(timer)
    count = len(timers)
    if count >= 64 and count & count - 1 == 0:  # now and then, forget those called off
        # The loop may take one out meanwhile, which is over: this turn may be in another thread.
        timers.difference_update([timer for timer in tuple(timers) if not timer.pending])


start_on_default_system: Joint[..., ActorRef[Any]] = Joint("default system")
"""Starts an actor of a class, with the arguments of its `__init__` (`defaults.py` fills it in)."""
make_unstarted: Joint[[Actor], ActorCell] = Joint("default system")
"""Makes the cell of an actor that no system has started (`defaults.py` fills it in)."""


class Inbox:
    """Pykka's view of a mailbox."""

    def __init__(self, cell: ActorCell) -> None:
        self._cell = cell

    def put(self, envelope: Any, /) -> None:
        """Any thread. Deliver an envelope of Pykka's."""
        self._cell.deliver(envelope.message, None, envelope.reply_to, None)

    def get(self) -> Any:
        """Not for others: the cell alone takes messages out."""
        raise NotImplementedError("only the runtime takes messages out of a Zanni mailbox")

    def empty(self) -> bool:
        """Whether nothing is queued, besides what is in hand."""
        return self._cell.depth() == 0
