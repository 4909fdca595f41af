"""Nodes that a child core does not wait for: core 0 has told of all others, and not of them."""

from __future__ import annotations

from collections.abc import Iterable


class Strangers:
    """What a child core makes of the nodes that core 0 tells of with each heartbeat."""

    def __init__(self, heartbeat: float) -> None:
        self._heartbeat = heartbeat
        self._heard = 0.0
        self._names: set[str] = set()

    def hear(self, nodes: Iterable[str], moment: float) -> None:
        """Owner only. Core 0 has told of all nodes that it knows: these."""
        self._heard = moment
        self._names.difference_update(nodes)

    def finds(self, node: str, since: float) -> bool:
        """Owner only. Whether one that is unknown, and waited for since then, is not to come."""
        if self._heard - since < self._heartbeat:  # what core 0 told may be older than the ref
            return False
        self._names.add(node)
        return True

    def __contains__(self, node: str) -> bool:
        """Any thread. Whether that is known of it; a node that joins is none from then on."""
        return node in self._names
