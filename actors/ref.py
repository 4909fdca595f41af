"""`ActorRef`: an actor's address, and the only way to reach it."""

from __future__ import annotations

from _contextvars import copy_context
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, cast, overload

import pykka
from pykka.messages import ProxyCall

from .address import Address, urn
from .deadlock import break_cycle
from .dispatcher import Core
from .environment import bounded, now
from .errors import Timeout
from .future import Future, check_may_wait
from .joint import Joint
from .links import Monitor
from .mailbox import MailboxRecord
from .messages import type_name
from .methods import name_of
from .parking import current_sender, here
from .process import Kill, Process
from .proxy import LocalProxy, RemoteProxy, stand_in
from .stopped import STOP, StopFuture, StoppedEvent
from .timers import Timer
from .travelling import contexts, travelling, travelling_with_ask
from .user_code import calls_back

A = TypeVar("A", bound=pykka.Actor)
P = ParamSpec("P")
R = TypeVar("R")


class ActorProcess(Process, Protocol):
    """What stands behind a ref: a cell of this process, or an actor elsewhere."""

    @property
    def core(self) -> Core:
        """The core of this process through which it is reached."""
        ...

    @property
    def awaits(self) -> object:
        """Any thread. What the actor waits for; None if it does not. See `waits.py`."""
        ...

    def is_alive(self) -> bool:
        """Any thread. Whether this process knows nothing of its end."""
        ...

    def statistics(self) -> MailboxRecord:
        """Any thread. What waits for the actor; asks its core if that is another."""
        ...

    def find_actor(self) -> pykka.Actor | None:
        """Any thread. The actor itself, where it lives in this process."""
        ...


