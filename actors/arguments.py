"""What a system checks of its arguments before anything starts."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TypeGuard

from .cpus import usable_cpus
from .environment import importing_main, process_id


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def checked_name(name: str | None) -> str:
    """The name of a node, or a ValueError that says what one is."""
    if name is None:
        return f"zanni-{process_id()}"
    if not (isinstance(name, str) and 0 < len(name) <= 64 and name.isprintable()):  # type: ignore[redundant-expr]  # users may pass anything
        hint = _hint_of_locale(name)
        raise ValueError(f"a system's name is 1 to 64 printable characters, not {name!r:.80}{hint}")
    if "@" in name or "/" in name:
        raise ValueError(f"a system's name holds neither @ nor /, which addresses use: {name!r}")
    return name


def _hint_of_locale(text: object) -> str:
    try:
        str(text).encode()
    except UnicodeEncodeError:  # a byte of the command line that the locale could not read
        return ", which is no text in this locale: set LC_ALL=C.UTF-8"
    return ""


def checked_cores(cores: int | str) -> int:
    """How many cores, or a ValueError that says what can be asked for."""
    if cores == "auto":
        return usable_cpus()
    if is_whole(cores) and 1 <= cores <= 1024:
        return cores
    raise ValueError(f"cores= takes a number from 1 to 1024 or 'auto', not {cores!r}")


def checked_actor_name(name: object) -> str:
    """The name of an actor, or a ValueError that says what one is."""
    if not (isinstance(name, str) and 0 < len(name) <= 255 and name.isprintable()):
        raise ValueError(f"an actor's name is 1 to 255 printable characters, not {name!r:.80}")
    if "@" in name:
        raise ValueError(f"an actor's name holds no @, which stands before a node's: {name!r}")
    return name


def check_throughput(count: object, where: str) -> None:
    """Raise TypeError or ValueError if it is no number of messages; the text says `where`."""
    if not is_whole(count):
        raise TypeError(f"{where} takes a whole number of messages, not {count!r:.80}")
    if count < 1:
        raise ValueError(f"{where} takes 1 or more messages, not {count}")


def check_handoff(seconds: object, where: str) -> None:
    """Raise TypeError or ValueError if it is no time for a turn; the text says `where`."""
    if seconds is None:
        return
    if not is_number(seconds):
        raise TypeError(f"{where} takes a number of seconds, or None, not {seconds!r:.80}")
    if not seconds > 0:
        raise ValueError(f"{where} takes more than 0 seconds, not {seconds!r:.80}")


def checked_urls(join: str | Iterable[str]) -> tuple[str, ...]:
    """The URLs to join, or a ValueError that says what to give; they are checked at the start."""
    if isinstance(join, str):
        return (join,)
    try:
        return tuple(join)
    except TypeError:
        text = f"join= takes URLs such as 'tcp://127.0.0.1:7400', not {join!r:.80}"
        raise ValueError(text) from None


def checked_keys(keys: str | PathLike[str] | None) -> str | None:
    """The path of a key directory, wherever a child process works; or a ValueError."""
    if keys is None:
        return None
    try:
        if keys != "":  # as of a variable that is not set; to Path it is the working directory
            return str(Path(keys).absolute())
    except TypeError:
        pass
    raise ValueError(f"keys= takes the path of a key directory, not {keys!r:.80}")


def refuse_in_import() -> None:
    """Raise RuntimeError in a core process that only looks for a class of the script."""
    if importing_main():
        raise RuntimeError(
            "a core process imported this script to find a class, and the script began a system: "
            "put what starts it under  if __name__ == '__main__':"
        )
