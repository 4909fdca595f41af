"""Keys as text, Z85 as ZeroMQ has it: 40 characters stand for 32 bytes. No input or output here."""

from __future__ import annotations

from typing import NamedTuple

BYTES = 32
CHARACTERS = 40

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}


class KeyPair(NamedTuple):
    """A node's own keys. `repr` shows the public one alone."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyPair({self.public!r})"


def key_text(raw: bytes) -> str:
    """Any thread. The text of a key's bytes.

    Raises:
        ValueError: it has not the length of a key.

    """
    if len(raw) != BYTES:
        raise ValueError(f"a key has {BYTES} bytes, not {len(raw)}")
    text = ""
    for start in range(0, BYTES, 4):
        number = int.from_bytes(raw[start : start + 4], "big")
        group = ""
        for _ in range(5):
            number, value = divmod(number, 85)
            group = _ALPHABET[value] + group
        text += group
    return text


def is_key(text: str) -> bool:
    """Any thread. Whether it is the text of a key."""
    if len(text) != CHARACTERS or not _VALUES.keys() >= set(text):
        return False
    return all(_number(text[start : start + 5]) < 1 << 32 for start in range(0, CHARACTERS, 5))


def _number(group: str) -> int:
    number = 0
    for character in group:
        number = number * 85 + _VALUES[character]
    return number
