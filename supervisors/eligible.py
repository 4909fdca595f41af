"""Where a child may be started: on the nodes that its spec names, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..actors.errors import ConnectionLost, NodeDown, ShuttingDown
from ..actors.ref import ActorRef


class Eligible:
    """The nodes of one child; None is the supervisor's own. Owner only.

    First come those that have not failed, in the order of the spec, then those that have, the one
    whose failure is the longest ago before the others.
    """

    def __init__(self, nodes: Iterable[str | None]) -> None:
        self._nodes = [*nodes]

    def failed(self, node: str | None) -> None:
        """The child was lost there with the node or its core, or did not start."""
        if node in self._nodes:
            self._nodes.remove(node)
            self._nodes.append(node)

    def start(self, spawn: Callable[[str | None], ActorRef[Any]]) -> ActorRef[Any]:
        """Start the child on the first of the nodes that are there.

        Raises what `spawn` raised on the last one tried: where it was not for the node, the others
        are left for the next attempt.
        """
        left = [*self._nodes]
        while True:
            node = left.pop(0)
            try:
                return spawn(node)
            except Exception as error:
                self.failed(node)
                if not left or not isinstance(error, NodeDown | ShuttingDown):
                    raise
                if isinstance(error, ConnectionLost):  # it may have been started there
                    raise
