"""What the tests of the codec send: types of all kinds, a codec, and the way there."""

import datetime as dt
import enum
from dataclasses import field
from typing import Any, NamedTuple

import msgpack
from hypothesis import strategies as st

from zanni import Actor
from zanni.actors.address import Address
from zanni.actors.crash import Crash, Text
from zanni.actors.messages import find_message, message, type_name
from zanni.actors.process import (
    Broken,
    Bury,
    Died,
    Failed,
    Headers,
    Kill,
    Link,
    Restart,
    Shutdown,
    Signal,
    Suspend,
    Unlink,
    Unlinked,
    Unwatch,
    Watch,
)
from zanni.transport.codec import Codec, Envelope, EnvelopeKind

HERE = Address("bank", 1, 2**64 - 1, 42)


class Ref:
    def __init__(
        self, address: Address, actor_class: type | None = None, name: str | None = None
    ) -> None:
        self.address, self.actor_class, self.name = address, actor_class, name

    @property
    def type_name(self) -> str | None:
        return None if self.actor_class is None else type_name(self.actor_class)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"Ref({self.address}, {self.actor_class}, {self.name})"


class Stub(NamedTuple):
    """A process, or the reply of an ask."""

    address: Any


class Color(enum.Enum):
    RED = 1
    BLUE = "b"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Grant(enum.Flag):
    READ = 1
    ALL = 7


class Level(enum.IntEnum):
    LOW = 1


@message
class Point:
    x: int
    y: Any = 7


@message
class Empty:
    pass


@message
class Keyed:
    a: int
    b: int = field(default=2, kw_only=True)
    c: int = 3


@message
class Exits:
    code: int

    def __post_init__(self) -> None:
        raise SystemExit(self.code)


@message
class Picky:
    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("a size is not negative")


@message
class Refused(Exception):
    code: int
    why: str = ""


class Undeclared(Exception):
    def __init__(self, lock: object, needed: object) -> None:
        super().__init__(lock, needed)

    def __str__(self) -> str:
        return "undeclared"


class Teller(Actor):
    pass


TYPES: dict[str, type] = {type_name(cls): cls for cls in (Color, Access, Grant, Level, Teller)}


class Resolver:
    def here(self, address: Address) -> Address:
        return address

    there = here

    def ref(self, address: Address, type_name: str | None, name: str | None) -> object:
        return Ref(address, type_name and TYPES.get(type_name), name)

    def process(self, address: Address) -> Any:
        return Stub(address)

    def reply_id(self, reply: Any) -> int:
        return int(reply.address)

    def reply(self, ask_id: int) -> Any:
        return Stub(ask_id)

    def find_type(self, name: str) -> type:
        cls = find_message(name) or TYPES.get(name)
        if cls is None:
            raise LookupError(f"{name} is not declared here")
        return cls

    find_actor_class = find_type


def make_codec(**options: Any) -> Codec:
    return Codec(Resolver(), ref_type=Ref, **options)


CODEC = make_codec()


def tell(value: object, headers: Headers | None = None) -> Envelope:
    return Envelope(1, 2, EnvelopeKind.TELL, None, value, headers)


def travel(value: object, codec: Codec = CODEC) -> Any:
    # What a parcel lends is what arrives, but for the type: see test_buffers.py.
    (envelope,) = codec.decode_unsent(codec.encode(tell(value)))
    return envelope.message


def same(left: object, right: object) -> bool:
    """Equal, and of the same types all through."""
    return left == right and repr(left) == repr(right)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.sampled_from([*Color, *Level, Access.READ, Access.READ | Access.WRITE, Access(0)]),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-3.5))])),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.just(Ref(HERE)),
    st.just(HERE),
    st.just(HERE.home),
    st.just(Empty()),
)

hashable = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=8)

values = st.recursive(
    st.one_of(
        scalars,
        hashable,
        st.frozensets(hashable, max_size=4),
        st.sets(scalars, max_size=4),
        st.binary(max_size=20).map(bytearray),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.dictionaries(st.text(max_size=8), inner, max_size=5),
        st.builds(Point, st.integers(0, 9), inner),
    ),
    max_leaves=20,
)


class Plain:
    def __repr__(self) -> str:
        return "Plain()"


SIGNALS: list[Signal] = [
    Watch(Stub(HERE)),
    Unwatch(Stub(HERE)),
    Died(Stub(HERE), "normal"),
    Died(Stub(HERE), ("shutdown", 3)),
    Link(Stub(HERE)),
    Unlink(Stub(HERE)),
    Unlinked(Stub(HERE)),
    Broken(Stub(HERE), ("shutdown", 3)),
    Shutdown("killed"),
    Shutdown(None),
    Kill(),
    Failed(Stub(HERE), "noproc", None),
    Failed(Stub(HERE), "why", Crash("Worker at bank/1/2", 3, Text("Deposit(1)"), None)),
    Restart("normal", None),
    Restart("normal", Stub(77)),
    Bury(),
    Suspend("shutdown", Stub(77)),
]


def raw(*items: object) -> bytes:
    return msgpack.packb(items)


def ext(code: int, value: object) -> msgpack.ExtType:
    return msgpack.ExtType(code, msgpack.packb(value))


NAME = type_name(Point)
