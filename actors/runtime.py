"""What the runtime's other parts need of a system: from addresses to processes and refs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .actor import Actor
from .address import Address, CoreAddress
from .cell import Cell
from .crash import Crashes
from .dispatcher import Core
from .drain import living
from .ending import check_may_spawn, check_not_ended
from .environment import make_shared_lock
from .errors import ActorDeadError, ShuttingDown
from .forked import Disowned
from .gone import GoneProcess
from .messages import UNKNOWN_ACTOR
from .network import Network
from .observe import DeadLetters, Events
from .parking import here
from .phase import Phase
from .process import Process, kill_for_good
from .ref import ActorRef
from .registry import Names
from .spawner import CHILD_OPTIONS, Spawner

if TYPE_CHECKING:
    from .aio import LoopThread

A = TypeVar("A", bound=Actor)

_at_loops = make_shared_lock()
"""Held while a system's asyncio loop is started or ended."""


class Runtime:
    """The half of a system that users do not call. It is the `Owner` of its core."""

    name: str
    index: int
    home: CoreAddress
    core: Core
    network: Network
    names: Names
    events: Events
    dead_letters: DeadLetters
    crashes: Crashes
    _spawner: Spawner
    _phase: Phase
    _loop_thread: LoopThread | None
    _runs_coroutines = True
    _disowned: Disowned | None = None

    def place(self, core: int | str | None) -> int:
        """Any thread. See `KernelHost.place`."""
        return self._spawner.scheduler.place(core, None)

    def spawn_child(
        self,
        parent: Process,
        actor_class: Callable[..., A],
        args: tuple[Any, ...],
        options: Mapping[str, Any],
        start_timeout: float | None = None,
    ) -> ActorRef[A]:
        """Any thread. As `ActorSystem.spawn`, for a child of `parent`.

        With a `start_timeout` its start may take so many seconds, and fails with Timeout then.

        Raises:
            ActorDeadError: the parent has ended, or stops its children, and a thread or task that
                it has left behind asks.

        """
        cell = cast("Cell", parent)
        check_may_spawn(cell)
        kwargs = dict(options)
        named = {key: kwargs.pop(key) for key in CHILD_OPTIONS if key in kwargs} if kwargs else {}
        spawn = self._spawner.spawn
        ref = spawn(parent, actor_class, args, kwargs, start_timeout=start_timeout, **named)
        try:
            check_not_ended(cell)
        except ActorDeadError:  # meanwhile: it stops no children any more
            kill_for_good(ref.process)
            raise
        return ref

    def local_actors(self) -> list[ActorRef[Any]]:
        """Any thread. Refs of the living actors of this core, without the runtime's own."""
        self._check_usable()
        return [cell.ref for cell in living(self.core) if _is_listed(cell)]

    def actors_of(self, ids: list[int]) -> list[ActorRef[Any]]:
        """Any thread. Refs of those of these actors of this core that `local_actors` lists."""
        processes = map(self.core.processes.get, ids)
        return [each.ref for each in processes if isinstance(each, Cell) and _is_listed(each)]

    def process_of(self, address: Address) -> Process:
        """Any thread. What stands behind an address, seen from this core."""
        if address.home == self.home:
            found = self.core.processes.get(address.id)
            if found is not None:
                return found
            error: Exception = ActorDeadError(f"the actor {address} is gone")
            return GoneProcess(self.core, address, error, "noproc")
        return self.network.process(address)

    def ref_of(self, address: Address, type_name: str | None) -> ActorRef[Any]:
        """Any thread. A ref for an address."""
        process = self.process_of(address)
        return ActorRef(cast("Any", process), type_name or UNKNOWN_ACTOR)

    def ref_to(self, process: Process) -> ActorRef[Any]:
        """Any thread. A ref for a process."""
        if isinstance(process, Cell):
            return process.ref
        return ActorRef(cast("Any", process), UNKNOWN_ACTOR)

    def forget_name(self, name: str, address: Address) -> None:
        """Owner only. The actor of that name is gone."""
        self._spawner.naming.release(name, self.ref_of(address, None))

    def run_coroutine(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """A turn only. See `Owner.run_coroutine`."""
        turn = here.worker.turn
        assert turn is not None
        loop = self._loop_thread
        if loop is None:
            try:
                loop = self._start_loop()
            except BaseException:  # the system has stopped, or there are no more files or threads
                coroutine.close()
                raise
        return loop.run(turn, coroutine)

    def _start_loop(self) -> LoopThread:
        from .aio import LoopThread  # noqa: PLC0415  (asyncio costs 40 ms to import)

        with _at_loops:
            if not self._runs_coroutines:
                raise ShuttingDown(f"the system {self.name!r} has stopped: it runs no coroutine")
            if self._loop_thread is None:
                self._loop_thread = LoopThread(f"{self.name}-asyncio-{self.index}")
            return self._loop_thread

    def _end_loop(self, seconds: float) -> None:
        """Any thread. The core has ended: end its asyncio loop, in `seconds` at most."""
        with _at_loops:
            self._runs_coroutines = False
            loop_thread = self._loop_thread
        if loop_thread is not None:
            loop_thread.stop(seconds)

    def disown(self) -> None:
        """In a forked child: the system is the parent's, and whoever uses it here hears so."""
        self._disowned = Disowned(self.name)
        self.core.disown(self._disowned)
        self.names.disown(self._disowned)
        self.network.disown(self._disowned)

    def _can_be_asked(self) -> bool:
        """Any thread. False: it was stopped before its start, or that failed, and it has nothing.

        Raises as `_check_usable`.
        """
        self._check_usable()
        return hasattr(self, "_spawner")  # which is made last

    def _check_own(self) -> None:
        """Any thread. Raise ForkedError for a system that is a forked child's parent's."""
        if self._disowned is not None:
            self._disowned()

    def _check_usable(self) -> None:
        """Any thread. Raise for a system that is a forked child's parent's, or was not started."""
        self._check_own()
        if self._phase is Phase.NEW:
            raise RuntimeError(
                f"the system {self.name!r} was not started: use  with ActorSystem(...) as system:  "
                "or call system.start() first"
            )


def _is_listed(cell: Cell) -> bool:
    return cell.actor_class._is_listed and cell.is_alive()
