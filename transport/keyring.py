"""The key directory of a node: its own keys, and whose keys it takes, under which name and role.

    DIR/                    0700, or what the user made it, if others cannot change it
    DIR/secret.key          0600, the node's own public and secret key; it never leaves this place
    DIR/public.key          the public one alone, to be handed over
    DIR/allowed/NAME.key    the role and the public key of the node NAME; hidden files are none

Guarantees:
- Nobody but this user can read a secret key that is written here, at any moment and whatever the
  umask; nothing is overwritten.
- A file that others could have read (the secret key) or changed (any of them) is not used.
- `allow` and `revoke` are done at once or not at all, also for who reads meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from ..actors.arguments import checked_name
from ..actors.errors import ZanniError
from .key import KeyPair, is_key

SECRET, PUBLIC, ALLOWED = "secret.key", "public.key", "allowed"
_SUFFIX = ".key"
_SIZE = 4096  # bytes of a key file that are looked at
_READ, _CHANGE = 0o077, 0o022
"""The bits of a mode by which others may read or change something, and by which change it."""

Stamp = tuple[tuple[object, ...], ...]
"""What differs when a file of the allow-list was written, added or removed."""


class BadKeys(ZanniError, ValueError):
    """A key, or a file or directory of keys, cannot be used; the text says why, and what to do."""


class OutOfFiles(ZanniError, OSError):
    """This process may open no more files; what is there cannot be looked at for now."""


class Role(Enum):
    """What those that hold a key may do here."""

    NODE = "node"
    """All that nodes do: messages, spawning, watching, supervising."""
    CLIENT = "client"
    """Ask for names, tell and ask."""
    ADMIN = "admin"
    """As a client; and stop, spawn what is allowed, and look, as `zanni tree` does."""


class Entry(NamedTuple):
    """One key of the allow-list."""

    name: str
    """The name of the node that holds it."""
    role: Role
    key: str


class AllowList(NamedTuple):
    """The keys that are let in."""

    entries: tuple[Entry, ...]
    """By name."""
    problems: tuple[str, ...]
    """What was left out, and why."""


def checked_role(text: str) -> Role:
    """Any thread. The role of that name. Raises `BadKeys` where there is none."""
    try:
        return Role(text)
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise BadKeys(f"the role {text!r:.80} is none: there are {known}") from None


# Writing


def write_pair(directory: Path, pair: KeyPair) -> None:
    """Make a key directory, or put keys into one that is there; its mode is left as it is.

    Raises:
        BadKeys: it has keys already, others can change it or its list, or one is no directory.
        OSError: it cannot be made.

    """
    _make(directory)
    _make(directory / ALLOWED)
    try:
        _write(directory / SECRET, f"{pair.public}\n{pair.secret}\n")
    except FileExistsError:
        raise BadKeys(f"{directory} has keys already: choose another directory") from None
    (directory / PUBLIC).unlink(missing_ok=True)  # of a secret key that was removed
    _write(directory / PUBLIC, f"{pair.public}\n")


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        if not directory.is_dir():
            raise BadKeys(f"{directory} is no directory: choose another place") from None
        try:
            _check(directory.stat(), directory, _CHANGE)
        except BadKeys as error:
            raise BadKeys(f"{error}, or choose another place") from None
    else:
        directory.chmod(0o700)  # whatever the umask


def allow(directory: Path, entry: Entry) -> Entry | None:
    """Let a key in under a name, in place of the one that had it, which is returned.

    Raises:
        BadKeys: it is no key, or that of another name or this node's own, or the name begins with
            a dot, or `directory` has no keys.
        ValueError: it is no name of a node.
        OSError: it cannot be written.

    """
    pair = read_pair(directory)
    name = checked_name(entry.name)
    if name.startswith("."):
        raise BadKeys(
            f"{name!r} begins with a dot, and hidden files are no keys: take another name"
        )
    if not is_key(entry.key):
        raise BadKeys(f"{entry.key!r:.80} is no public key: give the 40 characters of a {PUBLIC}")
    if entry.key in pair:
        raise BadKeys(f"that is the key of {directory} itself: give that of the other node")
    entries = {each.name: each for each in read_allowed(directory).entries}
    for each in entries.values():
        if each.key == entry.key and each.name != name:
            raise BadKeys(f"that is the key of {each.name!r}, which is allowed: revoke that first")
    place = _place(directory, name)
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    _write(draft, f"{entry.role.value} {entry.key}\n")
    draft.replace(place)
    return entries.get(name)


def revoke(directory: Path, name: str) -> None:
    """Take the key of that name off the allow-list.

    Raises:
        BadKeys: there is none.
        OSError: it cannot be removed.

    """
    try:
        _place(directory, checked_name(name)).unlink()
    except FileNotFoundError:
        names = ", ".join(each.name for each in read_allowed(directory).entries) or "none"
        raise BadKeys(f"{directory} allows no key of {name!r}; allowed are: {names}") from None


def _place(directory: Path, name: str) -> Path:
    return directory / ALLOWED / f"{name}{_SUFFIX}"


def _write(path: Path, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "w") as file:
        os.fchmod(fd, 0o600)
        file.write(text)


# Reading


def read_pair(directory: Path) -> KeyPair:
    """The node's own keys.

    Raises:
        BadKeys: there are none, or others could have read or changed them.

    """
    path = directory / SECRET
    remedy = f"make them with  zanni keys new {directory}"
    try:
        _check(directory.stat(), directory, _CHANGE)
        words = _read(path, _READ).split()
    except FileNotFoundError:
        raise BadKeys(f"there are no keys in {directory}: {remedy}") from None
    except OSError as error:
        raise BadKeys(f"the keys in {directory} cannot be read: {error}") from None
    if len(words) != 2 or not all(map(is_key, words)):
        raise BadKeys(f"{path} holds no pair of keys: remove it, and {remedy}")
    return KeyPair(*words)


def wrong_with_public(directory: Path, pair: KeyPair) -> str | None:
    """Why the file that is handed over is not that of the pair; None: it is."""
    path = directory / PUBLIC
    try:
        if _read(path, _CHANGE).split() == [pair.public]:
            return None
        what = "holds another key"
    except FileNotFoundError:
        what = "is not there"
    except (OSError, BadKeys) as error:
        return str(error)
    return f"{path} {what}: write  {pair.public}  into it"


def read_allowed(directory: Path) -> AllowList:
    """Whose keys are let in. What cannot be used is left out: nobody is let in by a doubt.

    Raises:
        OutOfFiles: no more files can be opened, so nothing is known of it.

    """
    place = directory / ALLOWED
    entries: dict[str, Entry] = {}
    problems: list[str] = []
    try:
        _check(place.stat(), place, _CHANGE)
        found = sorted(path for path in place.iterdir() if _is_entry(path))
    except FileNotFoundError:
        found = []
    except (OSError, BadKeys) as error:
        _refuse_if_out_of_files(error)
        return AllowList((), (str(error),))
    for path in found:
        try:
            entry = _read_entry(path)
            if entry.key in entries:
                raise BadKeys(f"{path} has the key of {entries[entry.key].name!r}: remove one")
        except FileNotFoundError:
            if path.is_symlink():  # else it was revoked meanwhile
                problems.append(f"{path} is a link to nothing: remove it")
        except (OSError, ValueError) as error:
            _refuse_if_out_of_files(error)
            problems.append(str(error))
        else:
            entries[entry.key] = entry
    return AllowList(tuple(entries.values()), tuple(problems))


def _refuse_if_out_of_files(error: Exception) -> None:
    """Strangers may bring that about by connecting, and nobody is to lose links for it."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        raise OutOfFiles(str(error)) from error


