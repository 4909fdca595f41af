"""A short id in the place of a name: whatever is lost or late, nothing is misread."""

import enum
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.actors.messages import find_message, message, type_name
from zanni.transport import type_ids
from zanni.transport.codec import Codec, Envelope, EnvelopeKind, Undecodable
from zanni.transport.type_ids import Offer, TypeIds, fingerprint, offer_of


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@message
class Empty:
    pass


@message
class Point:
    x: int
    y: Any = 7


@message
class Refused(Exception):
    code: int
    why: str = ""


TYPES: dict[str, type] = {type_name(cls): cls for cls in (Color, Access)}


class Resolver:
    """One core, which finds types and nothing else; `versions` are in the place of its own."""

    def __init__(self, **versions: type) -> None:
        self._versions = {f"{__name__}:{name}": cls for name, cls in versions.items()}

    def find_type(self, name: str) -> type:
        cls = self._versions.get(name) or find_message(name) or TYPES.get(name)
        if cls is None:
            raise LookupError(f"{name} is not declared here")
        return cls

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def make_codec(type_ids: TypeIds | None = None, *, typed: bool = False, **versions: type) -> Codec:
    resolver: Any = Resolver(**versions)
    return Codec(resolver, ref_type=Resolver, type_ids=type_ids, typed=typed)


def encode(codec: Codec, value: object) -> bytes:
    return codec.encode(Envelope(1, 2, EnvelopeKind.TELL, None, value, None))


def decode(codec: Codec, packed: bytes) -> Any:
    (envelope,) = codec.decode(packed)
    if isinstance(envelope.message, Undecodable):
        raise envelope.message.error
    return envelope.message


def agree(here: Codec, there: Codec, *values: object) -> None:
    """Have `there` tell its ids of these values' types."""
    for value in values:
        decode(there, encode(here, value))
    for offer in there.offers():
        here.learn(offer)


def names(packed: bytes) -> bool:
    return __name__.encode() in packed


