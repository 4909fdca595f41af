import contextvars
import datetime as dt
import enum
import inspect
import pickle
import random
import threading
import tracemalloc
import uuid
from collections.abc import Iterator
from dataclasses import field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgpack
import pykka
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from zanni import Actor
from zanni.actors import errors
from zanni.actors.address import Address, CoreAddress
from zanni.actors.config import FRAME_CAP
from zanni.actors.crash import Crash, Text
from zanni.actors.errors import EncodeError, MessageTooLarge, RemoteError
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
from zanni.actors.ref import ActorRef
from zanni.transport import bounds
from zanni.transport.codec import BadBatch, Codec, Envelope, EnvelopeKind, Undecodable
from zanni.transport.signals import signal_from_data

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


# --- round trips

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
nested_values = st.one_of(
    values,
    st.builds(
        ProxyCall,
        st.just(("method",)),
        st.lists(values, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=5), values, max_size=2),
    ),
)


@given(nested_values)
def test_values_arrive_as_they_were(value: object) -> None:
    there = travel(value)
    assert there == value
    assert type(there) is type(value)


@given(st.lists(nested_values, max_size=5))
def test_a_batch_is_envelopes_one_after_another(messages: list[object]) -> None:
    batch = b"".join(CODEC.encode(tell(each)) for each in messages)
    assert [envelope.message for envelope in CODEC.decode(batch)] == messages
    assert [envelope.message for envelope in CODEC.decode(memoryview(batch))] == messages


