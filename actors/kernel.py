"""A core's own process, id 0: what other cores ask of a core, as ordinary messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .address import KERNEL_ID, Address
from .deadlock import Break, Probe, Withdraw, take_break, take_probe, take_withdrawal
from .dispatcher import Core
from .errors import ActorDeadError, SpawnError, ZanniError
from .future import Future
from .links import Birth
from .mailbox import MailboxRecord
from .messages import import_type, message
from .process import Headers, Process, Reply, Signal
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
class ReserveName:
    """Take a name for an actor that is about to be made."""

    name: str


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


@message
class MailboxOf:
    """The answer is the record of the mailbox of the actor of that id."""

    id: int


@message
class ListActors:
    """The answer is the refs of the living actors of this core."""


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
class ReplaceCore:
    """To core 0: that start of that core is stuck; end its process, and start it again."""

    index: int
    incarnation: int


@message
class StopRequest:
    """Stop all actors of this core; the answer, whether that was done within `seconds`."""

    seconds: float


class KernelHost(Protocol):
    """What a kernel needs of its system."""

    names: Names
    core: Core

    def make(self, birth: Birth, name: str | None, parent: Any, supervisor: Any) -> Any:
        """Make a cell whose actor its own first turn will make."""
        ...

    def process_of(self, address: Address) -> Process:
        """What stands behind an address, seen from here."""
        ...

    def local_actors(self) -> list[ActorRef[Any]]:
        """Refs of this core's living actors."""
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
        if self.core.holds():
            self._handle(message, reply)
        else:
            self.core.post(self._handle, message, reply)

    def signal(self, signal: Signal) -> None:
        """Any thread. A kernel lives as long as its core; watching it tells of the core's end."""

    def _handle(self, message: object, reply: Reply | None) -> None:
        handler = HANDLERS.get(type(message))
        try:
            if handler is None:
                raise TypeError(f"a core's kernel knows no message {type(message).__name__}")
            answer = handler(self._host, message)
        except Exception as error:
            if reply is not None:
                reply.reject(error)
            return
        if reply is None:
            return
        if isinstance(answer, Future):
            answer.add_done_callback(lambda future: _pass_on(future, reply))
        else:
            reply.resolve(answer)


def _pass_on(future: Future[Any], reply: Reply) -> None:
    if future._error is not None:
        reply.reject(future._error)
    else:
        reply.resolve(future._value)


def _spawn(host: KernelHost, request: SpawnRequest) -> Future[Any]:
    try:
        actor_class: type[Any] = import_type(request.class_name)
    except Exception as error:
        raise SpawnError(type(error).__name__, str(error)) from error
    birth = Birth(actor_class, request.args, request.kwargs, request.dispatcher, request.mailbox)
    cell = host.make(birth, request.name, request.parent, request.supervisor)
    answer: Future[Any] = Future()

    def made(future: Future[Any]) -> None:
        error = future._error
        if error is None:
            answer.resolve(cell.ref)
        elif isinstance(error, ZanniError):
            answer.reject(error)
        else:
            answer.reject(SpawnError(type(error).__name__, str(error)))

    cell.need_ties().birth = birth
    made_future: Future[Any] = Future()
    made_future.add_done_callback(made)
    seconds = request.start_timeout
    if seconds is not None:
        limit_start(cell.core, cell, answer, seconds)
    if request.supervisor is not None or actor_class.wait_for_start or seconds is not None:
        cell.need_ties().starting = made_future
    else:
        cell.need_ties().born = made_future
    cell.core.schedule(cell)
    return answer


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


HANDLERS: dict[type, Callable[[KernelHost, Any], Any]] = {
    SpawnRequest: _spawn,
    ReserveName: lambda host, request: host.names.reserve(request.name),
    BindName: lambda host, request: host.names.bind(request.name, request.ref),
    ReleaseName: lambda host, request: host.names.release(
        request.name, request.ref and request.ref.address
    ),
    WhereIs: lambda host, request: host.names.find(request.name),
    MailboxOf: _mailbox_of,
    ListActors: lambda host, _: host.local_actors(),
    CoreCount: lambda host, request: host.set_cores(request.existing, request.open),
    ListHolders: lambda host, request: host.holders(request.movable),
    ListMovable: lambda host, request: host.movable(request.first),
    ReplaceCore: lambda host, request: host.replace_core(request.index, request.incarnation),
    StopRequest: lambda host, request: host.drain(request.seconds),
    Probe: lambda host, probe: take_probe(host.core, probe),
    Break: lambda host, request: take_break(host.core, request),
    Withdraw: _withdraw,
}

FOR_OTHER_NODES = frozenset({WhereIs, Probe, Break, Withdraw})
"""What another node may ask of a core."""
