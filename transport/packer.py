"""The sending half of the typed values: a msgpack packer that knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from .bounds import MAX_DEPTH, OutOfBounds, check
from .buffers import BUFFERS, LARGE, Lent, is_apart, stand_for
from .msgpack_typed import ExtType, make_packer
from .values import Data, Tag, ToData, stand_in

LARGE_ERROR = 64 * 1024
"""Bytes: an exception, or a reason, that takes more travels as its text."""

Way = Callable[[type], tuple[int, ToData]]
"""Finds the code of a class and how its values become data, or raises `EncodeError`."""

_new = tuple.__new__
CONTAINERS = frozenset({list, dict})
LOOKED_INTO = CONTAINERS | BUFFERS
"""The types of values that may need what `checked` does."""
_STR, _BYTES = frozenset({str}), frozenset({bytes})


class BadKey(Exception):
    """A dict has a key that is not str; `explain` says which."""


class Packer:
    """A packer for one depth of typed values, since one cannot be used within itself.

    Used by one thread at a time.
    """

    __slots__ = ("_depth", "_inner", "_tracebacks", "_way", "lent", "pack", "typed")

    def __init__(
        self, way: Way, *, tracebacks: bool, depth: int = 0, lent: list[Lent] | None = None
    ) -> None:
        self._way, self._tracebacks, self._depth = way, tracebacks, depth
        self.lent: list[Lent] = [] if lent is None else lent
        """The large buffers of what was packed, in the order of their indices."""
        self._inner: Packer | None = None
        size = 16 * 1024 if depth == 0 else 1024
        packer = make_packer(default=self._typed, strict_types=True, buf_size=size)
        self.pack: Callable[[Data], bytes] = packer.pack
        self.typed = False
        """Whether a typed value was met since this was last set to False."""

    def _typed(self, value: object) -> object:
        cls = type(value)
        code, to_data = self._way(cls)
        self.typed = True
        inner = self._inner
        if inner is None:
            if self._depth > MAX_DEPTH:
                raise OutOfBounds(f"it is nested deeper than {MAX_DEPTH} levels")
            inner = self._inner = Packer(
                self._way, tracebacks=self._tracebacks, depth=self._depth + 1, lent=self.lent
            )
        if issubclass(cls, BaseException):
            return self._exception(inner, cast(BaseException, value), code, to_data)
        data = to_data(value)
        if type(data) is list:
            data = checked(data)
        elif cls is Lent:
            self.lent.append(data)
            data = len(self.lent) - 1
        return _new(ExtType, (code, inner.pack(data)))

    def _exception(self, inner: Packer, error: BaseException, code: int, to_data: ToData) -> object:
        """An error has to arrive, whatever it holds: if not as it is, then as its text."""
        before = len(self.lent)
        try:
            packed = inner.pack(checked(to_data(error)))
            check(packed, len(packed))
            if len(packed) <= LARGE_ERROR and len(self.lent) == before:
                return _new(ExtType, (code, packed))
        except Exception:  # noqa: S110  (whatever it is, the text can travel)
            pass
        del self.lent[before:]
        data = stand_in(error, tracebacks=self._tracebacks)
        return _new(ExtType, (Tag.EXCEPTION, inner.pack(data)))


def checked(value: Data) -> Data:
    """Any thread. The list, dict or buffer, fit to be packed. Raises as `check_keys`."""
    if type(value) in BUFFERS or check_keys(value):
        return _with_buffers(value)
    return value


def _with_buffers(value: Any) -> Data:
    """A copy in which something stands for each buffer that needs it."""
    cls = type(value)
    if cls in BUFFERS:
        return stand_for(value)
    if cls is list:
        return [_with_buffers(item) for item in value]
    if cls is dict:
        return {key: _with_buffers(item) for key, item in value.items()}
    return value


def check_keys(value: Any, level: int = 2, looked_into: frozenset[type] = LOOKED_INTO) -> bool:
    """Any thread. Check the keys and the depth of a list or dict, but for its typed values.

    Only the types of a container's items are looked at where no container or buffer is among them.
    Returns whether something has to stand for a buffer among its items, or theirs.

    Raises:
        BadKey: a key is not str.
        OutOfBounds: `level`, the depth of the value itself, is or leads too deep.

    """
    if level > MAX_DEPTH:
        raise OutOfBounds(f"it is nested deeper than {MAX_DEPTH} levels")
    if type(value) is dict:
        if not _STR.issuperset(map(type, value)):
            raise BadKey
        value = value.values()
    found = False
    if not looked_into.isdisjoint(map(type, value)):
        if _BYTES.issuperset(map(type, value)):  # a list of many is common enough
            return max(map(len, value)) >= LARGE
        for item in value:
            cls = type(item)
            if cls in CONTAINERS:
                found = check_keys(item, level + 1, looked_into) or found
            elif cls in BUFFERS and (cls is not bytes or len(item) >= LARGE):
                found = found or is_apart(item)
    return found
