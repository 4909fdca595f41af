"""Which part of a message could not be made, in words of the message: found where one could not.

A typed value is made from the inside to the outside. The first that cannot be made leaves `UNMADE`
in its place, and each value around it adds its own step to the path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ..actors.errors import DecodeError, MessageTooLarge
from .shapes import Misfit
from .values import Tag

UNMADE = object()
"""In the place of a typed value that could not be made."""

Fields = Callable[[Any], list[str]]
"""The fields of a `@message` of that name or id."""

_LABELS: dict[tuple[int, object], str] = {
    (Tag.PROXY_CALL, 1): ".args",
    (Tag.PROXY_CALL, 2): ".kwargs",
    (Tag.PROXY_SET, 1): ".value",
    (Tag.EXCEPTION, 1): ".args",
}


def path_in(value: object, code: int, fields: Fields) -> str:
    """The path to `UNMADE` within the data of a typed value of that code."""
    steps = _steps_to_unmade(value)
    if not steps:
        return ""
    first = steps[0]
    label = _LABELS.get((code, first))
    if code in {Tag.SET, Tag.FROZENSET}:
        label = "{...}"
    elif code == Tag.MESSAGE and isinstance(value, list):
        label = _field(value, cast(int, first), fields)
    elif label is None:
        label = f"[{first!r:.50}]"
    return label + "".join(f"[{step!r:.50}]" for step in steps[1:])


def _field(body: list[Any], index: int, fields: Fields) -> str:
    name = body[0]
    if isinstance(name, str):
        return f".{body[index - 1]!s:.50}"
    try:
        return f".{fields(name)[index - 1]}"
    except Exception:  # no type has this id, or it is not to be found
        return f"[{index}]"


def _steps_to_unmade(value: object) -> list[object]:
    """The index or key of each container on the way; without recursion, as depth is not bound."""
    waiting: list[tuple[list[object], object]] = [([], value)]
    while waiting:
        steps, each = waiting.pop()
        if each is UNMADE:
            return steps
        if isinstance(each, dict):
            found: dict[Any, object] = each
            waiting += [([*steps, key], part) for key, part in found.items()]
        elif isinstance(each, list):
            items: list[object] = each
            waiting += [([*steps, index], part) for index, part in enumerate(items)]
    return []


def decode_error(path: str, error: BaseException) -> Exception:
    """What the asker hears, or the log: the error of a part of a message, and where it is."""
    if isinstance(error, AttributeError):  # a name that is not public, as if it were not there
        return error
    if isinstance(error, MessageTooLarge):  # as if its sender had known
        return error
    if isinstance(error, Misfit):
        path, detail = path + error.path, error.detail
    elif isinstance(error, LookupError):
        detail = str(error.args[0] if error.args else error)
    else:
        detail = f"{type(error).__name__}: {error}"
    path = f"message{path}"
    return DecodeError(path if len(path) <= 200 else f"{path[:100]}...{path[-97:]}", detail[:1000])
