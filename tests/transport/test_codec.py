"""Envelopes and values, there and back."""

import contextvars
import datetime as dt
import threading
import uuid
from decimal import Decimal
from typing import Any

import pytest
from coded import CODEC, HERE, Color, Grant, Keyed, Point, Ref, Resolver, Stub, tell, travel, values
from hypothesis import given
from hypothesis import strategies as st
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from zanni.actors.address import Address, CoreAddress
from zanni.actors.process import Died, Failed, Headers, Watch
from zanni.transport.codec import Codec, Envelope, EnvelopeKind

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


class Summer(dt.tzinfo):
    """A zone with summer time until the end of September."""

    def utcoffset(self, when: dt.datetime | None, /) -> dt.timedelta | None:
        return when and dt.timedelta(hours=2 if when.month < 10 and not when.fold else 1)

    def dst(self, when: dt.datetime | None, /) -> dt.timedelta | None:
        return when and dt.timedelta(0)


@pytest.mark.parametrize("fold", [0, 1])
def test_a_moment_of_a_zone_arrives_with_its_offset_and_without_the_rules(fold: int) -> None:
    sent = dt.datetime(2026, 7, 1, 12, tzinfo=Summer(), fold=fold)
    there = travel(sent)
    assert there.timestamp() == sent.timestamp()
    assert there.tzinfo == dt.timezone(dt.timedelta(hours=2 - fold))
    later = dt.timedelta(days=180)
    assert ((there + later).timestamp() == (sent + later).timestamp()) is bool(fold)


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


# Names that are others on the wire


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
