"""The endpoint on a virtual clock, for tests: what goes wrong on the way, from one seed.

As `memory.py`, within one process and without sockets; and in one thread, at times that a
`Timeline` gives. Each link has one connection at a time to the address that it leads to. Faults are
those that ZeroMQ on a network has, and none that it cannot have:

Guarantees:
- Those of `endpoint.py` and of `connection.py`.
- One seed and the same calls give the same arrivals, to the last one.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from .clock import Timeline
from .connection import Address, Chance, Connection, Way
from .endpoint import PAUSE, Endpoint, Frames, Link, Probe
from .memory import NoProbe

FAIR = 64
"""The most messages that one `poll` takes from one address."""
AGAIN = 0.1
"""Seconds until a broken connection is made anew."""


class FaultyNetwork:
    """Where endpoints find each other by URL, and where faults are made. One thread only.

    Args:
        timeline: the virtual clock.
        chance: what delays, and what a broken connection loses, are drawn from.

    """

    def __init__(self, timeline: Timeline, chance: Chance) -> None:
        self.timeline, self.chance = timeline, chance
        self._ways: dict[tuple[str, str], Way] = {}
        self._addresses: dict[str, Address] = {}
        self._refused: dict[FaultyEndpoint, None] = {}
        self._ports = 40_000

    def endpoint(self, machine: str) -> FaultyEndpoint:
        """Make an endpoint on the machine of that name."""
        return FaultyEndpoint(self, machine)

    # Faults

    def way(self, source: str, target: str) -> Way:
        """From one machine to the other. Its delay may be set."""
        key = source, target
        found = self._ways.get(key)
        if found is None:
            found = self._ways[key] = Way(self.timeline, self.chance)
        return found

    def cut(self, source: str, target: str) -> None:
        """Have nothing arrive that way until `mend`."""
        self.way(source, target).is_cut = True

    def clog(self, source: str, target: str) -> None:
        """Have links that way refuse everything until `mend`."""
        self.way(source, target).is_clogged = True

    def mend(self, source: str, target: str) -> None:
        """Undo `cut` and `clog`: what waits goes on."""
        way = self.way(source, target)
        way.is_cut = way.is_clogged = False
        for connection in tuple(way.connections):
            connection.go_on()
        self._tell_refused()

    def reset(self, source: str, target: str, *, echo: bool = False) -> None:
        """Break the connections that way; links make new ones.

        Args:
            source: whose connections.
            target: where they lead.
            echo: whether the last messages that arrived on them come once more.

        """
        for connection in tuple(self.way(source, target).connections):
            connection.break_(echo=echo)

    def last_arrival(self, source: FaultyEndpoint, target: str) -> float:
        """When something of that endpoint came to that machine for the last time; 0 for never."""
        return self.way(source.machine, target).arrivals.get(source, 0.0)

    # Of endpoints and links

    def bind(self, url: str, address: Address) -> str:
        """Have the address found by that URL."""
        if url.endswith(":0"):
            self._ports += 1
            url = f"{url[:-1]}{self._ports}"
        if self._addresses.setdefault(url, address) is not address:
            raise OSError(errno.EADDRINUSE, f"cannot listen on {url}: the address is taken")
        self._tell_refused()
        return url

    def unbind(self, url: str) -> None:
        """Have it found no more."""
        self._addresses.pop(url, None)

    def find(self, url: str) -> Address | None:
        """The address that is bound to this URL."""
        return self._addresses.get(url)

    def open(self, source: FaultyEndpoint, address: Address) -> Connection | None:
        """Make a connection; None where there is no way, which has to lead there and back."""
        here, there = source.machine, address.machine
        way = self.way(here, there)
        if way.is_cut or way.is_clogged or self.way(there, here).is_cut:
            return None
        return Connection(way, source, address)

    def note_refused(self, endpoint: FaultyEndpoint) -> None:
        """A link of this endpoint refused something."""
        self._refused[endpoint] = None

    def has_room(self, address: Address) -> None:
        """Something was taken in at an address."""
        waiting, address.waiting = address.waiting, {}
        for connection in waiting:
            connection.go_on()
        self._tell_refused()

    def _tell_refused(self) -> None:
        refused, self._refused = self._refused, {}
        for endpoint in refused:
            endpoint.wake()

    def tell_refused_in(self, seconds: float) -> None:
        """Have those that were refused something try again then."""
        self.timeline.at(self.timeline.now() + seconds, self._tell_refused)


class FaultyLink(Link):
    """The way to one address, over one connection after the other."""

    __slots__ = ("_again_at", "_closed", "_connection", "_endpoint", "_network", "_url")

    def __init__(self, network: FaultyNetwork, endpoint: FaultyEndpoint, url: str) -> None:
        self._network, self._endpoint, self._url = network, endpoint, url
        self._connection: Connection | None = None
        self._again_at = 0.0
        self._closed = False

    def send(self, frames: Frames) -> bool:
        """Owner only. Take the frames, or False where the peer is not there or takes no more."""
        if self._closed:
            return False
        connection = self._connect()
        if connection is None or connection.refuses:
            self._network.note_refused(self._endpoint)
            return False
        connection.take(tuple(frames))
        return True

    def _connect(self) -> Connection | None:
        network, connection = self._network, self._connection
        if connection is not None:
            if not (connection.is_broken or connection.address.is_closed):
                return connection
            connection.break_()
            self._connection = None
            self._again_at = network.timeline.now() + AGAIN
            network.tell_refused_in(AGAIN)
        address = network.find(self._url)
        if address is None or network.timeline.now() < self._again_at:
            return None
        connection = self._connection = network.open(self._endpoint, address)
        return connection

    def close(self) -> None:
        """Owner only. Let go of the connection, and of what has no way."""
        self._closed = True
        self._endpoint.links.pop(self, None)
        if self._connection is not None:
            self._connection.close()

    def crash(self) -> None:
        """The machine is gone: so is some of what it had sent."""
        if self._connection is not None:
            self._connection.break_()


class FaultyEndpoint(Endpoint):
    """One core's end of a `FaultyNetwork`. Owner only, but for `wake`."""

    def __init__(self, network: FaultyNetwork, machine: str) -> None:
        self.machine = machine
        self.is_closed = False
        self.links: dict[FaultyLink, None] = {}
        self._network = network
        self._addresses: dict[str, Address] = {}
        self._woken = False

    def listen(self, url: str, receive: Callable[[Frames], None]) -> str:
        """Owner only. Take in what comes to `url`. Raises `OSError` when the address is taken."""
        address = Address(self.machine, receive, self.wake)
        bound = self._network.bind(url, address)
        self._addresses[bound] = address
        return bound

    def listen_guarded(self, url: str, receive: Callable[[Frames, str], None]) -> str:
        """Owner only. Raises `OSError`: within a process there is nobody to guard against."""
        raise OSError(errno.ENOTSUP, f"cannot listen on {url} with keys: they are for sockets")

    def connect(self, url: str, key: str | None = None, pause: float = PAUSE) -> Link:
        """Owner only. The way to an address, whether it is there yet or not."""
        link = FaultyLink(self._network, self, url)
        self.links[link] = None
        return link

    def probe(self, url: str, key: str | None = None) -> Probe:
        """Owner only. No more is known than whether anything listens there."""
        return NoProbe(lambda: self._network.find(url) is not None)

    def watch_fd(self, fd: int, ready: Callable[[], None]) -> None:
        """Not on a virtual clock: descriptors know no other time than the real one."""
        raise NotImplementedError("descriptors cannot be watched on a virtual clock")

    def unwatch_fd(self, fd: int) -> None:
        """Owner only. None is watched."""

    def poll(self) -> None:
        """Owner only. Take in what is there, without waiting."""
        for address in tuple(self._addresses.values()):
            if address.inbox:
                self._drain(address)

    def wait(self, timeout: float | None) -> None:
        """Owner only. Wait for input, room on a link that refused, `wake`, or `timeout` seconds."""
        if not self._woken:
            self._network.timeline.sleep(self, timeout)
        self._woken = False
        self.poll()

    def _drain(self, address: Address) -> None:
        inbox = address.inbox
        for _ in range(min(FAIR, len(inbox))):
            address.receive(inbox.popleft())
            if self.is_closed:
                return
        if inbox:  # as if it had just come
            self._woken = True
        if address.waiting:
            self._network.has_room(address)

    def wake(self) -> None:
        """End a `wait` that runs, or the next one."""
        if not self._woken:
            self._woken = True
            self._network.timeline.wake(self)

    def crash(self) -> None:
        """The process is gone: what it had not taken in is lost, and some of what it had sent."""
        for link in tuple(self.links):
            link.crash()
        self.close()

    def close(self) -> None:
        """Owner only. Leave every address; what was not taken in is lost."""
        if self.is_closed:
            return
        self.is_closed = True
        for link in tuple(self.links):
            link.close()
        for url, address in self._addresses.items():
            address.is_closed = True
            self._network.unbind(url)
        self._addresses.clear()
