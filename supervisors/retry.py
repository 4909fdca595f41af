"""A supervisor's message to itself, for a restart that is due later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from .family import Child

Tell: TypeAlias = Callable[[str], None]
"""Tells the log what happened to a child; it is given what the supervisor does about it."""


class Retry:
    """Try again to restart the child, unless called off since.

    `counted`: it has counted against the intensity; else it does when it is made.
    """

    __slots__ = ("child", "counted", "tell")

    def __init__(self, child: Child, tell: Tell, *, counted: bool) -> None:
        self.child, self.tell, self.counted = child, tell, counted
