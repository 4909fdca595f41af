"""Room for more open files, as far as this process may have them."""

from __future__ import annotations

import os


def check_room_for_files(count: int) -> None:
    """Any thread. See that so many more files can be opened, for what could not bear it later.

    Raises:
        OSError: they cannot; the text says the remedy.

    """
    opened: list[int] = []
    try:
        for _ in range(count):
            opened.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))  # noqa: PERF401  (to close)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}: {count} more are needed; raise the limit on open files (ulimit -n)",
        ) from None
    finally:
        for fd in opened:
            os.close(fd)
