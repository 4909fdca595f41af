"""Hostile bytes, and the bounds of what is taken."""

import datetime as dt
import pickle
import random
import tracemalloc
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgpack
import pytest
from coded import (
    CODEC,
    HERE,
    SIGNALS,
    Access,
    Color,
    Point,
    Ref,
    Refused,
    ext,
    make_codec,
    raw,
    tell,
    travel,
    values,
)
from hypothesis import given
from hypothesis import strategies as st
from pykka.messages import ProxyCall

from zanni.actors.config import FRAME_CAP
from zanni.transport import bounds
from zanni.transport.codec import BadBatch, Envelope, EnvelopeKind


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


# The bounds


@given(values)
def test_the_scan_takes_what_msgpack_takes(value: object) -> None:
    packed = CODEC.encode(tell(value))
    bounds.scan(packed)
    bounds.scan(packed * 3)
    with pytest.raises(bounds.OutOfBounds):
        bounds.scan(packed[:-1])
