"""CPUs: how many this process may use, pinning a thread to one, and whether one waits for them.

A container's CPU limit is a quota of its cgroup, which neither the machine's total nor the affinity
mask shows: both versions of cgroups are read, at every level, as the strictest limit holds.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path("/")


def usable_cpus(root: Path = ROOT) -> int:
    """How many CPUs this process may use: by its affinity mask, and by its cgroup's quota.

    A quota of one and a half CPUs counts as two. `root` is where `proc` and `sys` are found.
    """
    mask = len(allowed_cpus())
    granted = quota(root)
    return mask if granted is None else max(1, min(mask, math.ceil(granted)))


def allowed_cpus() -> list[int]:
    """The numbers of the CPUs in the affinity mask of this thread; all, where there is no mask."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def give_way() -> None:
    """Let another thread have the CPU, if one waits for it."""
    if hasattr(os, "sched_yield"):
        os.sched_yield()


def pin_to(cpus: Iterable[int]) -> None:
    """Pin this thread, and those that it starts, to CPUs; nothing where that cannot be done."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


def is_ready_to_run(system_thread_id: int, root: Path = ROOT) -> bool:
    """Whether that thread of this process has a CPU or waits for one; False if it is not known.

    See proc(5) on /proc/pid/stat: the state follows the name, which may have any characters in it.
    """
    stat = "".join(_lines(root / f"proc/self/task/{system_thread_id}/stat"))
    return stat.rpartition(") ")[2].startswith("R")


def quota(root: Path = ROOT) -> float | None:
    """How many CPUs' time the cgroups of this process grant it; None without a limit."""
    mount = root / "sys/fs/cgroup"
    granted: list[float | None] = []
    for line in _lines(root / "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            bases, read = (mount, mount / "unified"), _quota_v2
        elif "cpu" in controllers.split(","):
            bases, read = (mount / controllers, mount / "cpu"), _quota_v1
        else:
            continue
        granted += [read(level) for base in bases for level in _levels(base, path)]
    return min((each for each in granted if each is not None), default=None)


def _levels(base: Path, path: str) -> Iterator[Path]:
    """The directory of a cgroup and those above it, up to the mount.

    In a container the path may be the host's, and only the mount be there: it is read in any case.
    """
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for depth in range(len(parts), -1, -1):
        yield base.joinpath(*parts[:depth])


def _quota_v2(level: Path) -> float | None:
    return _ratio(" ".join(_lines(level / "cpu.max")).split())


def _quota_v1(level: Path) -> float | None:
    return _ratio([*_lines(level / "cpu.cfs_quota_us"), *_lines(level / "cpu.cfs_period_us")])


def _ratio(words: list[str]) -> float | None:
    """Microseconds of CPU time per period; "max" and -1 are no limit."""
    try:
        granted, period = (int(word) for word in words)
    except ValueError:
        return None
    return granted / period if granted > 0 and period > 0 else None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except (OSError, ValueError):
        return []