@pytest.mark.parametrize(
    "value",
    [
        (),
        [()],
        ((1, (2, [3, (4,)])),),
        {"a": (1, {"b": {(1, 2)}})},
        Point(1, (Ref(HERE), Point(2, [Color.RED]))),
        Keyed(1, b=5),
        -(2**63),
        2**64 - 1,
        ProxyCall(attr_path=("a", "b"), args=(1, (2,)), kwargs={"c": Ref(HERE)}),
        [ProxyCall(attr_path=("a",), args=(), kwargs={})],
        ProxyGetAttr(attr_path=("a", "b")),
        ProxySetAttr(attr_path=("a",), value=(1, 2)),
        _ActorStop(),
        Ref(HERE, Color),
        Ref(HERE, Color, "ann"),
        CoreAddress("bank", 0, 1),
        uuid.UUID(int=5),
        Decimal("1.10"),
        dt.datetime(2024, 1, 1, 2, tzinfo=dt.UTC, fold=1),
        [Grant.READ, Grant.ALL, Grant.ALL ^ Grant.READ],
        dt.time(1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        "\U0001f600",
        b"x" * 60_000,
        bytearray(b"x"),
        bytearray(60_000),
        list(range(50_000)),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_each_kind_of_value(value: object) -> None:
    there = travel(value)
    assert there == value
    assert type(there) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        [bytearray(b"a"), b"b"],
        [[1, {"a": bytearray(b"a"), "b": [bytearray(b"b"), b"c"]}], [2]],
        (bytearray(b"a"), (bytearray(b"b"), [bytearray(b"c")])),
        Point(1, bytearray(b"a")),
        [Point(1, {"a": [bytearray(b"a")]})],
        ProxyCall(attr_path=("a",), args=(bytearray(b"a"),), kwargs={"b": bytearray(b"b")}),
    ],
    ids=repr,
)
def test_a_bytearray_arrives_as_one_wherever_it_stands(value: object) -> None:
    before = repr(value)
    there = travel(value)
    assert repr(there) == before
    assert repr(value) == before  # nothing in it was replaced


def test_a_bytearray_of_an_error_arrives_as_one() -> None:
    assert repr(travel(ValueError([bytearray(b"a")]))) == repr(ValueError([bytearray(b"a")]))


def test_a_memoryview_arrives_as_bytes() -> None:
    assert repr(travel([memoryview(b"a")])) == "[b'a']"


def test_a_nan_may_travel_as_a_value() -> None:
    (there,) = travel([float("nan")])
    assert there != there  # noqa: PLR0124


def test_the_envelope_travels_whole() -> None:
    headers: Headers = {"deadline": 1.5, "sender": Address("other", 0, 1, 2)}
    for envelope in (
        Envelope(2**60, None, EnvelopeKind.ASK, 2**50, (1, 2), headers),
        Envelope(5, 6, EnvelopeKind.REPLY, None, Point(1), None),
        Envelope(5, None, EnvelopeKind.TELL, None, None, {"deadline": 0.0}),
    ):
        (there,) = CODEC.decode(CODEC.encode(envelope))
        assert there == envelope
        assert type(there) is Envelope
        assert type(there.kind) is EnvelopeKind


def test_context_variables_stay_at_home() -> None:
    context = contextvars.copy_context()
    assert CODEC.encode(tell(1, {"context": context})) == CODEC.encode(tell(1))
    (there,) = CODEC.decode(CODEC.encode(tell(1, {"context": context, "deadline": 1.0})))
    assert there.headers == {"deadline": 1.0}


def test_a_message_is_a_copy_as_of_the_encoding() -> None:
    value = [1]
    packed = CODEC.encode(tell(value))
    value.append(2)
    assert [envelope.message for envelope in CODEC.decode(packed)] == [[1]]


def test_many_threads_encode_at_once() -> None:
    value = Point(1, [(1, Point(2, {"a": (3,)}))])
    expected = CODEC.encode(tell(value))
    wrong: list[bytes] = []

    def run() -> None:
        for _ in range(500):
            packed = CODEC.encode(tell(value))
            if packed != expected:
                wrong.append(packed)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


# --- what cannot be encoded

recursive: list[Any] = []
recursive.append(recursive)
deep: list[Any] = []
for _ in range(100):
    deep = [deep]
deep_tuple: tuple[Any, ...] = ()
for _ in range(3000):
    deep_tuple = (deep_tuple,)


class Plain:
    pass


class SubStr(str):
    __slots__ = ()


class Pair(NamedTuple):
    a: int
    b: int


class Nowhere(dt.tzinfo):
    """As a zone with summer time is, where there is no date."""

    def utcoffset(self, dt: object, /) -> None:
        return None


def make_local() -> object:
    @message
    class Local:
        pass

    return Local()


@pytest.mark.parametrize(
    ("value", "path", "detail"),
    [
        (lambda: 1, "message", "function cannot be sent"),
        (threading.Lock(), "message", "declare it with @zanni.message"),
        (recursive, "message[0]", "contains itself"),
        ("\ud800", "message", "lone surrogate"),
        (2**64, "message", "64 bits"),
        (-(2**63) - 1, "message", "64 bits"),
        ({float("nan"): 1}, "message", "keys of a dict must be str"),
        ({1: 2}, "message", "keys of a dict must be str"),
        ([{"a": {(1, 2): 3}}], "message[0]['a']", "keys of a dict must be str"),
        ({"\ud800": 1}, "message (a key: '\\ud800')", "lone surrogate"),
        (Point(1, [0, 0, 0, Plain()]), "message.y[3]", "test_codec.Plain cannot be sent"),
        ((1, {"k": Point(0, lambda: 1)}), "message[1]['k'].y", "function"),
        ({frozenset({2**70})}, "message{...}{...}", "64 bits"),
        (ProxyCall(("m",), (1, Plain()), {}), "message.args[1]", "cannot be sent"),
        (ProxyCall(("m",), (), {"k": Plain()}), "message.kwargs['k']", "cannot be sent"),
        (dt.time(12, tzinfo=Nowhere()), "message", "would arrive without a zone"),
        (Point(1, [dt.datetime(1, 1, 1, tzinfo=Nowhere())]), "message.y[0]", "Nowhere"),
        (Plain, "message", "a class cannot be sent"),
        (SubStr("x"), "message", "send a plain str"),
        (Pair(1, 2), "message", "send a plain tuple"),
        (make_local(), "message", "made inside a function"),
        (list(range(100_001)), "message", "more than 100000 items"),
    ],
    ids=lambda value: repr(value)[:30].partition(" at 0x")[0],
)
def test_what_cannot_travel_is_named_with_its_path(value: object, path: str, detail: str) -> None:
    with pytest.raises(EncodeError) as caught:
        CODEC.encode(tell(value))
    assert caught.value.path == path
    assert detail in caught.value.detail
    # The packer works as before.
    assert travel([1, (2,)]) == [1, (2,)]


def test_a_ref_keeps_the_name_of_its_class_wherever_it_goes() -> None:
    class Naming(Resolver):
        def ref(self, address: Address, type_name: str | None, name: str | None) -> object:
            return ActorRef(SimpleNamespace(address=address, name=None), type_name or "")

    codec = Codec(Naming(), ref_type=ActorRef)
    ref: Any = Naming().ref(HERE, "shop:Account", None)
    for _ in range(3):
        assert ref.actor_class.__name__ == "Account"
        ref = travel(ref, codec)
        assert (ref.address, ref.type_name) == (HERE, "shop:Account")


def test_an_actors_class_arrives_as_that_class() -> None:
    assert travel(Teller) is Teller
    assert travel([Point(Teller, (Teller,))]) == [Point(Teller, (Teller,))]


def test_a_class_that_others_cannot_find_is_refused_with_the_remedy() -> None:
    class Local(Actor):
        pass

    with pytest.raises(EncodeError, match="move it to the top of its module") as caught:
        CODEC.encode(tell({"k": Point(Local)}))
    assert caught.value.path == "message['k'].x"


def test_a_name_of_something_else_is_no_actors_class() -> None:
    packed = CODEC.encode(tell([Teller])).replace(b"Teller", b"Access")
    (there,) = CODEC.decode(packed)
    assert isinstance(there.message, Undecodable)
    assert "is no actor class" in str(there.message.error)


@pytest.mark.parametrize("value", [deep, deep_tuple], ids=["list", "tuple"])
def test_a_very_deep_value_is_an_encode_error(value: object) -> None:
    with pytest.raises(EncodeError, match=r"message\[0\].*\.\.\..*nested deeper than 64 levels"):
        CODEC.encode(tell(value))


def test_an_open_file_is_an_encode_error(tmp_path: Any) -> None:
    with (tmp_path / "f").open("w") as file, pytest.raises(EncodeError, match=r"message\['f'\]"):
        CODEC.encode(tell({"f": file}))


def test_a_message_that_is_too_large_names_size_and_limit() -> None:
    codec = make_codec(limit=1000)
    with pytest.raises(MessageTooLarge) as caught:
        codec.encode(tell(b"x" * 1000))
    assert caught.value.size > caught.value.limit == 1000
    assert travel(b"x" * 900, codec) == b"x" * 900


@given(
    st.recursive(st.integers(0, 200), lambda inner: st.lists(inner, max_size=12) | st.tuples(inner))
)
def test_the_sender_takes_no_more_than_the_receiver(value: Any) -> None:
    for _ in range(25):
        value = [value, (value,)] if len(repr(value)) < 2000 else [value]
    try:
        packed = CODEC.encode(tell(value))
    except EncodeError:
        return
    assert [envelope.message for envelope in CODEC.decode(packed)] == [value]


# --- exceptions


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no", 3),
        KeyError("k"),
        FileNotFoundError(2, "No such file", "/nowhere"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        ExceptionGroup("two", [ValueError(1), KeyError(2)]),
        StopIteration(3),
        pykka.ActorDeadError("gone"),
        pykka.Timeout("over"),
        errors.DeadlockError("a -> b -> a"),
        errors.SpawnError("ValueError", "no"),
        errors.StartError("ann", ("shutdown", 1)),
        errors.MessageTooLarge(5, 3),
        errors.EncodeError("message.x", "no"),
        errors.RemoteError("Odd", "text", "trace"),
        errors.NameInUse("bank"),
        Refused(5, "because"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_these_errors_keep_their_type_and_arguments(error: Exception) -> None:
    for there in (travel(error), travel(travel([error])[0])):
        assert type(there) is type(error)
        assert str(there) == str(error)
        assert repr(there) == repr(error)


def test_every_error_of_the_tree_keeps_its_type() -> None:
    for name in errors.__all__:
        cls = getattr(errors, name)
        plain = cls.__init__ in (Exception.__init__, BaseException.__init__)
        names = ["self", "a", "b"] if plain else inspect.signature(cls.__init__).parameters
        error = cls(*(f"the {name}" for name in [*names][1:]))
        assert type(travel(error)) is cls


@pytest.mark.parametrize(
    "error",
    [
        Undeclared(1, 2),
        Undeclared(threading.Lock(), Plain()),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_become_remote_errors(error: BaseException) -> None:
    there = travel(error)
    assert type(there) is RemoteError
    assert (there.type, there.text) == (type(error).__name__, str(error))
    assert there.traceback_text == ""


@pytest.mark.parametrize(
    "error",
    [
        ValueError(threading.Lock()),
        ValueError(2**70),
        ValueError("x" * 10_000_000),
        ExceptionGroup("one", [ValueError(lambda: 1)]),
        Refused(1, "\ud800"),
    ],
    ids=["lock", "int", "long", "group", "surrogate"],
)
def test_an_error_whose_arguments_cannot_travel_still_arrives(error: Exception) -> None:
    packed = CODEC.encode(Envelope(1, None, EnvelopeKind.ERROR, None, error, None))
    assert len(packed) < 70_000
    (there,) = CODEC.decode(packed)
    assert isinstance(there.message, Exception)


def test_a_traceback_travels_where_it_may() -> None:
    try:
        raise Undeclared(1, 2)
    except Undeclared as error:
        there = travel(error, make_codec(tracebacks=True))
    assert "test_codec.py" in there.traceback_text
    assert "Undeclared" in there.traceback_text


def test_a_long_chain_of_causes_is_no_recursion() -> None:
    error: Exception = Undeclared(0, 0)
    for number in range(3000):
        following = Undeclared(number, 0)
        following.__cause__ = error
        error = following
    there = travel(error, make_codec(tracebacks=True))
    assert type(there) is RemoteError
    assert len(there.traceback_text) < 10_000


def test_deeply_nested_errors_arrive_shortened() -> None:
    error = ValueError("innermost")
    for _ in range(500):
        error = ValueError(error)
    assert isinstance(travel(error), (ValueError, RemoteError))


def test_an_error_whose_text_cannot_be_made_still_arrives() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert "RuntimeError" in travel(Broken()).text


# --- system messages

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


@pytest.mark.parametrize("signal", SIGNALS, ids=repr)
def test_signals_arrive_as_they_were(signal: Signal) -> None:
    envelope = Envelope(9, 3, EnvelopeKind.SIGNAL, None, signal, None)
    (there,) = CODEC.decode(CODEC.encode(envelope))
    assert there == envelope
    assert type(there.message) is type(signal)


def test_reasons_may_be_exceptions() -> None:
    signal = Died(Stub(HERE), ValueError("x"))
    (there,) = CODEC.decode(CODEC.encode(Envelope(9, 3, EnvelopeKind.SIGNAL, None, signal, None)))
    assert isinstance(there.message, Died)
    assert repr(there.message.reason) == "ValueError('x')"


@pytest.mark.parametrize(
    "reason",
    [Plain(), {1: 2}, "x" * 1_000_000, recursive],
    ids=["object", "dict", "long", "recursive"],
)
def test_a_reason_that_cannot_travel_becomes_its_text(reason: object) -> None:
    envelope = Envelope(9, 3, EnvelopeKind.SIGNAL, None, Failed(Stub(HERE), reason, None), None)
    (there,) = CODEC.decode(CODEC.encode(envelope))
    assert isinstance(there.message, Failed)
    assert isinstance(there.message.reason, str)
    assert there.message.reason[:10] == repr(reason)[:10]


# --- what is sound, but cannot be made here


@pytest.mark.parametrize("kind", [2, 12, 3, 5, 6, 8])
@pytest.mark.parametrize("reason", ["nowhere:Broke", ["shutdown", "nowhere:Broke"]])
def test_a_signal_whose_reason_cannot_be_made_has_the_error_as_its_reason(
    kind: int, reason: Any
) -> None:
    unmade = ext(11, ["nowhere:Broke", "why", 1])
    reason = unmade if isinstance(reason, str) else ["shutdown", unmade]
    fields = {3: [], 5: [list(HERE), None], 6: [77], 8: [77]}.get(kind, [list(HERE)])
    batch = raw(9, None, 4, None, [kind, *fields, reason]) + CODEC.encode(tell(1))
    there, after = CODEC.decode(batch)
    assert after.message == 1
    assert isinstance(there.message, Died | Broken | Shutdown | Failed | Restart | Suspend)
    assert isinstance(there.message.reason, errors.DecodeError)
    assert "nowhere:Broke is not declared here" in str(there.message.reason)


def raw(*items: object) -> bytes:
    return msgpack.packb(items)


def ext(code: int, value: object) -> msgpack.ExtType:
    return msgpack.ExtType(code, msgpack.packb(value))


NAME = type_name(Point)


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        (0, ext(11, ["nowhere:Class", 1]), "nowhere:Class is not declared here"),
        (32, ["nowhere:Class", 1], "nowhere:Class is not declared here"),
        (32, [type_name(Color), 1], "not declared with @zanni.message"),
        (32, [NAME], "message.x: it is not there"),
        (32, [NAME, "y", 1], "message.x: it is not there"),
        (32, [NAME, "x"], "zip()"),
        (32, [type_name(Picky), "size", -1], "message: ValueError: a size is not negative"),
        (32, [type_name(Exits), "code", 3], "message: SystemExit: 3"),
        (0, [ext(11, [type_name(Exits), "code", 3])], "message[0]: SystemExit: 3"),
        (32, [5], "no type was given the id 5"),
        (32, [None], "the name of a type must be str"),
        (32, [[]], "unhashable"),
        (32, [], "list index out of range"),
        (0, ext(10, [type_name(Color), "GREEN"]), "'GREEN' is no member"),
        (0, ext(10, [NAME, "x"]), "is no enum"),
        (0, ext(10, [type_name(Access), 4]), "4 is no combination"),
        (0, ext(10, [type_name(Grant), 8]), "8 is no combination"),
        (0, ext(12, ["SystemExit", [1]]), "no exception that travels"),
        (0, ext(12, ["eval", ["1"]]), "no exception that travels"),
        (0, ext(13, ["n", 1, 2, "3", None]), "an address is"),
        (0, ext(2, [[1]]), "unhashable"),
        (0, ext(4, ["yesterday", 0]), "Invalid isoformat"),
        (0, ext(21, 1 << 40), "a bytearray travels as bytes"),
        (0, ext(99, 0), "a typed value of code 99"),
        (0, [1, {"a": ext(99, 0)}], "a typed value of code 99"),
        (32, {"a": ext(99, 0)}, "message['a']: a typed value of code 99"),
        (0, ext(11, {"a": ext(99, 0)}), "message['a']: a typed value of code 99"),
        (48, [["on_receive", "__func__", "__globals__"], [], {}], "'__func__' is not public"),
        (48, [["_secret"], [], {}], "'_secret' is not public"),
        (0, ext(16, [["__class__"], [], {}]), "'__class__' is not public"),
        (0, ext(17, ["__dict__"]), "'__dict__' is not public"),
        (0, ext(18, [["_x"], 1]), "'_x' is not public"),
        (48, [[], [], {}], "the path of an attribute"),
        (48, ["name", [], {}], "the path of an attribute"),
        (48, [["name"], {}, {}], "a call has"),
        (4, [99], "no system message"),
        (4, [0, "nobody"], "no system message"),
        (4, [0, ext(99, 0)], "no system message"),
        (4, [2, ext(99, 0), "normal"], "no system message"),
    ],
)
def test_one_bad_value_loses_no_neighbour(kind: int, body: object, error: str) -> None:
    batch = CODEC.encode(tell(1)) + raw(1, 2, kind, 7, body) + CODEC.encode(tell((3,)))
    before, bad, after = CODEC.decode(batch)
    assert (before.message, after.message) == (1, (3,))
    assert (bad.target, bad.sender, bad.ask) == (1, 2, 7)
    assert isinstance(bad.message, Undecodable)
    assert error in str(bad.message.error)


@pytest.mark.parametrize(
    ("body", "path", "detail"),
    [
        ([1, {"a": ext(99, 0)}], "message[1]['a']", "a typed value of code 99"),
        (ext(1, [1, ext(10, [type_name(Color), "GREEN"])]), "message[1]", "'GREEN' is no member"),
        (ext(2, [1, ext(99, 0)]), "message{...}", "code 99"),
        (ext(11, [NAME, "x", [0, ext(99, 0)]]), "message.x[1]", "code 99"),
        (
            ext(11, [NAME, "x", 1, "y", {"k": ext(11, [NAME, "x", ext(21, 5)])}]),
            "message.y['k'].x",
            "TypeError: a bytearray travels as bytes",
        ),
        (ext(11, [NAME, "y", ext(11, [NAME, "y", 1])]), "message.y.x", "it is not there"),
        (ext(16, [["m"], [1, ext(99, 0)], {}]), "message.args[1]", "code 99"),
        (ext(16, [["m"], [], {"k": ext(99, 0)}]), "message.kwargs['k']", "code 99"),
        (ext(12, ["ValueError", [ext(99, 0)]]), "message.args[0]", "code 99"),
        (ext(11, [70_000, ext(99, 0)]), "message[1]", "code 99"),
        ({"k" * 300: ext(99, 0)}, "message['" + "k" * 49 + "]", "code 99"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_made_is_named_with_its_path(body: object, path: str, detail: str) -> None:
    (there,) = CODEC.decode(raw(1, 2, 0, 7, body))
    assert isinstance(there.message, Undecodable)
    error = there.message.error
    assert isinstance(error, errors.DecodeError)
    assert error.path == path
    assert detail in error.detail


@pytest.mark.parametrize(
    ("form", "body", "path"),
    [
        (16, [1, ext(99, 0)], "message[1]"),
        (32, [NAME, "x", 1, "y", [ext(99, 0)]], "message.y[0]"),
        (48, [["m"], [(ext(99, 0))], {}], "message.args[0]"),
        (48, [["m"], [], {"k": ext(99, 0)}], "message.kwargs['k']"),
    ],
)
def test_so_it_is_in_a_body_of_its_own_form(form: int, body: object, path: str) -> None:
    (there,) = CODEC.decode(raw(1, 2, form, 7, body))
    assert isinstance(there.message, Undecodable)
    assert there.message.error.args[0] == path


def test_a_deep_path_is_found_without_recursion() -> None:
    deepest: object = ext(99, 0)
    for _ in range(60):
        deepest = [deepest]
    (there,) = CODEC.decode(raw(1, 2, 0, 7, deepest))
    assert isinstance(there.message, Undecodable)
    assert there.message.error.args[0].startswith("message[0][0]")
    assert len(there.message.error.args[0]) <= 200


def test_a_timestamp_of_msgpack_is_a_number_and_no_class_of_its_own() -> None:
    stamp = msgpack.Timestamp(5, 500_000_000)
    for body in ([stamp], ext(1, [stamp])):
        (there,) = CODEC.decode(raw(1, 2, 0, 7, body))
        assert [*there.message] == [5.5]


def test_fields_may_be_added_and_left_out() -> None:
    for extra in ([], ["later", 4], [5, "no name"]):
        (there,) = CODEC.decode(raw(1, 2, 32, None, [NAME, *extra, "y", 2, "x", 1]))
        assert there.message == Point(1, 2)
    (there,) = CODEC.decode(raw(1, 2, 32, None, [NAME, "x", 1]))
    assert there.message == Point(1, 7)


def test_later_items_and_headers_are_ignored() -> None:
    headers = {"deadline": 1.0, "trace": "00-4bf9"}
    (there,) = CODEC.decode(raw(1, 2, 0, None, 5, headers, "a later item"))
    assert there == tell(5, {"deadline": 1.0})


# --- hostile bytes


def nested(depth: int) -> bytes:
    return b"\x91" * depth + b"\x01"


def arrays_in_exts(levels: int) -> bytes:
    """Typed values within one another, each behind a thousand arrays that claim to be long."""
    packed = b"\xc0"
    for _ in range(levels):
        packed = b"\xdc\x04\x00" * 1000 + msgpack.packb(msgpack.ExtType(1, packed))
    return packed


@pytest.mark.parametrize(
    "batch",
    [
        b"\xc1",
        b"\x01",
        raw(1, 2, 0),
        raw("1", 2, 0, None, 1),
        raw([], 2, 0, None, 1),
        raw(1, 2, 5, None, 1),
        raw(1, 2, 0, None, 1)[:-1],
        raw(1, 2, 0, None, 1, 5),
        raw(1, 2, 0, None, 1, {"sender": 5}),
        raw(1, 2, 0, None, 1, {"sender": {}}),
        raw(1, 2, 0, None, 1, {"sender": ["bank", 1]}),
        raw(1, 2, 0, None, {1: 2}),
        raw(1, 2, 0, None, {b"k": 2}),
        raw(1, 2, 0, None, [ext(1, [{b"k": 2}])]),
        raw(1, 2, 16, None, 5),
        b"\x95\x01\x02\x00\xc0\xa2\xff\xff",
        b"\x95\x01\x02\x00\xc0" + nested(64),
        b"\x95\x01\x02\x00\xc0" + nested(5000),
        b"\x95\x01\x02\x00\xc0\xdd\xff\xff\xff\xff",
        b"\x95\x01\x02\x00\xc0\xdf\xff\xff\xff\xff",
        b"\x95\x01\x02\x00\xc0\xc6\xff\xff\xff\xff",
        b"\x95\x01\x02\x00\xc0\xd4\x01\xc1",
        b"\x95\x01\x02\x00\xc0\xc7\x00\x01",
        b"\x95\x01\x02\x00\xc0\xdd\x00\x01\x86\xa0" + b"\x80" * 100_000,
        b"\x95\x01\x02\x00\xc0\xdd\x00\x98\x96\x80" + b"\x80" * 10_000_000,
        b"\x95\x01\x02\x00\xc0" + (b"\xdc\x03\xe8" + b"\x90" * 999) * 200,
        b"\x95\x01\x02\x00\xc0" + b"\xdd\x00\x01\x00\x00" * 1000,
        b"\x95\x01\x02\x00\xc0" + arrays_in_exts(30),
    ],
    ids=lambda batch: f"{batch[:12].hex()}-{len(batch)}",
)
def test_hostile_bytes_are_a_decode_error_and_take_little_memory(batch: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadBatch):
            list(CODEC.decode(batch))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000_000
    assert travel((1, 2)) == (1, 2)


def nest_exts(depth: int) -> bytes:
    packed = msgpack.packb(1)
    for _ in range(depth):
        packed = msgpack.packb(msgpack.ExtType(1, b"\x91" + packed))
    return b"\x95\x01\x02\x00\xc0" + packed


def test_depth_is_counted_through_typed_values() -> None:
    assert len(list(CODEC.decode(nest_exts(63)))) == 1
    for depth in (64, 65, 300):
        with pytest.raises(BadBatch, match="deeper"):
            list(CODEC.decode(nest_exts(depth)))


def test_a_batch_over_the_limit_is_refused() -> None:
    with pytest.raises(BadBatch, match="over the limit"):
        list(make_codec().decode(b"\x01" * (FRAME_CAP + 1)))


def test_a_batch_left_half_read_spoils_no_other() -> None:
    batch = CODEC.encode(tell(1)) + raw(1, 2, 0, None, ext(99, 0)) + CODEC.encode(tell(2))
    half: Iterator[Envelope] = CODEC.decode(batch)
    next(half)
    assert travel((1, 2)) == (1, 2)
    next(half)
    del half
    assert travel((1, 2)) == (1, 2)


class Canary:
    made = 0

    def __reduce__(self) -> Any:
        return (Canary.touch, ())

    @classmethod
    def touch(cls) -> None:
        cls.made += 1


def test_no_field_of_a_frame_is_a_pickle_or_an_import() -> None:
    gadget = pickle.dumps(Canary())
    for code in range(-1, 128):
        list(
            CODEC.decode(
                raw(
                    1,
                    2,
                    0,
                    None,
                    msgpack.ExtType(code, msgpack.packb(gadget)) if code >= 0 else gadget,
                )
            )
        )
    for name in ("os:system", "builtins:eval", f"{__name__}:Canary"):
        list(CODEC.decode(raw(1, 2, 32, None, [name, "true"])))
    assert Canary.made == 0


def corpus() -> list[bytes]:
    messages: list[object] = [
        1,
        "text" * 10,
        (1, "two", b"3"),
        Point(1, [Ref(HERE), (2, {"a": {3}})]),
        ProxyCall(("m", "n"), (1, Point(2)), {"k": (3,)}),
        {"d": dt.datetime(2024, 1, 2, tzinfo=dt.UTC), "u": uuid.UUID(int=1), "c": Color.RED},
        [Decimal("1.5"), dt.timedelta(1), dt.date(2024, 1, 1), dt.time(1), Access.READ],
        Refused(1, "no"),
        ExceptionGroup("g", [ValueError(1)]),
        [[[[[(((((1,),),),),)]]]]],
        list(range(300)),
        {str(number): number for number in range(40)},
    ]
    sent = [CODEC.encode(tell(each, {"deadline": 1.0, "sender": HERE})) for each in messages]
    signals = [Envelope(9, 3, EnvelopeKind.SIGNAL, None, each, None) for each in SIGNALS]
    return [*sent, *(CODEC.encode(each) for each in signals), b"".join(sent)]


def mutate(rng: random.Random, packed: bytes) -> bytes:
    data = bytearray(packed)
    for _ in range(rng.choice((1, 1, 2, 5))):
        if not data:
            break
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at : at + rng.randrange(1, 5)]
            case 3:
                data[at:at] = rng.randbytes(rng.randrange(1, 5))
            case _:
                data[at] = rng.choice(b"\x80\x90\xc1\xc7\xc9\xd4\xdc\xdd\xde\xdf\xff")
    return bytes(data)


def test_damaged_batches_are_decode_errors_or_envelopes() -> None:
    rng = random.Random(20240229)
    batches = corpus()
    refused = 0
    for _ in range(10_000):
        batch = mutate(rng, rng.choice(batches))
        try:
            for envelope in CODEC.decode(batch):
                assert type(envelope) is Envelope
        except BadBatch:
            refused += 1
    assert 0 < refused < 10_000


@given(st.binary(max_size=300))
def test_garbage_is_a_decode_error_or_envelopes(garbage: bytes) -> None:
    try:
        assert all(type(envelope) is Envelope for envelope in CODEC.decode(garbage))
    except BadBatch:
        pass


# --- the bounds


@given(values)
def test_the_scan_takes_what_msgpack_takes(value: object) -> None:
    packed = CODEC.encode(tell(value))
    bounds.scan(packed)
    bounds.scan(packed * 3)
    with pytest.raises(bounds.OutOfBounds):
        bounds.scan(packed[:-1])


# --- what the log is to say of a crash, on its way to a supervisor elsewhere


def crashed(codec: Codec) -> Crash | None:
    try:
        raise ValueError("insufficient funds")
    except ValueError as error:
        crash = Crash("Account 'ann' at bank/1/2", 2, {"amount": 3}, error)
    signal = Failed(Stub(HERE), crash.error, crash)
    (there,) = codec.decode(codec.encode(Envelope(9, 3, EnvelopeKind.SIGNAL, None, signal, None)))
    assert isinstance(there.message, Failed)
    return there.message.crash


def test_a_crash_travels_as_text_with_its_traceback_within_the_node() -> None:
    crash = crashed(make_codec(tracebacks=True))
    assert crash is not None
    assert (crash.who, crash.incarnation) == ("Account 'ann' at bank/1/2", 2)
    assert repr(crash.message) == "{'amount': 3}"
    assert repr(crash.error) == "ValueError('insufficient funds')"
    assert crash.trace.startswith("  Traceback (most recent call last):\n  File ")
    assert "in crashed" in crash.trace


def test_no_traceback_goes_to_another_node() -> None:
    crash = crashed(make_codec(tracebacks=False))
    assert crash is not None
    assert crash.trace == ""


@pytest.mark.parametrize("tracebacks", [True, False])
def test_a_crash_whose_texts_are_no_unicode_is_told(tracebacks: bool) -> None:
    codec = make_codec(tracebacks=tracebacks)
    name = "caf\udce9"  # as the name of a file is read whose bytes are none in UTF-8
    crash = Crash(f"Worker {name}", 1, Text(name), None, trace=f"in {name}")
    signal = Failed(Stub(HERE), "why", crash)
    packed = codec.encode(Envelope(9, 3, EnvelopeKind.SIGNAL, None, signal, None))
    (there,) = codec.decode(packed)
    assert isinstance(there.message, Failed)
    assert there.message.crash is not None
    told = there.message.crash
    assert (told.who, str(told.message)) == ("Worker caf\\udce9", "caf\\udce9")


def test_a_crash_of_which_nothing_can_be_shown_is_told_without() -> None:
    class Mute(Crash):
        def to_data(self, *, tracebacks: bool) -> list[Any]:
            raise RuntimeError("as a loader of sources may")

    signal = Failed(Stub(HERE), "why", Mute("Worker", 1))
    (there,) = CODEC.decode(CODEC.encode_signal(9, None, signal))
    assert there.message == Failed(Stub(HERE), "why", None)


@pytest.mark.parametrize("data", ["text", [], ["who", "one", "m", ""], ["who", 1, "m"]])
def test_a_crash_that_is_none_is_refused(data: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        signal_from_data([5, list(HERE), data, "why"], Resolver())


# --- names that are others on the wire


class Renaming(Resolver):
    """That of a core which has lost another one: it is 7 on the wire, and 9 here."""

    def here(self, address: Address) -> Address:
        return address._replace(incarnation=9) if address.incarnation == 7 else address

    def there(self, address: Address) -> Address:
        return address._replace(incarnation=7) if address.incarnation == 9 else address

    def ref(self, address: Address, type_name: str | None, name: str | None) -> object:
        return super().ref(self.here(address), type_name, name)

    def process(self, address: Address) -> Any:
        return super().process(self.here(address))


def named(incarnation: int) -> list[Envelope]:
    """Envelopes with that core's incarnation wherever one may stand."""
    ann = Address("bank", 0, incarnation, 5)
    stub = Stub(ann)
    headers: Headers = {"sender": ann}
    return [
        tell([Ref(ann), ann, ann.home, HERE, Point(Ref(ann))], headers),
        *(
            Envelope(1, 2, EnvelopeKind.SIGNAL, None, signal, None)
            for signal in (Watch(stub), Died(stub, "normal"), Failed(stub, "why", None))
        ),
    ]


def test_a_core_is_told_of_by_its_own_name_and_known_by_the_one_that_it_has_here() -> None:
    codec = Codec(Renaming(), ref_type=Ref)
    for here, there in zip(named(9), named(7), strict=True):
        packed = codec.encode(here)
        assert packed == CODEC.encode(there)
        assert [*CODEC.decode_unsent(packed)] == [there]
        assert [*codec.decode_unsent(packed)] == [here]
