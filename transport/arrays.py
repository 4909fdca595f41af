"""NumPy arrays as data and back, without a dependency on NumPy.

An array is `[type, shape, order, content]`: the type in NumPy's own short form (`<f8`), the order
"C" or "F". What it holds travels as a bytearray does, so that the array is writable where it
arrives. Arrays of objects, which NumPy would pickle, and of records do not travel.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

from ..actors.errors import EncodeError
from .buffers import LARGE, Lent

_TYPES = re.compile(r"[<>|][biufc][1-9]\d*|[<>|][SU][1-9]\d*|[<>][mM]8(\[\w{1,8}\])?")


def is_array_class(cls: type) -> bool:
    """Any thread. Whether it is NumPy's array; its subclasses do not count."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and cls is numpy.ndarray


def array_to_data(array: Any) -> list[Any]:
    """Any thread. The data of an array; a contiguous one is not copied.

    Raises:
        EncodeError: with the remedy, and no path yet: it holds what does not travel.

    """
    kind: str = array.dtype.str
    if not _TYPES.fullmatch(kind):
        raise EncodeError(
            "",
            f"an array of {array.dtype} cannot be sent: send arrays of numbers, text or times",
        )
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    flat = memoryview(array.ravel(order=order).view("u1"))
    content = Lent(flat, mutable=True) if flat.nbytes >= LARGE else bytes(flat)
    return [kind, list(array.shape), order, content]


def array_from_data(data: Any) -> object:
    """Any thread. The array of such data.

    Raises:
        ImportError: NumPy is not installed here.
        TypeError, ValueError: they make no array.

    """
    kind, shape, order, content = data
    if not (isinstance(kind, str) and _TYPES.fullmatch(kind) and order in ("C", "F")):
        raise TypeError("the type or the order of an array is none that travels")
    if type(content) is bytes:
        content = bytearray(content)
    # A memoryview is of what was not sent, and is shown here.
    if type(content) not in (bytearray, memoryview) or not isinstance(shape, list):
        raise TypeError("an array travels as a shape and bytes")
    if any(type(length) is not int or length < 0 for length in shape):  # NumPy would take -1
        raise ValueError("the shape of an array is a list of lengths")
    array = _numpy().ndarray(tuple(shape), kind, content, order=order)
    if array.nbytes != len(content):
        raise ValueError(f"an array of {array.nbytes} bytes has {len(content)}")
    return array


def _numpy() -> Any:
    try:
        return importlib.import_module("numpy")
    except ImportError:
        raise ImportError(
            "the message holds a NumPy array, and NumPy is not installed where it arrived:"
            " pip install numpy there, or send bytes"
        ) from None
