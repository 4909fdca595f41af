import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.transport.key import KeyPair, is_key, key_text


def test_the_text_is_that_of_zeromq():
    # The test case of its RFC 32, four times.
    raw = bytes([0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B])
    assert key_text(raw * 4) == "HelloWorld" * 4


@given(st.binary(min_size=32, max_size=32))
def test_the_text_of_any_key_is_one(raw):
    text = key_text(raw)
    assert len(text) == 40
    assert is_key(text)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_bytes_of_another_length_are_no_key(size):
    with pytest.raises(ValueError, match="32 bytes"):
        key_text(bytes(size))


@pytest.mark.parametrize("bad", ["", "a" * 39, "a" * 41, "#" * 40, "a" * 39 + " ", "ä" * 40])
def test_other_texts_are_none(bad):
    assert not is_key(bad)


def test_a_pair_shows_its_public_key_alone():
    assert "secret" not in repr(KeyPair("public", "secret"))
