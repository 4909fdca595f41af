"""What came last, of what would be too much to keep. No input or output happens here."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Latest(Generic[T]):
    """The latest `limit` values at least, and at most twice as many.

    Two halves, the older of which goes when the younger is full: to find the oldest value of a dict
    that has lost thousands before it takes a look at the place of each.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._younger: set[T] = set()
        self._older: set[T] = set()

    def add(self, value: T) -> None:
        """Any thread. Remember this one."""
        younger = self._younger
        younger.add(value)
        if len(younger) >= self._limit:  # of two threads that see it, one drops what little is new
            self._older, self._younger = younger, set()

    def __contains__(self, value: T) -> bool:
        """Any thread. Whether it is remembered."""
        return value in self._younger or value in self._older
