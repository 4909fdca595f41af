"""The endpoint within one process, for tests: no sockets, and connections that fail on demand.

Guarantees: those of `endpoint.py`, with real threads too. A network and its mailboxes are shared by
threads; each step on them is a single operation of a dict, a set or a deque, which are atomic, and
whoever is refused is noted before it looks a second time, so that no wake-up is lost.
"""

from __future__ import annotations

import errno
import itertools
import math
import select
from collections import deque
from collections.abc import Callable

from ..actors.environment import Waker
from .endpoint import PAUSE, Frames, Link, Probe
from .events import NO_NODE, NOTHING_LISTENS

CAPACITY = 256
"""The most messages that wait at one address before links to it refuse more."""
FAIR = 64
"""The most messages that one `poll` takes from one address."""


class _Address:
    """What came to one address and was not taken in yet."""

    __slots__ = ("endpoint", "inbox", "receive")

    def __init__(self, endpoint: MemoryEndpoint, receive: Callable[[Frames], None]) -> None:
        self.endpoint, self.receive = endpoint, receive
        self.inbox: deque[list[bytes | memoryview]] = deque()


class MemoryNetwork:
    """Where endpoints find each other by URL. Any thread."""

    def __init__(self) -> None:
        self._addresses: dict[str, _Address] = {}
        self._cut: set[str] = set()
        self._refused: dict[str, set[MemoryEndpoint]] = {}
        self._ports = itertools.count(40_001)

    def endpoint(self) -> MemoryEndpoint:
        """Any thread. A new endpoint on this network."""
        return MemoryEndpoint(self)

    def cut(self, url: str) -> None:
        """Any thread. Lose what is on its way to an address; refuse more until `heal`."""
        self._cut.add(url)
        address = self._addresses.get(url)
        if address is not None:
            address.inbox.clear()

    def heal(self, url: str) -> None:
        """Any thread. Let an address be reached again."""
        self._cut.discard(url)
        self._has_room(url)

    def _bind(self, url: str, address: _Address) -> str:
        if url.endswith(":0"):
            url = f"{url[:-1]}{next(self._ports)}"
        if self._addresses.setdefault(url, address) is not address:
            raise OSError(errno.EADDRINUSE, f"cannot listen on {url}: the address is taken")
        self._has_room(url)
        return url

    def _unbind(self, url: str) -> None:
        self._addresses.pop(url, None)

    def _send(self, sender: MemoryEndpoint, url: str, frames: Frames) -> bool:
        address = self._open(url)
        if address is None:
            self._refused.setdefault(url, set()).add(sender)
            address = self._open(url)  # it may have opened just before we were noted
            if address is None:
                return False
        address.inbox.append(list(frames))
        address.endpoint.wake()
        return True

    def _open(self, url: str) -> _Address | None:
        address = self._addresses.get(url)
        if address is None or url in self._cut or len(address.inbox) >= CAPACITY:
            return None
        return address

    def _has_room(self, url: str) -> None:
        for sender in self._refused.pop(url, ()):
            sender.wake()


class MemoryLink(Link):
    """The way to one address."""

    __slots__ = ("_closed", "_endpoint", "_network", "_url")

    def __init__(self, network: MemoryNetwork, endpoint: MemoryEndpoint, url: str) -> None:
        self._network, self._endpoint, self._url = network, endpoint, url
        self._closed = False

    def send(self, frames: Frames) -> bool:
        """Owner only. Take the frames, or False where the peer is not there or takes no more."""
        return not self._closed and self._network._send(self._endpoint, self._url, frames)

    def close(self) -> None:
        """Owner only. Let go of the connection."""
        self._closed = True


class NoProbe:
    """A `Probe` that knows no more than whether anything listens."""

    def __init__(self, is_taken: Callable[[], bool]) -> None:
        self._is_taken = is_taken

    def reason(self) -> str:
        """Owner only. See `Probe.reason`."""
        return NO_NODE if self._is_taken() else NOTHING_LISTENS

    def close(self) -> None:
        """Nothing to end."""


class MemoryEndpoint:
    """One core's end of a `MemoryNetwork`. Owner only, but for `wake`."""

    def __init__(self, network: MemoryNetwork) -> None:
        self._network = network
        self._addresses: dict[str, _Address] = {}
        self._readers: dict[int, Callable[[], None]] = {}
        self._waker = Waker()
        self._news = select.poll()
        self._news.register(self._waker.fd, select.POLLIN)
        self._closed = False

    def listen(self, url: str, receive: Callable[[Frames], None]) -> str:
        """Owner only. Take in what comes to `url`. Raises `OSError` when the address is taken."""
        address = _Address(self, receive)
        bound = self._network._bind(url, address)
        self._addresses[bound] = address
        return bound

    def listen_guarded(self, url: str, receive: Callable[[Frames, str], None]) -> str:
        """Owner only. Raises `OSError`: within a process there is nobody to guard against."""
        raise OSError(errno.ENOTSUP, f"cannot listen on {url} with keys: they are for sockets")

    def connect(self, url: str, key: str | None = None, pause: float = PAUSE) -> Link:
        """Owner only. The way to an address, whether it is there yet or not."""
        return MemoryLink(self._network, self, url)

    def probe(self, url: str, key: str | None = None) -> Probe:
        """Owner only. No more is known than whether anything listens there."""
        return NoProbe(lambda: url in self._network._addresses)

    def watch_fd(self, fd: int, ready: Callable[[], None]) -> None:
        """Owner only. Call `ready` from `poll` or `wait` while the descriptor is readable."""
        self._readers[fd] = ready
        self._news.register(fd, select.POLLIN)

    def unwatch_fd(self, fd: int) -> None:
        """Owner only. Forget the descriptor."""
        if self._readers.pop(fd, None) is not None:
            self._news.unregister(fd)

    def poll(self) -> None:
        """Owner only. Take in what is there, without waiting."""
        for url, address in list(self._addresses.items()):
            self._drain(url, address)
        if self._readers:
            self._read(self._news.poll(0))

    def wait(self, timeout: float | None) -> None:
        """Owner only. Wait for input, room on a link that refused, `wake`, or `timeout` seconds."""
        if any(address.inbox for address in self._addresses.values()):
            timeout = 0
        milliseconds = None if timeout is None else math.ceil(max(timeout, 0.0) * 1000)
        self._read(self._news.poll(milliseconds))
        self.poll()

    def _read(self, news: list[tuple[int, int]]) -> None:
        for fd, _events in news:
            if fd in self._readers:
                self._readers[fd]()
            elif fd == self._waker.fd:
                self._waker.drain()

    def _drain(self, url: str, address: _Address) -> None:
        inbox = address.inbox
        for _ in range(min(FAIR, len(inbox))):
            try:
                frames = inbox.popleft()
            except IndexError:  # the address was cut
                break
            address.receive(frames)
            if self._closed:
                return
        if len(inbox) < CAPACITY:
            self._network._has_room(url)

    def wake(self) -> None:
        """Any thread. End a `wait` that runs, or the next one."""
        self._waker.wake()

    def close(self) -> None:
        """Owner only. Leave every address; what was not taken in is lost."""
        if self._closed:
            return
        self._closed = True
        for url in self._addresses:
            self._network._unbind(url)
        self._addresses.clear()
        self._readers.clear()
        self._waker.close()
