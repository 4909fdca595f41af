"""Collections that are made when they are first looked at: an empty set takes 216 bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .environment import make_shared_lock

T = TypeVar("T")

_making = make_shared_lock()


class OnDemand(Generic[T]):
    """An attribute of an object with slots; the slot behind it has its name after a `_`.

    The object sets those slots to None at first. Any thread may look.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._slot: Any

    def __set_name__(self, owner: type, name: str) -> None:
        self._slot = vars(owner)["_" + name]

    def __get__(self, thing: object, owner: type) -> T:
        value: T | None = self._slot.__get__(thing)
        if value is None:
            made = self._make()  # not under the lock: it may collect garbage, and so call anything
            with _making:
                value = self._slot.__get__(thing)
                if value is None:
                    self._slot.__set__(thing, made)
                    return made
        return value

    def __set__(self, thing: object, value: T) -> None:
        self._slot.__set__(thing, value)
