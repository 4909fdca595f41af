"""What cannot be encoded: it is said what and where."""

import datetime as dt
import threading
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from coded import CODEC, HERE, Plain, Point, Resolver, Teller, make_codec, tell, travel
from hypothesis import given
from hypothesis import strategies as st
from pykka.messages import ProxyCall

from zanni import Actor
from zanni.actors.address import Address
from zanni.actors.errors import EncodeError, MessageTooLarge
from zanni.actors.messages import message
from zanni.actors.ref import ActorRef
from zanni.transport.codec import Codec, Undecodable

recursive: list[Any] = []
recursive.append(recursive)
deep: list[Any] = []
for _ in range(100):
    deep = [deep]
deep_tuple: tuple[Any, ...] = ()
for _ in range(3000):
    deep_tuple = (deep_tuple,)


class SubStr(str):
    __slots__ = ()


class SubInt(int):
    pass


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
        (Point(1, [0, 0, 0, Plain()]), "message.y[3]", "coded.Plain cannot be sent"),
        ((1, {"k": Point(0, lambda: 1)}), "message[1]['k'].y", "function"),
        ({frozenset({2**70})}, "message{...}{...}", "64 bits"),
        (ProxyCall(("m",), (1, Plain()), {}), "message.args[1]", "cannot be sent"),
        (ProxyCall(("m",), (), {"k": Plain()}), "message.kwargs['k']", "cannot be sent"),
        (dt.time(12, tzinfo=Nowhere()), "message", "would arrive without a zone"),
        (Point(1, [dt.datetime(1, 1, 1, tzinfo=Nowhere())]), "message.y[0]", "Nowhere"),
        (Plain, "message", "a class cannot be sent"),
        (SubStr("x"), "message", "send a plain str"),
        (SubInt(3), "message", "send a plain int"),
        (np.int32(3), "message", "numpy.int32 is no plain number or time: send what its item()"),
        ([np.datetime64("2020-01-01")], "message[0]", "send what its item() gives"),
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
