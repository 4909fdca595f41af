"""Making actors, here or on another core, and finding them by name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from .actor import Actor
from .address import CoreAddress
from .arguments import checked_actor_name
from .cell import Cell
from .dispatcher import Core
from .environment import now
from .errors import ActorDeadError, ConnectionLost, NodeDown, SpawnError
from .future import Future, check_may_wait
from .kernel import BindName, ReleaseName, ReserveName, WhereIs
from .kinds import kind_of_cell, make_cell
from .links import Birth
from .mailbox import Mailbox, checked_mailbox
from .messages import can_be_found, type_name
from .network import Network
from .parking import current_sender, here
from .process import Process, Watch
from .ref import ActorRef
from .registry import Names
from .scheduler import Scheduler
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


class Home(Protocol):
    """What a spawner needs of its system."""

    name: str
    index: int
    core_count: int
    open_cores: int
    home: CoreAddress
    network: Network
    names: Names

    def check_running(self) -> None:
        """Raise ShuttingDown once the system is stopping."""
        ...

    def ref_to(self, process: Process) -> ActorRef[Any]:
        """A ref for a process."""
        ...


class Spawner:
    """Makes the actors of one core's system, and asks other cores and nodes to make theirs."""

    def __init__(self, home: Home, core: Core) -> None:
        self._home = home
        self._core = core
        self.scheduler = Scheduler(home)

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
        birth = _birth(actor_class, args, kwargs, dispatcher, mailbox)
        if supervisor is not None and not isinstance(supervisor, ActorRef):
            raise TypeError(f"supervisor= takes an ActorRef, not {type(supervisor).__name__}")
        if near is not None and not isinstance(near, ActorRef):
            raise TypeError(f"near= takes an ActorRef, not {type(near).__name__}")
        if node is not None and node != self._home.name:
            core = _core_there(node, core, near)
            request = self._request(birth, name, parent, supervisor, start_timeout)
            return self._take(self._ask_node(node, RemoteSpawn(request, core)), birth, parent)
        index = self.scheduler.place(core, near)
        if name is None:
            return self._spawn(index, birth, None, parent, supervisor, start_timeout)
        self._reserve(name)
        try:
            ref: ActorRef[A] = self._spawn(index, birth, name, parent, supervisor, start_timeout)
        except BaseException:
            self.release(name, None)
            raise
        self._ask_names(BindName(name, ref))
        return ref

    def _spawn(
        self,
        index: int,
        birth: Birth,
        name: str | None,
        parent: Process | None,
        supervisor: ActorRef[Any] | None,
        start_timeout: float | None,
    ) -> ActorRef[Any]:
        if index == self._home.index:
            return self._spawn_here(birth, name, parent, supervisor, start_timeout)
        request = self._request(birth, name, parent, supervisor, start_timeout)
        return self._take(_ask(self._home.network.kernel(None, index), request), birth, parent)

    def _request(
        self,
        birth: Birth,
        name: str | None,
        parent: Process | None,
        supervisor: ActorRef[Any] | None,
        start_timeout: float | None,
    ) -> SpawnRequest:
        """What to ask of another core; raises where that cannot be asked."""
        kind_of_cell(birth.actor_class, birth.dispatcher)  # refuses here what is made elsewhere
        parent_ref = None if parent is None else self._home.ref_to(parent)
        request = SpawnRequest(
            type_name(birth.actor_class),
            birth.args,
            birth.kwargs,
            name,
            parent_ref,
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

    def _ask_node(self, node: str, spawn: RemoteSpawn) -> object:
        """Any thread. Have another node spawn an actor; its core 0 decides."""
        name, supervisor = spawn.request.name, spawn.request.supervisor
        if name is not None:
            checked_actor_name(name)
        if supervisor is not None and supervisor.node != self._home.name:
            raise ValueError(
                f"supervisor= beside node= takes an actor of this node, not of {supervisor.node!r}"
            )
        return _ask(self._home.network.kernel(node, 0), spawn)

    def _take(self, made: object, birth: Birth, parent: Process | None) -> ActorRef[Any]:
        """Any thread. An actor was made elsewhere: it is known, and its parent's."""
        ref = cast("ActorRef[Any]", made)
        if ref.type_name == type_name(birth.actor_class):  # that of a pool is called as its members
            ref._actor_class = birth.actor_class
        if parent is not None:
            cast("Cell", parent).need_ties().children[ref.address] = ref
            ref.process.signal(Watch(parent))  # to forget it when it ends, or has ended already
        return ref

    def _spawn_here(
        self,
        birth: Birth,
        name: str | None,
        parent: Process | None,
        supervisor: ActorRef[Any] | None,
        start_timeout: float | None,
    ) -> ActorRef[Any]:
        waits = supervisor is not None or birth.actor_class.wait_for_start
        waits = waits or start_timeout is not None
        if waits:
            _check_may_wait("an actor whose start is waited for")
        cell = self.make(birth, name, parent, supervisor)
        begun: Future[Any] | None = None
        try:
            if parent is None:
                self._home.check_running()  # again: a system that stopped meanwhile overlooked it
            if waits:
                begun = self._limited(cell, start_timeout)
                cell.need_ties().starting = begun
            elif cell.makes_itself:
                _check_may_wait("an actor that is pinned: its own thread makes it")
                begun = cell.need_ties().born = Future()
            else:
                cell.make_actor(birth)
        except BaseException:
            self._core.forget(cell.address.id)
            self._on_core(cell.discard)
            raise
        if begun is not None:  # its own turn makes the actor: what befalls that is nobody else's
            begun.owed_by = cell
            cell.need_ties().birth = birth
        if parent is not None:
            cast("Cell", parent).need_ties().children[cell.address] = cell.ref
        self._on_core(self._core.schedule, cell)
        if begun is not None:
            begun.get()
        return cell.ref

    def _limited(self, cell: Cell, seconds: float | None) -> Future[Any]:
        started: Future[Any] = Future()
        if seconds is not None:
            started.expires = now() + seconds
            limit_start(self._core, cell, started, seconds)
        return started

    def _on_core(self, function: Callable[..., object], *args: Any) -> None:
        if self._core.holds():
            function(*args)
        else:
            self._core.post(function, *args)

    def make(self, birth: Birth, name: str | None, parent: Any, supervisor: Any) -> Cell:
        """Any thread. A cell without its actor; `parent` a process or a ref, `supervisor` a ref."""
        core = self._core
        identity = core.next_id()
        cell = make_cell(core, identity, birth)
        above: Process | None = None  # who is elsewhere and must not be lost without our knowing
        if isinstance(parent, ActorRef):  # a parent on another core
            parent = above = parent.process
        elif parent is None and supervisor is not None and not isinstance(supervisor.process, Cell):
            above = supervisor.process
        if name is not None or parent is not None or supervisor is not None:
            ties = cell.need_ties()
            ties.name = name
            ties.birth = birth
            if parent is not None:
                ties.parent = parent
                ties.watchers[parent.address] = parent
            if supervisor is not None:
                ties.supervisor = supervisor.process
        if birth.actor_class.blocking:
            core.blocking.add(birth.actor_class)
        core.enter(identity, cell)
        if above is not None:
            above.signal(Watch(cell))
        return cell

    # Names

    def whereis(self, name: str) -> ActorRef[Any] | None:
        """Any thread. See `ActorSystem.whereis`."""
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # users
            raise TypeError(f"whereis takes an actor's name, a str, not {name!r:.80}")
        name, _, node = name.partition("@")
        if not node or node == self._home.name:
            return cast("ActorRef[Any] | None", self._ask_names(WhereIs(name)))
        try:
            kernel = self._home.network.kernel(node, 0)
            return cast("ActorRef[Any] | None", look_up(kernel, WhereIs(name)))
        except NodeDown:
            return None

    def release(self, name: str, ref: ActorRef[Any] | None) -> None:
        """Any thread. Free a name; does not wait."""
        if self._home.index == 0:
            self._home.names.release(name, None if ref is None else ref.address)
            return
        try:
            self._home.network.kernel(None, 0).deliver(ReleaseName(name, ref), None, None, None)
        except (NodeDown, ActorDeadError):
            pass  # the node is ending, and its table with it

    def _reserve(self, name: str) -> None:
        self._ask_names(ReserveName(checked_actor_name(name), self._home.home.incarnation))

    def _ask_names(self, request: Any) -> object:
        if self._home.index != 0:
            kernel = self._home.network.kernel(None, 0)
            return look_up(kernel, request) if type(request) is WhereIs else _ask(kernel, request)
        names = self._home.names
        if isinstance(request, WhereIs):
            return names.find(request.name)
        if isinstance(request, ReserveName):
            names.reserve(request.name, request.incarnation)
        else:
            names.bind(request.name, request.ref)
        return None


def _check_may_wait(what: str) -> None:
    """Before anything is begun that has to be waited for."""
    if here.worker.turn is None:
        check_may_wait(f"use 'await asyncio.to_thread(...)' for {what}")


def _ask(kernel: Process, request: object) -> object:
    _check_may_wait("what another core has a part in")
    future: Future[object] = Future()
    kernel.deliver(request, current_sender(), future, None)
    return future.get()


def look_up(kernel: Process, request: object) -> object:
    """Any thread that may wait. Ask for what changes nothing; where that is lost, ask again."""
    while True:
        try:
            return _ask(kernel, request)
        except ConnectionLost:
            continue


def _birth(
    actor_class: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    dispatcher: str | None,
    mailbox: Mailbox | None,
) -> Birth:
    if not (isinstance(actor_class, type) and Actor in actor_class.__mro__):
        actor_class, args, kwargs = _unwrapped(actor_class, args, kwargs)
    return _new(Birth, (actor_class, args, kwargs, dispatcher, mailbox))


def _unwrapped(
    actor_class: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[type[Actor], tuple[Any, ...], dict[str, Any]]:
    """What a `functools.partial` stands for; raises TypeError where that is no actor class."""
    while isinstance(actor_class, functools.partial):
        args = actor_class.args + args
        kwargs = {**actor_class.keywords, **kwargs}
        actor_class = actor_class.func
    if isinstance(actor_class, Actor):
        raise TypeError(
            "spawn takes a class, not an actor: "
            f"pass {type(actor_class).__name__} and its arguments"
        )
    if not isinstance(actor_class, type) or not issubclass(actor_class, Actor):
        shown = actor_class.__name__ if isinstance(actor_class, type) else repr(actor_class)
        raise TypeError(f"spawn takes a subclass of zanni.Actor; {shown:.80} is none")
    return actor_class, args, kwargs


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
