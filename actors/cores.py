"""The half of a system that concerns more than one of its cores, and other nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from .actor import Actor
from .arguments import refuse_unbuilt
from .errors import NodeDown
from .future import Future
from .kernel import ListActors
from .network import CoreRecord, NodeRecord
from .pool import Pool, plan_pool
from .ref import ActorRef
from .runtime import Runtime

A = TypeVar("A", bound=Actor)


class Cores(Runtime):
    """What users ask of a system about its cores and about other nodes. Any thread may."""

    core_count: int

    def pool(
        self,
        actor_class: Callable[..., A],
        n: int,
        *args: Any,
        router: str = "round_robin",
        core: int | str | None = "spread",
        name: str | None = None,
        mailbox: object = None,
        dispatcher: str | None = None,
        **kwargs: Any,
    ) -> ActorRef[A]:
        """Start `n` actors of a class, behind one ref that behaves like one of them.

        What is sent to the ref goes straight to a member. A member that ends is started again, with
        what is queued there. `ref.ask(zanni.Resize(n))` changes their number, and
        `ref.ask(zanni.Members())` lists their refs. `ref.stop()` stops them all, after what was
        sent before; `watch` tells of the end of the pool.

        Args:
            actor_class: a subclass of `Actor`, or a `functools.partial` of one, for arguments that
                are called like those here.
            n: how many.
            *args: for the `__init__` of each, as are the other keyword arguments.
            router: who gets a message: "round_robin", "random", "smallest_mailbox", or "broadcast":
                all do, and an ask is answered by the list of their answers, or the first error.
            core: where: "spread" (evenly over the cores), "here", "least-loaded" or an index.
            name: unique in the node; `whereis` finds the pool by it.
            mailbox, dispatcher: not there yet, and refused.
            **kwargs: see `args`.

        Raises:
            TypeError: no actor class.
            ValueError: an argument that cannot be; the text names it.
            NameInUse: the name belongs to a living actor.
            SpawnError: a member failed to start on another core; on this one its own error.
            ShuttingDown: the system is stopping or stopped.

        """
        refuse_unbuilt(mailbox=mailbox, dispatcher=dispatcher)
        plan = plan_pool(actor_class, args, kwargs, n=n, router=router, core=core)
        return cast("ActorRef[A]", self.spawn(Pool, plan, name=name))

    def spawn(self, actor_class: Callable[..., A], *args: Any, **options: Any) -> ActorRef[A]:
        """See `ActorSystem.spawn`."""
        raise NotImplementedError

    def actors(self) -> list[ActorRef[Any]]:
        """Refs of the living actors of this node's cores."""
        found = self.local_actors()
        others = [index for index in range(self.core_count) if index != self.index]
        for index in others:
            try:
                future: Future[list[ActorRef[Any]]] = Future()
                self.network.kernel(None, index).deliver(ListActors(), None, future, None)
                found += future.get()
            except NodeDown:
                continue  # its actors are gone with it
        return found

    def cores(self) -> list[CoreRecord]:
        """The cores of this node."""
        return self.network.cores()

    def nodes(self) -> list[NodeRecord]:
        """This node and those joined with it."""
        return self.network.nodes()

    def join(self, url: str) -> None:
        """Join the node that listens at `url`; tried in the background until it answers.

        Raises:
            ValueError: the URL may not be used, or this system was started without a network.

        """
        self.network.join(url)
