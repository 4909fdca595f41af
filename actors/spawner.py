"""Making actors, here or on another core, and finding them by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from .actor import Actor
from .arguments import checked_actor_name
from .asking import begin_ask, check_may_wait_for
from .birth import Order, birth_of
from .cell import Cell
from .dispatcher import Core
from .environment import now
from .errors import SpawnError
from .future import Future
from .kinds import kind_of_cell, make_cell
from .links import Birth, Origin
from .mailbox import Mailbox, checked_mailbox
from .messages import can_be_found, type_name
from .naming import NamesHome, Naming
from .oversight import Judge
from .process import Process, Watch, kill_for_good
from .ref import ActorRef
from .scheduler import Placed, Scheduler
from .spawn_request import RemoteSpawn, SpawnRequest
from .start_limit import limit_start

A = TypeVar("A", bound=Actor)
_new = tuple.__new__  # half the cost of a named tuple's own

CHILD_OPTIONS = (
    "name",
    "core",
    "node",
    "near",
    "mailbox",
    "dispatcher",
    "supervisor",
)
"""What `spawn_child` takes besides the actor's arguments."""


class Home(NamesHome, Placed, Protocol):
    """What a spawner needs of its system."""

    def check_running(self) -> None:
        """Raise ShuttingDown once the system is stopping."""
        ...

    def ref_to(self, process: Process) -> ActorRef[Any]:
        """A ref for a process."""
        ...


class Start(NamedTuple):
    """A start that is to be waited for."""

    outcome: Future[Any]
    cell: Cell | None = None
    """None: it is elsewhere, and the outcome is its ref."""


