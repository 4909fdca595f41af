"""What an actor sees of where it lives: its system, and its cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeVar

import pykka

from .config import Config
from .crash import Crashes
from .dispatcher import Core
from .links import Ties
from .network import CoreRecord, NodeRecord
from .observe import DeadLetters, Events
from .process import Process
from .ref import ActorRef
from .state import State

A = TypeVar("A", bound=pykka.Actor)


class System(Protocol):
    """What an actor sees of the system it lives in (`system.py`)."""

    @property
    def name(self) -> str:
        """The node's name."""
        ...

    @property
    def events(self) -> Events:
        """What happens in the runtime."""
        ...

    @property
    def dead_letters(self) -> DeadLetters:
        """Messages that nobody will handle."""
        ...

    @property
    def open_cores(self) -> int:
        """How many cores take new actors: the first ones, 0 up."""
        ...

    @property
    def crashes(self) -> Crashes:
        """Where the log's reports of crashes are written."""
        ...

    @property
    def config(self) -> Config:
        """The settings."""
        ...

    def abandon(self, ref: ActorRef[Any]) -> None:
        """Any thread. An actor that was killed does not end: do without it, and its core."""
        ...

    def now(self) -> float:
        """Seconds on the monotonic clock that timers use."""
        ...

    def spawn(self, actor_class: Callable[..., A], *args: Any, **options: Any) -> ActorRef[A]:
        """Start an actor that is nobody's child."""
        ...

    def pool(
        self, actor_class: Callable[..., A], n: int, *args: Any, **options: Any
    ) -> ActorRef[A]:
        """Start several actors behind one ref."""
        ...

    def spawn_child(
        self,
        parent: Process,
        actor_class: Callable[..., A],
        args: tuple[Any, ...],
        options: Mapping[str, Any],
        start_timeout: float | None = None,
    ) -> ActorRef[A]:
        """Start an actor that stops with its parent."""
        ...

    def whereis(self, name: str) -> ActorRef[Any] | None:
        """The living actor of that name."""
        ...

    def actors(self) -> list[ActorRef[Any]]:
        """The living actors of this node."""
        ...

    def cores(self) -> list[CoreRecord]:
        """Records of this node's cores."""
        ...

    def nodes(self) -> list[NodeRecord]:
        """Records of this node and the joined ones."""
        ...

    def resize(self, *, cores: int | Literal["auto"]) -> None:
        """Have so many cores from now on; on core 0 only."""
        ...

    def allow(self, *classes: type[pykka.Actor]) -> None:
        """Let other nodes spawn actors of these classes here; on core 0 only."""
        ...

    def join(self, url: str) -> None:
        """Join a node, while this one runs."""
        ...

    def stop(self, timeout: float | None = None) -> bool:
        """Stop the system. An actor of its own cannot wait for that: it has a thread call it."""
        ...


class ActorCell(Process, Protocol):
    """What an actor sees of its runtime half."""

    core: Core
    current: tuple[Any, Process | None, Any, Any] | None
    exit_reason: Any
    state: State

    @property
    def ref(self) -> ActorRef[Any]:
        """The actor's address, as users have it."""
        ...

    def exit(self, reason: object) -> None:
        """See `Actor.exit`."""
        ...

    def link(self, process: Process) -> None:
        """See `Actor.link`."""
        ...

    def unlink(self, process: Process) -> None:
        """See `Actor.unlink`."""
        ...

    def enqueue(self, item: Any) -> None:
        """Owner only. Put a message at the end of the mailbox."""
        ...

    def need_ties(self) -> Ties:
        """The cell's ties, made when first needed."""
        ...

    def depth(self) -> int:
        """Any thread. How many messages wait, without the one in hand."""
        ...

    def is_alive(self) -> bool:
        """Whether the actor is neither stopped nor being stopped."""
        ...
