"""NumPy arrays from one core to another."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from zanni_parcels import make_codec, tell, travel

from zanni.actors.errors import EncodeError
from zanni.transport.arrays import array_from_data
from zanni.transport.buffers import LARGE, Parcel

SMALL = np.arange(24, dtype="<i4").reshape(2, 3, 4)
BIG = np.arange(LARGE, dtype="<f8").reshape(8, -1)
ARRAYS = {
    "small": SMALL,
    "large": BIG,
    "in Fortran's order": np.asfortranarray(BIG),
    "with steps": BIG[::2, ::3],
    "transposed": SMALL.transpose(2, 0, 1),
    "of no dimension": np.array(7.5),
    "empty": np.empty((0, 3)),
    "of bool": np.array([True, False]),
    "of complex numbers": np.array([1 + 2j]),
    "big-endian": np.array([1, 2], dtype=">u2"),
    "of text": np.array(["a", "bc"]),
    "of bytes": np.array([b"a", b"bc"]),
    "of days": np.array(["2024-02-29", "NaT"], dtype="datetime64[D]"),
    "of durations": np.array([1, 2], dtype="timedelta64[ns]"),
    "read-only": np.broadcast_to(np.arange(3), (2, 3)),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_an_array_arrives_as_it_was_and_writable(array: Any) -> None:
    there = travel({"an array": array})["an array"]
    assert type(there) is np.ndarray
    assert (there.dtype, there.shape) == (array.dtype, array.shape)
    assert there.tobytes() == array.tobytes()
    assert there.flags.writeable
    assert there.flags.aligned


@pytest.mark.parametrize("array", [BIG, np.asfortranarray(BIG), BIG[2:]], ids=["C", "F", "part"])
def test_a_contiguous_array_is_not_copied(array: Any) -> None:
    encoded = make_codec().encode(tell(array))
    assert isinstance(encoded, Parcel)
    assert np.shares_memory(np.frombuffer(encoded.buffers[0].view), array)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.array([object()]), "an array of object cannot be sent"),
        (np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]), "an array of .* cannot be sent"),
        (np.ma.masked_array([1]), "MaskedArray cannot be sent"),
    ],
    ids=["objects", "records", "a subclass"],
)
def test_an_array_that_cannot_travel_is_an_error_with_its_path(array: Any, says: str) -> None:
    with pytest.raises(EncodeError, match=says) as caught:
        make_codec().encode(tell({"a": [array]}))
    assert caught.value.path == "message['a'][0]"


def test_without_numpy_there_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ImportError, match="NumPy is not installed where it arrived"):
        array_from_data(["<f8", [1], "C", bytes(8)])


@pytest.mark.parametrize(
    "data",
    [
        ["O", [1], "C", bytes(8)],
        ["|O", [1], "C", bytes(8)],
        ["i4,O", [1], "C", bytes(12)],
        ["<V8", [1], "C", bytes(8)],
        ["<f8", [2], "C", bytes(8)],
        ["<f8", [1], "C", bytes(9)],
        ["<f8", [-1], "C", bytes(8)],
        ["<f8", [1 << 62, 1 << 62], "C", bytes(8)],
        ["<f8", [1] * 100, "C", bytes(8)],
        ["<f8", [1.0], "C", bytes(8)],
        ["<f8", 1, "C", bytes(8)],
        ["<f8", [1], "K", bytes(8)],
        ["<f8", [1], "C", 8],
        ["<f8", [1], "C"],
        [7, [1], "C", bytes(8)],
        7,
    ],
    ids=repr,
)
def test_what_makes_no_array_is_an_error(data: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        array_from_data(data)
