"""What is sound, but cannot be made here."""

from typing import Any

import msgpack
import pytest
from coded import CODEC, HERE, NAME, Access, Color, Exits, Grant, Picky, Point, ext, raw, tell

from zanni.actors import errors
from zanni.actors.messages import type_name
from zanni.actors.process import Broken, Died, Failed, Restart, Shutdown, Suspend
from zanni.transport.codec import Undecodable


@pytest.mark.parametrize("kind", [2, 12, 3, 5, 6, 8])
@pytest.mark.parametrize("reason", ["nowhere:Broke", ["shutdown", "nowhere:Broke"]])
def test_a_signal_whose_reason_cannot_be_made_has_the_error_as_its_reason(
    kind: int, reason: Any
) -> None:
    unmade = ext(11, ["nowhere:Broke", "why", 1])
    reason = unmade if isinstance(reason, str) else ["shutdown", unmade]
    fields = {3: [], 5: [list(HERE), None], 6: [77], 8: [77]}.get(kind, [list(HERE)])
    batch = raw(9, None, 4, None, [kind, *fields, reason]) + CODEC.encode(tell(1))
    there, after = CODEC.decode(batch)
    assert after.message == 1
    assert isinstance(there.message, Died | Broken | Shutdown | Failed | Restart | Suspend)
    assert isinstance(there.message.reason, errors.DecodeError)
    assert "nowhere:Broke is not declared here" in str(there.message.reason)


@pytest.mark.parametrize(
    ("kind", "body", "error"),
    [
        (0, ext(11, ["nowhere:Class", 1]), "nowhere:Class is not declared here"),
        (32, ["nowhere:Class", 1], "nowhere:Class is not declared here"),
        (32, [type_name(Color), 1], "not declared with @zanni.message"),
        (32, [NAME], "message.x: it is not there"),
        (32, [NAME, "y", 1], "message.x: it is not there"),
        (32, [NAME, "x"], "zip()"),
        (32, [type_name(Picky), "size", -1], "message: ValueError: a size is not negative"),
        (32, [type_name(Exits), "code", 3], "message: SystemExit: 3"),
        (0, [ext(11, [type_name(Exits), "code", 3])], "message[0]: SystemExit: 3"),
        (32, [5], "no type was given the id 5"),
        (32, [None], "the name of a type must be str"),
        (32, [[]], "unhashable"),
        (32, [], "list index out of range"),
        (0, ext(10, [type_name(Color), "GREEN"]), "'GREEN' is no member"),
        (0, ext(10, [NAME, "x"]), "is no enum"),
        (0, ext(10, [type_name(Access), 4]), "4 is no combination"),
        (0, ext(10, [type_name(Grant), 8]), "8 is no combination"),
        (0, ext(12, ["SystemExit", [1]]), "no exception that travels"),
        (0, ext(12, ["eval", ["1"]]), "no exception that travels"),
        (0, ext(13, ["n", 1, 2, "3", None]), "an address is"),
        (0, ext(2, [[1]]), "unhashable"),
        (0, ext(4, ["yesterday", 0]), "Invalid isoformat"),
        (0, ext(21, 1 << 40), "a bytearray travels as bytes"),
        (0, ext(99, 0), "a typed value of code 99"),
        (0, [1, {"a": ext(99, 0)}], "a typed value of code 99"),
        (32, {"a": ext(99, 0)}, "message['a']: a typed value of code 99"),
        (0, ext(11, {"a": ext(99, 0)}), "message['a']: a typed value of code 99"),
        (48, [["on_receive", "__func__", "__globals__"], [], {}], "'__func__' is not public"),
        (48, [["_secret"], [], {}], "'_secret' is not public"),
        (0, ext(16, [["__class__"], [], {}]), "'__class__' is not public"),
        (0, ext(17, ["__dict__"]), "'__dict__' is not public"),
        (0, ext(18, [["_x"], 1]), "'_x' is not public"),
        (48, [[], [], {}], "the path of an attribute"),
        (48, ["name", [], {}], "the path of an attribute"),
        (48, [["name"], {}, {}], "a call has"),
        (4, [99], "no system message"),
        (4, [0, "nobody"], "no system message"),
        (4, [0, ext(99, 0)], "no system message"),
        (4, [2, ext(99, 0), "normal"], "no system message"),
    ],
)
def test_one_bad_value_loses_no_neighbour(kind: int, body: object, error: str) -> None:
    batch = CODEC.encode(tell(1)) + raw(1, 2, kind, 7, body) + CODEC.encode(tell((3,)))
    before, bad, after = CODEC.decode(batch)
    assert (before.message, after.message) == (1, (3,))
    assert (bad.target, bad.sender, bad.ask) == (1, 2, 7)
    assert isinstance(bad.message, Undecodable)
    assert error in str(bad.message.error)


