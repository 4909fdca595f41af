"""The endpoint over ZeroMQ, and the only file that imports it.

Each listened address is a ROUTER that only receives, each link a DEALER that only sends. A ROUTER
would drop silently what it cannot send; a DEALER says no, and with one per peer and lane a stalled
peer never touches another.

Guarantees:
- Nothing is queued for a peer that is not connected (IMMEDIATE), and little for one that is
  (SNDHWM): what a link has taken and lost is covered by the sequence numbers above.
- `poll` takes at most `FAIR` messages from each address, so that turns go on under load.

Not here: a second `ipc://` bind steals the address from its living holder without an error, so who
listens must hold a lock beside the path. Whether an address may be listened on is asked elsewhere.
"""

from __future__ import annotations

import errno
import math
import select
from collections.abc import Callable
from typing import cast

import zmq

from ..actors.config import FRAME_CAP
from ..actors.environment import (
    Waker,
    check_room_for_files,
    is_listening,
    random_bytes,
    start_thread,
)
from .endpoint import Frames, Link
from .holder import holder_of

FAIR = 64
"""The most messages that one `poll` takes from one address."""

_IPC = "ipc://"
_IPC_PATH_MAX = 107  # bytes: sun_path of a Unix socket's address, less the final zero
_LARGE = 64 * 1024  # bytes: from here on a second copy is worth avoiding
_FILES = 24  # that must be free at the start: libzmq aborts the process where it finds none
_MAX_FRAMES = 64  # of one message; what a peer sends beyond is not kept
_CLOSE_DEADLINE = 1.0  # seconds

_ROUTER_OPTIONS = {
    zmq.LINGER: 0,
    zmq.RCVHWM: 1000,
    zmq.ROUTER_MANDATORY: 1,
    zmq.HANDSHAKE_IVL: 5000,
    # A backstop: it closes the connection, so sizes are enforced where they are sent.
    zmq.MAXMSGSIZE: FRAME_CAP * 5 // 4,
}
# No ZMTP heartbeats: with them a peer that was paused and continued aborted inside libzmq.
_DEALER_OPTIONS = {
    zmq.LINGER: 0,
    zmq.IMMEDIATE: 1,
    zmq.SNDHWM: 256,
    zmq.RECONNECT_IVL: 100,
    zmq.RECONNECT_IVL_MAX: 5000,
    zmq.HANDSHAKE_IVL: 5000,
    zmq.TCP_MAXRT: 15_000,
}

# Plain integers: enum members double the cost of the calls that take them.
_NOBLOCK = int(zmq.NOBLOCK)
_FD = int(zmq.FD)
_POLLIN, _POLLOUT = int(zmq.POLLIN), int(zmq.POLLOUT)

_Receive = Callable[[Frames], None]
_Socket = zmq.Socket[bytes]


def _configure(socket: _Socket, options: dict[zmq.SocketOption, int], url: str) -> None:
    for option, value in options.items():
        socket.setsockopt(option, value)
    if url.startswith("tcp://["):
        socket.setsockopt(zmq.IPV6, 1)


def _why(error: zmq.ZMQError, url: str) -> str:
    if error.errno != errno.EADDRINUSE:
        return zmq.strerror(error.errno or 0)
    holder = holder_of(int(url.rpartition(":")[2]))
    who = "another process" if holder is None else f"process {holder}"
    return f"in use by {who}; choose another port, or 0 for a free one"


class ZeroMQLink(Link):
    """A DEALER to one address."""

    __slots__ = ("_endpoint", "_socket")

    def __init__(self, endpoint: ZeroMQEndpoint, socket: _Socket) -> None:
        self._endpoint, self._socket = endpoint, socket

    def send(self, frames: Frames) -> bool:
        """Owner only. Take the frames, or False where the peer is not there or takes no more."""
        try:
            # Copied, however large: a buffer that is lent to ZeroMQ must not go away while its
            # thread reads it, and at the end of an interpreter it does: that aborts the process.
            self._socket.send_multipart(frames, _NOBLOCK)
        except zmq.ZMQError:
            if not self._socket.closed:
                self._endpoint.wait_for_room(self._socket)
            return False
        return True

    def close(self) -> None:
        """Owner only. Let go of the connection and of what it had not sent."""
        self._endpoint.drop(self._socket)


