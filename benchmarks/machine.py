"""What this process and its children take of the machine, by /proc and its kernel."""

import gc
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from .workload import CheckFailed

TCPI_BYTES_SENT = 200
"""Where it is in Linux's `struct tcp_info`."""


def resident() -> int:
    """Bytes of memory (Pss): shared pages are counted in parts."""
    gc.collect()
    rollups = [text for each in family() for text in read(each / "smaps_rollup")]
    lines = [line for text in rollups for line in text.splitlines()]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def cpu_seconds() -> float:
    """CPU time so far, of all threads, to the nanosecond."""
    threads = [thread for each in family() for thread in each.glob("task/*")]
    return sum(int(text.split()[0]) for each in threads for text in read(each / "schedstat")) / 1e9


def tcp_bytes_sent() -> int:
    """Bytes that the TCP sockets of this process, those open now, have sent so far."""
    total = 0
    for entry in Path("/proc/self/fd").iterdir():
        if not (entry.is_symlink() and str(entry.readlink()).startswith("socket:")):
            continue
        with socket.socket(fileno=os.dup(int(entry.name))) as each:
            if each.family == socket.AF_INET and each.type == socket.SOCK_STREAM:
                info = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                total += struct.unpack_from("=Q", info, TCPI_BYTES_SENT)[0]
    return total


def family(process: Path = Path("/proc/self")) -> Iterator[Path]:
    """The process, its children, theirs ..."""
    yield process
    for children in process.glob("task/*/children"):
        for text in read(children):
            for child in text.split():
                yield from family(Path("/proc") / child)


def read(path: Path) -> Iterator[str]:
    """The text of the file, or nothing if its process or thread has just ended.

    Raises:
        CheckFailed: there is no /proc.

    """
    try:
        yield path.read_text()
    except OSError as error:
        if not Path("/proc/self").exists():
            raise CheckFailed(f"this benchmark needs Linux, to read {path}") from error
