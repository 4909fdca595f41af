"""What a core asks of another to have an actor made there, and how that is done.

Guarantees:
- Another node's request makes an actor of a class that is allowed here, or none; its name is that
  of the living actor when the answer goes, or free.
- It makes no child of anyone but an actor of the core that asks, under a supervisor of its node.
"""

from __future__ import annotations

from typing import Any, Protocol

from .address import CoreAddress
from .allowed import Allowed
from .arguments import checked_actor_name
from .birth import Order
from .crash import type_and_text
from .dispatcher import Core
from .environment import deadline_in
from .errors import RemoteError, SpawnError, ZanniError
from .future import Future
from .links import Birth
from .mailbox import checked_mailbox
from .messages import import_type, message
from .network import Network
from .ref import ActorRef
from .registry import Names
from .start_limit import limit_start


@message
class SpawnRequest:
    """Make an actor; the answer is its ref, when `__init__` (supervised: `on_start`) is done."""

    class_name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    name: str | None
    parent: Any
    supervisor: Any
    start_timeout: float | None = None
    """Seconds until the start fails, with `Timeout`."""
    dispatcher: str | None = None
    mailbox: Any = None


@message
class RemoteSpawn:
    """From another node, to core 0: make the actor, if its class is allowed here.

    The request's name is one of this node's.
    """

    request: SpawnRequest
    core: int | str | None = None
    """Which core makes it, as for `spawn`."""


class SpawnHost(Protocol):
    """What answering needs of the system."""

    core: Core
    names: Names
    allowed: Allowed
    network: Network

    def place(self, core: int | str | None) -> int:
        """Choose the core for a new actor. Raises ValueError where there is no such core."""
        ...

    def make(self, order: Order) -> Any:
        """Make a cell whose actor its own first turn will make."""
        ...


def spawn(host: SpawnHost, request: SpawnRequest) -> Future[Any]:
    """Owner only. Make an actor of a class that is found by importing it: for our own node."""
    try:
        actor_class = import_type(request.class_name)
    except Exception as error:
        raise SpawnError(*type_and_text(error)) from error
    return _make(host, actor_class, request)


def spawn_for_node(host: SpawnHost, spawn: RemoteSpawn) -> Future[Any]:
    """Owner only, of core 0, as it alone knows what is allowed. It asks the core that is meant."""
    request = spawn.request
    actor_class = host.allowed.find(request.class_name)
    index = host.place(spawn.core)
    if request.name is not None:
        host.names.reserve(request.name, host.core.home.incarnation)
    made: Future[Any] = Future()
    made.add_done_callback(lambda future: _settle_name(host.names, request.name, future))
    try:
        if index == host.core.home.core:
            _make(host, actor_class, request).pass_on_to(made)
        else:
            host.network.kernel(None, index).deliver(request, None, made, None)
    except Exception as error:
        made.reject(error)
    return made


def _make(host: SpawnHost, actor_class: type[Any], request: SpawnRequest) -> Future[Any]:
    birth = Birth(actor_class, request.args, request.kwargs, request.dispatcher, request.mailbox)
    seconds = request.start_timeout
    order = Order(birth, request.name, request.parent, request.supervisor, seconds)
    cell = host.make(order)
    answer: Future[Any] = Future()

    def made(future: Future[Any]) -> None:
        error = future.error
        if error is None:
            answer.resolve(cell.ref)
        elif isinstance(error, RemoteError):  # it stands for what was raised: SystemExit, say
            answer.reject(SpawnError(error.type, error.text))
        elif isinstance(error, ZanniError):
            answer.reject(error)
        else:
            answer.reject(SpawnError(*type_and_text(error)))

    cell.need_ties().birth = birth
    made_future: Future[Any] = Future()
    made_future.add_done_callback(made)
    if seconds is not None:
        limit_start(cell.core, cell, answer, seconds)
    if order.is_start_awaited:
        cell.need_ties().starting = made_future
    else:
        cell.need_ties().born = made_future
    cell.core.schedule(cell)
    return answer


def _settle_name(names: Names, name: str | None, made: Future[Any]) -> None:
    if name is not None and made.error is None:
        names.bind(name, made.get())
    elif name is not None:
        names.release(name, None)


def check_spawn(spawn: RemoteSpawn, home: CoreAddress) -> None:
    """Any thread. Check what a core of another node asks for.

    Raises:
        ZanniError: it may not ask for that.
        TypeError, ValueError: nobody may, as a field is not what it has to be.

    """
    request: object = spawn.request
    if not isinstance(request, SpawnRequest):
        raise TypeError(f"a node spawns by a SpawnRequest, not by {request!r:.80}")
    parent, supervisor = _checked_ref(request.parent), _checked_ref(request.supervisor)
    if parent is not None and parent.address.home != home:
        raise ZanniError(f"{home} may spawn no child of {parent.address}")
    if supervisor is not None and supervisor.node != home.node:
        raise ZanniError(f"{home} may put no actor under {supervisor.address}")
    if request.name is not None:
        checked_actor_name(request.name)
    if request.mailbox is not None:
        checked_mailbox(request.mailbox, "mailbox=")
    if request.start_timeout is not None:
        deadline_in(request.start_timeout)


def _checked_ref(ref: object) -> ActorRef[Any] | None:
    if ref is None or isinstance(ref, ActorRef):
        return ref
    raise TypeError(f"an actor is given by its ref, not by {ref!r:.80}")