class ZeroMQEndpoint:
    """All sockets of one core. Owner only, but for `wake`."""

    def __init__(self) -> None:
        check_room_for_files(_FILES)
        self._context = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, self._context.get(zmq.SOCKET_LIMIT))
        self._waker = Waker()
        self._poller = zmq.Poller()
        self._poller.register(self._waker.fd, _POLLIN)
        self._routers: dict[int, tuple[_Socket, _Receive]] = {}
        self._readers: dict[int, Callable[[], None]] = {}
        # What `poll` looks at: a fifth of the cost of asking ZeroMQ. A ROUTER's descriptor becomes
        # readable only when something is new, so one that was not drained is kept in `_undrained`.
        self._news = select.poll()
        self._undrained: set[int] = set()
        self._dealers: set[_Socket] = set()
        self._refused: set[_Socket] = set()
        self._closed = False

    def listen(self, url: str, receive: _Receive) -> str:
        """Owner only. Bind a ROUTER. Raises `OSError`: taken, not ours, or too long a path."""
        path = url.removeprefix(_IPC)
        if path != url and len(path.encode()) > _IPC_PATH_MAX:
            raise OSError(
                errno.ENAMETOOLONG,
                f"a Unix socket's path may take {_IPC_PATH_MAX} bytes, this one takes "
                f"{len(path.encode())}: use a shorter directory",
                path,
            )
        socket: _Socket = self._context.socket(zmq.ROUTER)
        _configure(socket, _ROUTER_OPTIONS, url)
        try:
            socket.bind(url)
        except zmq.ZMQError as error:
            socket.close(0)
            raise OSError(error.errno, f"cannot listen on {url}: {_why(error, url)}") from None
        fd = cast(int, socket.getsockopt(_FD))
        self._routers[fd] = (socket, receive)
        self._undrained.add(fd)
        self._news.register(fd, select.POLLIN)
        self._poller.register(socket, _POLLIN)
        return cast(bytes, socket.getsockopt(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()

    def connect(self, url: str) -> Link:
        """Owner only. Make a DEALER; it connects, and connects again, in the background."""
        socket: _Socket = self._context.socket(zmq.DEALER)
        _configure(socket, _DEALER_OPTIONS, url)
        # Never a zero first: ids that begin so are ZeroMQ's own.
        socket.setsockopt(zmq.ROUTING_ID, b"Z" + random_bytes(15))
        try:
            socket.connect(url)
        except zmq.ZMQError as error:
            socket.close(0)
            raise OSError(error.errno, f"cannot connect to {url}: {error}") from None
        self._dealers.add(socket)
        return ZeroMQLink(self, socket)

    def wait_for_room(self, socket: _Socket) -> None:
        """Owner only. Let `wait` end when the socket takes messages again."""
        if socket not in self._refused:
            self._refused.add(socket)
            self._poller.register(socket, _POLLOUT)

    def drop(self, socket: _Socket) -> None:
        """Owner only. Close a link's socket."""
        self._forget(socket)
        self._dealers.discard(socket)
        socket.close(0)

    def _forget(self, socket: _Socket) -> None:
        if socket in self._refused:
            self._refused.remove(socket)
            self._poller.unregister(socket)

    def is_taken(self, url: str) -> bool:
        """Owner only. Whether anything listens at `url`, be it a peer or not."""
        scheme, _, place = url.partition("://")
        if scheme == "ipc":
            return is_listening(place)
        host, _, port = place.rpartition(":")
        return is_listening((host.strip("[]"), int(port)))

    def watch_fd(self, fd: int, ready: Callable[[], None]) -> None:
        """Owner only. Call `ready` from `poll` or `wait` while the descriptor is readable."""
        self._readers[fd] = ready
        self._poller.register(fd, _POLLIN)
        self._news.register(fd, select.POLLIN)

    def unwatch_fd(self, fd: int) -> None:
        """Owner only. Forget the descriptor."""
        if self._readers.pop(fd, None) is not None:
            self._poller.unregister(fd)
            self._news.unregister(fd)

    def poll(self) -> None:
        """Owner only. Take in what is there, without waiting."""
        news = self._news.poll(0)
        if not news and not self._undrained:
            return
        for fd in self._undrained.union(fd for fd, _events in news):
            self._take(fd)

    def _take(self, fd: int) -> None:
        """Take in what one descriptor has; it may have been closed by what came before it."""
        if fd in self._routers:
            self._drain(fd, *self._routers[fd])
        elif fd in self._readers:
            self._readers[fd]()

    def _drain(self, fd: int, socket: _Socket, receive: _Receive) -> None:
        self._undrained.add(fd)
        for _ in range(FAIR):
            try:
                frame = socket.recv(_NOBLOCK, copy=False)
            except zmq.Again:
                self._undrained.discard(fd)
                return
            frames: list[bytes | memoryview] = []  # without the first, the connection's routing id
            while frame.more:
                frame = socket.recv(_NOBLOCK, copy=False)
                if len(frames) < _MAX_FRAMES:
                    frames.append(frame.bytes if len(frame) < _LARGE else frame.buffer)
            receive(frames)
            if self._closed:
                return

    def wait(self, timeout: float | None) -> None:
        """Owner only. Wait for input, room on a link that refused, `wake`, or `timeout` seconds."""
        milliseconds = None if timeout is None else math.ceil(max(timeout, 0.0) * 1000)
        for ready, _events in self._poller.poll(milliseconds):
            if ready == self._waker.fd:
                self._waker.drain()
            elif isinstance(ready, int):
                self._take(ready)
            elif ready in self._refused:
                self._forget(ready)
            elif not ready.closed:  # by what came before it in this loop
                self._take(ready.getsockopt(_FD))

    def wake(self) -> None:
        """Any thread. End a `wait` that runs, or the next one."""
        self._waker.wake()

    def close(self) -> None:
        """Owner only. Close every socket now; within a second even with peers that hang."""
        if self._closed:
            return
        self._closed = True
        for socket in (*self._dealers, *(socket for socket, _receive in self._routers.values())):
            socket.close(0)
        for collection in (self._dealers, self._routers, self._readers, self._refused):
            collection.clear()
        self._undrained.clear()
        # Ending a context waits for its sockets, and must never keep a program from ending.
        try:
            start_thread(self._context.term, "zanni-close").join(_CLOSE_DEADLINE)
        except RuntimeError:  # no thread can be had: left to the interpreter, which may be ending
            pass
        self._waker.close()
