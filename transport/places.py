"""Where a core listens: in the node's run directory for its siblings, on loopback for other nodes.

Guarantees:
- A `listen` URL is bound exactly as given or not at all; an ipc path is locked beside it, since a
  second bind would steal it from its living holder.
- At the end none of its sockets and locks are left; those of a crash are taken over by the next.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..actors.environment import process_id
from ..actors.system import ActorSystem
from .endpoint import Endpoint, Frames
from .gate import Gate, Open
from .handshake import CorePlace
from .run_directory import inside_urls, make_run_directory, open_lock
from .security import (
    RefusedAddress,
    check_path,
    check_url,
    is_loopback,
    own_host,
    tcp_host,
)

logger = logging.getLogger("zanni")

LOOPBACK = "127.0.0.1"
LOCK = ".lock"
"""What the file that locks an ipc path is called beside it."""

Receive = Callable[[Frames, bool, str | None], None]
"""Takes a message, whether it came on the node's own sockets, and the key of who has sent it."""


class Listeners:
    """The addresses of one core. Owner only, but for what only reads."""

    def __init__(
        self, system: ActorSystem, endpoint: Endpoint, receive: Receive, gate: Gate | None
    ) -> None:
        self._system, self._endpoint, self._gate = system, endpoint, gate
        self._receive = receive
        self._locks: list[int] = []
        self._paths: list[Path] = []
        """The socket and the lock of an ipc path that was given."""
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
        return CorePlace(core, 0, *inside_urls(self._system.run_directory or "", core))

    def bind(self) -> None:
        """Bind all that this core needs from its start.

        Raises:
            OSError: an address is taken; the text names it.
            RefusedAddress: an address may not be used, and why.

        """
        system = self._system
        if system.listen is not None:
            system.listen = check_url(system.listen, bind=True, keys=self._gate is not None)
            self._check_guarded(system.listen)
        if system.listen is not None or system.joins or system.tcp_host is not None:
            gate = self._gate or Open()
            self.bind_outside(gate.checked_join(url).url for url in system.joins)
        if system.core_count > 1:
            self.bind_inside()
        else:
            self._be_found()

    def _be_found(self) -> None:
        """Be reachable for observers of this machine; a system that cannot goes on without."""
        try:
            self.bind_inside()
        except (OSError, RefusedAddress) as error:
            logger.warning("zanni tree will not find %s: %s", self._system.name, error)

    def bind_inside(self) -> None:
        """Be reachable for the other cores of this node. Raises as `bind`."""
        system = self._system
        if self._inside:
            return
        if system.run_directory is None:
            self._made, lock = make_run_directory(system.home.incarnation, system.name)
            self._locks.append(lock)
            system.run_directory = str(self._made)
        for url in self.inside[2:]:
            check_path(url.removeprefix("ipc://"), url)
            self._endpoint.listen(url, lambda frames: self._receive(frames, True, None))
        self._inside = True

    def bind_outside(self, joined: Iterable[str] = ()) -> None:
        """Be reachable for other nodes, as one that joins them has to be. Raises as `bind`.

        Args:
            joined: checked URLs of those, the first of which has to be able to answer.

        """
        if self.outside is not None:
            return
        system = self._system
        listen = system.listen
        host = (listen and tcp_host(listen)) or system.tcp_host
        system.tcp_host = host or next(_answered_at(joined), LOOPBACK)
        if listen is not None and listen.startswith("ipc://"):
            path = listen.removeprefix("ipc://")
            self._locks.append(_lock_path(path, listen))
            self._paths += [Path(path), Path(path + LOCK)]
        anywhere = f"tcp://{system.tcp_host}:0"
        control = self._listen_outside(listen or anywhere)
        data = self._listen_outside(anywhere)
        self.outside = CorePlace(system.index, system.home.incarnation, control, data)

    def _listen_outside(self, url: str) -> str:
        if self._gate is None:
            return self._endpoint.listen(url, lambda frames: self._receive(frames, False, None))
        return self._endpoint.listen_guarded(
            url, lambda frames, key: self._receive(frames, False, key)
        )

    def _check_guarded(self, listen: str) -> None:
        """Raise `RefusedAddress` where others could reach an address that is for nobody."""
        host = tcp_host(listen)
        if host is not None and not is_loopback(host) and (self._gate and self._gate.is_empty):
            raise RefusedAddress(
                f"{listen!r} can be reached from other machines, and nobody may link: allow the "
                f"keys of the others with  zanni keys allow {self._gate.directory} NAME KEY"
            )

    def remove(self) -> None:
        """Remove the run directory and what was at a path that was given; give the locks back."""
        made, self._made = self._made, None
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        while self._paths:
            try:
                self._paths.pop(0).unlink()
            except OSError:  # somebody else has removed it
                pass
        while self._locks:
            os.close(self._locks.pop())


def _answered_at(joined: Iterable[str]) -> Iterator[str]:
    """Addresses of this machine at which the nodes at those URLs can answer."""
    for host in map(tcp_host, joined):
        if host is not None:
            yield own_host(host)


def _lock_path(path: str, url: str) -> int:
    file = Path(path + LOCK)
    lock = open_lock(file)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        text = f"cannot listen on {url}: in use by process {holder}; choose another path"
        raise OSError(errno.EADDRINUSE, text) from None
    if not _is_at(lock, file):  # its holder has ended, and removed it, since we opened it
        os.close(lock)
        return _lock_path(path, url)
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(process_id()).encode(), 0)
    return lock


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
