"""Starting, stopping and reviving one child: what a supervisor does once it has decided.

Guarantees:
- When `start`, `stop`, `suspend` or `let_go` returns, the child has started, awaits a restart, or
  is gone: nothing is under way.
- A child is waited for by the runtime's own watch, so that one which hides its end, or never
  comes to it, cannot hold up its supervisor for longer than its spec says.

Owner only, all of it: these are parts of the supervisor's own turn, and may park it.
"""

from __future__ import annotations

from typing import Any

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
from ..actors.process import Bury, Kill, Restart, Shutdown, Signal, Suspend
from ..actors.ref import ActorRef
from .family import Child, Family
from .report import Kind, SupervisorReport
from .strategy import is_orderly


class Keeper:
    """Carries out what its owner, a supervisor, decides about a child of its family."""

    def __init__(self, owner: Actor, family: Family) -> None:
        self._owner = owner
        self._family = family

    def start(self, child: Child) -> None:
        """Start a child that does not run; one that asks to be ignored stays without a ref.

        Raises what its start raised. A suspended one is suspended still then.
        """
        if child.state == "running":
            return
        if child.ref is not None and child.spec.queue == "fresh":
            self._end(child, Bury(), None)
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
        child.started_at = self._owner.system.now()
        self.report("started", child, None)

    def _spawn(self, child: Child) -> None:
        spec = child.spec
        names = ("name", "core", "node", "mailbox", "start_timeout")
        options = {name: getattr(spec, name) for name in names}
        given = {name: value for name, value in options.items() if value is not None}
        ref: ActorRef[Any] = self._owner.spawn(
            spec.cls, *spec.args, supervisor=self._owner.actor_ref, **given, **spec.kwargs
        )
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
                self._end(child, Kill(), None)
            raise

    def stop(self, child: Child) -> None:
        """Rule 7: stop a child, whatever its state, and wait until it is gone."""
        if child.state != "running":
            self.let_go(child, drop=False)
            return
        ref = child.ref
        match child.shutdown:
            case "kill":
                asked, reason = "killed", self._end(child, Kill(), None)
            case "infinity":
                asked, reason = "shutdown", self._end(child, Shutdown("shutdown"), None)
            case seconds:
                asked, reason = "shutdown", self._end(child, Shutdown("shutdown"), seconds)
        self._note_stop(child, asked, reason, ref)

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
        asked = "killed" if child.shutdown == "kill" else "shutdown"
        try:
            reason = self._end_incarnation(child, ref, asked)
            child.unheard += 1
        except (ActorDeadError, NodeDown):
            reason = self._end(child, Bury(), None)
        except (EncodeError, MessageTooLarge) as error:  # a reason that cannot travel
            reason = error
            child.unheard += 1
        self._note_stop(child, asked, reason, ref)
        child.reason = reason

    def _end_incarnation(self, child: Child, ref: ActorRef[Any], asked: str) -> object:
        """Have a child end its incarnation, and return its reason; raises if nothing is left."""
        ended: Future[Any] = Future()
        if asked == "killed":
            ref.process.signal(Kill())  # before the other, or hooks might run
        ref.process.signal(Suspend(asked, ended))
        try:
            return ended.get(timeout=None if isinstance(child.shutdown, str) else child.shutdown)
        except Timeout:
            return kill(self._owner.system, ref, ended)

    def _note_stop(
        self, child: Child, asked: str, reason: object, ref: ActorRef[Any] | None
    ) -> None:
        child.state = "stopped"
        if reason != asked and not (is_orderly(reason) and child.spec.restart != "permanent"):
            self.report("shutdown_error", child, reason, ref)

    def let_go(self, child: Child, *, drop: bool = True) -> None:
        """A child that does not run will not be restarted: its spec stays, unless temporary."""
        child.cancel_retry()
        self._end(child, Bury(), None)
        child.state = "stopped"
        child.reason = None
        if drop and child.spec.restart == "temporary":
            self._family.drop(child)

    def _end(self, child: Child, signal: Signal, seconds: float | None) -> object:
        """End what is left of a child, kill it after so many seconds; wait; return its reason."""
        ref = child.ref
        if ref is None:
            return "noproc"
        # Waited for by the runtime's own watch: what the child does to its links and watches
        # cannot hide its end. The supervisor's watch would only leave a message to be ignored.
        exited = ref.exited()
        self._owner.unwatch(ref)
        self._family.bind(child, None)
        # A supervised actor that ends is suspended, unless it knows that nobody will restart it.
        ref.process.signal(Bury())
        if isinstance(signal, Kill):
            return kill(self._owner.system, ref, exited)
        ref.process.signal(signal)
        try:
            return exited.get(timeout=seconds)
        except Timeout:
            return kill(self._owner.system, ref, exited)

    def report(
        self,
        kind: Kind,
        child: Child,
        reason: object,
        ref: ActorRef[Any] | None = None,
        **more: Any,
    ) -> None:
        """Publish an event about a child; `ref` is its ref where it has no longer one."""
        self._owner.system.events.publish(
            SupervisorReport(
                kind=kind,
                id=child.spec.id,
                ref=ref or child.ref,
                restart=child.spec.restart,
                shutdown=child.shutdown,
                reason=reason,
                supervisor=self._owner.actor_ref,
                **more,
            )
        )
