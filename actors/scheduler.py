"""Where a new actor goes: the placement words of `spawn`."""

from __future__ import annotations

from itertools import count
from typing import Any, Literal, Protocol, TypeAlias, get_args

from .arguments import is_whole
from .network import CoreReport, Load, Network
from .ref import ActorRef

Place: TypeAlias = Literal["here", "spread", "least-loaded"]
"""A word for where a new actor goes."""
PLACES: tuple[Place, ...] = get_args(Place)

LONG_DELAY = 0.01
"""Seconds of delay in a run queue that weigh as much as a CPU in full use."""
CROWD = 100
"""New actors, since a core's last report, that weigh as much."""


class Placed(Protocol):
    """What a scheduler needs of its system, and what may change while it runs."""

    name: str
    index: int
    core_count: int
    open_cores: int
    """How many of the cores take new actors: the first ones. Those beyond are being removed."""
    network: Network


class Scheduler:
    """Chooses cores for new actors. Any thread may use it."""

    def __init__(self, home: Placed) -> None:
        self._home = home
        self._turn = count(home.index)
        self._placed: dict[int, tuple[Load, int]] = {}
        """For each core its last report, and how many actors went there since."""

    def place(self, core: int | str | None, near: ActorRef[Any] | None) -> int:
        """Any thread. The index of the core for a new actor.

        Args:
            core: an index, "here" (also None), "spread" (each core in turn) or "least-loaded" (by
                the cores' last reports).
            near: an actor whose core to share.

        Raises:
            ValueError: no such core or word, `core` beside `near`, or `near` is of another node.

        """
        home = self._home
        if near is not None:
            if core is not None:
                raise ValueError("give core= or near=, not both")
            if near.node != home.name:
                raise ValueError(
                    f"near= names an actor of node {near.node!r}: give node={near.node!r} as well"
                )
            return self._checked(near.core)
        if (core is None or core == "here") and home.index < home.open_cores:
            return home.index
        if core is None or core in ("here", "spread"):
            return next(self._turn) % home.open_cores
        if core == "least-loaded":
            return self._least_loaded()
        if is_whole(core):
            return self._checked(core)
        words = ", ".join(repr(word) for word in PLACES)
        raise ValueError(f"core= takes an index or one of {words}, not {core!r}")

    def _checked(self, core: int) -> int:
        home = self._home
        if 0 <= core < home.open_cores:
            return core
        if 0 <= core < home.core_count:
            raise ValueError(f"core {core} is being removed and takes no new actors")
        raise ValueError(
            f"there is no core {core}: node {home.name!r} has {home.core_count} "
            f"(0 to {home.core_count - 1}); "
            "ask for more with ActorSystem(cores=...) or system.resize(cores=...)"
        )

    def _least_loaded(self) -> int:
        records = [record for record in self._home.network.cores() if record["state"] == "up"]
        if not records:  # a child core that has not yet heard of the others
            return self._home.index
        chosen = min(records, key=lambda record: cost(record, self._since(record)))
        index = chosen["index"]
        self._placed[index] = chosen["load"], self._since(chosen) + 1
        return index

    def _since(self, record: CoreReport) -> int:
        report, placed = self._placed.get(record["index"], (record["load"], 0))
        return placed if report == record["load"] else 0


def cost(record: CoreReport, placed: int) -> tuple[float, int, int]:
    """What a core is chosen by, least first: how busy it is, in tenths, then how many it has.

    Between two reports the actors that were placed meanwhile stand for the load that they will be,
    or a burst of them would all go to the core that was idle before.
    """
    load = record["load"]
    busy = load["cpu"] + load["delay"] / LONG_DELAY + placed / CROWD
    return round(busy, 1), record["actors"] + placed, record["index"]
