"""How much memory a message takes: found by a short look, as messages may be of any size."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from typing import Any

BULKY = 16 * 1024
"""Bytes."""


def is_bulky(message: object) -> bool:
    """Any thread. Whether a message takes more than `BULKY` bytes, as far as can be seen.

    Seen are the values that come from other processes. Of a user's own object nothing is known.
    """
    size, unseen = 0, [message]
    try:
        while unseen and size <= BULKY:
            value: Any = unseen.pop()
            size += value.nbytes if hasattr(type(value), "nbytes") else sys.getsizeof(value)
            unseen.extend(_parts(value))
    except Exception:  # an object of the user's own, or another thread changes it meanwhile
        return False
    return size > BULKY


def _parts(value: Any) -> Iterable[object]:
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, dict):
        return (*value, *value.values())
    if isinstance(value, BaseException):
        return value.args
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return ()
