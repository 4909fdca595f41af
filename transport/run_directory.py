"""The run directory of a node: where its cores' own sockets are, made, found and removed.

Guarantees:
- It is ours alone (0700) and is removed at the end; those that killed systems left behind are
  removed by the next one that starts.
- It is locked while its node lives: so the nodes that run here for this user can be found.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import NamedTuple

from ..actors.environment import process_id

_LOCK = "lock"
_LOCK_SIZE = 4096


class Running(NamedTuple):
    """A node that runs on this machine for this user."""

    name: str
    pid: int
    url: str
    """Where its core 0 can be reached."""


def inside_urls(directory: str | Path, core: int) -> tuple[str, str]:
    """Any thread. Where that core listens for control and for data."""
    return f"ipc://{directory}/{core}c", f"ipc://{directory}/{core}d"


def base_directory() -> Path:
    """Where this user's run directories are; it need not exist."""
    return Path(tempfile.gettempdir()) / f"zanni-{os.getuid()}"


def make_run_directory(incarnation: int, name: str | None = None) -> tuple[Path, int]:
    """A directory of our own for this start of the node, and the descriptor that locks it.

    Args:
        incarnation: names it.
        name: the node's, by which `running` finds it; None: it is not to be found.

    Raises:
        OSError: it cannot be made, or belongs to somebody else.

    """
    base = base_directory()
    with contextlib.suppress(FileExistsError):  # whatever it is
        base.mkdir(mode=0o700)
    _check_ours(base)
    base.chmod(0o700)
    guard = open_lock(base / _LOCK)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)  # nobody takes a new directory for one left behind
        for each in base.iterdir():
            if each.is_dir():
                _remove_if_left_behind(each)
        made = base / f"{incarnation:016x}"
        made.mkdir(mode=0o700)
        lock = open_lock(made / _LOCK)
        fcntl.flock(lock, fcntl.LOCK_EX)  # `running` may look at it, for a moment
        if name is not None:
            os.write(lock, json.dumps({"name": name, "pid": process_id()}).encode())
    finally:
        os.close(guard)
    return made, lock


def _check_ours(base: Path) -> None:
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise OSError(errno.EPERM, f"{base} is not a directory of ours: remove it, or set TMPDIR")


def _remove_if_left_behind(directory: Path) -> None:
    try:
        lock = open_lock(directory / _LOCK, make=False)
    except FileNotFoundError:  # it is just being removed, or that was broken off
        shutil.rmtree(directory, ignore_errors=True)
        return
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)
    except OSError:  # its system lives
        pass
    finally:
        os.close(lock)


def open_lock(path: Path, *, make: bool = True) -> int:
    """Open the file that is locked, and `make` it where there is none; the descriptor."""
    making = os.O_CREAT if make else 0
    return os.open(path, os.O_RDWR | making | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def running() -> list[Running]:
    """The nodes that run on this machine for this user and can be reached, by name.

    Raises:
        OSError: the directory where they would be belongs to somebody else.

    """
    base = base_directory()
    if not base.exists():
        return []
    _check_ours(base)
    found = (_look(directory) for directory in base.iterdir() if directory.is_dir())
    return sorted(each for each in found if each is not None)


def _look(directory: Path) -> Running | None:
    """The node whose directory it is; None where it has ended, or wants not to be found."""
    try:
        lock = os.open(directory / _LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # it is just being made, or removed
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(directory, os.pread(lock, _LOCK_SIZE, 0))
    finally:
        os.close(lock)
    return None


def _read(directory: Path, text: bytes) -> Running | None:
    try:
        said = json.loads(text)
        return Running(str(said["name"]), int(said["pid"]), inside_urls(directory, 0)[0])
    except (ValueError, KeyError, TypeError):  # not written yet
        return None