class Spawner:
    """Makes the actors of one core's system, and asks other cores and nodes to make theirs."""

    def __init__(self, home: Home, core: Core) -> None:
        self._home = home
        self._core = core
        self.scheduler = Scheduler(home)
        self.naming = Naming(home)

    def spawn(
        self,
        parent: Process | None,
        actor_class: Callable[..., A],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        name: str | None = None,
        core: int | str | None = None,
        node: str | None = None,
        near: ActorRef[Any] | None = None,
        mailbox: Mailbox | None = None,
        dispatcher: str | None = None,
        supervisor: ActorRef[Any] | None = None,
        start_timeout: float | None = None,
    ) -> ActorRef[A]:
        """Any thread. See `ActorSystem.spawn`; the child of `parent`, if there is one.

        With a `start_timeout` it returns when `on_start` is done, or raises Timeout after so many
        seconds: the actor is killed then.
        """
        if mailbox is not None:
            mailbox = checked_mailbox(mailbox, "mailbox=")
        birth = birth_of(actor_class, args, kwargs, dispatcher, mailbox)
        if supervisor is not None:
            _check_supervisor(supervisor)
        if near is not None and not isinstance(near, ActorRef):
            raise TypeError(f"near= takes a zanni.ActorRef, not {type(near).__name__}")
        order = _new(Order, (birth, name, parent, supervisor, start_timeout))
        if node is not None and node != self._home.name:
            core = _core_there(node, core, near)
            request = RemoteSpawn(self._request(order), core)
            start = Start(self._begin_on_node(node, request))
            return self._take(self._wait_for(start, None), birth, parent)
        index = self.scheduler.place(core, near)
        if name is not None:
            self.naming.reserve(name)
        try:
            begun = self._begin(index, order)
        except BaseException:
            if name is not None:
                self.naming.release(name, None)
            raise
        ref = self._wait_for(begun, name) if isinstance(begun, Start) else begun
        if index != self._home.index:
            self._take(ref, birth, parent)
        if name is not None:
            self.naming.bind(name, ref)
        return ref

    def _begin(self, index: int, order: Order) -> ActorRef[Any] | Start:
        if index == self._home.index:
            return self._begin_here(order)
        kernel = self._home.network.kernel(None, index)
        return Start(begin_ask(kernel, self._request(order)))

    def _wait_for(self, start: Start, name: str | None) -> ActorRef[Any]:
        """Any thread. The actor, once it has started.

        Where the wait is broken off, by a kill or Ctrl-C, nobody has its ref: the actor is ended.
        """
        try:
            made = start.outcome.get()
        except BaseException:
            if start.cell is not None:  # at once: who knows how long it takes to start
                kill_for_good(start.cell)
            start.outcome.add_done_callback(partial(self._undo, start.cell, name))
            raise
        return cast("ActorRef[Any]", made) if start.cell is None else start.cell.ref

    def _undo(self, cell: Cell | None, name: str | None, outcome: Future[Any]) -> None:
        """Any thread. Nobody waited for this outcome of a start."""
        if outcome.error is None:
            ref: ActorRef[Any] = outcome.get() if cell is None else cell.ref
            if name is not None:
                self.naming.bind_later(name, ref)  # its end frees the name, and nothing before
            kill_for_good(ref.process)
        elif name is not None:
            self.naming.release(name, None)

    def _request(self, order: Order) -> SpawnRequest:
        """What to ask of another core; raises where that cannot be asked."""
        birth, name, parent, supervisor, start_timeout = order
        kind_of_cell(birth.actor_class, birth.dispatcher)  # refuses here what is made elsewhere
        if parent is not None and not isinstance(parent, ActorRef):
            parent = self._home.ref_to(parent)
        request = SpawnRequest(
            type_name(birth.actor_class),
            birth.args,
            birth.kwargs,
            name,
            parent,
            supervisor,
            start_timeout,
            birth.dispatcher,
            birth.mailbox,
        )
        _check_found_elsewhere(request.class_name)
        if birth.mailbox is not None and birth.mailbox.priority is not None:
            raise ValueError(
                "mailbox=: a function, such as its priority, cannot go to another core: "
                f"write  mailbox = Mailbox(priority=...)  in {birth.actor_class.__name__} itself"
            )
        return request

    def _begin_on_node(self, node: str, spawn: RemoteSpawn) -> Future[Any]:
        """Any thread. Have another node spawn an actor; its core 0 decides."""
        name, supervisor = spawn.request.name, spawn.request.supervisor
        if name is not None:
            checked_actor_name(name)
        if supervisor is not None and supervisor.node != self._home.name:
            raise ValueError(
                f"supervisor= beside node= takes an actor of this node, not of {supervisor.node!r}"
            )
        return begin_ask(self._home.network.kernel(node, 0), spawn)

    def _take(self, ref: ActorRef[Any], birth: Birth, parent: Process | None) -> ActorRef[Any]:
        """Any thread. An actor was made elsewhere: it is known, and its parent's."""
        if ref.type_name == type_name(birth.actor_class):  # that of a pool is called as its members
            ref._actor_class = birth.actor_class
        if parent is not None:
            cast("Cell", parent).need_ties().adopt(ref)
            ref.process.signal(Watch(parent))  # to forget it when it ends, or has ended already
        return ref

    def _begin_here(self, order: Order) -> ActorRef[Any] | Start:
        birth, parent, waits = order.birth, order.parent, order.is_start_awaited
        if waits:
            check_may_wait_for("an actor whose start is waited for")
        cell = self.make(order)
        begun: Future[Any] | None = None
        try:
            if parent is None:
                self._home.check_running()  # again: a system that stopped meanwhile overlooked it
            if waits:
                begun = self._limited(cell, order.start_timeout)
                cell.need_ties().starting = begun
            elif cell.makes_itself:
                check_may_wait_for("an actor that is pinned: its own thread makes it")
                begun = cell.need_ties().born = Future()
            else:
                cell.make_actor(birth)
        except BaseException:
            self._core.forget(cell.address.id)
            self._core.call(cell.discard)
            raise
        if begun is not None:  # its own turn makes the actor: what befalls that is nobody else's
            begun.owed_by = cell
            cell.need_ties().birth = birth
        ref = cell.ref
        if parent is not None:
            cast("Cell", parent).need_ties().adopt(ref)
        self._core.call(self._core.schedule, cell)
        return ref if begun is None else Start(begun, cell)

    def _limited(self, cell: Cell, seconds: float | None) -> Future[Any]:
        started: Future[Any] = Future()
        if seconds is not None:
            started.expires = now() + seconds
            limit_start(self._core, cell, started, seconds)
        return started

    def make(self, order: Order) -> Cell:
        """Any thread. A cell without its actor."""
        birth, name, parent, supervisor, _ = order
        core = self._core
        identity = core.next_id()
        cell = make_cell(core, identity, birth)
        above: Process | None = None  # who is elsewhere and must not be lost without our knowing
        if isinstance(parent, ActorRef):  # a parent on another core
            parent = above = parent.process
        elif parent is None and supervisor is not None and not isinstance(supervisor.process, Cell):
            above = supervisor.process
        if name is not None or parent is not None or supervisor is not None:
            judge = None if supervisor is None else supervisor.process
            cell.origin = _new(Origin, (name, parent, judge))
            if supervisor is not None:
                cell.need_ties().birth = birth
        if birth.actor_class.blocking:
            core.blocking.add(birth.actor_class)
        core.enter(identity, cell)
        if above is not None:
            above.signal(Watch(cell))
        return cell


def _check_supervisor(supervisor: object) -> None:
    """Raise TypeError for what is no supervisor; an actor whose class is not known may be one."""
    if isinstance(supervisor, ActorRef):
        process: object = supervisor.process
        known = process.actor_class if isinstance(process, Cell) else supervisor._actor_class
        if isinstance(known, str) or issubclass(known, Judge):
            return
        found = f"that of {known.__name__}, which supervises nobody"
    else:
        found = f"{supervisor!r:.80}"
    raise TypeError(
        f"supervisor= takes the ref of a supervisor or a pool, not {found}: "
        "for a child of another actor use self.spawn there, and self.watch"
    )


def _check_found_elsewhere(class_name: str) -> None:
    if not can_be_found(class_name):
        raise SpawnError(
            "LookupError",
            f"{class_name} cannot be found by another core: put the class at the top of a module "
            "or script (those of a function, a REPL, a notebook or a zip archive work on core 0)",
        )


def _core_there(
    node: object, core: int | str | None, near: ActorRef[Any] | None
) -> int | str | None:
    """What to ask of that node as to the core, which it knows best itself."""
    if not isinstance(node, str):
        raise TypeError(f"node= takes the name of one node, not {node!r:.80}")
    if near is None:
        return core
    if core is not None:
        raise ValueError("give core= or near=, not both")
    if near.node != node:
        raise ValueError(f"near= names an actor of node {near.node!r}, and node= says {node!r}")
    return near.core