@calls_back
class ActorRef(pykka.ActorRef[A]):
    """Names one life of an actor: hashable, equal by address, valid in every core and node.

    Any thread may use it, in any process that it was sent to. What waits raises RuntimeError, with
    the remedy, where that would block an asyncio loop or in a callback of the runtime: `ask`,
    `stop` and `wait`, and of an actor elsewhere `mailbox` and `proxy`.
    """

    __slots__ = ("_actor_class", "process")

    def __init__(self, process: ActorProcess, actor_class: type[A] | str) -> None:
        # Not Pykka's: it wants the actor itself and makes what is rarely asked for.
        self.process = process
        self._actor_class = actor_class

    def tell(self, message: Any) -> None:
        """Send a message, at once and without an answer.

        Raises:
            ActorDeadError: the actor is of this core and known to be dead.
            MailboxFull: its mailbox is bounded, full, and says "fail"; or "wait", and nobody can.
            DeadlockError: the mailbox says "wait", and the actor waits for the one that tells.
            EncodeError, MessageTooLarge: the actor is elsewhere and the message cannot go there.

        """
        turn = here.worker.turn
        if turn is None or (contexts and copy_context()):
            self.process.deliver(message, current_sender(), None, travelling())
        else:
            self.process.deliver(message, turn, None, None)

    @overload
    def ask(  # pyright: ignore[reportIncompatibleMethodOverride]  # Pykka's third overload is Any
        self, message: Any, *, block: Literal[False], timeout: float | None = None
    ) -> Future[Any]: ...

    @overload
    def ask(
        self, message: Any, *, block: Literal[True] = True, timeout: float | None = None
    ) -> Any: ...

    @overload
    def ask(
        self, message: Any, *, block: bool = True, timeout: float | None = None
    ) -> Any | Future[Any]: ...

    def ask(  # pyright: ignore[reportIncompatibleMethodOverride]  # ours are Pykka's, one by one
        self, message: Any, *, block: bool = True, timeout: float | None = None
    ) -> Any:
        """Send a message and wait for the answer; with `block=False` get a future of it at once.

        In an actor the wait parks the turn; the core goes on with others. `timeout`, in seconds, is
        final: an answer that comes later is dropped. It holds for the asks, too, that are made
        while this one is served: each takes no longer than is left of its asker's time.

        Hold no thread lock meanwhile, be it in a `with`: other actors run on the same thread.

        Raises:
            Timeout: no answer within `timeout` seconds, or what is left of the asker's own time.
            ActorDeadError: the actor is dead, or ended before it answered.
            NodeDown: the actor's core or node is lost, or (`ConnectionLost`) the ask may be.
            DeadlockError: the actor waits, itself or through others, for the one that asks.
            MailboxFull: the actor's mailbox is bounded, and had no room.
            EncodeError, MessageTooLarge: the message cannot go where the actor is.
            Exception: what the handler raised.

        """
        future: Future[Any] = Future()
        process = future.owed_by = self.process
        turn = here.worker.turn
        if block and timeout is None and turn is not None and not (contexts and copy_context()):
            # As below, without the lock that a future takes once others know it.
            future._waiters = [turn]
            process.deliver(message, turn, future, None)
            turn.awaits = future
            try:
                if future.owed_by.awaits is not None:
                    break_cycle(turn)
                while not future._done:
                    turn.park(None)
            finally:
                turn.awaits = None
            return future._value if future._error is None else future.get()
        if block and turn is None:  # a turn that runs a loop itself hears of it when it parks
            check_may_wait()  # before the message is sent, and whether or not the answer is quick
        headers, until, own = travelling_with_ask(timeout)
        late = "the asker's own time (see Actor.deadline)" if own else f"{timeout} seconds"
        if own and until <= now():
            future.reject(Timeout(late))  # nobody waits for what this would be for
        else:
            future.expires = until
            process.deliver(message, turn or current_sender(), future, headers)
        if not block:
            if until < inf:
                self._expire(future, until, late)
            return future
        try:
            return future.get(timeout=None if until == inf else max(until - now(), 0.0))
        except Timeout as error:
            if now() < until:  # the handler's own
                raise
            future.reject(error)
            raise Timeout(late) from None

    def _expire(self, future: Future[Any], until: float, late: str) -> None:
        core = self.process.core
        timer = Timer(until, lambda: future.reject(Timeout(late)))
        core.begin(timer)
        future.add_done_callback(lambda _: timer.cancel())

    @overload
    def call(
        self,
        method: Callable[Concatenate[A, P], Coroutine[Any, Any, R]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Future[R]: ...

    @overload
    def call(
        self, method: Callable[Concatenate[A, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[R]: ...

    def call(self, method: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have the actor call a method of its class: `ref.call(Account.withdraw, 20).get()`.

        The future raises what `ask` does of the actor and its answer. For mypy a method with
        `**kwargs` has to say `self, /`.

        What is called is the actor's own method of that name. One under a decorator has the name
        that its class has it by; `functools.wraps` has to say it where that is not loaded here.

        Raises:
            ValueError: no named method, or one whose name begins with `_`.
            DeadlockError: the mailbox says "wait", and the actor waits for the one that calls.
            EncodeError, MessageTooLarge: an argument cannot go where the actor is.

        """
        request = ProxyCall((name_of(method, self._actor_class),), args, kwargs)
        turn = here.worker.turn
        if turn is None or (contexts and copy_context()):
            return self.ask(request, block=False)
        future: Future[Any] = Future()
        future.owed_by = self.process
        self.process.deliver(request, turn, future, None)
        return future

    def cast(
        self, method: Callable[Concatenate[A, P], Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """As `call`, without an answer; raises what `tell` does."""
        request = ProxyCall((name_of(method, self._actor_class),), args, kwargs)
        self.process.deliver(request, current_sender(), None, travelling())

    def proxy(self) -> pykka.ActorProxy[A]:
        """Pykka's proxy: `ref.proxy().withdraw(20).get()`. Works on every core and node.

        Raises:
            ActorDeadError: the actor is dead.
            NodeDown, Timeout: as `ask`, of an actor elsewhere: it is asked what can be called.

        """
        if self.process.find_actor() is None and self.is_alive():
            return RemoteProxy(self)
        return LocalProxy(self)

    @overload
    def stop(self, *, block: Literal[True] = True, timeout: float | None = None) -> bool: ...

    @overload
    def stop(self, *, block: Literal[False], timeout: float | None = None) -> Future[bool]: ...

    @overload
    def stop(self, *, block: bool = True, timeout: float | None = None) -> bool | Future[bool]: ...

    def stop(self, *, block: bool = True, timeout: float | None = None) -> bool | Future[bool]:
        """Have the actor stop after the messages already queued; its reason is "normal".

        Returns True once it is stopped, False if it was dead already.

        Raises:
            Timeout: it did not stop within `timeout` seconds (it still will).
            NodeDown: its core or node is lost.

        """
        if timeout is not None:
            bounded(timeout)  # what is none is refused before anything is sent
        if block:
            check_may_wait("use 'await ref.stop(block=False)'")  # likewise
        stopped = StopFuture()
        stopped.owed_by = self.process
        self.process.deliver(STOP, current_sender(), stopped, None)
        return stopped.get(timeout=timeout) if block else stopped

    def kill(self) -> None:
        """Have the actor end now, reason "killed"; it can neither trap nor refuse it."""
        self.process.signal(Kill())

    def exited(self) -> Future[Any]:
        """A future of the reason for which the actor ends, or "noproc" if it had ended before.

        Nothing is kept of one that you let go of, but where it is awaited or has a callback.
        """
        return Monitor(self.process.core, self.process).begin()

    def wait(self, timeout: float | None = None) -> Any:
        """Wait for the actor's end; the reason.

        Raises:
            Timeout: it has not ended within `timeout` seconds.

        """
        check_may_wait("use 'await ref.exited()'")
        exited = self.exited()
        try:
            return exited.get(timeout=timeout)
        finally:
            exited.cancel()

    def mailbox(self) -> MailboxRecord:
        """What waits for the actor: how many messages, and more if its mailbox says so.

        Takes as long for many messages as for few. It asks the actor's core if that is another.

        Raises:
            ActorDeadError: the actor is dead.
            NodeDown: the actor's core is lost.
            ZanniError: the actor is on another node.

        """
        return self.process.statistics()

    def is_alive(self) -> bool:
        """Whether this process knows nothing of its end; no round trip."""
        return self.process.is_alive()

    @property
    def address(self) -> Address:
        """Where the actor is, and which life of it this is."""
        return self.process.address

    @property
    def node(self) -> str:
        """The name of its node."""
        return self.address.node

    @property
    def core(self) -> int:
        """The index of its core within the node."""
        return self.address.core

    @property
    def name(self) -> str | None:
        """The name it was spawned with; of an actor elsewhere None in a ref out of a pickle."""
        return getattr(self.process, "name", None)

    @property
    def actor_class(self) -> type[A]:  # type: ignore[override]  # Pykka: a plain attribute
        """The actor's class; a bare stand-in of that name where its module is not loaded here."""
        known = self._actor_class  # kept as it is: a stand-in has lost the name of its module
        return cast("type[A]", stand_in(known) if isinstance(known, str) else known)

    @property
    def type_name(self) -> str:
        """The name by which other processes find the actor's class."""
        known = self._actor_class
        return known if isinstance(known, str) else type_name(known)

    @property
    def actor_urn(self) -> str:  # type: ignore[override]  # Pykka: a plain attribute
        """The address as a UUID, of version 4 as its incarnation is random (Pykka)."""
        return urn(self.address)

    @property
    def actor_inbox(self) -> Any:  # type: ignore[override]  # Pykka: a plain attribute
        """The actor's mailbox as Pykka shows it, where it lives in this process."""
        actor = self.process.find_actor()
        return None if actor is None else actor.actor_inbox

    @property
    def actor_stopped(self) -> StoppedEvent:  # type: ignore[override]  # Pykka: an Event
        """Whether the actor was stopped, to wait for (Pykka)."""
        return StoppedEvent(self.is_alive, self.exited)

    @property
    def _actor_weakref(self) -> Callable[[], Any]:  # type: ignore[override]  # Pykka: a plain attribute
        return self.process.find_actor

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ActorRef):
            return NotImplemented
        return self.process is other.process or self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def __str__(self) -> str:
        return f"{self.type_name.rpartition(':')[2].rpartition('.')[2]} ({self.actor_urn})"

    def __repr__(self) -> str:
        return f"<ActorRef for {self} at {self.address}>"

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return find_ref, (tuple(self.address), self.type_name)


resolve_ref: Joint[[Address, str], ActorRef[Any]] = Joint("system")
"""Finds for a ref that comes out of a pickle the system that its address names (`defaults.py`)."""


def find_ref(address: tuple[Any, ...], type_name: str) -> ActorRef[Any]:
    """Rebuild a ref from a pickle.

    Raises:
        LookupError: no system runs in this process that could reach it.

    """
    return resolve_ref(Address(*address), type_name)


def msgpack_default(value: object) -> Any:
    """Packs refs in your own msgpack: `msgpack.packb(..., default=zanni.msgpack_default)`.

    Raises:
        TypeError: the value is no ref.

    """
    import msgpack  # noqa: PLC0415  (a system on one core needs no codec)

    if isinstance(value, ActorRef):
        return msgpack.ExtType(2, msgpack.packb([*value.address, value.type_name]))
    raise TypeError(f"cannot pack {type(value).__name__}: msgpack_default packs refs only")