VALUES: list[Any] = [
    Empty(),
    Point(1),
    Point(1, (Point(2, [Color.RED]), Access.READ | Access.WRITE)),
    {"a": [Color.BLUE, Access(0)]},
    Refused(5, "because"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_type_goes_by_its_name_until_the_peer_tells_an_id(value: Any) -> None:
    here, there = make_codec(), make_codec()
    first = encode(here, value)
    assert names(first)
    agree(here, there, value)
    second = encode(here, value)
    assert not names(second)
    assert len(second) < len(first) - 30
    for packed in (second, first):  # what was encoded before stays valid
        assert repr(decode(there, packed)) == repr(value)


def test_an_offer_that_is_lost_is_made_again_when_the_name_comes_again() -> None:
    here, there = make_codec(), make_codec()
    for _ in range(3):
        decode(there, encode(here, [Point(1), Color.RED]))
        (point, color) = there.offers()
        assert point == Offer(type_name(Point), point.id, fingerprint(["x", "y"]))
        assert color == Offer(type_name(Color), color.id, fingerprint([]))
        assert there.offers() == []
    here.learn(point)
    here.learn(color)
    decode(there, encode(here, [Point(1), Color.RED]))
    assert there.offers() == []


@given(st.data())
def test_whatever_is_lost_or_late_nothing_is_misread(data: st.DataObject) -> None:
    ids = TypeIds()
    here, there = make_codec(), make_codec(ids)
    offers: list[Offer] = []
    flying: list[tuple[bytes, Any]] = []
    steps = st.sampled_from(["send", "arrive", "lose", "tell", "learn", "again", "reconnect"])
    for step in data.draw(st.lists(steps, max_size=40)):
        match step:
            case "send":
                value = data.draw(st.sampled_from(VALUES))
                flying.append((encode(here, value), value))
            case "arrive" if flying:
                packed, value = flying.pop(0)
                assert repr(decode(there, packed)) == repr(value)
            case "lose" if flying:
                flying.pop(0)
            case "tell":
                offers += there.offers()
            case "learn" if offers:
                here.learn(offers.pop(data.draw(st.integers(0, len(offers) - 1))))
            case "again" if offers:  # the same offer twice
                here.learn(offers[0])
            case "reconnect":  # the receiver has forgotten this peer; its process lives
                there = make_codec(ids)
    for packed, value in flying:
        assert repr(decode(there, packed)) == repr(value)


def test_an_id_is_of_one_type_for_every_peer_of_a_core() -> None:
    ids = TypeIds()
    one, other, third = (make_codec(ids) for _ in range(3))
    here = make_codec()
    agree(here, one, Point(1))
    agree(make_codec(), other, Empty(), Point(1))
    assert decode(third, encode(here, Point(3))) == Point(3)  # it was told to somebody else


def test_another_start_of_a_core_is_another_peer_to_which_names_go_first() -> None:
    here, there = make_codec(), make_codec()
    agree(here, there, Empty(), Point(1))
    with pytest.raises(Exception, match="no type was given the id 1"):
        decode(make_codec(), encode(here, Point(3)))
    assert names(encode(make_codec(), Point(3)))


numbers = itertools.count(1)


def changed(**fields: tuple[Any, ...]) -> type:
    """`Point` as another version of the program has it."""
    space = {"__annotations__": {name: each[0] for name, each in fields.items()}}
    defaults = {name: each[1] for name, each in fields.items() if len(each) > 1}
    made = type("Point", (), {**space, **defaults, "__module__": f"version {next(numbers)}"})
    return message(made)


LATER = changed(x=(int,), color=(str, "red"), y=(Any, 0))
OTHER = changed(y=(Any,), x=(int, 5))


@pytest.mark.parametrize("version", [LATER, OTHER])
def test_between_versions_with_other_fields_these_travel_by_name(version: type) -> None:
    here, there = make_codec(), make_codec(Point=version)
    for _ in range(3):
        agree(here, there, Point(1, 2))
        packed = encode(here, Point(1, 2))
        assert names(packed)
        made = decode(there, packed)
        assert (type(made), made.x, made.y) == (version, 1, 2)


def test_fields_that_are_missing_or_too_many() -> None:
    lacks = changed(y=(Any,))
    there = make_codec(Point=lacks)
    assert decode(there, encode(make_codec(), Point(1, 2))).y == 2
    needs = changed(x=(int,), z=(int,))
    with pytest.raises(
        Exception, match=r"message\.z: it is not there, and version 4:Point has no default"
    ):
        decode(make_codec(Point=needs), encode(make_codec(), Point(1, 2)))


def test_what_a_peer_says_of_types_that_were_never_sent_is_ignored() -> None:
    here = make_codec()
    for name in (type_name(Point), "os:system", ""):
        here.learn(Offer(name, 3, fingerprint(["x", "y"])))
    assert names(encode(here, Point(1)))
    here.learn(Offer(type_name(Point), 3, fingerprint(["y", "x"])))
    assert names(encode(here, Point(1)))


def test_a_peer_that_contradicts_itself_is_an_error_and_nothing_changes() -> None:
    here, there = make_codec(), make_codec()
    agree(here, there, Point(1))
    encode(here, Empty())
    for offer in (
        Offer(type_name(Point), 7, fingerprint(["x", "y"])),
        Offer(type_name(Empty), 0, fingerprint([])),
    ):
        with pytest.raises(ValueError, match="is another than it was"):
            here.learn(offer)
    assert decode(there, encode(here, Point(2))) == Point(2)
    assert decode(there, encode(here, Empty())) == Empty()


@pytest.mark.parametrize(
    "told",
    [None, 7, [], ["a", 1], ["a", "1", b""], [1, 1, b""], ["a", -1, b""], ["a", 2**40, b""]],
    ids=repr,
)
def test_what_is_no_offer_is_refused(told: object) -> None:
    with pytest.raises(ValueError, match="the id of a type is"):
        offer_of(told)


def test_ids_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type_ids, "LIMIT", 2)
    ids = TypeIds()
    assert [ids.give(name) for name in ("a", "x" * 256, "b", "c", "a")] == [0, None, 1, None, 0]
    with pytest.raises(LookupError, match="the id 2"):
        ids.name(2)


def test_a_codec_reads_what_it_has_written_itself() -> None:
    here, there = make_codec(), make_codec()
    agree(there, here, Empty(), Color.RED)  # ids of its own, which are others
    first = encode(here, Point(1))
    agree(here, there, Point(1), Color.RED)
    mirror = here.mirror()
    for packed in (first, encode(here, Point(1))):
        assert decode(mirror, packed) == Point(1)


def test_a_typed_codec_reads_ids_too() -> None:
    here, there = make_codec(), make_codec(typed=True)
    agree(here, there, Point(1))
    with pytest.raises(Exception, match=r"message\.x: 'one' is no int"):
        decode(there, encode(here, Point("one")))  # type: ignore[arg-type]  # on purpose
    assert decode(there, encode(here, Point(1))) == Point(1)


def test_the_size_of_an_id_is_a_byte_for_the_first_types() -> None:
    here, there = make_codec(), make_codec()
    agree(here, there, Point(1))
    assert len(encode(here, Point(1))) == 5 + 1 + 1 + 1 + 1
