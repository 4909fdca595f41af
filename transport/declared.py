"""The types that another node may name: what is declared here, and nothing is imported for it."""

from __future__ import annotations

from enum import Enum
from typing import Any, get_args

from ..actors.messages import declared, find_message, type_name
from .shapes import hints

_looked_at: set[type] = set()
_enums: dict[str, type] = {}


def find_declared(name: str) -> type | None:
    """Any thread. A class declared with `@message`, or an enum that a field of one is of."""
    found = find_message(name)
    if found is not None or name in _enums:
        return found or _enums[name]
    for cls in declared():
        if cls not in _looked_at and not issubclass(cls, Enum):
            _enums.update({type_name(each): each for each in _enums_of(cls)})
            _looked_at.add(cls)
    return _enums.get(name)


def _enums_of(cls: type) -> list[type]:
    found: list[type] = []
    waiting: list[Any] = [*hints(cls).values()]
    while waiting:
        hint = waiting.pop()
        if isinstance(hint, Enum):  # of a Literal
            hint = type(hint)
        if isinstance(hint, type) and issubclass(hint, Enum):
            found.append(hint)
        waiting += get_args(hint)
    return found
