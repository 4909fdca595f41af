"""Who listens on a TCP port of this machine, as far as Linux tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
_LISTEN = "0A"  # a state in the kernel's tables of sockets


def holder_of(port: int, proc: Path = PROC) -> int | None:
    """Any thread. The id of a process that listens on the port; None where that is not known.

    Another user's process does not show its sockets, and other systems have no `/proc`.
    """
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if sockets:
        for process in proc.glob("[0-9]*"):
            try:
                if any(str(fd.readlink()) in sockets for fd in (process / "fd").iterdir()):
                    return int(process.name)
            except OSError:  # another user's, or it has just ended
                continue
    return None


def _inodes(port: int, proc: Path) -> Iterator[str]:
    """The inodes of the sockets that listen on the port, of both versions of IP."""
    for table in (proc / "net/tcp", proc / "net/tcp6"):
        try:
            _heading, *lines = table.read_text().splitlines()
        except (OSError, ValueError):
            continue
        for line in lines:
            _number, local, _remote, state, *_more = fields = line.split()
            if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                yield fields[9]
