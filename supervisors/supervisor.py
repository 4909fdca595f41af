"""`Supervisor`: an actor whose work is to keep other actors running.

Guarantees:
- Children start from left to right, each when the one before has started, and stop in reverse.
- It is an ordinary actor: each decision is one message, and waiting for a child parks the turn, so
  that it never holds up its core.
- What arrives about who is no running child changes nothing; who awaits a verdict then ends.
- It starts no child again by itself once it has been told to stop that child, or to stop.

The rules are OTP's; the names of the steps, too, where there was no reason to differ.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar

from ..actors.actor import CHILD_SHUTDOWN, Actor
from ..actors.address import CoreAddress
from ..actors.crash import Crash
from ..actors.environment import random_float
from ..actors.errors import AlreadyPresent, AlreadyStarted, Restarting, Running, StartError
from ..actors.intensity import Intensity
from ..actors.links import ChildFailed, Down, leave_alone
from ..actors.overrides import refuse_private
from ..actors.oversight import Overseer, Oversight
from ..actors.pool import Pool
from ..actors.ref import ActorRef
from .family import Child, Family
from .journal import Journal
from .keeper import Keeper
from .report import ChildCount, ChildInfo
from .retry import Retry, Tell
from .settings import CONTROLS, check_settings, subject_of
from .spec import ChildSpec, check_all, check_spec, listed
from .strategy import AutoShutdown, Start, Stop, Strategy, is_orderly, is_restarted, steps

logger = logging.getLogger("zanni.supervisors")


class Supervisor(Overseer, Actor):
    """Starts the children that `children()` lists, and restarts those that fail.

    Subclass it, set the class attributes, and override `children`. Hooks and `on_receive` may be
    your own: of its children a supervisor hears all the same. Ask the methods without an underscore
    through `ref.call`.

    A supervisor that gives up exits with reason "shutdown": a parent that holds it as "transient"
    does not start it again; as "permanent", the default, it does. One whose parent ends stops its
    children, in reverse, and exits for the parent's reason.
    """

    punctual = True  # a child has the time that its spec says, and no more, whatever others do
    wait_for_start = True  # as OTP: who starts a supervisor finds its children there
    strategy: Strategy = "one_for_one"
    """Who is restarted with a child that failed: it alone ("one_for_one"), all ("one_for_all"), or
    it and those started after it ("rest_for_one")."""
    intensity: int = 1
    """More restarts than this within `period`, and the supervisor gives up."""
    period: float = 5.0
    """Seconds."""
    auto_shutdown: AutoShutdown = "never"
    """Whether the supervisor ends with its significant children: with the first that ends by itself
    ("any_significant"), or with the last ("all_significant")."""

    _family_class: ClassVar[type[Family]] = Family
    _family: Family
    _keeper: Keeper
    _has_overseeing_cell = True
    _controls = CONTROLS

    trap_exit = True  # what it is linked to must not take it down: its parent and its children may
    _shares_reason = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_private(cls)

    def __init__(self) -> None:
        super().__init__()

    def children(self) -> Iterable[ChildSpec]:
        """The children to start with, in start order. Override it; the default is none."""
        return []

    # ------------------------------------------------------------------ start and stop

    def on_start(self) -> None:
        """Start the children from left to right: after your own `on_start`, if it does not.

        Raises:
            SpecError: a spec or a setting is wrong; nothing was started.
            StartError: a child did not start; those before it have been stopped, in reverse order.

        """
        self._begin()

    def _start_children(self) -> None:
        check_settings(self)
        # Not made in `__init__`: that of a subclass may set any of the settings after ours.
        self._family = self._family_class()
        self._keeper = Keeper(self, self._family)
        self.__journal = Journal(self)
        self.__restarts = Intensity(self.intensity, self.period)
        self.__lost_core: CoreAddress | None = None
        """The last one that took a child along: its loss counts once, however many it takes."""
        specs = listed(self.children(), subject_of(self))
        check_all(specs, self.auto_shutdown, self.system.open_cores)
        for spec in specs:
            child = self._adopt(spec)
            try:
                self._keeper.start(child)
            except Exception as error:
                self._keeper.report("start_error", child, error)
                self._stop_children()
                raise StartError(spec.id, error) from error

    def _stop_children(self) -> None:
        for child in reversed(self._family):
            self._keeper.stop(child)

    # ------------------------------------------------------------------ what comes in

    def on_receive(self, message: Any) -> Any:
        """Log the message: a supervisor knows of none. Its children's ends do not come here."""
        if not isinstance(message, Down):
            logger.warning("supervisor %s: unknown message %.200r", self.actor_ref, message)

    def _oversee(self, message: object) -> bool:
        match message:
            case ChildFailed(ref, reason, crash):
                self._failed(ref, reason, crash)
            case Down(ref, reason) if (child := self._family.of(ref)) is not None:
                self._lost(child, ref, reason)
            case Retry():
                if message.child.retry is message:
                    self._try_again(message)
            case _:
                return False
        return True

    def _failed(self, ref: ActorRef[Any], reason: object, crash: Crash | None) -> None:
        """An incarnation has ended. One that was stopped for a restart is known to have."""
        child = self._family.of(ref)
        if child is None:
            leave_alone(self.system.crashes, ref.process, crash)
        elif not child.unheard and child.state == "running":
            self._keeper.report("terminated", child, reason)
            self._ended(child, reason, crash)
        else:
            child.unheard = max(child.unheard - 1, 0)
            if crash is not None:
                self.system.crashes.report(crash, "its supervisor was stopping it")

    def _lost(self, child: Child, ref: ActorRef[Any], reason: object) -> None:
        """Nothing is left of an actor: it was killed, or its core or node is gone."""
        if reason == "noconnection":
            child.nodes.failed(ref.node)
            child.is_excused = ref.address.home == self.__lost_core
            self.__lost_core = ref.address.home
        if child.state == "running":
            self._keeper.report("terminated", child, reason)
            self._family.bind(child, None)
            self._ended(child, reason, None)
        else:
            self._family.bind(child, None)

    def _ended(self, child: Child, reason: object, crash: Crash | None) -> None:
        """A child ended by itself. If its ref is bound still, it is suspended and can restart."""
        child.state = "restarting"
        child.reason = reason
        tell = partial(self.__journal.ended, child, crash)
        if is_restarted(child.spec.restart, reason):
            self._restart_or_give_up(child, tell)
        else:
            if not is_orderly(reason):
                tell(f"is not restarted, as it is {child.spec.restart}")
            self._keeper.let_go(child)
            if child.spec.significant:
                self._auto_shutdown()

    def _auto_shutdown(self) -> None:
        if self.auto_shutdown == "any_significant" or (
            self.auto_shutdown == "all_significant" and not self._family.significant_left()
        ):
            self.exit("shutdown")

    # ------------------------------------------------------------------ restart

    def _restart_or_give_up(self, child: Child, tell: Tell, *, again: bool = False) -> None:
        """Count a restart of a child that failed, and make it now, later, or give up.

        What is decided is told first, for the log.

        A failed attempt is repeated by a message (`again`), not a loop, so that other requests get
        in between, one to terminate this child among them. It counts when it is made, as OTP's.
        """
        backoff = child.spec.backoff
        if again and backoff is None:
            child.retry = retry = Retry(child, tell, counted=False)
            self.actor_ref.tell(retry)
            return
        now = self.system.now()
        counted = (backoff is None or backoff.counted) and not child.is_excused
        child.is_excused = False
        if counted and self.__restarts.exceeded(now):
            self._give_up(child, tell)
            return
        which = f" ({self.__restarts.latest} of {self._limit})" if counted else ""
        if backoff is None:
            tell(f"is restarted{which}")
            self._restart(child)
            return
        if not again and now - child.started_at >= backoff.reset_after:
            child.delay = None
        child.delay = backoff.grow(child.delay)
        delay = backoff.spread(child.delay, random_float())
        tell(f"is restarted in {delay:.3g} seconds{which}")
        child.retry = retry = Retry(child, tell, counted=True)
        child.timer = self.after(delay, retry)
        # The siblings that depend on it stop now, not when the delay is over.
        self._carry_out(child, starts=False)

    @property
    def _limit(self) -> str:
        return f"at most {self.intensity} within {self.period:g} seconds"

    def _try_again(self, retry: Retry) -> None:
        retry.child.cancel_retry()
        if retry.counted:
            self._restart(retry.child)
        else:
            self._restart_or_give_up(retry.child, retry.tell)

    def _restart(self, child: Child) -> None:
        self._carry_out(child, starts=True)

    def _carry_out(self, failed: Child, *, starts: bool) -> None:
        for step in steps(self.strategy, self._family.members(), failed.spec.id):
            child = self._family.get(step.id)
            match step:
                case Stop():
                    self._keeper.suspend(child)
                    self._family.retire(child)
                case Start() if not starts:
                    return
                case Start():
                    if not self._start_again(child):
                        if child is not failed and failed.state == "restarting":
                            failed.state = "stopped"  # the attempt that is due is the other's
                        return

    def _start_again(self, child: Child) -> bool:
        """Attempt a restart; if that fails, another attempt is due, or the supervisor gives up."""
        try:
            self._keeper.start(child)
        except Exception as error:
            self._keeper.report("start_error", child, error)
            child.state = "restarting"
            child.reason = error
            tell = partial(self.__journal.not_started, child, error)
            self._restart_or_give_up(child, tell, again=True)
            return False
        return True

    def _give_up(self, child: Child, tell: Tell) -> None:
        tell(f"is not restarted, as there may be {self._limit}: its supervisor gives up")
        self._keeper.report(
            "gave_up",
            child,
            child.reason,
            restarts=self.__restarts.latest,
            period=self.period,
            failures=self.__journal.failures,
        )
        self.exit("shutdown")

    # ------------------------------------------------------------------ one child

    def _adopt(self, spec: ChildSpec) -> Child:
        is_supervisor = issubclass(spec.actor_class, Supervisor | Pool)  # has children itself
        shutdown = spec.shutdown
        if shutdown is None:
            shutdown = "infinity" if is_supervisor else CHILD_SHUTDOWN
        child = Child(spec, shutdown, is_supervisor)
        self._family.add(child)
        return child

    # ------------------------------------------------------------------ asked by others

    def start_child(self, spec: ChildSpec) -> ActorRef[Any] | None:
        """Add a child, last in the start order, and start it.

        Returns its ref; None when it asked to be ignored.

        Raises:
            SpecError: the spec is wrong.
            AlreadyStarted: a child of that id is running; the error has its ref.
            AlreadyPresent: a child of that id is known and not running.
            StartError: it did not start, and its spec is forgotten.

        """
        check_spec(spec, self.auto_shutdown)
        if spec.id in self._family:
            present = self._family.get(spec.id)
            if present.state == "running":
                raise AlreadyStarted(present.ref)
            raise AlreadyPresent(spec.id)
        return self._start_new(spec)

    def _start_new(self, spec: ChildSpec) -> ActorRef[Any] | None:
        child = self._adopt(spec)
        try:
            self._keeper.start(child)
        except Exception as error:
            self._keeper.report("start_error", child, error)
            self._family.drop(child)
            raise StartError(spec.id, error) from error
        return child.ref

    def terminate_child(self, id: str) -> None:
        """Stop a child and wait until it is gone. Its spec stays, unless it is temporary.

        A restart that is due is called off; a child that does not run is left as it is.

        Raises:
            NotFound: there is no child of that id.

        """
        self._terminate(self._family.get(id))

    def _terminate(self, child: Child) -> None:
        self._keeper.stop(child)
        self._family.retire(child)

    def restart_child(self, id: str) -> ActorRef[Any] | None:
        """Start a child that was terminated, or had ended; it keeps its place in the start order.

        Returns its ref; None when it asked to be ignored.

        Raises:
            NotFound: there is no child of that id.
            Running, Restarting: it runs, or is to be restarted.
            StartError: it did not start; its spec stays.

        """
        child = self._stopped(id)
        try:
            self._keeper.start(child)
        except Exception as error:
            self._keeper.report("start_error", child, error)
            raise StartError(id, error) from error
        return child.ref

    def delete_child(self, id: str) -> None:
        """Forget a child that does not run.

        Raises:
            NotFound: there is no child of that id.
            Running, Restarting: it runs, or is to be restarted.

        """
        child = self._stopped(id)
        self._keeper.let_go(child, drop=False)
        self._family.drop(child)

    def _stopped(self, id: str) -> Child:
        child = self._family.get(id)
        if child.state == "running":
            raise Running(id)
        if child.state == "restarting":
            raise Restarting(id)
        return child

    def which_children(self) -> list[ChildInfo]:
        """The children, in reverse start order."""
        return self._family.infos()

    def count_children(self) -> ChildCount:
        """How many children there are: all specs, those that run, supervisors and workers."""
        return self._family.count()

    # ------------------------------------------------------------------ looked at from outside

    def _oversight(self) -> Oversight:
        return Oversight(
            kind="supervisor",
            strategy=self.strategy,
            intensity=self.intensity,
            period=self.period,
            recent=self.__restarts.count(self.system.now()),
            children=self._family.records(),
        )
