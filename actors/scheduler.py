"""Where a new actor goes: the placement words of `spawn`."""

from __future__ import annotations

from itertools import count
from typing import Any

from .network import Network
from .ref import ActorRef

WORDS = ("here", "spread", "least-loaded")


class Scheduler:
    """Chooses cores for new actors. Any thread may use it."""

    def __init__(self, node: str, index: int, core_count: int, network: Network) -> None:
        self._node = node
        self._index = index
        self._core_count = core_count
        self._network = network
        self._turn = count(index)

    def place(self, core: int | str | None, near: ActorRef[Any] | None) -> int:
        """Any thread. The index of the core for a new actor.

        Args:
            core: an index, "here" (also None), "spread" (each core in turn) or "least-loaded" (by
                the cores' last reports).
            near: an actor whose core to share.

        Raises:
            ValueError: no such core or word, `core` beside `near`, or `near` is of another node.

        """
        if near is not None:
            if core is not None:
                raise ValueError("give core= or near=, not both")
            if near.node != self._node:
                raise ValueError(f"near= names an actor of node {near.node!r}, not of this one")
            return near.core
        if core is None or core == "here":
            return self._index
        if core == "spread":
            return next(self._turn) % self._core_count
        if core == "least-loaded":
            return self._network.least_loaded()
        if isinstance(core, int) and not isinstance(core, bool):
            if 0 <= core < self._core_count:
                return core
            raise ValueError(
                f"there is no core {core}: this node has {self._core_count} "
                f"(0 to {self._core_count - 1}); ask for more with ActorSystem(cores=...)"
            )
        words = ", ".join(repr(word) for word in WORDS)
        raise ValueError(f"core= takes an index or one of {words}, not {core!r}")
