"""A supervisor's message to itself, for a restart that is due later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from .family import Child

Tell: TypeAlias = Callable[[str], None]
"""Tells the log what happened to a child; it is given what the supervisor does about it."""


class Retry:
    """Try again to restart the child, unless called off since.

    `tell` is that of an attempt which counts when it is made; None: it has counted.
    """

    __slots__ = ("child", "tell")

    def __init__(self, child: Child, tell: Tell | None) -> None:
        self.child, self.tell = child, tell
