"""Whether a value is of the type that a field is annotated with, for what other nodes send.

Within a node nobody looks, as in Python: all its cores run the same program. Another node may run
another version of it, or mean harm. What cannot be told from the value (a protocol, a type
variable, a callable, an annotation that means nothing here) is taken for granted.
"""

from __future__ import annotations

import dataclasses
import sys
import types
from collections import abc
from collections.abc import Callable, Sequence
from typing import (
    Annotated,
    Any,
    Literal,
    NewType,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

Fits = Callable[[Any], bool]
"""Whether a value is of a type."""

SEEN = 64
"""How many combinations of types are remembered for a class."""

_NUMBERS: dict[object, tuple[type, ...]] = {
    float: (float, int),
    bytes: (bytes, bytearray),
    memoryview: (memoryview, bytes, bytearray),  # a memoryview arrives as bytes
}
_SEQUENCES = (list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable)
_SETS = (set, frozenset, abc.Set, abc.MutableSet)
_MAPS = (dict, abc.Mapping, abc.MutableMapping)


class Misfit(Exception):
    """A value does not fit; `path` says where it is in the message, `detail` what is wrong."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(path, detail)
        self.path, self.detail = path, detail


class Shape:
    """What the fields of a class may hold. Owner only.

    Most checks look at no more than the type of a value. So types that were found to fit, together,
    are remembered, and what is left to look at is what lists and the like hold.
    """

    def __init__(self, cls: type, names: Sequence[str]) -> None:
        every = hints(cls)
        self._names = names
        self._hints = [every.get(name, Any) for name in names]
        checks = [(index, fits(hint)) for index, hint in enumerate(self._hints)]
        self._checks = [(index, check) for index, check in checks if check is not None]
        self._deep = [each for each in self._checks if not _is_shallow(self._hints[each[0]])]
        self._seen: set[tuple[type, ...]] = set()

    def check(self, values: list[Any]) -> None:
        """Look at the fields that were named, each of which has a value.

        Raises:
            Misfit: the first that does not fit.

        """
        types_of = tuple(map(type, values))
        is_new = types_of not in self._seen
        for index, check in self._checks if is_new else self._deep:
            if not check(values[index]):
                name, hint = self._names[index], self._hints[index]
                path, part, narrow = _narrow(f".{name}", values[index], hint)
                raise Misfit(path, f"{part!r:.100} is no {_words(narrow)}")
        if is_new and len(self._seen) < SEEN:
            self._seen.add(types_of)


def _is_shallow(hint: Any) -> bool:
    """Whether the type of a value says whether it fits."""
    if get_origin(hint) in (Union, types.UnionType):
        return all(map(_is_shallow, get_args(hint)))
    return hint is None or isinstance(hint, type)


def hints(cls: type) -> dict[str, Any]:
    """Any thread. The annotation of each field, but for those that cannot be read here."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(cast(Any, cls)):
        owner = next((each for each in cls.__mro__ if field.name in _annotated(each)), cls)
        alone = types.SimpleNamespace(__annotations__={field.name: field.type})
        try:
            scope = vars(sys.modules[owner.__module__])
            found |= get_type_hints(alone, scope, dict(vars(owner)))
        except Exception:  # noqa: S112  (whatever it is, such a field may hold anything)
            continue
    return found


def _annotated(cls: type) -> dict[str, Any]:
    return cast("dict[str, Any]", vars(cls).get("__annotations__", {}))


def fits(hint: Any) -> Fits | None:
    """Any thread. How to see whether a value is of a type; None where any may be."""
    try:
        return _fits(hint)
    except Exception:  # a type that contains itself; what no check knows
        return None


def _fits(hint: Any) -> Fits | None:
    if hint is None:
        hint = types.NoneType
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _fits(args[0])
    if isinstance(hint, NewType):
        return _fits(hint.__supertype__)
    if hasattr(hint, "__value__"):  # what `type X = ...` makes
        return _fits(hint.__value__)
    if isinstance(hint, TypeVar):
        return None
    if origin in (Union, types.UnionType):
        return _any_of([_fits(each) for each in args])
    if origin is Literal:
        return lambda value: any(value == each and type(value) is type(each) for each in args)
    return _class(hint) if origin is None else _generic(origin, args)


def _any_of(ways: list[Fits | None]) -> Fits | None:
    known = [way for way in ways if way is not None]
    if len(known) < len(ways):
        return None
    return lambda value: any(way(value) for way in known)


def _class(cls: Any) -> Fits | None:
    if cls in (Any, object) or not isinstance(cls, type) or getattr(cls, "_is_protocol", False):
        return None
    if issubclass(cls, BaseException):  # one that is not declared arrives as a RemoteError
        cls = BaseException
    if cls is abc.Callable:
        return None
    if issubclass(cls, dict):  # a TypedDict, of which there are no instances: no other travels
        cls = dict
    taken = _NUMBERS.get(cls, (cls,))
    return lambda value: isinstance(value, taken)


def _generic(origin: Any, args: tuple[Any, ...]) -> Fits | None:
    itself = _class(origin)
    if itself is None:
        return None
    if origin is tuple:
        return _tuple(args)
    inner = _fits(args[-1]) if args and origin in (*_SEQUENCES, *_SETS, *_MAPS) else None
    if inner is None:
        return itself
    if origin in _MAPS:
        return lambda value: itself(value) and all(map(inner, value.values()))
    return lambda value: itself(value) and all(map(inner, value))


def _tuple(args: tuple[Any, ...]) -> Fits:
    if len(args) == 2 and args[1] is Ellipsis:
        inner = _fits(args[0])
        return lambda value: type(value) is tuple and (inner is None or all(map(inner, value)))
    ways = [_fits(each) for each in args]
    return lambda value: (
        type(value) is tuple
        and len(value) == len(ways)
        and all(way is None or way(item) for way, item in zip(ways, value, strict=True))
    )


def _narrow(path: str, value: Any, hint: Any) -> tuple[str, Any, Any]:
    """Go down to the smallest part that does not fit."""
    args = get_args(hint)
    origin = get_origin(hint)
    if origin is tuple and isinstance(value, tuple):
        items: Any = enumerate(value)
        hints = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
        if len(hints) != len(value):
            return path, value, hint
    elif origin in _MAPS and isinstance(value, dict):
        items, hints = value.items(), [args[-1]] * len(value)
    elif origin in _SEQUENCES and isinstance(value, (list, tuple)):
        items, hints = enumerate(value), [args[-1]] * len(value)
    else:
        return path, value, hint
    for (key, part), expected in zip(items, hints, strict=True):
        found = fits(expected)
        if found is not None and not found(part):
            return _narrow(f"{path}[{key!r:.50}]", part, expected)
    return path, value, hint


def _words(hint: Any) -> str:
    return hint.__qualname__ if isinstance(hint, type) and not get_args(hint) else str(hint)
