"""What msgpack does not know, as data and back: the typed values of messages.

A typed value is an ext whose payload is exactly one msgpack value, by the codes of `Tag`. Codes are
never reused. A value of a code that is not known here fails alone, not the batch it stands in.

A `@message` class travels as `[name, field, value, field, value...]`. So that a cluster can be
upgraded node by node, the receiver takes the fields that it knows and ignores the rest, and those
that were not sent take their defaults. Between two that agree on its fields and on an id for it, it
is `[id, value, value...]`, the fields in their order: see type_ids.py. An enum's member is
`[name, member]` or `[id, member]`.
"""

from __future__ import annotations

import builtins
import dataclasses
import datetime as dt
import importlib
import traceback
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from operator import attrgetter
from typing import Any, Protocol, cast

from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from ..actors import errors
from ..actors.actor import Actor
from ..actors.address import KERNEL_ID, Address, CoreAddress
from ..actors.crash import type_and_text
from ..actors.errors import EncodeError, RemoteError
from ..actors.messages import is_registered, type_name
from ..actors.process import Process, Reply
from .arrays import array_to_data, is_array_class
from .buffers import Buffer, Lent

# The type alone: what draws random ones stays behind the seam.
UUID: Any = importlib.import_module("uuid").UUID

MAX_TEXT = 8 * 1024
"""The most characters of an exception's text, and of its traceback, that travel."""


class Resolver(Protocol):
    """How refs, processes, replies and types become data and are found again."""

    def here(self, address: Address) -> Address:
        """Owner only. An address that has come, as it is here: see aliases.py."""
        ...

    def there(self, address: Address) -> Address:
        """Any thread. An address as it is told to others."""
        ...

    def ref(self, address: Address, type_name: str | None, name: str | None) -> object:
        """Owner only. The ref of an address that has come, and of the actor's name."""
        ...

    def process(self, address: Address) -> Process:
        """Owner only. The process of an address that has come."""
        ...

    def reply_id(self, reply: Reply) -> int:
        """Any thread. Keep a reply whose answer will come back to us, under a number."""
        ...

    def reply(self, ask_id: int) -> Reply:
        """Owner only. A reply which sends the answer to the peer that we read from."""
        ...

    def find_type(self, name: str) -> type:
        """Owner only. The class of that name. Raises `LookupError` with the remedy."""
        ...

    def find_actor_class(self, name: str) -> type:
        """Owner only. The actor class of that name. Raises any error with the remedy."""
        ...


class Tag(IntEnum):
    """The code of each typed value."""

    TUPLE = 1
    SET = 2
    FROZENSET = 3
    DATETIME = 4
    DATE = 5
    TIME = 6
    TIMEDELTA = 7
    DECIMAL = 8
    UUID = 9
    ENUM = 10
    MESSAGE = 11
    EXCEPTION = 12
    REF = 13
    ADDRESS = 14
    CORE_ADDRESS = 15
    PROXY_CALL = 16
    PROXY_GET = 17
    PROXY_SET = 18
    ACTOR_STOP = 19
    ACTOR_CLASS = 20
    BYTEARRAY = 21
    LARGE = 22
    """A buffer beside the envelope, by its index."""
    ARRAY = 23


Data = Any
"""What msgpack packs by itself, or a list of such and of further typed values."""
ToData = Callable[[Any], Data]
FromData = Callable[[Any], object]


def _moment(value: dt.datetime | dt.time) -> Data:
    if value.tzinfo is not None and value.utcoffset() is None:
        zone = type(value.tzinfo).__name__
        raise EncodeError(
            "",
            f"a {type(value).__name__} to which its {zone} gives no offset (as where there is no "
            "date) would arrive without a zone: send the zone's name beside it",
        )
    return [value.isoformat(), value.fold]


def _call(value: ProxyCall) -> Data:
    return [list(value.attr_path), list(value.args), value.kwargs]


def _set(value: ProxySetAttr) -> Data:
    return [list(value.attr_path), value.value]


