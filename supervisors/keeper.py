"""Starting, stopping and reviving one child: what a supervisor does once it has decided.

Guarantees:
- When `start`, `stop`, `suspend` or `let_go` returns, the child has started, awaits a restart, or
  is gone: nothing is under way.
- A child is waited for by the runtime's own watch, so that one which hides its end, or never
  comes to it, cannot hold up its supervisor for longer than its spec says.

Owner only, all of it: these are parts of the supervisor's own turn, and may park it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any, NamedTuple

from ..actors.actor import Actor
from ..actors.ending import kill
from ..actors.errors import (
    ActorDeadError,
    EncodeError,
    Ignore,
    MessageTooLarge,
    NodeDown,
    Timeout,
)
from ..actors.future import Future
from ..actors.oversight import in_words
from ..actors.process import Bury, Kill, Restart, Shutdown, Signal, Suspend
from ..actors.ref import ActorRef
from .family import Child, Family
from .report import Kind, SupervisorReport
from .strategy import is_orderly


class _Way(NamedTuple):
    """How a child is told to stop."""

    signal: Signal
    reason: str
    """For which it ends, if it does as it is told."""
    seconds: float
    """After which it is killed; inf: it is waited for."""


class _Ending(NamedTuple):
    """A child that has been told to stop."""

    child: Child
    ref: ActorRef[Any]
    way: _Way
    exited: Future[Any]


class Keeper:
    """Carries out what its owner, a supervisor, decides about a child of its family."""

    def __init__(self, owner: Actor, family: Family) -> None:
        self._owner = owner
        self._owner_ref = owner.actor_ref
        self._events = owner.system.events
        self._family = family

    def start(self, child: Child) -> None:
        """Start a child that does not run; one that asks to be ignored stays without a ref.

        Raises what its start raised. A suspended one is suspended still then.
        """
        if child.state == "running":
            return
        if child.ref is not None and child.spec.queue == "fresh":
            self._bury(child)
        try:
            if child.ref is not None:
                self._revive(child, child.ref)
            else:
                self._spawn(child)
        except Ignore:
            self.let_go(child)
            return
        child.cancel_retry()
        child.state = "running"
        child.reason = None
        if child.started_at > 0:
            child.restarts += 1
        child.started_at = self._owner.system.now()
        self.report("started", child, None)

    def _spawn(self, child: Child) -> None:
        spec, owner = child.spec, self._owner
        options = {name: getattr(spec, name) for name in ("name", "core", "mailbox")}
        given = {name: value for name, value in options.items() if value is not None}

        def spawn(node: str | None) -> ActorRef[Any]:
            where = {**given, "node": node, "supervisor": self._owner_ref}
            every = dict(**where, **spec.kwargs)  # raises where both have one
            return owner.system.spawn_child(
                owner._cell, spec.cls, spec.args, every, spec.start_timeout
            )

        ref = child.nodes.start(spawn)
        self._family.bind(child, ref)
        self._owner.watch(ref)

    def _revive(self, child: Child, ref: ActorRef[Any]) -> None:
        started: Future[Any] = Future()
        started.owed_by = ref.process
        ref.process.signal(Restart(child.reason, started))
        try:
            started.get(timeout=child.spec.start_timeout)
        except Timeout:
            # The child's own start may raise Timeout as well: that one has been settled.
            if not started.done():
                self._kill(child)
            raise

    def stop(self, child: Child) -> None:
        """Rule 7: stop a child, whatever its state, and wait until it is gone."""
        if child.state != "running":
            self.let_go(child, drop=False)
            return
        ref, way = child.ref, _way_to_stop(child)
        killed = child.shutdown == "kill"
        reason = self._kill(child) if killed else self._ask_to_end(child, way)
        self._note_stop(child, way.reason, reason, ref)

    def stop_together(self, children: Iterable[Child]) -> None:
        """Rule 8 of a `DynamicSupervisor`: tell all to stop, and wait until all are gone.

        The time that each may take begins when all have been told.
        """
        endings: list[_Ending] = []
        suspended: list[Child] = []
        for child in children:
            ref = child.ref
            if child.state != "running" or ref is None:
                suspended.append(child)
            else:
                way, exited = _way_to_stop(child), self._forsake(child, ref)
                ref.process.signal(way.signal)
                endings.append(_Ending(child, ref, way, exited))
        told = self._owner.system.now()
        for child in suspended:
            self.let_go(child, drop=False)
        endings.sort(key=lambda ending: ending.way.seconds)
        for _, ref, way, exited in endings:
            if way.seconds == inf:
                break
            left = told + way.seconds - self._owner.system.now()
            try:
                exited.get(timeout=max(left, 0.0))
            except Timeout:  # waited for below: others may have to be killed before it is gone
                ref.process.signal(Kill())
        for child, ref, way, exited in endings:
            killed = way.seconds < inf and not exited.done()
            reason = kill(self._owner.system, ref, exited) if killed else exited.get()
            self._note_stop(child, way.reason, reason, ref)

    def suspend(self, child: Child) -> None:
        """As `stop`, for a restart: the child's ref, name and queue wait for its next `start`.

        Nothing is kept of a child that is temporary, or has `queue="fresh"`.
        """
        if child.spec.restart == "temporary" or child.spec.queue == "fresh":
            self.stop(child)
            return
        child.cancel_retry()
        ref = child.ref
        if child.state != "running" or ref is None:
            child.state = "stopped"
            return
        way = _way_to_stop(child)
        try:
            reason = self._end_incarnation(ref, way)
            child.unheard += 1
        except (ActorDeadError, NodeDown):
            reason = self._bury(child)
        except (EncodeError, MessageTooLarge) as error:  # a reason that cannot travel
            reason = error
            child.unheard += 1
        self._note_stop(child, way.reason, reason, ref)
        child.reason = reason

    def _end_incarnation(self, ref: ActorRef[Any], way: _Way) -> object:
        """Have a child end its incarnation, and return its reason; raises if nothing is left."""
        ended: Future[Any] = Future()
        if isinstance(way.signal, Kill):
            ref.process.signal(way.signal)  # before the other, or hooks might run
        ref.process.signal(Suspend(way.reason, ended))
        try:
            return ended.get(timeout=way.seconds)
        except Timeout:
            return kill(self._owner.system, ref, ended)

    def _note_stop(
        self, child: Child, asked: str, reason: object, ref: ActorRef[Any] | None
    ) -> None:
        child.state = "stopped"
        child.ended = in_words(reason)
        if reason != asked and not (is_orderly(reason) and child.spec.restart != "permanent"):
            self.report("shutdown_error", child, reason, ref)

    def let_go(self, child: Child, *, drop: bool = True) -> None:
        """A child that does not run will not be restarted: it is retired, if told to `drop` it."""
        child.cancel_retry()
        self._bury(child)
        child.state = "stopped"
        child.reason = None
        if drop:
            self._family.retire(child)

    def _bury(self, child: Child) -> object:
        """End what is left of a child that does not run; wait, and return its reason."""
        ref = child.ref
        return "noproc" if ref is None else self._forsake(child, ref).get()

    def _kill(self, child: Child) -> object:
        """End a child at once; wait, and return its reason."""
        ref = child.ref
        return "noproc" if ref is None else kill(self._owner.system, ref, self._forsake(child, ref))

    def _ask_to_end(self, child: Child, way: _Way) -> object:
        """Have a child end, and kill it if it takes too long; wait, and return its reason."""
        ref = child.ref
        if ref is None:
            return "noproc"
        exited = self._forsake(child, ref)
        ref.process.signal(way.signal)
        try:
            return exited.get(timeout=way.seconds)
        except Timeout:
            return kill(self._owner.system, ref, exited)

    def _forsake(self, child: Child, ref: ActorRef[Any]) -> Future[Any]:
        """Forget the child's ref: its next end is its last. The future of the reason."""
        # Waited for by the runtime's own watch: what the child does to its links and watches
        # cannot hide its end. The supervisor's watch would only leave a message to be ignored.
        exited = ref.exited()
        self._owner.unwatch(ref)
        self._family.bind(child, None)
        # A supervised actor that ends is suspended, unless it knows that nobody will restart it.
        ref.process.signal(Bury())
        return exited

    def report(
        self,
        kind: Kind,
        child: Child,
        reason: object,
        ref: ActorRef[Any] | None = None,
        **more: Any,
    ) -> None:
        """Publish an event about a child; `ref` is its ref where it has no longer one."""
        if kind in ("terminated", "start_error"):
            child.ended = in_words(reason)
        self._events.publish(
            SupervisorReport(
                kind=kind,
                id=child.spec.id,
                ref=ref or child.ref,
                restart=child.spec.restart,
                shutdown=child.shutdown,
                reason=reason,
                supervisor=self._owner_ref,
                **more,
            )
        )


def _way_to_stop(child: Child) -> _Way:
    match child.shutdown:
        case "kill":
            return _Way(Kill(), "killed", 0.0)
        case "infinity":
            return _Way(Shutdown("shutdown"), "shutdown", inf)
        case seconds:
            return _Way(Shutdown("shutdown"), "shutdown", seconds)
