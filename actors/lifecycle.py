"""How an actor begins and ends: the rare half of a cell.

An incarnation begins with `__init__` and `on_start`. It ends, whatever the reason, in this order:
its children are stopped; `on_failure` or `on_stop` runs (neither after a kill); its timers and
watches are dropped. Then a supervised actor is suspended and its supervisor told. Any other, and
one that its supervisor stops or gives up, dies: queued messages become dead letters, its name is
free, every watcher hears of it once, and queued asks are answered with `ActorDeadError`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from operator import length_hint
from types import CoroutineType
from typing import Any, ClassVar

from greenlet import greenlet

from .actor import Actor
from .address import Address
from .cell_parts import CellParts
from .crash import Crash, as_exception, log, seen, title
from .crew import HandedOver, Unwinding, Worker
from .dispatcher import Core
from .environment import make_shared_lock
from .errors import ActorDeadError, Ignore
from .links import Birth, Origin, Ties
from .losing import lose_all
from .overrides import hidden, not_made
from .parking import Killed, check_not_killed, here
from .process import (
    Broken,
    Died,
    Failed,
    Item,
    Process,
    Reply,
    Unwatch,
    kill_for_good,
)
from .ref import ActorRef
from .serving import reject_owed
from .state import DEAD, LEAVING, STARTING, SUSPENDED
from .user_code import calls_user_code

_tying = make_shared_lock()
_new = tuple.__new__  # half the cost of a named tuple's own


class Lifecycle(CellParts):
    """The data of a cell, and how its incarnations begin and end."""

    __slots__ = (
        "actor",
        "actor_class",
        "awaits",
        "carrier",
        "core",
        "current",
        "cursor",
        "dismissed",
        "exit_reason",
        "farewell",
        "id",
        "interrupted",
        "killed",
        "origin",
        "permit",
        "queue",
        "state",
        "thread",
        "ties",
    )

    may_be_late: ClassVar[bool] = True
    """Whether its turns may run in a thread that does not hold the core."""

    makes_itself: ClassVar[bool] = False
    """Whether `__init__`, too, has to run in its own turn."""

    actor: Actor
    exit_reason: Any
    """Why the incarnation ends or has ended; None while it lives. Once the actor is gone for good
    it is "noproc", whatever the reason was."""

    def __init__(self, core: Core, identity: int, actor_class: type[Actor]) -> None:
        self.id = identity
        self.core = core
        self.actor_class = actor_class
        self.state = STARTING
        self.queue: list[Item] | None = None
        self.cursor: Iterator[Item] | None = None
        self.current: Item | None = None
        self.exit_reason = None
        self.interrupted = self.killed = self.dismissed = self.permit = False
        self.farewell: Reply | None = None  # as `Ties.stopping`, where there are no ties
        self.carrier: greenlet | None = None
        self.thread: Worker | None = None
        self.awaits: Any = None
        self.origin: Origin | None = None
        self.ties: Ties | None = None

    @property
    def address(self) -> Address:
        """Any thread. See `Process.address`."""
        return _new(Address, (*self.core.home, self.id))

    @property
    def ref(self) -> ActorRef[Any]:
        """Any thread. A ref to the actor."""
        return ActorRef(self, self.actor_class)

    def end_for(self, reason: object) -> None:
        """Owner, or own turn. The incarnation ends for that reason, after the message in hand."""
        self.exit_reason = reason
        self.interrupted = True

    @property
    def name(self) -> str | None:
        """Any thread. The name that it was spawned with."""
        return None if self.origin is None else self.origin.name

    @property
    def parent(self) -> Process | None:
        """Any thread. Whose child it is, while that lives."""
        return None if self.origin is None else self.origin.parent

    @property
    def supervisor(self) -> Process | None:
        """Any thread. Who decides what follows when it ends."""
        return None if self.origin is None else self.origin.supervisor

    def is_alive(self) -> bool:
        """Any thread. Neither ended nor about to end; between two incarnations it lives."""
        return self.state is not DEAD and (self.exit_reason is None or self._may_return())

    def _may_return(self) -> bool:
        """Any thread. Whether an end of this incarnation leaves it to a supervisor to go on."""
        return self.supervisor is not None and not self.dismissed

    def find_actor(self) -> Actor | None:
        """Any thread. The actor itself, while there is one."""
        return None if self.state is DEAD else getattr(self, "actor", None)

    def need_ties(self) -> Ties:
        """Owner, or own turn. The ties, made when first needed."""
        if self.ties is None:
            ties = Ties()  # not under the lock: see `Future`
            with _tying:  # a coroutine of the actor's may be at it in its own thread
                if self.ties is None:
                    self.ties = ties
        return self.ties

    def _own(self, step: Callable[..., object], *args: object) -> None:
        """Own turn only. Do what only the owner may; a late turn has the loop do it, and ends."""
        worker: Worker = here.worker
        if worker.core is self.core:
            step(*args)
        else:
            self.core.post(self._end_late, worker, step, args)
            raise HandedOver

    def _end_late(
        self, worker: Worker, step: Callable[..., object], args: tuple[object, ...]
    ) -> None:
        """Owner only. A late turn has ended; it may have been given up meanwhile."""
        if self.state is not DEAD and not self.is_given_up(worker):
            self.thread = None
            step(*args)
        elif self.ties is not None:
            self.ties.given_up -= {worker}

    def is_given_up(self, worker: Worker) -> bool:
        """Any thread. Whether the turn of this actor in that thread was given up."""
        return self.ties is not None and worker in self.ties.given_up

    def has_given_up(self) -> bool:
        """Any thread. Whether turns of this actor were given up that have not returned."""
        return self.ties is not None and bool(self.ties.given_up)

    # Beginning

    @calls_user_code
    def make_actor(self, birth: Birth) -> None:
        """Make the actor: raises what its `__init__` raises. The spawner's thread, or a turn."""
        actor_class, args, kwargs, *_ = birth
        actor = actor_class.__new__(actor_class, *args, **kwargs)
        try:
            actor._cell = self
        except AttributeError:
            raise not_made(actor_class) from None
        self.actor = actor
        actor.__init__(*args, **kwargs)
        if here.worker.suspect:
            check_not_killed()
        if actor._cell is not self:
            raise hidden(actor_class, "self._cell", Actor)

    def begin(self) -> bool:
        """Own turn only. Make the actor if it is not, run `on_start`; False if it ended by it."""
        ties = self.ties
        try:
            if self.killed:
                raise Killed
            if not hasattr(self, "actor"):
                assert ties is not None
                assert ties.birth is not None
                self.make_actor(ties.birth)
                if self.supervisor is None:  # nobody makes it again: its arguments are its own
                    ties.birth = None
            if ties is not None and ties.born is not None:
                born, ties.born = ties.born, None
                born.resolve(None)
            if ties is not None and ties.restart_reason is not None:
                self._run_hook(self.actor.on_restart, ties.restart_reason)
            self._run_hook(self.actor.on_start)
        except Unwinding:
            raise
        except BaseException as error:
            self._own(self._start_failed, error)
            return False
        if ties is not None and ties.starting is not None:
            starting, ties.starting = ties.starting, None
            starting.resolve(value=True)
        if here.worker.core is not self.core:
            self._own(self.settle)
        if self.exit_reason is not None:
            self.leave()
            return False
        return True

    def _start_failed(self, error: BaseException) -> None:
        """Owner only. The incarnation did not come about."""
        ties = self.need_ties()
        killed = self.killed or isinstance(error, Killed)
        if killed:
            outcome: Exception = ActorDeadError(f"{self.ref} was killed before it had started")
        else:
            outcome = as_exception(error)
            self.end_for(error)
        heard = [each.reject(outcome) for each in (ties.born, ties.starting) if each is not None]
        ties.born = ties.starting = None
        nobody_heard = killed or not any(heard)  # of the error; what they heard is `outcome`
        if nobody_heard and not isinstance(error, Killed | Ignore):
            log(logging.ERROR, "Unhandled exception in %s:", self.ref, error=error)
        self._let_go()
        if hasattr(self, "actor"):
            del self.actor
        if ties.restart_reason is not None and not self.dismissed:
            self.lose_own()
            self.state = SUSPENDED  # the supervisor heard of it by the reply to its Restart
            ties.answer_ends(self.exit_reason, for_good=False)
        else:
            self.die()

    @calls_user_code
    def _run_hook(self, hook: Callable[..., Any], *args: object) -> None:
        result = hook(*args)
        if type(result) is CoroutineType:
            self.core.owner.run_coroutine(result)
        if here.worker.suspect:
            check_not_killed()

    def discard(self) -> None:
        """Owner only. Its `__init__` has failed: it never was an actor."""
        self.end_for("noproc")
        self._let_go()
        self.die()

    # Ending

    def fail(self, error: BaseException) -> None:
        """Own turn only. This incarnation ends by an error, after the message in hand."""
        if self.killed:  # that is the reason
            log(logging.ERROR, "Unhandled exception in %s:", self.ref, error=error)
            return
        self.end_for(error)
        if not self._may_return():
            self.core.owner.crashes.report_alone(self.actor, error)
            return
        ties, message = self.need_ties(), seen(self.current, self.actor.on_report)
        ties.crash = Crash(title(self.ref), ties.incarnation, message, error)

    def leave(self) -> None:
        """Own turn only. End this incarnation: children, hooks, timers, watches."""
        self.state = LEAVING
        actor, reason, ties = self.actor, self.exit_reason, self.ties
        if ties is not None and ties.children:  # on no asyncio loop: it waits
            self._guard(Lifecycle._run_hook, self, actor._stop_children)
        if isinstance(reason, BaseException):
            failure = type(reason), reason, reason.__traceback__
            self._guard(self._run_hook, actor.on_failure, *failure)
        else:
            self._guard(self._run_hook, actor.on_stop)
        self._own(self._left)

    def _left(self) -> None:
        """Owner only. The incarnation is over: what only the owner may touch goes too."""
        self._let_go()
        ties = self.ties
        crash = None if ties is None else ties.crash
        if ties is None or not self._may_return():
            if crash is not None:
                self.core.owner.crashes.report(crash, "it was to end anyway")
            self.die()
            return
        ties.crash = None
        self.lose_own()
        self.state = SUSPENDED
        del self.actor
        ties.answer_ends(self.exit_reason, for_good=False)
        self._tell_when_alone(Failed(self, self.exit_reason, crash))

    def _tell_when_alone(self, failed: Failed) -> None:
        """Owner only. Tell the supervisor of the end when no child is left: their names are free.

        After a kill some may live still, on other cores; no longer than `kill_timeout` is waited.
        """
        assert self.supervisor is not None
        ties, tell = self.need_ties(), partial(self.supervisor.signal, failed)
        ties.call_when_alone(tell)
        if ties.children:
            self.core.call_later(self.core.owner.config.kill_timeout, lambda: ties.be_alone(tell))

    def _guard(self, run: Callable[..., None], *args: Any) -> None:
        if self.killed or self.is_given_up(here.worker):
            return
        try:
            run(*args)
        except Unwinding:
            raise
        except Killed:
            pass
        except BaseException as error:
            log(logging.ERROR, "Unhandled exception in %s:", self.ref, error=error)

    def _let_go(self) -> None:
        """Drop what belongs to the incarnation: children that remain, timers, watches."""
        ties = self.ties
        if ties is None:
            return
        for child in [*ties.children.values()]:  # a suspended one dies at once, and we hear of it
            kill_for_good(child.process)  # or a supervised one would await a verdict for ever
        self.return_stash()
        for timer in tuple(ties.timers):
            timer.cancel()
        ties.timers.clear()
        ties.pipes.clear()
        reject_owed(self, ties.owed)
        for watched in [*ties.watching.values()]:  # a coroutine that was killed may go on watching
            if watched.address not in ties.children:  # those are forgotten when they have ended
                watched.process.signal(Unwatch(self))
        ties.watching.clear()

    def die(self) -> None:
        """Owner only. Gone for good: who watches hears of it before all that wait for an answer."""
        self.state = DEAD
        if self.exit_reason is None:
            self.end_for("killed")
        self.core.forget(self.id)
        queue, cursor = self.queue, self.cursor
        self.queue = self.cursor = self.current = None
        if hasattr(self, "actor"):
            del self.actor
        origin, self.origin = self.origin, None
        if origin is not None and origin.name is not None:
            self.core.owner.forget_name(origin.name, self.address)
        ties, self.ties = self.ties, None
        reason = self.exit_reason
        if queue is not None and (cursor is None or length_hint(cursor, 1)):
            lose_all(self, iter(queue) if cursor is None else cursor, reason)
        farewell, self.farewell = self.farewell, None
        if farewell is not None:
            farewell.resolve(value=True)
        if origin is not None and origin.parent is not None:
            origin.parent.signal(Died(self, reason))
        if ties is not None:
            ties.answer_ends(reason, for_good=True)
            died = Died(self, reason)
            for watcher in ties.watchers.values():
                watcher.signal(died)
            broken = Broken(self, reason)
            for linked in ties.links.values():
                linked.signal(broken)
        self.end_for("noproc")  # an error would keep its frames, and the actor, for every ref

    def receiver(self) -> Callable[[Any], object]:
        """Own turn only. What handles the actor's messages; see `loop_cell.py` for another."""
        return self.actor.on_receive