@pytest.mark.parametrize(
    ("body", "path", "detail"),
    [
        ([1, {"a": ext(99, 0)}], "message[1]['a']", "a typed value of code 99"),
        (ext(1, [1, ext(10, [type_name(Color), "GREEN"])]), "message[1]", "'GREEN' is no member"),
        (ext(2, [1, ext(99, 0)]), "message{...}", "code 99"),
        (ext(11, [NAME, "x", [0, ext(99, 0)]]), "message.x[1]", "code 99"),
        (
            ext(11, [NAME, "x", 1, "y", {"k": ext(11, [NAME, "x", ext(21, 5)])}]),
            "message.y['k'].x",
            "TypeError: a bytearray travels as bytes",
        ),
        (ext(11, [NAME, "y", ext(11, [NAME, "y", 1])]), "message.y.x", "it is not there"),
        (ext(16, [["m"], [1, ext(99, 0)], {}]), "message.args[1]", "code 99"),
        (ext(16, [["m"], [], {"k": ext(99, 0)}]), "message.kwargs['k']", "code 99"),
        (ext(12, ["ValueError", [ext(99, 0)]]), "message.args[0]", "code 99"),
        (ext(11, [70_000, ext(99, 0)]), "message[1]", "code 99"),
        ({"k" * 300: ext(99, 0)}, "message['" + "k" * 49 + "]", "code 99"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_made_is_named_with_its_path(body: object, path: str, detail: str) -> None:
    (there,) = CODEC.decode(raw(1, 2, 0, 7, body))
    assert isinstance(there.message, Undecodable)
    error = there.message.error
    assert isinstance(error, errors.DecodeError)
    assert error.path == path
    assert detail in error.detail


@pytest.mark.parametrize(
    ("form", "body", "path"),
    [
        (16, [1, ext(99, 0)], "message[1]"),
        (32, [NAME, "x", 1, "y", [ext(99, 0)]], "message.y[0]"),
        (48, [["m"], [(ext(99, 0))], {}], "message.args[0]"),
        (48, [["m"], [], {"k": ext(99, 0)}], "message.kwargs['k']"),
    ],
)
def test_so_it_is_in_a_body_of_its_own_form(form: int, body: object, path: str) -> None:
    (there,) = CODEC.decode(raw(1, 2, form, 7, body))
    assert isinstance(there.message, Undecodable)
    assert there.message.error.args[0] == path


def test_a_deep_path_is_found_without_recursion() -> None:
    deepest: object = ext(99, 0)
    for _ in range(60):
        deepest = [deepest]
    (there,) = CODEC.decode(raw(1, 2, 0, 7, deepest))
    assert isinstance(there.message, Undecodable)
    assert there.message.error.args[0].startswith("message[0][0]")
    assert len(there.message.error.args[0]) <= 200


def test_a_timestamp_of_msgpack_is_a_number_and_no_class_of_its_own() -> None:
    stamp = msgpack.Timestamp(5, 500_000_000)
    for body in ([stamp], ext(1, [stamp])):
        (there,) = CODEC.decode(raw(1, 2, 0, 7, body))
        assert [*there.message] == [5.5]


def test_fields_may_be_added_and_left_out() -> None:
    for extra in ([], ["later", 4], [5, "no name"]):
        (there,) = CODEC.decode(raw(1, 2, 32, None, [NAME, *extra, "y", 2, "x", 1]))
        assert there.message == Point(1, 2)
    (there,) = CODEC.decode(raw(1, 2, 32, None, [NAME, "x", 1]))
    assert there.message == Point(1, 7)


def test_later_items_and_headers_are_ignored() -> None:
    headers = {"deadline": 1.0, "trace": "00-4bf9"}
    (there,) = CODEC.decode(raw(1, 2, 0, None, 5, headers, "a later item"))
    assert there == tell(5, {"deadline": 1.0})
