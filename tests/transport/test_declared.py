"""Which types another node may name: those that are declared here."""

import enum
from typing import Literal

import pytest

from zanni.actors.messages import message, type_name
from zanni.transport.declared import find_declared


class Color(enum.Enum):
    RED = 1


class Size(enum.Enum):
    LARGE = 1


class Shade(enum.Enum):
    DARK = 1


class Unused(enum.Enum):
    ONE = 1


@message
class Coat:
    color: Color
    size: Literal[Size.LARGE] | None = None
    shades: "list[Literal['none', Shade.DARK]]" = ()


@pytest.mark.parametrize("cls", [Coat, Color, Size, Shade])
def test_a_message_is_declared_and_so_is_an_enum_that_its_fields_are_of(cls):
    assert find_declared(type_name(cls)) is cls


@pytest.mark.parametrize("cls", [Unused, str])
def test_nothing_else_is(cls):
    assert find_declared(type_name(cls)) is None
