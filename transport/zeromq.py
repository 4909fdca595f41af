"""The endpoint over ZeroMQ, and the only file that imports it.

Each listened address is a ROUTER that only receives, each link a DEALER that only sends. A ROUTER
would drop silently what it cannot send; a DEALER says no, and with one per peer and lane a stalled
peer never touches another.

Guarantees:
- Nothing is queued for a peer that is not connected (IMMEDIATE), and little for one that is
  (SNDHWM): what a link has taken and lost is covered by the sequence numbers above.
- `poll` takes at most `FAIR` messages from each address, so that turns go on under load.
- A guarded address is bound after its guard can be asked, and lets nobody in whom the guard has not
  admitted: where it cannot be asked any more, libzmq refuses (ZAP_ENFORCE_DOMAIN), and the guard is
  told.

Not here: a second `ipc://` bind steals the address from its living holder without an error, so who
listens must hold a lock beside the path. Whether an address may be listened on is asked elsewhere.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Callable
from typing import cast

import zmq

from ..actors.config import FRAME_CAP
from ..actors.environment import Waker, random_bytes, start_thread
from . import authenticator
from .descriptors import Descriptors
from .endpoint import PAUSE, Frames, Guard, Link, Probe
from .greeting import greeting_of
from .holder import holder_of
from .key import KeyPair
from .probe import ALL, Attempts
from .room import check_room_for_files
from .security import RefusedAddress, check_path

FAIR = 64
"""The most messages that one `poll` takes from one address."""

NO_CURVE = "this libzmq is built without CURVE: install pyzmq's own wheel, or libzmq with libsodium"

_IPC = "ipc://"
_LARGE = 64 * 1024  # bytes: from here on a second copy is worth avoiding
_FILES = 24  # that must be free at the start: libzmq aborts the process where it finds none
_MAX_FRAMES = 64  # of one message; what a peer sends beyond is not kept
_CLOSE_DEADLINE = 1.0  # seconds

_ROUTER_OPTIONS = {
    zmq.LINGER: 0,
    zmq.RCVHWM: 256,  # as many at the sender: 64 MiB of a large message on each side, at most
    zmq.ROUTER_MANDATORY: 1,
    zmq.ROUTER_HANDOVER: 1,  # who connects again is heard, though its last connection seems there
    zmq.HANDSHAKE_IVL: 5000,
    # A backstop: it closes the connection, so sizes are enforced where they are sent.
    zmq.MAXMSGSIZE: FRAME_CAP * 5 // 4,
}
# No ZMTP heartbeats: with them a peer that was paused and continued aborted inside libzmq.
_DEALER_OPTIONS = {
    zmq.LINGER: 0,
    zmq.IMMEDIATE: 1,
    zmq.SNDHWM: 256,
    zmq.RECONNECT_IVL_MAX: 5000,
    zmq.HANDSHAKE_IVL: 5000,
    zmq.TCP_MAXRT: 15_000,
}

# Plain integers: enum members double the cost of the calls that take them.
_NOBLOCK = int(zmq.NOBLOCK)
_NOBLOCK_MORE = int(zmq.NOBLOCK | zmq.SNDMORE)
_EVENTS, _FD = int(zmq.EVENTS), int(zmq.FD)
_POLLIN, _POLLOUT = int(zmq.POLLIN), int(zmq.POLLOUT)

_Receive = Callable[[Frames], None]
_Take = Callable[[zmq.Frame, list[bytes | memoryview]], None]
"""Takes one message: its first frame (on a ROUTER the connection's routing id), and the rest."""
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


def new_pair() -> KeyPair:
    """Any thread. A new pair of keys for CURVE.

    Raises:
        OSError: this build of ZeroMQ has no CURVE.

    """
    try:
        while True:
            public, secret = (key.decode() for key in zmq.curve_keypair())
            if not public.startswith("-"):  # a command line would take it for an option
                return KeyPair(public, secret)
    except zmq.ZMQError:
        raise OSError(errno.ENOTSUP, NO_CURVE) from None


class ZeroMQLink(Link):
    """A DEALER to one address."""

    __slots__ = ("_endpoint", "_socket")

    def __init__(self, endpoint: ZeroMQEndpoint, socket: _Socket) -> None:
        self._endpoint, self._socket = endpoint, socket

    def send(self, frames: Frames) -> bool:
        """Owner only. Take the frames, or False where the peer is not there or takes no more."""
        send = self._socket.send  # `send_multipart` takes twice as long
        try:
            # Copied, a piece at a time: see docs/decisions/007-large-messages.md.
            for frame in frames[:-1]:
                send(frame, _NOBLOCK_MORE)
            send(frames[-1], _NOBLOCK)
        except zmq.ZMQError:
            if not self._socket.closed:
                self._endpoint.wait_for_room(self._socket)
            return False
        return True

    def close(self) -> None:
        """Owner only. Let go of the connection and of what it had not sent."""
        self._endpoint.drop(self._socket)


class ZeroMQEndpoint:
    """All sockets of one core. Owner only, but for `wake`.

    Args:
        guard: who may connect to guarded addresses; it has to be there for them, and for links with
            keys.
        spin: for how many seconds `wait` keeps looking before it sleeps, where that pays.

    """

    def __init__(self, guard: Guard | None = None, spin: float = 0.0) -> None:
        check_room_for_files(_FILES)
        self._context = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, self._context.get(zmq.SOCKET_LIMIT))
        self._waker = Waker()
        self._listeners: dict[int, tuple[_Socket, _Take]] = {}
        self._readers: dict[int, Callable[[], None]] = {}
        # To look at these costs a fifth of asking ZeroMQ. A socket's descriptor is readable only
        # when something is new: a ROUTER that was not drained is kept in `_undrained`.
        self._descriptors = Descriptors(spin)
        self._descriptors.add_waking(self._waker.fd)
        self._undrained: set[int] = set()
        self._dealers: set[_Socket] = set()
        self._refused: dict[int, _Socket] = {}
        self._closed = False
        self._guard = guard
        if guard is not None:
            self._answer_for(guard)

    def _answer_for(self, guard: Guard) -> None:
        """Ask the guard about whoever connects to a guarded address, in `poll` and `wait`."""
        if not zmq.has("curve"):
            self.close()
            raise OSError(errno.ENOTSUP, NO_CURVE)
        socket: _Socket = self._context.socket(zmq.REP)
        socket.setsockopt(zmq.LINGER, 0)
        socket.bind("inproc://zeromq.zap.01")

        def take(first: zmq.Frame, frames: list[bytes | memoryview]) -> None:
            request = [first.bytes, *map(bytes, frames)]
            try:
                socket.send_multipart(authenticator.answer(request, guard.admits))
            except zmq.ZMQError as error:  # without the one who asks, libzmq lets nobody in
                del self._listeners[fd]
                self._undrained.discard(fd)
                self._descriptors.remove(fd)
                socket.close(0)
                guard.failed(str(error))

        fd = self._receive_on(socket, take)

    def listen(self, url: str, receive: _Receive) -> str:
        """Owner only. Bind a ROUTER. Raises `OSError`: taken, not ours, or too long a path."""
        return self._bind(self._router(url), url, lambda _first, frames: receive(frames))

    def listen_guarded(self, url: str, receive: Callable[[Frames, str], None]) -> str:
        """Owner only. As `listen`, for whom the guard admits; `receive` gets their key, too."""
        assert self._guard is not None
        socket = self._router(url)
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._guard.pair.secret.encode())
        socket.setsockopt(zmq.ZAP_DOMAIN, authenticator.DOMAIN.encode())
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)

        def take(first: zmq.Frame, frames: list[bytes | memoryview]) -> None:
            receive(frames, cast(str, first.get("User-Id")))

        return self._bind(socket, url, take)

    def _router(self, url: str) -> _Socket:
        if url.startswith(_IPC):
            try:
                check_path(url.removeprefix(_IPC), url)
            except RefusedAddress as error:
                raise OSError(errno.ENAMETOOLONG, str(error)) from None
        socket: _Socket = self._context.socket(zmq.ROUTER)
        _configure(socket, _ROUTER_OPTIONS, url)
        return socket

    def _bind(self, socket: _Socket, url: str, take: _Take) -> str:
        try:
            socket.bind(url)
        except zmq.ZMQError as error:
            socket.close(0)
            raise OSError(error.errno, f"cannot listen on {url}: {_why(error, url)}") from None
        self._receive_on(socket, take)
        return cast(bytes, socket.getsockopt(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()

    def _receive_on(self, socket: _Socket, take: _Take) -> int:
        fd = cast(int, socket.getsockopt(_FD))
        self._listeners[fd] = (socket, take)
        self._undrained.add(fd)
        self._descriptors.add(fd)
        return fd

    def _dealer(self, url: str, key: str | None) -> _Socket:
        try:
            socket: _Socket = self._context.socket(zmq.DEALER)
        except zmq.ZMQError as error:
            text = f"{zmq.strerror(error.errno or 0)}: raise the limit on open files (ulimit -n)"
            raise OSError(error.errno, text) from None
        _configure(socket, _DEALER_OPTIONS, url)
        # Never a zero first: ids that begin so are ZeroMQ's own.
        socket.setsockopt(zmq.ROUTING_ID, b"Z" + random_bytes(15))
        if key is not None:
            assert self._guard is not None
            own = self._guard.pair
            socket.setsockopt(zmq.CURVE_PUBLICKEY, own.public.encode())
            socket.setsockopt(zmq.CURVE_SECRETKEY, own.secret.encode())
            socket.setsockopt(zmq.CURVE_SERVERKEY, key.encode())
        return socket

    def connect(self, url: str, key: str | None = None, pause: float = PAUSE) -> Link:
        """Owner only. Make a DEALER; it connects, and connects again, in the background.

        Raises:
            OSError: it cannot be made; the text says the remedy.

        """
        socket = self._dealer(url, key)
        socket.setsockopt(zmq.RECONNECT_IVL, math.ceil(pause * 1000))
        try:
            socket.connect(url)
        except zmq.ZMQError as error:
            socket.close(0)
            raise OSError(error.errno, f"cannot connect to {url}: {error}") from None
        self._dealers.add(socket)
        return ZeroMQLink(self, socket)

    def probe(self, url: str, key: str | None = None) -> Probe:
        """Owner only. Find out why a link to `url` is not taken."""
        socket, monitor = self._dealer(url, key), self._context.socket(zmq.PAIR)
        socket.setsockopt(zmq.RECONNECT_IVL, 1000)  # no flood on who hangs up
        place = f"inproc://probe-{random_bytes(8).hex()}"
        socket.monitor(place, ALL)
        monitor.connect(place)
        socket.connect(url)

        def next_event() -> bytes | None:
            try:
                return monitor.recv_multipart(_NOBLOCK)[0]
            except zmq.Again:
                return None

        def end() -> None:
            if not socket.closed:
                socket.disable_monitor()
            self.drop(monitor)
            self.drop(socket)

        self._dealers |= {socket, monitor}
        return Attempts(next_event, end, greeting_of(url), with_key=key is not None)

    def wait_for_room(self, socket: _Socket) -> None:
        """Owner only. Let `wait` end when the socket takes messages again."""
        fd = cast(int, socket.getsockopt(_FD))
        if fd not in self._refused:
            self._refused[fd] = socket
            self._descriptors.add_waking(fd)

    def drop(self, socket: _Socket) -> None:
        """Owner only. Close a link's socket."""
        if not socket.closed:
            self._forget(cast(int, socket.getsockopt(_FD)))
            self._dealers.discard(socket)
            socket.close(0)

    def _forget(self, fd: int) -> None:
        if self._refused.pop(fd, None) is not None:
            self._descriptors.remove_waking(fd)

    def watch_fd(self, fd: int, ready: Callable[[], None]) -> None:
        """Owner only. Call `ready` from `poll` or `wait` while the descriptor is readable."""
        self._readers[fd] = ready
        self._descriptors.add(fd)

    def unwatch_fd(self, fd: int) -> None:
        """Owner only. Forget the descriptor."""
        if self._readers.pop(fd, None) is not None:
            self._descriptors.remove(fd)

    def poll(self) -> None:
        """Owner only. Take in what is there, without waiting."""
        news = self._descriptors.look()
        if news or self._undrained:
            for fd in self._undrained.union(news):
                self._take(fd)

    def _take(self, fd: int) -> None:
        """Take in what one descriptor has; it may have been closed by what came before it."""
        if fd in self._listeners:
            self._drain(fd, *self._listeners[fd])
        elif fd in self._readers:
            self._readers[fd]()

    def _drain(self, fd: int, socket: _Socket, take: _Take) -> None:
        self._undrained.add(fd)
        for _ in range(FAIR):
            try:
                first = frame = socket.recv(_NOBLOCK, copy=False)
            except zmq.Again:  # what was new was no message
                break
            frames: list[bytes | memoryview] = []
            while frame.more:
                frame = socket.recv(_NOBLOCK, copy=False)
                if len(frames) < _MAX_FRAMES:
                    frames.append(frame.bytes if len(frame) < _LARGE else frame.buffer)
            take(first, frames)
            if socket.closed:
                return
            if not cast(int, socket.getsockopt(_EVENTS)) & _POLLIN:
                break  # to be refused costs three times as much
        else:
            return
        self._undrained.discard(fd)

    def wait(self, timeout: float | None) -> None:
        """Owner only. Wait for input, room on a link that refused, `wake`, or `timeout` seconds."""
        news = self._descriptors.wait(0.0 if self._undrained else timeout)
        for fd in self._undrained.union(news):
            if fd == self._waker.fd:
                self._waker.drain()
            elif fd not in self._refused:
                self._take(fd)
            elif cast(int, self._refused[fd].getsockopt(_EVENTS)) & _POLLOUT:
                self._forget(fd)

    def wake(self) -> None:
        """Any thread. End a `wait` that runs, or the next one."""
        self._waker.wake()

    def close(self) -> None:
        """Owner only. Close every socket now; within a second even with peers that hang."""
        if self._closed:
            return
        self._closed = True
        for socket in (*self._dealers, *(socket for socket, _take in self._listeners.values())):
            socket.close(0)
        for collection in (self._dealers, self._listeners, self._readers, self._refused):
            collection.clear()
        self._undrained.clear()
        # Ending a context waits for its sockets, and must never keep a program from ending.
        try:
            start_thread(self._context.term, "zanni-close").join(_CLOSE_DEADLINE)
        except RuntimeError:  # no thread can be had: left to the interpreter, which may be ending
            pass
        self._waker.close()
