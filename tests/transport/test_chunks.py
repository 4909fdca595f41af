"""Large buffers in pieces and whole again, whatever is lost on the way."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.actors.errors import MessageTooLarge
from zanni.transport.buffers import LARGE, Lent
from zanni.transport.chunks import CHUNK, Assembly, BadChunk, chunks

MIB = 1024 * 1024


def lend(*sizes, mutable=False):
    return [
        Lent(bytes([number]) * size, mutable=mutable) for number, size in enumerate(sizes, start=1)
    ]


def put(assembly, buffers, first_seq=1):
    """Take in all chunks; the seq of the envelope that would follow."""
    seq = first_seq
    for head, piece in chunks(buffers):
        assembly.add(seq, head, piece)
        seq += 1
    return seq


sizes = st.lists(
    st.one_of(st.integers(LARGE, 3 * CHUNK), st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1])),
    min_size=1,
    max_size=4,
)


@given(sizes, st.booleans())
def test_whole_buffers_come_out_as_they_went_in(sizes, mutable):
    assembly = Assembly(limit=64 * MIB)
    buffers = lend(*sizes, mutable=mutable)
    whole = assembly.take(put(assembly, buffers))
    assert whole == [lent.view for lent in buffers]
    assert {type(each) for each in whole} == {bytearray if mutable else bytes}
    assert not assembly.is_begun


def test_pieces_are_views():
    content = bytearray(2 * CHUNK)
    first, second = (piece for _, piece in chunks([Lent(content, mutable=True)]))
    content[0], content[-1] = 7, 8
    assert (first[0], second[-1]) == (7, 8)


@given(st.lists(sizes, min_size=1, max_size=3), st.data())
def test_a_message_of_which_something_is_lost_has_no_buffers_and_the_next_is_whole(script, data):
    frames = []  # of several messages: a chunk's head and piece, or the buffers of an envelope
    for message in script:
        buffers = lend(*message)
        frames += [*chunks(buffers), [bytes(lent.view) for lent in buffers]]
    kept = data.draw(st.lists(st.booleans(), min_size=len(frames), max_size=len(frames)))
    assembly = Assembly(limit=64 * MIB)
    complete = True
    for seq, (frame, came) in enumerate(zip(frames, kept, strict=True), start=1):
        complete = complete and came
        if isinstance(frame, tuple):
            if came:
                assembly.add(seq, *frame)
            continue
        if came:
            found = assembly.take(seq) if assembly.is_begun else LookupError()
            assert found == frame if complete else isinstance(found, LookupError)
        complete = True


def test_what_still_comes_of_a_message_that_was_let_go_is_of_no_use():
    assembly = Assembly(limit=MIB)
    first, second, third = chunks(lend(3 * CHUNK))
    assembly.add(1, *first)
    assembly.clear()
    assembly.add(2, *second)
    assembly.add(3, *third)
    assert isinstance(assembly.take(4), LookupError)
    assert assembly.take(put(assembly, lend(CHUNK), 5)) == [b"\1" * CHUNK]


def test_more_than_the_limit_is_refused_before_it_has_come():
    assembly = Assembly(limit=MIB)
    assembly.add(1, *next(chunks(lend(4 * MIB))))
    found = assembly.take(2)
    assert isinstance(found, MessageTooLarge)
    assert (found.size, found.limit) == (4 * MIB, MIB)
    assert assembly.take(put(assembly, lend(MIB), 3)) == [b"\1" * MIB]


def test_the_limit_is_that_of_all_buffers_of_a_message():
    assembly = Assembly(limit=MIB)
    found = assembly.take(put(assembly, lend(MIB // 2, MIB // 2, LARGE)))
    assert isinstance(found, MessageTooLarge)
    assert found.size == MIB + LARGE


def test_what_is_announced_costs_nothing():
    assembly = Assembly(limit=1 << 62)
    size = (1 << 61).to_bytes(8, "big")
    tracemalloc.start()
    try:
        for mutable in (b"\0", b"\1"):
            assembly.add(1, bytes(4) + mutable + bytes(8) + size, b"x" * CHUNK)
            assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"x"),
        (bytes(20), b"x"),
        (bytes(13) + CHUNK.to_bytes(8, "big"), b""),
        (bytes(13) + CHUNK.to_bytes(8, "big"), b"x" * (CHUNK + 1)),
        (bytes(13) + (LARGE - 1).to_bytes(8, "big"), b"x"),
        (bytes(4) + b"\2" + bytes(8) + LARGE.to_bytes(8, "big"), b"x"),
        (bytes(5) + LARGE.to_bytes(8, "big") + LARGE.to_bytes(8, "big"), b"x"),
    ],
)
def test_what_is_no_chunk_is_refused(head, piece):
    assembly = Assembly(limit=MIB)
    with pytest.raises(BadChunk):
        assembly.add(1, head, piece)


def test_a_chunk_that_does_not_follow_the_one_before_is_refused_and_the_message_dropped():
    pieces = list(chunks(lend(3 * CHUNK)))
    assembly = Assembly(limit=MIB)
    assembly.add(1, *pieces[0])
    with pytest.raises(BadChunk, match="no part of what came before"):
        assembly.add(2, *pieces[2])
    assert isinstance(assembly.take(3), BadChunk)


def test_a_later_version_may_have_a_longer_head():
    ((head, piece),) = chunks(lend(LARGE))
    assembly = Assembly(limit=MIB)
    assembly.add(1, head + b"a new field", piece)
    assert assembly.take(2) == [b"\1" * LARGE]


@given(st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=10)), max_size=10))
def test_whatever_comes_is_a_bad_chunk_at_worst(frames):
    assembly = Assembly(limit=MIB)
    for seq, (head, piece) in enumerate(frames, start=1):
        try:
            assembly.add(seq, head, piece)
        except BadChunk:
            pass
    assembly.take(len(frames) + 1)
