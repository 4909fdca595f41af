"""How much memory a message takes."""

from __future__ import annotations

import dataclasses
import sys
from collections import deque
from contextlib import suppress
from math import inf
from types import NoneType
from typing import Any

BULKY = 16 * 1024
"""Bytes."""

_PLAIN = frozenset({str, bytes, int, float, bool, NoneType})
"""What has no parts: most of what messages consist of."""


def size_of(message: object, enough: float = inf) -> int:
    """Any thread. About how many bytes a message takes in memory: it and what it consists of.

    It counts what is in lists, tuples, sets, deques, dicts, dataclasses and exceptions, and what
    buffers and arrays show; of other objects, themselves. It stops once there is more than
    `enough`.
    """
    total = 0
    seen: set[int] = set()
    left: list[Any] = [message]
    while left and total <= enough:
        value = left.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        size = sys.getsizeof(value, 64)
        if type(value) in _PLAIN:
            pass
        elif isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list | tuple | set | frozenset | deque):
            left += value
        elif isinstance(value, BaseException):
            left += value.args
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            left += [getattr(value, field.name, None) for field in dataclasses.fields(value)]
        elif hasattr(type(value), "nbytes"):  # a view of a buffer is itself small
            with suppress(Exception):  # it was released, or is of a class of the user's own
                size = max(size, int(getattr(value, "nbytes", 0)))
        total += size
    return total


def is_bulky(message: object) -> bool:
    """Any thread. Whether a message takes more than `BULKY` bytes, as far as can be seen."""
    try:
        return size_of(message, BULKY) > BULKY
    except Exception:  # an object of the user's own, or another thread changes it meanwhile
        return False
