"""Where a core listens: in the node's run directory for its siblings, on loopback for other nodes.

Guarantees:
- The run directory is ours alone (0700) and is removed at the end; those that killed systems left
  behind are removed by the next one that starts.
- A `listen` URL is bound exactly as given or not at all; an ipc path is locked beside it, since a
  second bind would steal it from its living holder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..actors.environment import process_id
from ..actors.system import ActorSystem
from .endpoint import Endpoint, Frames
from .handshake import CorePlace
from .security import check_path, check_url, tcp_host

LOOPBACK = "127.0.0.1"
_LOCK = "lock"

Receive = Callable[[Frames, bool], None]
"""Takes a message, and whether it came on the node's own sockets."""


class Listeners:
    """The addresses of one core. Owner only, but for what only reads."""

    def __init__(self, system: ActorSystem, endpoint: Endpoint, receive: Receive) -> None:
        self._system, self._endpoint = system, endpoint
        self._receive = receive
        self._locks: list[int] = []
        self._made: Path | None = None
        self._inside = False
        self.outside: CorePlace | None = None
        """Where this core listens for other nodes; None where it does not."""

    @property
    def inside(self) -> CorePlace:
        """Where this core listens for the other cores of its node."""
        return self.inside_of(self._system.index)

    def inside_of(self, core: int) -> CorePlace:
        """Any thread. Where that core of this node listens for the others."""
        directory = self._system.run_directory
        return CorePlace(core, 0, f"ipc://{directory}/{core}c", f"ipc://{directory}/{core}d")

    def bind(self) -> None:
        """Bind all that this core needs from its start.

        Raises:
            OSError: an address is taken; the text names it.
            RefusedAddress: an address may not be used, and why.

        """
        system = self._system
        if system.listen is not None:
            system.listen = check_url(system.listen, bind=True)
        if system.listen is not None or system.joins or system.tcp_host is not None:
            self.bind_outside()
        if system.core_count > 1:
            self.bind_inside()

    def bind_inside(self) -> None:
        """Be reachable for the other cores of this node. Raises as `bind`."""
        system = self._system
        if self._inside:
            return
        if system.run_directory is None:
            self._made, lock = make_run_directory(system.home.incarnation)
            self._locks.append(lock)
            system.run_directory = str(self._made)
        for url in self.inside[2:]:
            check_path(url.removeprefix("ipc://"), url)
            self._endpoint.listen(url, lambda frames: self._receive(frames, True))
        self._inside = True

    def bind_outside(self) -> None:
        """Be reachable for other nodes, as one that joins them has to be. Raises as `bind`."""
        if self.outside is not None:
            return
        system = self._system
        listen = system.listen
        hosts = [tcp_host(check_url(url)) for url in system.joins]
        host = (listen and tcp_host(listen)) or system.tcp_host or next(filter(None, hosts), None)
        system.tcp_host = host or LOOPBACK
        if listen is not None and listen.startswith("ipc://"):
            self._locks.append(_lock_path(listen.removeprefix("ipc://"), listen))
        anywhere = f"tcp://{system.tcp_host}:0"
        control = self._listen_outside(listen or anywhere)
        data = self._listen_outside(anywhere)
        self.outside = CorePlace(system.index, system.home.incarnation, control, data)

    def _listen_outside(self, url: str) -> str:
        return self._endpoint.listen(url, lambda frames: self._receive(frames, False))

    def remove(self) -> None:
        """Remove the run directory, and give the locks back."""
        made, self._made = self._made, None
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        while self._locks:
            os.close(self._locks.pop())


def make_run_directory(incarnation: int) -> tuple[Path, int]:
    """A directory of our own for this start of the node, and the descriptor that locks it.

    Raises:
        OSError: it cannot be made, or belongs to somebody else.

    """
    base = Path(tempfile.gettempdir()) / f"zanni-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OSError(errno.EPERM, f"{base} is not a directory of ours: remove it, or set TMPDIR")
    base.chmod(0o700)
    guard = _open_lock(base / _LOCK)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)  # nobody takes a new directory for one left behind
        for each in base.iterdir():
            if each.is_dir():
                _remove_if_left_behind(each)
        made = base / f"{incarnation:016x}"
        made.mkdir(mode=0o700)
        lock = _open_lock(made / _LOCK)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(guard)
    return made, lock


def _remove_if_left_behind(directory: Path) -> None:
    try:
        lock = _open_lock(directory / _LOCK)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)
    except OSError:  # its system lives
        pass
    finally:
        os.close(lock)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _lock_path(path: str, url: str) -> int:
    lock = _open_lock(Path(path + ".lock"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        text = f"cannot listen on {url}: in use by process {holder}; choose another path"
        raise OSError(errno.EADDRINUSE, text) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(process_id()).encode(), 0)
    return lock
