"""The receiving half of the typed values: what peers send becomes objects, or an error of its own.

Guarantees:
- No class is ever looked up but through the resolver, and none is made but what is declared with
  `@message`, an enum, an exception of the known ones, or NumPy's array. An actor's class is found,
  not made.
- A value that cannot be made leaves its error in `failure` and raises nothing, since an exception
  out of the hook would lose the rest of the batch. `misfits.py` finds its path.
- Nothing is unpacked that may be out of bounds before it is scanned: of bytes that nobody has
  looked at, the hook refuses it, and the codec scans them and begins again there.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum, Flag
from functools import lru_cache, partial, reduce
from typing import Any, cast

from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from ..actors.actor import Actor
from ..actors.address import Address
from ..actors.messages import is_registered, type_name
from ..actors.public import check_public
from .arrays import array_from_data
from .bounds import MAX_DEPTH, MAX_ITEMS, SHORT, OutOfBounds, is_plain
from .misfits import UNMADE, path_in
from .msgpack_typed import unpackb
from .shapes import Misfit, Shape
from .type_ids import Offer, TypeIds, fingerprint
from .values import KNOWN_EXCEPTIONS, UUID, FromData, Resolver, Tag, fields_of

_STR = frozenset({str})
SHAPES = 8
"""How many versions of a class are remembered, each by the fields that it has of ours."""


class BadBatch(ValueError):
    """The bytes of a peer are no envelopes of ours, or out of bounds."""


def _with_str_keys(value: dict[Any, Any]) -> dict[Any, Any]:
    """The dict itself. msgpack alone would take bytes as keys, too."""
    if value and not _STR.issuperset(map(type, value)):
        raise BadBatch("a dict has a key that is not str")
    return value


SCANNED: dict[str, Any] = {
    "raw": False,
    "strict_map_key": True,
    "object_hook": _with_str_keys,
    "timestamp": 1,  # else msgpack makes a class of its own of one, and does not ask the hook
    "max_array_len": MAX_ITEMS,
    "max_map_len": MAX_ITEMS,
}
"""Limits for bytes that `bounds.scan` has seen."""
# msgpack allocates an array as long as its header claims, before it has seen one item, and goes
# 1024 levels deep: with this limit that is 8 MB at most, and longer arrays are worth a scan. In a
# typed value it would begin to count again, and so in each within it: see `Reader.hook`.
UNSEEN: dict[str, Any] = {**SCANNED, "max_array_len": 1024}
"""Limits for bytes that nobody has looked at."""


NAME_LIMIT = 512
"""The most characters of a node's or a type's name in an address: it stands in logs."""


class Reader:
    """Makes objects of typed values. Owner only.

    Args:
        resolver: how refs and types are found.
        type_ids: the ids by which the peer may name types.
        typed: whether values are looked at against the annotations of their fields.

    """

    def __init__(self, resolver: Resolver, type_ids: TypeIds, *, typed: bool) -> None:
        self._resolver, self._type_ids, self._typed = resolver, type_ids, typed
        self._makers: dict[str | int, FromData] = {}
        self._enums: dict[str | int, type] = {}
        self._met: dict[str, list[str]] = {}
        """The types that came by name since they were last offered, with their fields."""
        self._depth = 0
        self._limits = SCANNED
        self.failure: BaseException | None = None
        """The first value of this envelope that could not be made."""
        self.path = ""
        """Where it is, in what was unpacked so far."""
        self.made = False
        """Whether a typed value was met since this was last set to False."""
        self.buffers: Sequence[object] | Exception = ()
        """The large buffers that came with the batch, or why there are none."""
        self._ways: dict[int, FromData] = {
            Tag.TUPLE: tuple,
            Tag.SET: set,
            Tag.FROZENSET: frozenset,
            Tag.DATETIME: lambda data: _moment(dt.datetime, data),
            Tag.DATE: dt.date.fromisoformat,
            Tag.TIME: lambda data: _moment(dt.time, data),
            Tag.TIMEDELTA: lambda data: dt.timedelta(*data),
            Tag.DECIMAL: _decimal,
            Tag.UUID: lambda data: UUID(bytes=data),
            Tag.ENUM: self._enum,
            Tag.MESSAGE: self.message,
            Tag.EXCEPTION: self._exception,
            Tag.REF: self._ref,
            Tag.ADDRESS: lambda data: resolver.here(address(data)),
            Tag.CORE_ADDRESS: lambda data: resolver.here(address([*data, 0])).home,
            Tag.PROXY_CALL: call,
            Tag.PROXY_GET: lambda data: ProxyGetAttr(public_path(data)),
            Tag.PROXY_SET: lambda data: ProxySetAttr(public_path(data[0]), data[1]),
            Tag.ACTOR_STOP: lambda _: _ActorStop(),
            Tag.ACTOR_CLASS: self._actor_class,
            Tag.BYTEARRAY: _bytearray,
            Tag.LARGE: self._large,
            Tag.ARRAY: array_from_data,
        }

    def begin(self, limits: dict[str, Any]) -> None:
        """Forget what a batch that was left half read may have left behind."""
        self._limits = limits
        self._depth = 0
        self.failure = None
        self.path = ""
        self.made = False

    def offers(self) -> list[Offer]:
        """The ids of the types that came by name since this was asked last."""
        met, self._met = self._met, {}
        for name in met:  # whoever sends it so again has not heard
            self._makers.pop(name, None)
            self._enums.pop(name, None)
        ids = {name: self._type_ids.give(name) for name in met}
        return [
            Offer(name, each, fingerprint(met[name]))
            for name, each in ids.items()
            if each is not None
        ]

    def hook(self, code: int, data: bytes) -> object:
        """Make the value of one ext.

        Raises:
            OutOfBounds: nobody has looked at these bytes, and they have to be scanned first.

        """
        self.made = True
        failed = self.failure  # before this one
        if failed is not None:
            return None
        if len(data) > SHORT and not self._depth and self._limits is UNSEEN and not is_plain(data):
            raise OutOfBounds("a typed value that is to be scanned")
        way = self._ways.get(code)
        if way is None:
            self.failure = LookupError(f"a typed value of code {code}, which this version lacks")
            return UNMADE
        self._depth += 1
        try:
            value = self._unpack(data)
            if self.failure is None:
                return way(value)
            self.path = path_in(value, code, self.fields) + self.path
        except BaseException as error:
            if self.failure is None:
                self.failure = error
        finally:
            self._depth -= 1
        return UNMADE

    def _unpack(self, data: bytes) -> Any:
        if self._depth > MAX_DEPTH:
            raise BadBatch(f"typed values are nested deeper than {MAX_DEPTH} levels")
        try:
            return unpackb(data, ext_hook=self.hook, **self._limits)
        except Exception as error:
            raise BadBatch(f"a typed value is not msgpack: {error}") from error

    def message(self, body: list[Any]) -> object:
        """Make an instance of a `@message` class from its name or id and what its fields hold."""
        name = body[0]
        make = self._makers.get(name)
        if make is None:
            make = self._makers[name] = self._maker(name)
        return make(body)

    def fields(self, name: str | int) -> list[str]:
        """The fields of a `@message`. Raises as `Resolver.find_type`."""
        return fields_of(self._find(name))

    def _maker(self, name: str | int) -> FromData:
        cls = self._find(name)
        if issubclass(cls, Enum) or not is_registered(cls):
            raise LookupError(f"{type_name(cls)} is not declared with @zanni.message")
        names = fields_of(cls)
        if isinstance(name, str):
            self._met[name] = names
            return by_name(cls, names, typed=self._typed)
        return by_id(cls, names, typed=self._typed)

    def _find(self, name: object) -> type:
        if type(name) is int:
            name = self._type_ids.name(name)
        if not isinstance(name, str):
            raise TypeError("the name of a type must be str")
        return self._resolver.find_type(name)

    def _actor_class(self, name: object) -> type:
        if not isinstance(name, str):
            raise TypeError("the name of a type must be str")
        cls = self._resolver.find_actor_class(name)
        if not issubclass(cls, Actor):
            raise TypeError(f"{name} is no actor class")
        return cls

    def _find_enum(self, name: str | int) -> type:
        cls = self._find(name)
        if not issubclass(cls, Enum):
            raise TypeError(f"{type_name(cls)} is no enum")
        if isinstance(name, str):
            self._met[name] = []
        self._enums[name] = cls
        return cls

    def _enum(self, data: list[Any]) -> object:
        name, member = data
        cls: Any = self._enums.get(name) or self._find_enum(name)
        if issubclass(cls, Flag):
            return _flags(cls, member)
        try:
            return cls[member]
        except KeyError:
            raise ValueError(f"{member!r:.100} is no member of {type_name(cls)}") from None

    def _exception(self, data: list[Any]) -> object:
        name, args = data
        cls = KNOWN_EXCEPTIONS.get(name)
        if cls is None:
            raise LookupError(f"{name!r} is no exception that travels")
        return cls(*args)

    def _large(self, index: object) -> object:
        buffers = self.buffers
        if isinstance(buffers, Exception):
            raise buffers
        if type(index) is not int or not 0 <= index < len(buffers):
            raise LookupError("a buffer of this message was lost on its way")
        return buffers[index]

    def _ref(self, data: list[Any]) -> object:
        type_name, *more = data[4:]
        name = more[0] if more else None
        if not all(each is None or is_name(each) for each in (type_name, name)):
            raise TypeError("the type of a ref, and its name, must be names")
        return self._resolver.ref(address(data), type_name, name)


def by_id(cls: type, names: list[str], *, typed: bool) -> FromData:
    """How to make a `@message` of its id and the values of its fields, in their order."""
    if any(field.kw_only for field in dataclasses.fields(cast(Any, cls))):
        make: Callable[..., object] = _by_keyword(cls, names)
    else:
        make = cls
    if not typed:
        return lambda body: make(*body[1:])
    shape = Shape(cls, names)

    def make_checked(body: list[Any]) -> object:
        values = body[1:]
        if len(values) != len(names):
            raise TypeError(f"{len(values)} values for {len(names)} fields")
        shape.check(values)
        return make(*values)

    return make_checked


def _by_keyword(cls: type, names: list[str]) -> Callable[..., object]:
    return lambda *values: cls(**dict(zip(names, values, strict=True)))


def by_name(cls: type, names: list[str], *, typed: bool) -> FromData:
    """How to make a `@message` of its name and of its fields, each a name and a value."""
    known = frozenset(names)
    shape_of = lru_cache(SHAPES)(partial(Shape, cls))
    same = by_id(cls, names, typed=typed)
    needed = [
        field.name
        for field in dataclasses.fields(cast(Any, cls))
        if field.init and field.default is field.default_factory  # neither is there
    ]

    def make(body: list[Any]) -> object:
        if body[1::2] == names:  # as nearly always
            return same(body[::2])
        values = {
            name: value for name, value in zip(body[1::2], body[2::2], strict=True) if name in known
        }
        for name in needed:
            if name not in values:
                raise Misfit(f".{name}", f"it is not there, and {type_name(cls)} has no default")
        if typed:
            shape_of(tuple(values)).check([*values.values()])
        return cls(**values)

    return make


def address(data: Any) -> Address:
    """An address from its fields. Raises `TypeError` or `ValueError` where they make none."""
    if type(data) is not list:
        raise TypeError("an address is a list")
    node, core, incarnation, actor = data[:4]
    if not (is_name(node) and type(core) is type(incarnation) is type(actor) is int):
        raise TypeError("an address is the name of a node and three int")
    return Address(node, core, incarnation, actor)


def is_name(name: object) -> bool:
    """Whether it can be the name of a node or of a type: nothing else may stand in an address."""
    return type(name) is str and len(name) <= NAME_LIMIT and name.isprintable()


def _flags(cls: type[Flag], bits: object) -> Flag:
    """A combination of members; an enum would keep each new one of other bits for good."""
    # By name, as iterating leaves out those of several bits.
    every = reduce(operator.or_, (member.value for member in cls.__members__.values()), 0)
    if type(bits) is not int or bits & ~every:
        raise ValueError(f"{bits!r:.100} is no combination of members of {type_name(cls)}")
    return cls(bits)


def _moment(cls: Any, data: list[Any]) -> object:
    text, fold = data
    moment = cls.fromisoformat(text)
    return moment.replace(fold=1) if fold else moment


def _decimal(data: object) -> Decimal:
    if not isinstance(data, str):
        raise TypeError("a Decimal travels as str")
    return Decimal(data)


def _bytearray(data: object) -> bytearray:
    if not isinstance(data, bytes):  # of a number it would make so many zeros
        raise TypeError("a bytearray travels as bytes")
    return bytearray(data)


def call(data: list[Any]) -> ProxyCall:
    """A method call, of a public name."""
    path, args, kwargs = data
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise TypeError("a call has a list and a dict of arguments")
    positional: list[Any] = args
    named: dict[str, Any] = kwargs
    return ProxyCall(public_path(path), tuple(positional), named)


def public_path(path: object) -> tuple[str, ...]:
    """The path of an attribute that is for others. Raises as `check_public`, or `TypeError`."""
    if not isinstance(path, list) or not path:
        raise TypeError("the path of an attribute is a list of str")
    names: list[Any] = path
    if not all(type(name) is str for name in names):
        raise TypeError("the path of an attribute is a list of str")
    check_public(names)
    return tuple(names)
