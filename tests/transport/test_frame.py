import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.actors.config import FRAME_CAP
from zanni.transport.frame import (
    CONTROL_CAP,
    HEADER_SIZE,
    MAGIC,
    SHORTEST,
    VERSION_MAJOR,
    BadFrame,
    Header,
    Kind,
    Lane,
    link_name,
    node_id,
    pack_header,
    unpack_frames,
    unpack_header,
)

HEADER = Header(
    Kind.DATA, Lane.DATA, 0, node_id("bank"), 1, 2**64 - 1, 7, 8, 9, 10, 2**40, 12, 13, 14, 15
)


def bits(width: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**width - 1)


headers = st.builds(
    Header,
    st.sampled_from(Kind),
    st.sampled_from(Lane),
    bits(16),
    bits(64),
    bits(16),
    bits(64),
    bits(64),
    bits(64),
    bits(64),
    bits(32),
    bits(64),
    st.integers(0, CONTROL_CAP),
    bits(64),
    bits(64),
    bits(64),
)


@given(headers)
def test_a_header_survives_the_wire(header: Header) -> None:
    packed = pack_header(header)
    assert len(packed) == HEADER_SIZE
    assert unpack_header(packed) == header
    assert unpack_header(memoryview(packed)) == header


def test_the_layout_is_the_documented_one() -> None:
    assert pack_header(HEADER).hex() == (
        "5a414e4e010301000000" + f"{node_id('bank'):016x}" + "0001"
        "ffffffffffffffff000000000000000700000000000000080000000000000009"
        "0000000a00000100000000000000000c000000000000000d"
        "000000000000000e000000000000000f"
    )


def test_node_ids_never_change() -> None:
    assert node_id("bank") == 0x2865E77312C163A1
    assert node_id("bank") != node_id("bank2")
    assert 0 <= node_id("") < 2**64


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (b"", "not a Zanni frame"),
        (b"GET / HTTP/1.1\r\n", "not a Zanni frame: it begins with b'GET '"),
        (MAGIC, "unreadable version"),
        (MAGIC + bytes([9, 4]) + bytes(100), "version 9.4 .* this node 1.3"),
        (pack_header(HEADER)[: SHORTEST - 1], "short"),
        (pack_header(HEADER._replace(length=FRAME_CAP + 1)), "over the cap"),
        (pack_header(HEADER._replace(lane=Lane.CONTROL, length=CONTROL_CAP + 1)), "over the cap"),
        (MAGIC + bytes([VERSION_MAJOR, 0, 99, 0]) + bytes(100), "unknown kind of frame: 99"),
        (MAGIC + bytes([VERSION_MAJOR, 0, 1, 7]) + bytes(100), "unknown lane: 7"),
    ],
)
def test_what_is_wrong_is_named(frame: bytes, says: str) -> None:
    with pytest.raises(BadFrame, match=says):
        unpack_header(frame)


def test_a_later_minor_version_may_have_a_longer_header() -> None:
    packed = bytearray(pack_header(HEADER) + b"a new field")
    packed[5] = 3
    assert unpack_header(bytes(packed)) == HEADER


@pytest.mark.parametrize(
    ("size", "lacking"),
    [
        (SHORTEST, ("ack", "asked_before", "asked")),
        (SHORTEST + 7, ("ack", "asked_before", "asked")),
        (SHORTEST + 8, ("asked_before", "asked")),
        (HEADER_SIZE - 1, ("asked",)),
    ],
)
def test_what_the_header_of_an_earlier_minor_version_lacks_is_0(
    size: int, lacking: tuple[str, ...]
) -> None:
    packed = bytearray(pack_header(HEADER)[:size])
    packed[5] = 1
    expected = Header(**{**HEADER._asdict(), **dict.fromkeys(lacking, 0)})
    assert unpack_header(bytes(packed)) == expected
    assert unpack_header(memoryview(packed)) == expected


def test_the_length_of_the_batch_is_checked() -> None:
    header = HEADER._replace(length=3)
    assert unpack_frames([pack_header(header), b"abc", b"payload"]) == (header, b"abc")
    for frames in ([pack_header(header), b"abcd"], [pack_header(header)]):
        with pytest.raises(BadFrame, match="length mismatch"):
            unpack_frames(frames)
    with pytest.raises(BadFrame, match="not a Zanni frame"):
        unpack_frames([])


def test_a_field_that_does_not_fit_is_refused() -> None:
    with pytest.raises(struct.error):
        pack_header(HEADER._replace(source_core=2**16))


@given(st.binary(max_size=200))
def test_garbage_is_a_bad_frame(garbage: bytes) -> None:
    with pytest.raises(BadFrame):
        unpack_header(garbage)


@given(headers, st.data())
def test_a_damaged_header_is_a_header_or_a_bad_frame(header: Header, data: st.DataObject) -> None:
    packed = bytearray(pack_header(header))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert unpack_header(bytes(packed)).length <= FRAME_CAP
    except BadFrame:
        pass


def test_a_link_has_another_name_after_each_loss_and_at_the_end_of_what_fits() -> None:
    assert len({link_name(7, separations) for separations in range(100)}) == 100
    assert link_name(7, 0) == 7
    assert link_name(2**64 - 1, 1) == 0
