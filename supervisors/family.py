"""The children of one supervisor, in start order, found by id and by ref."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..actors.errors import NotFound
from ..actors.messages import type_name
from ..actors.oversight import ChildRecord
from ..actors.ref import ActorRef
from .eligible import Eligible
from .report import ChildCount, ChildInfo, ChildKind, State
from .spec import ChildSpec, Shutdown
from .strategy import Member


class Cancellable(Protocol):
    """A timer."""

    def cancel(self) -> object:
        """Owner only. It will not fire."""
        ...


@dataclass(slots=True, eq=False)
class Child:
    """What a supervisor knows of a child.

    | state | ref |
    | --- | --- |
    | running | of the living actor |
    | restarting | of the suspended actor, whose queue waits; None when nothing of it is left |
    | stopped | None; of the suspended actor while a restart of its group is due |
    """

    spec: ChildSpec
    shutdown: Shutdown
    is_supervisor: bool
    ref: ActorRef[Any] | None = None
    state: State = "stopped"
    reason: object = None
    """While its ref waits for a restart: why it ended."""
    unheard: int = 0
    """How many `ChildFailed` of its ref are on their way that tell of stops by the supervisor."""
    retry: object = None
    """While restarting: the mark of the one attempt that is due; others are out of date."""
    timer: Cancellable | None = None
    delay: float | None = None
    """The last delay of its backoff, in seconds and without jitter."""
    started_at: float = 0.0
    """When it last started; 0: it never has."""
    is_excused: bool = False
    """Its next restart does not count: it was lost with others, for whom that loss has counted."""
    restarts: int = 0
    """How often it was started again."""
    ended: str | None = None
    """Why it last ended or did not start. As text: an error would keep its frames alive."""
    nodes: Eligible = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = Eligible(self.spec.nodes)

    @property
    def kind(self) -> ChildKind:
        """Any thread. What is supervised."""
        return "supervisor" if self.is_supervisor else "worker"

    def info(self) -> ChildInfo:
        """Owner only. Its line of `which_children()`."""
        kind = self.kind
        if self.state == "restarting":
            return self.spec.id, "restarting", kind, self.spec.restart
        return self.spec.id, self.ref if self.state == "running" else None, kind, self.spec.restart

    def record(self) -> ChildRecord:
        """Any thread. What those see who look at the running system."""
        ref = self.ref
        is_new = not self.started_at and self.ended is None
        return ChildRecord(
            id=self.spec.id,
            kind=self.kind,
            restart=self.spec.restart,
            state="not started" if is_new else self.state,
            class_name=type_name(self.spec.actor_class),
            address=None if ref is None else ref.address,
            name=self.spec.name,
            restarts=self.restarts,
            reason=self.ended,
        )

    def cancel_retry(self) -> None:
        """Owner only. The attempt that is due, if any, will not take place."""
        self.retry = None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Family:
    """Owner only, all of it: the children in start order. A restarted child keeps its place."""

    def __init__(self) -> None:
        self._children: dict[object, Child] = {}
        self._by_ref: dict[ActorRef[Any], Child] = {}

    def __iter__(self) -> Iterator[Child]:
        return iter(self._children.values())

    def __reversed__(self) -> Iterator[Child]:
        return reversed(self._children.values())

    def __contains__(self, id: str) -> bool:
        return id in self._children

    def __len__(self) -> int:
        return len(self._children)

    def key(self, child: Child) -> object:
        """What no two children share."""
        return child.spec.id

    def add(self, child: Child) -> None:
        """Put the child last in the start order."""
        self._children[self.key(child)] = child

    def drop(self, child: Child) -> None:
        """Forget the child and its spec."""
        self.bind(child, None)
        del self._children[self.key(child)]

    def retire(self, child: Child) -> None:
        """The child was stopped, or will not be restarted: a temporary one is forgotten."""
        if child.spec.restart == "temporary":
            self.drop(child)

    def get(self, id: str) -> Child:
        """Return the child of that id.

        Raises:
            NotFound: there is none.

        """
        try:
            return self._children[id]
        except KeyError:
            raise NotFound(id) from None

    def of(self, ref: ActorRef[Any]) -> Child | None:
        """The child behind the ref; None for strangers and for refs from before."""
        return self._by_ref.get(ref)

    def bind(self, child: Child, ref: ActorRef[Any] | None) -> None:
        """Note which actor is the child now; None: none is."""
        if child.ref is not None:
            del self._by_ref[child.ref]
        child.ref = ref
        child.unheard = 0
        if ref is not None:
            self._by_ref[ref] = child

    def members(self) -> Iterator[Member]:
        """The children as a strategy sees them."""
        return (Member(child.spec.id, child.spec.restart) for child in self)

    def significant_left(self) -> bool:
        """Whether a significant child runs, or waits to be restarted."""
        return any(child.spec.significant and child.state != "stopped" for child in self)

    def records(self) -> Iterator[ChildRecord]:
        """Any thread. The children in start order, as they are when each is asked for."""
        return (child.record() for child in [*self])

    def infos(self) -> list[ChildInfo]:
        """One line for each child, in reverse start order."""
        return [child.info() for child in reversed(self)]

    def count(self) -> ChildCount:
        """How many there are."""
        supervisors = sum(child.is_supervisor for child in self)
        return ChildCount(
            specs=len(self),
            active=sum(child.state == "running" for child in self),
            supervisors=supervisors,
            workers=len(self) - supervisors,
        )
