"""What another node sends is of the types that the fields are annotated with, or is named."""

import datetime as dt
import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    NewType,
    Protocol,
    TypedDict,
    TypeVar,
)

import pytest

from zanni import ActorRef, DecodeError, RemoteError
from zanni.actors.messages import message
from zanni.transport.shapes import Misfit, Shape, fits

if TYPE_CHECKING:
    Unknown = int

T = TypeVar("T")
Cents = NewType("Cents", int)


class Color(enum.Enum):
    RED = 1


class Named(Protocol):
    name: str


class Box(Generic[T]):
    pass


class Row(TypedDict):
    id: int


class Page(TypedDict, Generic[T]):
    of: T


class OfOthers(type(dict)):
    """As `typing_extensions` makes a `TypedDict`: not by the standard library's own metaclass."""

    def __instancecheck__(cls, instance: object) -> bool:
        raise TypeError("TypedDict does not support instance and class checks")


RowOfOthers = OfOthers("RowOfOthers", (dict,), {})


@message
class Item:
    name: str
    price: float = 0.0


@message
class Order:
    items: list[Item]
    paid: "dt.datetime | None" = None
    counts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    next: "Order | None" = None
    odd: "Unknown | None" = None


@pytest.mark.parametrize(
    ("hint", "fit", "unfit"),
    [
        (int, [1, True], [1.0, "1", None]),
        (float, [1.0, 1], ["1"]),
        (bool, [True], [1]),
        (str, ["a"], [b"a"]),
        (bytes, [b"a", bytearray(b"a")], ["a"]),
        (memoryview, [b"a"], ["a"]),
        (None, [None], [0]),
        (int | None, [1, None], ["a"]),
        (Literal["a", 1], ["a", 1], ["b", True]),
        (Annotated[int, "cents"], [1], ["a"]),
        (Cents, [1], ["a"]),
        (Color, [Color.RED], [1, "RED"]),
        (Item, [Item("a")], [("a", 0.0), {"name": "a"}]),
        (list, [[1]], [(1,)]),
        (list[int], [[], [1]], [["a"], (1,), None]),
        (Sequence[int], [[1], (1,)], [["a"], {1}, 1]),
        (Iterable[int], [[1], (1,), {1}], [["a"], 1]),
        (set[int], [{1}], [{"a"}, [1]]),
        (dict[str, int], [{"a": 1}], [{"a": "b"}, [1]]),
        (Mapping[str, int], [{"a": 1}], [{"a": "b"}]),
        (tuple[int, str], [(1, "a")], [(1,), (1, 2), [1, "a"], (1, "a", 2)]),
        (tuple[int, ...], [(), (1, 2)], [("a",), [1]]),
        (tuple[Any, ...], [(1, "a")], [[1]]),
        (tuple[()], [()], [(1,)]),
        (Row, [{"id": 1}], [[("id", 1)], None]),
        (list[Row], [[], [{"id": 1}]], [[1], {"id": 1}]),
        (Page[int], [{"of": 1}], [1]),
        (RowOfOthers, [{"id": 1}], [1]),
        (type, [int], [1]),
        (type[int], [int], [1]),
        (ActorRef, [], [1]),
        (ActorRef[Any], [], ["a"]),
        (Box[int], [Box()], [1]),
        (ValueError, [ValueError(), RemoteError("Mine", "x")], ["x"]),
        (list[list[int]], [[[1], []]], [[[1], ["a"]]]),
    ],
    ids=lambda value: str(value).partition(" object at ")[0],
)
def test_values_are_of_their_types(hint: Any, fit: list[Any], unfit: list[Any]) -> None:
    of_type = fits(hint)
    assert of_type is not None
    assert [value for value in fit if not of_type(value)] == []
    assert [value for value in unfit if of_type(value)] == []


@pytest.mark.parametrize(
    "hint",
    [Any, object, T, Named, Callable, Callable[[], int], int | Any, "text", 5, list[Any] | T],
)
def test_what_cannot_be_told_from_the_value_is_taken_for_granted(hint: Any) -> None:
    assert fits(hint) is None


@pytest.mark.parametrize(
    ("values", "path", "detail"),
    [
        ({"items": [Item("a"), "b"]}, ".items[1]", "'b' is no Item"),
        ({"items": 5}, ".items", "5 is no list[tests.transport.test_shapes.Item]"),
        ({"items": [], "counts": {"a": (1, "b")}}, ".counts['a'][1]", "'b' is no int"),
        ({"paid": "today"}, ".paid", "'today' is no datetime.datetime | None"),
        ({"next": Item("a")}, ".next", "is no tests.transport.test_shapes.Order | None"),
    ],
)
def test_the_smallest_part_that_does_not_fit_is_named(
    values: dict[str, Any], path: str, detail: str
) -> None:
    with pytest.raises(Misfit) as caught:
        Shape(Order, [*values]).check([*values.values()])
    assert caught.value.path == path
    assert detail in caught.value.detail


def test_an_annotation_that_cannot_be_read_spoils_no_other() -> None:
    shape = Shape(Order, ["odd", "items"])
    shape.check(["anything", [Item("a")]])
    with pytest.raises(Misfit):
        shape.check(["anything", None])


def test_types_that_fitted_once_spare_no_look_into_what_a_list_holds() -> None:
    shape = Shape(Order, ["items", "paid", "counts"])
    for _ in range(2):
        shape.check([[Item("a")], None, {"a": (1,)}])
        for bad in ([[5], None, {}], [[], None, {"a": ("b",)}], [[], "today", {}]):
            with pytest.raises(Misfit):
                shape.check(bad)


def test_an_error_for_the_asker_keeps_path_and_detail() -> None:
    error = DecodeError("message.items[1]", "'b' is no Item")
    assert str(error) == "message.items[1]: 'b' is no Item"
    assert (error.path, error.detail) == error.args
