"""What the core needs of the transport, stated here so that `actors` stands alone."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias, TypedDict

from .address import Address
from .forked import Disowned
from .process import Process


class Load(TypedDict):
    """What a core had to do in the heartbeat before its last report."""

    queued: int
    """Turns that waited in its run queue."""
    messages: int
    """Messages that waited for those turns; an estimate where there are many."""
    delay: float
    """Seconds that a turn had to wait for the core."""
    cpu: float
    """The CPU time of its process, by the clock: 1.0 is one CPU in full use."""


IDLE = Load(queued=0, messages=0, delay=0.0, cpu=0.0)
"""Of a core that has not reported yet."""


CoreState: TypeAlias = Literal["starting", "up", "closing", "down", "given up"]
"""Of the process of a core. "closing": it is being removed; "given up": it stays down."""


class CoreReport(TypedDict):
    """One core of a node, as its cores tell one another."""

    index: int
    state: CoreState
    incarnation: int
    """Of its process: another after each restart."""
    pid: int
    """0 while there is no process."""
    actors: int
    """How many there are, and those that wait for one's end; of another core, as it last said."""
    restarts: int
    """How often its process was started again."""
    load: Load
    """As it last reported."""


class CoreRecord(CoreReport):
    """One core of a node, as `system.cores()` lists it."""

    name: str
    """As the addresses of its actors begin: "bank/0"."""


class NodeRecord(TypedDict):
    """One node, as `system.nodes()` lists it."""

    name: str
    state: str
    """"up"; of another node also "suspect", "connecting" (it has not answered yet) or "known" (only
    other cores of it have). A core that has not dealt with that node itself has this of core 0."""
    incarnation: int
    """Of its core 0: another after each start."""
    urls: list[str]
    """Where it can be joined."""


class Poller(Protocol):
    """Where a core's loop sleeps, and what it polls while it is busy."""

    def poll(self) -> None:
        """Owner only. Take in and send what can be without waiting."""
        ...

    def wait(self, timeout: float | None) -> None:
        """Owner only. Send what is due, then wait for input, `wake` or `timeout` seconds."""
        ...

    def wake(self) -> None:
        """Any thread. End a `wait` that runs, or the next one."""
        ...

    def close(self) -> None:
        """Owner only. Give everything back."""
        ...


class Network(Protocol):
    """What the core needs of the transport: a poller for its loop, and the way to other cores."""

    @property
    def poller(self) -> Poller:
        """The core's loop sleeps here."""
        ...

    def start(self) -> None:
        """Not the loop's thread. Bind, start the child cores and wait until each is up."""
        ...

    def process(self, address: Address) -> Process:
        """Any thread. The process of an actor elsewhere; no look-up, no round trip."""
        ...

    def kernel(self, node: str | None, core: int) -> Process:
        """Any thread. The kernel of a core of this node (None) or of a joined one.

        Raises:
            NodeDown: no such core or node is known or up; the text names those that are.

        """
        ...

    def join(self, url: str) -> None:
        """Any thread. Join the node that listens there; retried until it answers."""
        ...

    def cores(self) -> list[CoreReport]:
        """Any thread. The cores of this node."""
        ...

    def nodes(self) -> list[NodeRecord]:
        """Any thread. This node and the joined ones."""
        ...

    def resize(self, cores: int) -> None:
        """Any thread but the loop's, or a turn. See `ActorSystem.resize`."""
        ...

    def replace_core(self, index: int, incarnation: int) -> None:
        """Owner only, on core 0. End the process of that start of a core; it is started again."""
        ...

    def drain(self, seconds: float) -> None:
        """Any thread. Have the child cores stop their actors in so many seconds; does not wait."""
        ...

    def disown(self, lock: Disowned) -> None:
        """In a forked child: all of this is the parent's. Let go of its child cores' sockets."""
        ...

    def stop(self, timeout: float) -> bool:
        """Not the loop's thread. Say goodbye, and end what has begun: in `timeout` seconds.

        Returns whether the actors of the child cores had finished in their time.
        """
        ...
