"""`ActorSystem`: a node, or one core of it, from its start to its end.

It is one class, a file for each of its jobs:

    system.py     its making, start and end, and its actors
    cores.py      what users ask about other cores and nodes     scoped.py    `with`, `async with`
    runtime.py    what the runtime's other parts need of it
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from os import PathLike
from typing import Any, Literal, Self, TypeVar

from . import collector
from .actor import Actor, Dispatcher
from .address import CoreAddress
from .allowed import Allowed
from .alone import Alone
from .arguments import checked_cores, checked_keys, checked_name, checked_urls, refuse_in_import
from .birth import Order
from .cell import Cell
from .config import Config
from .core_setup import CoreSetup
from .cores import AcrossCores
from .cpus import allowed_cpus, pin_to
from .crash import Crashes
from .dispatcher import Core
from .drain import drain
from .environment import bounded, make_lock, now, random_bits, start_thread
from .errors import ShuttingDown, Timeout
from .future import Future, check_may_wait
from .joint import Joint
from .kernel import Kernel
from .load import Meter
from .mailbox import Mailbox
from .network import Network
from .observe import DeadLetters, Events
from .parking import here
from .phase import Phase
from .ref import ActorRef
from .registry import Names
from .scheduler import Place
from .scoped import STOP_REMEDY, Scoped, to_the_end, wait_for
from .spawner import Spawner
from .watcher import watcher

A = TypeVar("A", bound=Actor)

GRACE = 0.5
"""Seconds beyond a bound, for the loop to say itself that it is over."""

systems: dict[CoreAddress, ActorSystem] = {}
"""The running systems of this process; `defaults.py` finds them here."""
network_of: Joint[[ActorSystem], Network] = Joint("transport")
"""Makes the network of a system that has more than one core, or peers (the face fills it in)."""


class ActorSystem(AcrossCores, Scoped):
    """A node: one or more cores that run actors, by name reachable for other nodes.

    Use it as a context manager, plain or async, or call `start` and `stop`. Any thread may use it;
    what asks something of it before it was started raises RuntimeError.

    Args:
        name: the node's name; other nodes reach its actors as `actor@name`.
        cores: how many; core 0 is this process, each other one a child process. "auto" takes the
            CPUs that this process may use.
        listen: a URL such as "tcp://127.0.0.1:7400" at which other nodes may join this one.
        join: URLs of nodes to join; tried in the background until they answer.
        pin: pin each core to a CPU of its own, in turn where there are fewer CPUs; of this process
            the core's threads alone. Nothing where the platform cannot do it (macOS).
        keys: the key directory of this node (see `zanni keys`), for links beyond this machine.
        config: settings by name, as `Config` has them (seconds, bytes).
        observable: let `zanni tree` find it, as it finds any that has more cores or a network.

    Raises:
        ValueError: an argument that cannot be; the text names it.

    """

    name: str
    events: Events
    dead_letters: DeadLetters
    network: Network
    core: Core
    listen: str | None = None
    joins: tuple[str, ...] = ()
    observable: bool = False
    _spawner: Spawner

    def __init__(
        self,
        name: str | None = None,
        *,
        cores: int | Literal["auto"] = 1,
        listen: str | None = None,
        join: str | Iterable[str] = (),
        pin: bool = False,
        keys: str | PathLike[str] | None = None,
        config: Mapping[str, float | str] | Config | None = None,
        observable: bool = False,
    ) -> None:
        refuse_in_import()
        core_count = checked_cores(cores)
        self._set_up(
            CoreSetup(
                name=checked_name(name),
                core_count=core_count,
                open_cores=core_count,
                incarnation=random_bits(63),
                config=Config.of(config),
                cpus=allowed_cpus() if pin else [],
                keys=checked_keys(keys),
            )
        )
        self.listen = listen
        self.observable = observable
        self.joins = checked_urls(join)

    def _set_up(self, setup: CoreSetup) -> None:
        self.name, self.index = setup.name, setup.index
        self.core_count, self.open_cores = setup.core_count, setup.open_cores
        self._resizing = make_lock()
        self.config = setup.config
        self.home = CoreAddress(setup.name, setup.index, setup.incarnation)
        self.cpus, self.keys = setup.cpus, setup.keys
        self.run_directory, self.tcp_host = setup.run_directory, setup.tcp_host
        self.events = Events()
        self.dead_letters = DeadLetters()
        self.names = Names()
        self.allowed = Allowed(setup.name)
        self.now = now
        self._thread: Any = None
        self._loop_thread = None
        self._dismantling = make_lock()
        self._phase = Phase.NEW

    @classmethod
    def of_core(cls, setup: CoreSetup) -> ActorSystem:
        """In a child process: the system as that core of the node sees it; `run` runs it."""
        made = cls.__new__(cls)
        made._set_up(setup)
        return made

    # Beginning and end

    def start(self) -> Self:
        """Start the cores and return when all are up.

        Raises:
            OSError: the port is taken, or no more files may be opened; nothing is left running.
            ValueError: a URL that may not be used, with the remedy.
            RuntimeError: it was started, or stopped, before, or no thread can be started.

        """
        self._make_core()
        try:
            watcher.add(self.core, self.config.handoff)
            self._thread = start_thread(self.core.run, f"{self.name}-core-{self.index}")
            self.network.start()
        except BaseException:
            self._end(self.config.kill_timeout)
            raise
        self._phase = Phase.RUNNING
        return self

    def run(self) -> None:
        """In a child process: run the core in this thread until it is stopped."""
        if self.cpus:  # it was started by a pinned thread, whose mask it has inherited
            pin_to(self.cpus)
        self._make_core()
        watcher.add(self.core, self.config.handoff)
        self._phase = Phase.RUNNING
        starting = start_thread(self.network.start, f"{self.name}-start")
        self.core.run()
        starting.join(1.0)
        self._dismantle(self.config.kill_timeout)

    def _make_core(self) -> None:
        if self._phase is not Phase.NEW:
            before = f"the system {self.name!r} was started, or stopped, before: make a new one"
            raise RuntimeError(before)
        self._phase = Phase.STOPPED  # as it stays where what follows fails
        reachable = self.listen is not None or self.joins or self.observable
        has_others = self.core_count > 1 or self.index > 0 or reachable
        self.network = network_of(self) if has_others else Alone(self)
        self.core = Core(self.home, self.network.poller, self, int(self.config.threads))
        if self.cpus:  # the core's own threads alone: others of this process are not ours
            self.core.crew.cpu = self.cpus[self.index % len(self.cpus)]
        Kernel(self.core, self)
        self.meter = Meter(self.core)
        self.crashes = Crashes(self.core.call_later)
        self._spawner = Spawner(self, self.core)
        self._phase = Phase.STARTING
        systems[self.home] = self
        collector.relax(self.config.gc_threshold)

    def _connect(self) -> None:
        """Outside of the loop. Give a system that is alone what links it to other cores."""
        if not isinstance(self.network, Alone):
            return
        network = network_of(self)
        switched: Future[None] = Future()

        def switch() -> None:
            alone, self.network = self.core.poller, network
            self.core.wait_in(network.poller)
            alone.close()
            switched.resolve(None)

        self.core.post(switch)
        switched.get()
        network.start()

    def stop(self, timeout: float | None = None) -> bool:
        """Stop: let actors handle what is queued, then end them, the child cores and the threads.

        Args:
            timeout: seconds for the actors to finish; by default the config's `drain_timeout`.
                What has not finished by then is killed, which takes up to `kill_timeout` more.

        Returns whether all finished in time. Stopping twice is stopping once, and with a shorter
        timeout it hurries the first. Ctrl-C hurries it, too: what has not finished is killed, and
        the KeyboardInterrupt passes on when all is over; at a second Ctrl-C at once.

        Raises:
            TypeError, ValueError: the timeout is no number; nothing has been begun.
            RuntimeError: an actor of this system calls it, or it would block an asyncio loop.
            ForkedError: the system is that of the process which this one was forked from.

        """
        self._check_own()
        turn = here.worker.turn
        if turn is not None and turn.core.owner is self:
            raise RuntimeError("an actor cannot wait for the end of its own system: stop yourself")
        check_may_wait(STOP_REMEDY)
        seconds = bounded(self.config.drain_timeout if timeout is None else timeout)
        kill_seconds = self.config.kill_timeout
        end = partial(self.stop_within, seconds, kill_seconds)
        return wait_for(lambda: to_the_end(end, partial(self.stop_within, 0.0, kill_seconds)))

    def stop_within(self, seconds: float, kill_seconds: float) -> bool:
        """As `stop`, with so many seconds to finish, and as many more for what was killed.

        This core is first, as its actors are those that ask others; after half of the time the
        child cores begin, too, so that all have ended in the one time.
        """
        seconds, kill_seconds = bounded(seconds), bounded(kill_seconds)
        if self._phase in (Phase.NEW, Phase.STOPPED):
            self._phase = Phase.STOPPED
            return True
        self._phase = Phase.STOPPING
        begun = now()
        deadline = begun + seconds + kill_seconds
        ended = self.drain(seconds)
        self._wait(ended, seconds / 2)
        self.network.drain(max(begun + seconds - now(), 0.0))
        drained = self._wait(ended, deadline - now() + GRACE)
        drained = self.network.stop(max(deadline - now(), 0.0)) and drained
        self._end(max(deadline - now(), GRACE))
        return drained

    @staticmethod
    def _wait(ended: Future[bool], seconds: float) -> bool:
        try:
            return ended.get(timeout=seconds)
        except Timeout:  # if at the end: a handler neither returns nor waits, and holds the loop up
            return False

    def _end(self, seconds: float) -> None:
        """Not the loop's thread. End the loop, in so many seconds, and what is left after it."""
        deadline = now() + seconds
        self.core.stop()
        if self._thread is not None:
            self._thread.join(seconds)
        self._dismantle(max(deadline - now(), GRACE))

    def _dismantle(self, seconds: float) -> None:
        """One thread at a time: of several that stop the system, none returns before it is gone."""
        if self._dismantling.acquire(timeout=seconds):
            try:
                self._dismantle_alone(seconds)
            finally:
                self._dismantling.release()

    def _dismantle_alone(self, seconds: float) -> None:
        """With the lock. The loop has ended: end what else runs, and give everything back."""
        watcher.remove(self.core, GRACE)
        self.core.crew.join(now() + GRACE)
        self._end_loop(seconds)
        self.crashes.tell_rest()
        self.core.poller.close()
        systems.pop(self.home, None)
        if not systems:
            collector.restore()
        self._phase = Phase.STOPPED

    def drain(self, seconds: float) -> Future[bool]:
        """Any thread. Stop all actors of this core; whether they finished in so many seconds."""
        self._phase = Phase.STOPPING
        future: Future[bool] = Future()
        self.core.post(drain, self.core, seconds, self.config.kill_timeout, future)
        return future

    # Actors

    def spawn(
        self,
        actor_class: Callable[..., A],
        *args: Any,
        name: str | None = None,
        core: int | Place | None = None,
        node: str | None = None,
        near: ActorRef[Any] | None = None,
        mailbox: Mailbox | None = None,
        dispatcher: Dispatcher | None = None,
        supervisor: ActorRef[Any] | None = None,
        **kwargs: Any,
    ) -> ActorRef[A]:
        """Start an actor.

        Args:
            actor_class: a subclass of `Actor`, or a `functools.partial` of one, for arguments that
                are called like those of `spawn`.
            *args: for its `__init__`, as are the other keyword arguments.
            name: unique in the node; `whereis` finds the actor by it.
            core: where: an index, "here" (the default), "spread" or "least-loaded".
            node: where: the name of a joined node that allows the class there (see `allow`).
                `core` is one of its cores then, its core 0 by default, and `name` one of its names.
            near: where: on the core of this actor.
            mailbox: a `Mailbox`, in place of the class's.
            dispatcher: what runs it, if not what its class says: "core", "asyncio" for its
                handlers to run on the core's asyncio loop, "pinned" for a thread of its own.
            supervisor: a supervisor, or a pool, that decides what follows when this one ends. One
                that does not keep it as its own child, or member, lets it end for good. With it
                `spawn` returns when `on_start` is done, and raises what it raised.
            **kwargs: see `args`.

        Raises:
            TypeError: no actor class, or an argument of a wrong type; the text names it.
            ValueError: an argument that cannot be; the text names it.
            NameInUse: the name belongs to a living actor.
            SpawnError: `__init__` failed on another core, or the class is not allowed on that
                node; on this core its own error is raised.
            NodeDown: that node is not joined, or lost; the text names those that are joined.
            ShuttingDown: the system, or that node, is stopping or stopped.

        """
        self.check_running()
        return self._spawner.spawn(
            None,
            actor_class,
            args,
            kwargs,
            name=name,
            core=core,
            node=node,
            near=near,
            mailbox=mailbox,
            dispatcher=dispatcher,
            supervisor=supervisor,
        )

    def check_running(self) -> None:
        """Any thread. See `Home.check_running`."""
        if self._phase is not Phase.RUNNING or self._disowned is not None:
            self._check_usable()
            phase = self._phase.value
            raise ShuttingDown(f"the system {self.name!r} is {phase}: it takes nothing new")

    def make(self, order: Order) -> Cell:
        """Owner only. See `KernelHost.make`."""
        self.check_running()
        if self.index >= self.open_cores:
            raise ShuttingDown(f"core {self.index} is being removed: nothing can be spawned there")
        return self._spawner.make(order)

    def whereis(self, name: str) -> ActorRef[Any] | None:
        """The living actor of that name in this node, or of `name@node` in a joined one.

        None if there is none, or the node is not joined or lost. Waits for the answer of the core
        that keeps the names, if that is another.

        Raises:
            TypeError: the name is no str.

        """
        return self._spawner.naming.whereis(name) if self._can_be_asked() else None
