"""How deep and how large a msgpack value may be, found by reading its bytes and making no object.

Ten megabytes of empty maps would become 720 MB of objects, and a few kilobytes of nested arrays a
value that no recursive function survives. Sender and receiver apply the same bounds with the same
code, so what one side takes the other takes too.

The bounds cost next to nothing where they cannot be passed: a value cannot be nested deeper than it
has bytes that may begin a container, and cannot have more items than bytes.
"""

from __future__ import annotations

MAX_DEPTH = 64
"""The most containers within one another; a typed value counts as one with what it holds."""
MAX_ITEMS = 100_000
"""The most values in one envelope."""

SHORT = MAX_DEPTH + 5
"""Bytes. An envelope of no more cannot be too deep: five of them are its own."""

_COUNTED = 8192  # bytes: up to here counting is cheaper than reading
_OPENERS = bytes([*range(0x80, 0xA0), *range(0xC7, 0xCA), *range(0xD4, 0xD9), *range(0xDC, 0xE0)])
_ALL_BUT_OPENERS = bytes(set(range(256)).difference(_OPENERS))


class OutOfBounds(ValueError):
    """A value is deeper or larger than may travel, or is no value."""


def check(data: bytes | memoryview, size: int) -> None:
    """Any thread. Check one value that is `size` bytes long.

    Raises:
        OutOfBounds: it is nested too deep, has too many items, or is no msgpack.

    """
    if size <= SHORT:
        return
    if size <= _COUNTED and len(bytes(data).translate(None, _ALL_BUT_OPENERS)) <= MAX_DEPTH:
        return
    scan(data)


def is_plain(data: bytes) -> bool:
    """Any thread. Whether `check` has nothing to scan in that value: it can only be in bounds."""
    size = len(data)
    return size <= SHORT or (
        size <= _COUNTED and len(data.translate(None, _ALL_BUT_OPENERS)) <= MAX_DEPTH
    )


def _fixed_sizes() -> list[int]:
    """How many bytes follow each first byte of a value; -1: it depends."""
    sizes = [-1] * 256
    sizes[0x00:0x80] = [0] * 128
    sizes[0xE0:0x100] = [0] * 32
    sizes[0xA0:0xC0] = range(32)
    for first, size in {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8}.items():
        sizes[first] = size
    for width in range(4):
        sizes[0xCC + width] = sizes[0xD0 + width] = 1 << width
    return sizes


_FIXED = _fixed_sizes()
# First byte -> how many bytes its length takes.
_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_ARRAYS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
_EXTS = {0xC7: 1, 0xC8: 2, 0xC9: 4}


def scan(data: bytes | memoryview) -> None:
    """Any thread. Check the values that stand one after another in `data`.

    Raises:
        OutOfBounds: as `check`.

    """
    position, end = 0, len(data)
    try:
        while position < end:
            position = _scan_one(data, position)
    except IndexError:
        position = end + 1
    if position > end:
        raise OutOfBounds("the bytes end in the middle of a value")


def _scan_one(data: bytes | memoryview, position: int) -> int:
    """Read one value; return where the next one begins."""
    remaining, depth, items = 1, 0, 1
    above: list[tuple[int, int]] = []  # what remains in the containers above, and an ext's end
    while True:
        while not remaining:
            if not above:
                return position
            remaining, ends_at = above.pop()
            if not ends_at:
                depth -= 1
            elif ends_at != position:
                raise OutOfBounds("a typed value has another length than it says")
        remaining -= 1
        first = data[position]
        position += 1
        size = _FIXED[first]
        if size >= 0:
            position += size
            continue
        if first in _BYTES:
            length, position = _length(data, position, _BYTES[first])
            position += length
            continue
        count, position, ends_at = _container(data, position, first)
        above.append((remaining, ends_at))
        remaining = count
        depth += not ends_at
        # Counted before they are read: no claim of a length is believed beyond the bound.
        items += count
        if depth > MAX_DEPTH:
            raise OutOfBounds(f"it is nested deeper than {MAX_DEPTH} levels")
        if items > MAX_ITEMS:
            raise OutOfBounds(f"it has more than {MAX_ITEMS} items")


def _container(data: bytes | memoryview, position: int, first: int) -> tuple[int, int, int]:
    """How many values a container has, where they begin, and where it ends if it is typed."""
    if first < 0x90:
        return 2 * (first & 0x0F), position, 0
    if first < 0xA0:
        return first & 0x0F, position, 0
    if first in _ARRAYS:
        count, position = _length(data, position, _ARRAYS[first])
        return count, position, 0
    if first in _MAPS:
        count, position = _length(data, position, _MAPS[first])
        return 2 * count, position, 0
    if first in _EXTS:
        length, position = _length(data, position, _EXTS[first])
    elif 0xD4 <= first <= 0xD8:
        length = 1 << (first - 0xD4)
    else:
        raise OutOfBounds(f"{first:#x} begins no value")
    position += 1  # its code: each typed value of ours holds exactly one value
    return 1, position, position + length


def _length(data: bytes | memoryview, position: int, width: int) -> tuple[int, int]:
    after = position + width
    return int.from_bytes(data[position:after], "big"), after
