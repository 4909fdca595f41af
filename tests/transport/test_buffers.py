"""Messages with large buffers, from the codec of one side to that of the other."""

import array
import gc
import sys
import weakref
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pykka.messages import ProxyCall

sys.path.insert(0, str(Path(__file__).parent))

from zanni_parcels import make_codec, tell, travel

from zanni import message
from zanni.actors.config import FRAME_CAP
from zanni.actors.errors import DecodeError, EncodeError, MessageTooLarge, RemoteError
from zanni.actors.process import Died
from zanni.transport.buffers import LARGE, Parcel
from zanni.transport.codec import Undecodable

BIG = LARGE + 1


@message
class Block:
    number: int
    content: Any = b""


@pytest.mark.parametrize(
    "value",
    [
        b"x" * BIG,
        bytearray(b"x" * BIG),
        [b"x" * BIG, b"small", bytearray(BIG), 7],
        (b"x" * LARGE, "text", (bytearray(LARGE), {"a": [b"y" * BIG]})),
        {"a": b"x" * BIG, "b": {"c": bytearray(BIG)}},
        Block(1, b"x" * BIG),
        [Block(1, Block(2, bytearray(b"x" * BIG)))],
        ProxyCall(attr_path=("a",), args=(b"x" * BIG,), kwargs={"b": bytearray(BIG)}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_large_buffer_arrives_as_it_was_wherever_it_stands(value: object) -> None:
    encoded = make_codec().encode(tell(value))
    assert isinstance(encoded, Parcel)
    assert len(encoded.envelope) < 500
    there = travel(value)
    assert type(there) is type(value)
    assert repr(there) == repr(value)


def test_what_is_not_large_stays_in_its_envelope() -> None:
    for content in (b"x" * (LARGE - 1), bytearray(LARGE - 1), memoryview(b"x" * (LARGE - 1))):
        assert type(make_codec().encode(tell([content, Block(1, content)]))) is bytes


def test_a_large_buffer_is_not_copied() -> None:
    content = bytearray(BIG)
    encoded = make_codec().encode(tell(Block(1, content)))
    assert isinstance(encoded, Parcel)
    content[7] = 77
    assert encoded.buffers[0].view[7] == 77


@pytest.mark.parametrize("beside", [7, object()], ids=["sent", "refused"])
def test_a_large_buffer_is_let_go_of_when_its_message_is(beside: object) -> None:
    codec = make_codec()
    array = np.zeros(BIG)
    there = weakref.ref(array)
    gc.disable()
    try:
        with nullcontext() if beside == 7 else pytest.raises(EncodeError):
            codec.encode(tell([array, beside]))
        del array
        assert there() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "view",
    [
        memoryview(b"ab" * BIG),
        memoryview(b"ab" * BIG)[::2],
        memoryview(array.array("d", range(BIG))),
        memoryview(bytes(BIG * 4)).cast("B", (BIG, 4)),
        memoryview(b"abcd")[::2],
    ],
    ids=["bytes", "with steps", "of numbers", "of two dimensions", "small, with steps"],
)
def test_a_memoryview_arrives_as_its_bytes(view: memoryview) -> None:
    there = travel([view])[0]
    assert type(there) is bytes
    assert there == view.tobytes()


def test_the_size_is_that_of_all_and_bounded() -> None:
    codec = make_codec(limit=1000, message_limit=4 * LARGE)
    assert isinstance(codec.encode(tell([bytes(LARGE)] * 3)), Parcel)
    with pytest.raises(MessageTooLarge) as caught:
        codec.encode(tell([bytes(LARGE)] * 4))
    assert caught.value.size > caught.value.limit == 4 * LARGE
    with pytest.raises(MessageTooLarge) as caught:
        codec.encode(tell([bytes(LARGE), "x" * 1000]))
    assert caught.value.limit == 1000
    assert isinstance(codec.encode(tell(bytes(LARGE))), Parcel)


def test_text_is_no_buffer() -> None:
    with pytest.raises(MessageTooLarge) as caught:
        make_codec().encode(tell("x" * FRAME_CAP))
    assert caught.value.limit == FRAME_CAP


def test_an_error_with_a_large_buffer_arrives_as_its_text() -> None:
    there = travel([ValueError(b"x" * BIG), bytearray(BIG)])
    assert isinstance(there[0], RemoteError)
    assert there[1] == bytearray(BIG)


def test_a_signal_has_no_large_buffers() -> None:
    class Dead:
        address = ("a", 0, 1, 2)

    encoded = make_codec().encode_signal(1, None, Died(Dead(), ("shutdown", b"x" * BIG)))  # type: ignore[arg-type]  # its address is all that is asked for
    assert len(encoded) < LARGE


@pytest.mark.parametrize("buffers", [[], LookupError("it was lost on its way")])
def test_a_message_whose_buffers_are_missing_cannot_be_made(buffers: Any) -> None:
    codec = make_codec()
    encoded = codec.encode(tell(Block(1, bytes(BIG))))
    assert isinstance(encoded, Parcel)
    (envelope,) = codec.decode_parcel(encoded.envelope, buffers)
    assert isinstance(envelope.message, Undecodable)
    assert isinstance(envelope.message.error, DecodeError)
    assert envelope.message.error.path == "message.content"
    assert "lost on its way" in envelope.message.error.detail


def test_a_message_over_the_receivers_limit_is_too_large_there_too() -> None:
    codec = make_codec()
    encoded = codec.encode(tell(bytes(BIG)))
    assert isinstance(encoded, Parcel)
    (envelope,) = codec.decode_parcel(encoded.envelope, MessageTooLarge(BIG, LARGE))
    assert isinstance(envelope.message, Undecodable)
    assert isinstance(envelope.message.error, MessageTooLarge)


def test_buffers_are_let_go_of_with_their_message() -> None:
    codec = make_codec()
    encoded = codec.encode(tell(bytes(BIG)))
    assert isinstance(encoded, Parcel)
    list(codec.decode_parcel(encoded.envelope, [bytes(BIG)]))
    (envelope,) = codec.decode(encoded.envelope)
    assert isinstance(envelope.message, Undecodable)


def test_what_was_not_sent_is_shown() -> None:
    codec = make_codec()
    encoded = codec.encode(tell([b"x" * BIG, np.zeros(BIG), b"small"]))
    ((large, array, small),) = (each.message for each in codec.mirror().decode_unsent(encoded))
    assert (bytes(large), small) == (b"x" * BIG, b"small")
    assert np.array_equal(array, np.zeros(BIG))