PLAIN: Mapping[type, tuple[int, ToData]] = {
    tuple: (Tag.TUPLE, list),
    set: (Tag.SET, list),
    frozenset: (Tag.FROZENSET, list),
    dt.datetime: (Tag.DATETIME, _moment),
    dt.date: (Tag.DATE, dt.date.isoformat),
    dt.time: (Tag.TIME, _moment),
    dt.timedelta: (
        Tag.TIMEDELTA,
        lambda value: [value.days, value.seconds, value.microseconds],
    ),
    Decimal: (Tag.DECIMAL, str),
    UUID: (Tag.UUID, attrgetter("bytes")),
    Buffer: (Tag.BYTEARRAY, attrgetter("content")),
    Lent: (Tag.LARGE, lambda value: value),  # the packer knows its index
    ProxyCall: (Tag.PROXY_CALL, _call),
    ProxyGetAttr: (Tag.PROXY_GET, lambda value: list(value.attr_path)),
    ProxySetAttr: (Tag.PROXY_SET, _set),
    _ActorStop: (Tag.ACTOR_STOP, lambda _: None),
}
"""Exact type -> its code and how it becomes data. Subclasses do not count."""


def way_to_data(
    cls: type, ref_type: type, resolver: Resolver, *, tracebacks: bool, type_id: int | None = None
) -> tuple[int, ToData]:
    """Any thread. The code of a class and how its values become data.

    Args:
        cls: the class.
        ref_type: the class of refs.
        resolver: what addresses are to others.
        tracebacks: whether errors carry their traceback's text.
        type_id: what the receiver calls a `@message` or an enum; None: by its name.

    Raises:
        EncodeError: with the remedy, and no path yet.

    """
    if cls in PLAIN:
        return PLAIN[cls]
    if cls is Address:
        return Tag.ADDRESS, lambda value: [*resolver.there(value)]
    if cls is CoreAddress:
        return Tag.CORE_ADDRESS, _core_to_data(resolver)
    if issubclass(cls, ref_type):
        return Tag.REF, _ref_to_data(resolver)
    if issubclass(cls, Enum):
        return Tag.ENUM, _enum_to_data(cls, type_id)
    if is_registered(cls):
        return Tag.MESSAGE, _message_to_data(cls, type_id)
    if issubclass(cls, type):
        return Tag.ACTOR_CLASS, _actor_class
    if issubclass(cls, BaseException):
        return Tag.EXCEPTION, _exception_to_data(cls, tracebacks=tracebacks)
    if is_array_class(cls):
        return Tag.ARRAY, array_to_data
    raise EncodeError("", _remedy(cls))


def _remedy(cls: type) -> str:
    name = f"{cls.__module__}.{cls.__qualname__}".removeprefix("builtins.")
    if cls is int:
        return "an integer must fit into 64 bits: send it as str or bytes"
    if cls.__name__ in {
        "function",
        "method",
        "builtin_function_or_method",
        "generator",
        "coroutine",
    }:
        return f"a {cls.__name__} cannot be sent: send the data that it works on"
    if any((kind.__module__, kind.__name__) == ("numpy", "generic") for kind in cls.__mro__):
        return f"{name} is no plain number or time: send what its item() gives, or an array"
    if issubclass(cls, (str, bytes, int, float, list, dict, tuple, set)):
        base = cls.__mro__[-2].__name__
        return f"{name} is a subclass of {base}: send a plain {base}, or declare a @zanni.message"
    return f"{name} cannot be sent: declare it with @zanni.message, or send plain data"


def _travelling_name(cls: type) -> str:
    name = type_name(cls)
    if "<locals>" in name:
        raise EncodeError("", f"{name} is made inside a function: move it to the top of its module")
    if name.startswith("__main__:"):
        what = "a REPL, a notebook or a zip archive's script"
        raise EncodeError("", f"{name} is of {what}: put it in a module of its own")
    return name


def _actor_class(value: type) -> Data:
    if issubclass(value, Actor):
        return _travelling_name(value)
    raise EncodeError(
        "",
        f"a class cannot be sent, unless it is an actor's: send the name of {value.__qualname__},"
        " or an instance declared with @zanni.message",
    )