def stamp(directory: Path) -> Stamp:
    """What differs after every change of the allow-list, or of who may change it.

    Raises:
        OutOfFiles: no more files can be opened, so nothing is known of it.

    """
    place = directory / ALLOWED
    try:
        paths = [place, *sorted(path for path in place.iterdir() if _is_entry(path))]
        return tuple(_stamp_of(path) for path in paths)
    except OSError as error:
        _refuse_if_out_of_files(error)
        return ((type(error),),)


def _is_entry(path: Path) -> bool:
    return path.name.endswith(_SUFFIX) and not path.name.startswith(".")


def _stamp_of(path: Path) -> tuple[object, ...]:
    found = path.stat()
    return path.name, found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode, found.st_uid


def _read_entry(path: Path) -> Entry:
    name = checked_name(path.name.removesuffix(_SUFFIX))
    role, *rest = [*_read(path, _CHANGE).split(), ""]
    if len(rest) != 2 or not is_key(rest[0]):
        raise BadKeys(f"{path} does not hold a role and a key: allow the key again")
    return Entry(name, checked_role(role), rest[0])


def _read(path: Path, mask: int) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise BadKeys(f"{path} is no file: remove it")
        _check(found, path, mask)
        return os.read(fd, _SIZE).decode("ascii", "replace")
    finally:
        os.close(fd)


def _check(found: os.stat_result, path: Path, mask: int) -> None:
    """Raise `BadKeys` where others could have done what the bits of `mask` stand for."""
    if found.st_uid not in (os.geteuid(), 0):
        raise BadKeys(f"{path} belongs to another user: take a copy of your own")
    if found.st_mode & mask:
        what, remedy = ("read", "go-rwx") if mask == _READ else ("changed", "go-w")
        mode = stat.S_IMODE(found.st_mode)
        raise BadKeys(f"{path} can be {what} by others (mode {mode:04o}): chmod {remedy} {path}")
