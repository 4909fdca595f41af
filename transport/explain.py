"""Why a message cannot be encoded, and which part of it: found by a slow second look.

The first look is msgpack's, which stops without saying where.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr

from ..actors.errors import EncodeError
from .bounds import MAX_DEPTH
from .packer import Way

_FINE = (type(None), bool, float, bytes, bytearray, memoryview)
_CALLS = (ProxyCall, ProxyGetAttr, ProxySetAttr)


def explain(message: object, way: Way, error: Exception) -> EncodeError:
    """Any thread. The error for the sender: where the first bad part is, and the remedy.

    Args:
        message: what could not be encoded.
        way: what finds how the values of a type become data, or raises `EncodeError`.
        error: what the encoder said, for what no look explains.

    """
    try:
        for path, value in _walk("message", message, way, ()):
            found = _fault(value)
            if found is not None:
                return EncodeError(path, found)
    except _Found as found_at:
        return EncodeError(found_at.path, found_at.detail)
    except Exception as fault:  # a `__repr__` or an attribute of the user's own
        return EncodeError("message", f"it cannot be looked at: {type(fault).__name__}")
    return EncodeError("message", str(error) or type(error).__name__)


class _Found(Exception):
    def __init__(self, path: str, detail: str) -> None:
        super().__init__(path, detail)
        self.path, self.detail = path, detail


def _walk(path: str, value: Any, way: Way, above: tuple[int, ...]) -> Iterator[tuple[str, object]]:
    """Yield the value and all that is in it, each with its path, in the encoder's order."""
    if id(value) in above:
        raise _Found(path, "it contains itself")
    if len(above) > MAX_DEPTH:
        raise _Found(_cut(path), f"it is nested deeper than {MAX_DEPTH} levels")
    yield path, value
    cls: type = type(value)
    if cls in _FINE or cls in {int, str}:
        return
    for label, part in _parts(path, value, cls, way):
        yield from _walk(path + label, part, way, (*above, id(value)))


def _parts(path: str, value: Any, cls: type, way: Way) -> list[tuple[str, object]]:
    if cls is dict:
        for key in value:
            if type(key) is not str:
                raise _Found(path, f"the keys of a dict must be str, not {key!r:.100}: use pairs")
        return [
            part
            for key in value
            for part in ((f" (a key: {key!r:.50})", key), (f"[{key!r:.50}]", value[key]))
        ]
    if cls is list or cls is tuple:
        return [(f"[{index}]", item) for index, item in enumerate(value)]
    if cls is set or cls is frozenset:
        return [("{...}", item) for item in value]
    try:
        _code, to_data = way(cls)
        data = to_data(value)
    except EncodeError as error:
        raise _Found(path, error.detail) from None
    except Exception as error:
        raise _Found(path, f"it cannot be taken apart: {error!r:.200}") from None
    if isinstance(value, BaseException):
        return []  # what cannot travel of it is replaced by its text
    if dataclasses.is_dataclass(cls):
        names = [field.name for field in dataclasses.fields(cls) if field.init]
        return [(f".{name}", getattr(value, name)) for name in names]
    if isinstance(value, _CALLS):
        return [(f".{name}", getattr(value, name)) for name in value._fields]
    return [("", data)] if type(data) is not list else []


def _fault(value: object) -> str | None:
    """What is wrong with a plain value; None where nothing is."""
    if type(value) is int and not -(2**63) <= value < 2**64:
        return "an integer must fit into 64 bits: send it as str or bytes"
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return f"it has a lone surrogate at {error.start}: send it as bytes"
    return None


def _cut(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:100]}...{path[-97:]}"
