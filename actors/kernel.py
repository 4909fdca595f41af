"""A core's own process, id 0: what other cores ask of a core, as ordinary messages."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from .address import KERNEL_ID, Address, CoreAddress
from .crash import as_exception
from .deadlock import Break, Probe, Withdraw, take_break, take_probe, take_withdrawal
from .dispatcher import Core
from .errors import ActorDeadError, ZanniError
from .future import Future
from .mailbox import MailboxRecord
from .messages import message
from .process import Headers, Process, Reply, Signal
from .ref import ActorRef
from .registry import Names
from .spawn_request import (
    RemoteSpawn,
    SpawnHost,
    SpawnRequest,
    check_spawn,
    spawn,
    spawn_for_node,
)


@message
class ReserveName:
    """Take a name for an actor that the core of that incarnation is about to make."""

    name: str
    incarnation: int


@message
class BindName:
    """The actor of a reserved name is there."""

    name: str
    ref: Any


@message
class ReleaseName:
    """The actor of that name is gone; with `ref` None: it was not made."""

    name: str
    ref: Any


@message
class WhereIs:
    """The answer is the ref of the living actor of that name, or None."""

    name: str


NameRequest: TypeAlias = WhereIs | ReserveName | BindName | ReleaseName


@message
class MailboxOf:
    """The answer is the record of the mailbox of the actor of that id."""

    id: int


@message
class ListActors:
    """The answer is the ids of the living actors of this core: an `array("Q")` as bytes."""


@message
class RefsOf:
    """The answer is the refs of those of these actors of this core that live."""

    ids: list[int]


@message
class CoreCount:
    """The node has so many cores, of which the first `open` take new actors."""

    existing: int
    open: int


@message
class ListMovable:
    """The answer is a list of [member, pool], of the pools of this core.

    The members are those on core `first` or a later one that the pool can replace elsewhere.
    """

    first: int


@message
class ListHolders:
    """The answer is how many hold this core, and a list of [ref, name or None] of the first ones.

    They are all its actors but the `movable` ones, by their ids, and the children of those.
    """

    movable: list[int]


@message
class JoinNode:
    """To core 0: the node is to join the one that listens there."""

    url: str


@message
class ReplaceCore:
    """To core 0: that start of that core is stuck; end its process, and start it again."""

    index: int
    incarnation: int


@message
class StopRequest:
    """Stop all actors of this core; the answer, whether that was done within `seconds`."""

    seconds: float


class KernelHost(SpawnHost, Protocol):
    """What a kernel needs of its system."""

    def process_of(self, address: Address) -> Process:
        """What stands behind an address, seen from here."""
        ...

    def local_actors(self) -> list[ActorRef[Any]]:
        """Refs of this core's living actors."""
        ...

    def actors_of(self, ids: list[int]) -> list[ActorRef[Any]]:
        """Refs of those of these actors of this core that live."""
        ...

    def set_cores(self, existing: int, open_: int) -> None:
        """The node has so many cores, and the first ones take new actors."""
        ...

    def holders(self, movable: list[int]) -> tuple[int, list[Any]]:
        """How many actors live here besides those and their children, and the first ones."""
        ...

    def movable(self, first: int) -> list[list[ActorRef[Any]]]:
        """Members of this core's pools that can be replaced elsewhere, with their pools."""
        ...

    def replace_core(self, index: int, incarnation: int) -> None:
        """End the process of a core that is stuck; it is started again."""
        ...

    def drain(self, seconds: float) -> Future[bool]:
        """Stop all actors of this core."""
        ...


class Kernel:
    """Process 0 of a core."""

    def __init__(self, core: Core, host: KernelHost) -> None:
        self.core = core
        self.address = Address(*core.home, KERNEL_ID)
        self._host = host
        core.enter(KERNEL_ID, self)

    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. See `Process.deliver`."""
        self.core.call(self._handle, message, reply)

    def signal(self, signal: Signal) -> None:
        """Any thread. A kernel lives as long as its core; watching it tells of the core's end."""

    def _handle(self, message: object, reply: Reply | None) -> None:
        handler = HANDLERS.get(type(message))
        try:
            if handler is None:
                raise TypeError(f"a core's kernel knows no message {type(message).__name__}")
            answer = handler(self._host, message)
        except BaseException as error:
            if reply is not None:
                reply.reject(as_exception(error))
            return
        if reply is None:
            return
        if isinstance(answer, Future):
            answer.pass_on_to(reply)
        else:
            reply.resolve(answer)


def answer_from_names(names: Names, request: NameRequest) -> ActorRef[Any] | None:
    """Any thread of core 0. What its table does with a request; raises what that raises."""
    match request:
        case WhereIs(name):
            return names.find(name)
        case ReserveName(name, incarnation):
            names.reserve(name, incarnation)
        case BindName(name, ref):
            names.bind(name, ref)
        case ReleaseName(name, ref):
            names.release(name, None if ref is None else ref.address)
    return None


def _withdraw(host: KernelHost, request: Withdraw) -> Future[None] | None:
    passed = take_withdrawal(host.core, request)
    if passed is None:
        return None
    answer: Future[None] = Future()
    kernel = host.process_of(Address(*passed.target.home, KERNEL_ID))
    kernel.deliver(passed, None, answer, None)
    return answer


def _mailbox_of(host: KernelHost, request: MailboxOf) -> MailboxRecord:
    process: Any = host.core.processes.get(request.id)
    if process is None:
        raise ActorDeadError(f"the actor {Address(*host.core.home, request.id)} is gone")
    record: MailboxRecord = process.statistics()
    return record


def _list_actors(host: KernelHost) -> bytes:
    return array("Q", [ref.address.id for ref in host.local_actors()]).tobytes()


HANDLERS: dict[type, Callable[[KernelHost, Any], Any]] = {
    SpawnRequest: spawn,
    RemoteSpawn: spawn_for_node,
    **dict.fromkeys(
        (ReserveName, BindName, ReleaseName, WhereIs),
        lambda host, request: answer_from_names(host.names, request),
    ),
    MailboxOf: _mailbox_of,
    ListActors: lambda host, _: _list_actors(host),
    RefsOf: lambda host, request: host.actors_of(request.ids),
    CoreCount: lambda host, request: host.set_cores(request.existing, request.open),
    ListHolders: lambda host, request: host.holders(request.movable),
    ListMovable: lambda host, request: host.movable(request.first),
    JoinNode: lambda host, request: host.network.join(request.url),
    ReplaceCore: lambda host, request: host.replace_core(request.index, request.incarnation),
    StopRequest: lambda host, request: host.drain(request.seconds),
    Probe: lambda host, probe: take_probe(host.core, probe),
    Break: lambda host, request: take_break(host.core, request),
    Withdraw: _withdraw,
}

FOR_OTHER_NODES = frozenset({WhereIs, RemoteSpawn, Probe, Break, Withdraw})
"""What another node may ask of a core."""


def check_from_node(message: object, home: CoreAddress) -> None:
    """Any thread. Check that a core of another node may ask this of a kernel.

    Raises:
        ZanniError: it may not.
        TypeError, ValueError: nobody may, as a field is not what it has to be.

    """
    if type(message) not in FOR_OTHER_NODES:
        raise ZanniError("another node may ask a core for names, and to spawn, and nothing else")
    if isinstance(message, RemoteSpawn):
        check_spawn(message, home)
