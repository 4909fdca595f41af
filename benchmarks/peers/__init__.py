"""The same work in other frameworks and other languages, for whoever has them.

A peer does a work by its name, `tell` or `ring`, so many times. What its actors answered is then
compared with what arithmetic says, in one place for all of them: `done_by`.
"""

import functools
import importlib
import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..workload import Figures, Side, check

Found = dict[str, Any]
"""What a peer found: its `answer`, the `seconds` until that was there, and other figures."""


@dataclass(frozen=True)
class Peer:
    """Someone who may do the same work."""

    module: str
    """Has a `run(work, n, *arguments)` that gives a `Found`; loaded when it is to be measured."""
    program: str | None = None
    """What has to be on the PATH."""
    package: str | None = None
    """What has to be installed."""

    def lacks(self) -> str | None:
        """What is not there, in a few words."""
        if self.program is not None and shutil.which(self.program) is None:
            return f"no {self.program} on the PATH"
        if self.package is not None and importlib.util.find_spec(self.package) is None:
            return f"{self.package} is not installed: pip install 'zanni[bench]'"
        return None

    def run(self, work: str, n: int, *arguments: Any) -> Found:
        return importlib.import_module(f".{self.module}", __name__).run(work, n, *arguments)


PEERS = {
    "asyncio": Peer("asyncio_queues"),
    "uvloop": Peer("uvloop_queues", package="uvloop"),
    "threads": Peer("thread_queues"),
    "raw_pyzmq": Peer("pyzmq_links"),
    "socket_pickle": Peer("pickle_links"),
    "xoscar": Peer("xoscar_actors", package="xoscar"),
    "thespian": Peer("thespian_actors", package="thespian"),
    "ray": Peer("ray_actors", package="ray"),
    "erlang": Peer("erlang", program="erlc"),
    "go": Peer("go", program="go"),
}


def peers(
    work: str,
    expected: Callable[[int], object],
    *arguments: Any,
    value: Callable[[int, Found], float] = lambda n, found: n / found["seconds"],
    **sizes: int,
) -> list[Side]:
    """A side for each peer that is named, `_` for a space, with how often it does the work."""
    sides = []
    for name, n in sizes.items():
        run = functools.partial(done_by, PEERS[name], work, arguments, expected, value)
        sides.append(Side(name.replace("_", " "), run, n, lacks=PEERS[name].lacks))
    return sides


def done_by(
    peer: Peer,
    work: str,
    arguments: tuple[Any, ...],
    expected: Callable[[int], object],
    value: Callable[[int, Found], float],
    n: int,
) -> Figures:
    """The figures of a work that a peer has done.

    Raises:
        CheckFailed: its actors answered something else than arithmetic says.

    """
    found = peer.run(work, n, *arguments)
    check("the answer", found.pop("answer"), expected(n))
    return {"value": value(n, found), **found}