def _core_to_data(resolver: Resolver) -> ToData:
    return lambda home: [
        *resolver.there(Address(home.node, home.core, home.incarnation, KERNEL_ID)).home
    ]


def _ref_to_data(resolver: Resolver) -> ToData:
    there = resolver.there

    def to_data(value: Any) -> Data:
        name = value.name
        data = [*there(value.address), value.type_name]  # its class may not be known here
        return data if name is None else [*data, name]

    return to_data


def fields_of(cls: type) -> list[str]:
    """Any thread. The names of the fields of which a `@message` is made; an enum has none."""
    if issubclass(cls, Enum):
        return []
    return [field.name for field in dataclasses.fields(cast(Any, cls)) if field.init]


def _message_to_data(cls: type, type_id: int | None) -> ToData:
    name, names = _travelling_name(cls), fields_of(cls)
    if not names:
        return lambda _: [name if type_id is None else type_id]
    get = attrgetter(*names)
    if type_id is None:
        return _by_name(name, names, get)
    if len(names) == 1:
        return lambda value: [type_id, get(value)]
    return lambda value: [type_id, *get(value)]


def _by_name(name: str, names: list[str], get: ToData) -> ToData:
    if len(names) == 1:
        return lambda value: [name, names[0], get(value)]
    empty = [name, *(part for each in names for part in (each, None))]

    def to_data(value: object) -> Data:
        body = empty[:]
        body[2::2] = get(value)
        return body

    return to_data


def _enum_to_data(cls: type[Enum], type_id: int | None) -> ToData:
    name = _travelling_name(cls) if type_id is None else type_id
    if issubclass(cls, Flag):  # a combination of members has no name of its own
        return lambda value: [name, value.value]
    return lambda value: [name, value.name]


def _known_exceptions() -> dict[str, type[Exception]]:
    ours = {name: getattr(errors, name) for name in errors.__all__}
    known = {**vars(builtins), **ours}
    return {
        name: cls
        for name, cls in known.items()
        if isinstance(cls, type) and issubclass(cls, Exception) and cls.__name__ == name
    }


KNOWN_EXCEPTIONS = _known_exceptions()
"""The exceptions that keep their type without being declared: Python's, Pykka's and Zanni's own."""


def _exception_to_data(cls: type[BaseException], *, tracebacks: bool) -> ToData:
    if KNOWN_EXCEPTIONS.get(cls.__name__) is cls:
        return lambda error: [cls.__name__, list(_arguments(error))]
    return lambda error: ["RemoteError", list(_remote(error, tracebacks=tracebacks).args)]


def _arguments(error: BaseException) -> tuple[object, ...]:
    if isinstance(error, OSError) and error.filename is not None and len(error.args) == 2:
        return (*error.args, error.filename)
    return error.args


def _remote(error: BaseException, *, tracebacks: bool) -> RemoteError:
    """What is left of an exception whose type or arguments cannot travel."""
    kind, text = type_and_text(error)
    traceback_text = _traceback_text(error) if tracebacks else ""
    return RemoteError(kind, encodable(text), encodable(traceback_text))


def _traceback_text(error: BaseException) -> str:
    # Without the chain of causes, which may be any length.
    lines = traceback.format_exception(type(error), error, error.__traceback__, 50, chain=False)
    return "".join(lines)


def encodable(text: str) -> str:
    """Any thread. A text that can be encoded, cut where it is long."""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}... ({len(text)} characters)"
    return text.encode("utf-8", "backslashreplace").decode()


def stand_in(error: BaseException, *, tracebacks: bool) -> Data:
    """Any thread. The data of an exception whose own data cannot be encoded."""
    return ["RemoteError", list(_remote(error, tracebacks=tracebacks).args)]


def shortened(reason: object) -> str:
    """Any thread. The text of a reason that cannot travel as it is."""
    try:
        return encodable(repr(reason))
    except Exception as fault:
        return f"<a {type(reason).__name__} whose text cannot be made: {type(fault).__name__}>"
