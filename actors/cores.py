"""The half of a system that concerns more than one of its cores, and other nodes."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

from .actor import Actor, Dispatcher
from .allowed import Allowed
from .arguments import checked_cores
from .asking import look_up
from .cell import Cell
from .drain import living
from .errors import NodeDown
from .future import check_may_wait
from .kernel import ListActors, RefsOf, ReplaceCore
from .mailbox import Mailbox
from .network import CoreRecord, NodeRecord
from .plan import plan_pool
from .pool import Pool
from .process import Process
from .ref import ActorRef
from .routing import RouterName
from .runtime import Runtime
from .scheduler import Place
from .signalled import Abandoned

A = TypeVar("A", bound=Actor)

SHOWN = 100
"""How many actors that hold a core are named at most."""
REFS = 1000
"""Of how many actors another core is asked at once: an answer has room for some ten times that."""


class AcrossCores(Runtime):
    """What users ask of a system about its cores and about other nodes. Any thread may."""

    allowed: Allowed
    core_count: int
    open_cores: int
    _resizing: Any

    def resize(self, *, cores: int | Literal["auto"]) -> None:
        """Have so many cores from now on, while the system runs; on core 0 only.

        More cores take new work when this returns. Fewer: the last ones take no new actors; members
        of pools that are spread or placed by load are replaced on other cores, and finish what they
        have within `drain_timeout`; then the cores end. Any other actor on them, but for those
        members' own children, cannot move, and then nothing is changed.

        Args:
            cores: how many, or "auto" as in `ActorSystem`.

        Raises:
            ValueError: no number of cores that can be.
            CoreInUse: actors that cannot move are on a core that would go; the text names them.
            StartError: a new core did not come up; there are as many as before.
            Timeout: a core that would go has not answered, as a handler holds it.
            RuntimeError: this is not core 0, or another `resize` is under way.
            ShuttingDown: the system is stopping or stopped.

        """
        count = checked_cores(cores)
        self.check_running()
        check_may_wait("use 'await asyncio.to_thread(system.resize, cores=...)'")
        if self.index != 0:
            raise RuntimeError("resize() is for core 0: ask an actor there to call it")
        if not self._resizing.acquire(blocking=False):
            raise RuntimeError("another resize() is under way: wait until it returns")
        try:
            if count > 1:
                self._connect()
            self.network.resize(count)
        except Exception:
            self.check_running()  # if it stops meanwhile, that is why
            raise
        finally:
            self._resizing.release()

    def allow(self, *classes: type[Actor]) -> None:
        """Let other nodes spawn actors of these classes here, on any core; on core 0 only.

        A node names the class by its module and name, as in `shop.accounts:Account`, and that is
        looked up among those allowed: nothing is ever imported because another node names it. A
        subclass is another class. May be called before `start`.

        Raises:
            TypeError: no actor class; none of the others is allowed then.
            ValueError: a class that no other process can find, as one made in a function.
            RuntimeError: this is not core 0.

        """
        if self.index != 0:
            raise RuntimeError("allow() is for core 0: call it where the system is started")
        self.allowed.add(classes)

    def check_running(self) -> None:
        """See `ActorSystem.check_running`."""
        raise NotImplementedError

    def _connect(self) -> None:
        """See `ActorSystem._connect`."""
        raise NotImplementedError

    def abandon(self, ref: ActorRef[Any]) -> None:
        """Any thread. An actor that was killed has not ended: have its core's process replaced."""
        self.events.publish(Abandoned(ref))
        where = ref.address.home
        if where.node == self.name and where.core not in (0, self.index):
            request = ReplaceCore(where.core, where.incarnation)
            try:
                self.network.kernel(None, 0).deliver(request, None, None, None)
            except NodeDown:
                pass  # the whole node ends, and with it all its cores

    def replace_core(self, index: int, incarnation: int) -> None:
        """Owner only. See `KernelHost.replace_core`."""
        self.network.replace_core(index, incarnation)

    def set_cores(self, existing: int, open_: int) -> None:
        """Any thread. The node has so many cores, of which the first `open_` take new actors."""
        self.core_count, self.open_cores = existing, open_

    def holders(self, movable: list[int]) -> tuple[int, list[Any]]:
        """Owner only. See `KernelHost.holders`."""
        may_go = set(movable)
        held: list[Cell] = []
        for cell in sorted(living(self.core), key=lambda cell: cell.id):  # parents come first
            parent = cell.parent
            if isinstance(parent, Cell) and parent.id in may_go:  # a parent on this core
                may_go.add(cell.id)
            if cell.id not in may_go:
                held.append(cell)
        return len(held), [[cell.ref, cell.name] for cell in held[:SHOWN]]

    def movable(self, first: int) -> list[list[ActorRef[Any]]]:
        """Owner only. See `KernelHost.movable`."""
        pools = [(cell, getattr(cell, "actor", None)) for cell in living(self.core)]
        return [
            [member, cell.ref]
            for cell, actor in pools
            if isinstance(actor, Pool)
            for member in actor.movable(first)
        ]

    def pool(
        self,
        actor_class: Callable[..., A],
        n: int,
        *args: Any,
        router: RouterName = "round_robin",
        core: int | Place | None = "spread",
        node: str | None = None,
        name: str | None = None,
        mailbox: Mailbox | None = None,
        dispatcher: Dispatcher | None = None,
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
            node: where: the name of a joined node that allows the class there; the pool itself is
                here. While that node is lost, what is sent waits: in a mailbox as a member's.
            name: unique in the node; `whereis` finds the pool by it.
            mailbox, dispatcher: of each member, as in `spawn`.
            **kwargs: see `args`.

        Raises:
            TypeError: no actor class.
            ValueError: an argument that cannot be; the text names it.
            NameInUse: the name belongs to a living actor.
            SpawnError: a member failed to start on another core, or its class is not allowed on
                that node; on this core its own error is raised.
            NodeDown: that node is not joined, or lost.
            ShuttingDown: the system is stopping or stopped.

        """
        options = {"mailbox": mailbox, "dispatcher": dispatcher, "node": node}
        plan = plan_pool(actor_class, args, kwargs, n=n, router=router, core=core, **options)
        return cast("ActorRef[A]", self.spawn(Pool, plan, name=name))

    def spawn(self, actor_class: Callable[..., A], *args: Any, **options: Any) -> ActorRef[A]:
        """See `ActorSystem.spawn`."""
        raise NotImplementedError

    def actors(self) -> list[ActorRef[Any]]:
        """Refs of the living actors of this node's cores; none once the system has stopped."""
        if not self._can_be_asked():
            return []
        found = self.local_actors()
        others = [index for index in range(self.core_count) if index != self.index]
        for index in others:
            try:
                found += self._actors_on(self.network.kernel(None, index))
            except NodeDown:
                continue  # its actors are gone with it
        return found

    def _actors_on(self, kernel: Process) -> list[ActorRef[Any]]:
        """Refs of the living actors of another core, in as many answers as that takes."""
        ids = array("Q", cast(bytes, look_up(kernel, ListActors()))).tolist()
        found: list[ActorRef[Any]] = []
        for start in range(0, len(ids), REFS):
            refs = look_up(kernel, RefsOf(ids[start : start + REFS]))
            found += cast("list[ActorRef[Any]]", refs)
        return found

    def cores(self) -> list[CoreRecord]:
        """The cores of this node."""
        reports = self.network.cores() if self._can_be_asked() else []
        return [{"name": f"{self.name}/{each['index']}", **each} for each in reports]

    def nodes(self) -> list[NodeRecord]:
        """This node and those joined with it."""
        return self.network.nodes() if self._can_be_asked() else []

    def join(self, url: str) -> None:
        """Join the node that listens at `url`; tried in the background until it answers.

        With keys the URL may say which node that is, as in "tcp://bank@10.0.0.1:7400". The events
        `JoinFailing` and `JoinRefused` tell why it is not joined yet.

        Raises:
            ValueError: the URL may not be used, no key is known that is to be there, or this system
                was started without a network.
            ShuttingDown: the system is stopping or stopped.

        """
        self.check_running()
        self.network.join(url)
