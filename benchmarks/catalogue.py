"""All benchmarks, in the order of their numbers."""

import importlib
import string
from collections.abc import Iterable

from .workload import Benchmark

MODULES = (
    "m01_ask",
    "m02_tell",
    "m03_fan_in",
    "m04_ring",
    "m05_spawn",
    "m06_memory",
    "m07_skynet",
    "m08_big",
    "m09_processes",
    "m09_load",
    "m09_pace",
    "m09_nodes",
    "m10_cpu",
    "m11_restart",
    "m12_startup",
    "m13_idle",
)


def all_benchmarks() -> list[Benchmark]:
    return list(benchmarks_in(MODULES))


def benchmarks_in(modules: Iterable[str]) -> Iterable[Benchmark]:
    """Those of the modules, each of which is loaded when it is its turn."""
    for name in modules:
        yield from importlib.import_module(f".{name}", __package__).BENCHMARKS


def find(name: str) -> Benchmark:
    """The benchmark of that name; loads no module of another number."""
    number = int(name.strip("M" + string.ascii_lowercase))
    modules = [each for each in MODULES if each.startswith(f"m{number:02}_")]
    return next(each for each in benchmarks_in(modules) if each.name == name)


def choose(names: list[str], *, long: bool = False) -> list[Benchmark]:
    """Those that are named, by a name such as M1b or a number such as M1; all for no names.

    Those that take long are left out, unless `long` or named by their full name.

    Raises:
        LookupError: one of them names no benchmark.

    """
    known = all_benchmarks()
    for name in names:
        if not any(name in (each.name, each.number) for each in known):
            have = ", ".join(each.name for each in known)
            raise LookupError(f"no benchmark is called {name!r}; there are {have}")
    return [
        each
        for each in known
        if each.name in names or ((long or not each.long) and (not names or each.number in names))
    ]
