"""Errors that travel."""

import inspect
import threading

import pykka
import pytest
from coded import CODEC, Plain, Refused, Undeclared, make_codec, travel

from zanni.actors import errors
from zanni.actors.errors import RemoteError
from zanni.transport.codec import Envelope, EnvelopeKind


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no", 3),
        KeyError("k"),
        FileNotFoundError(2, "No such file", "/nowhere"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        ExceptionGroup("two", [ValueError(1), KeyError(2)]),
        StopIteration(3),
        pykka.ActorDeadError("gone"),
        pykka.Timeout("over"),
        errors.DeadlockError("a -> b -> a"),
        errors.SpawnError("ValueError", "no"),
        errors.StartError("ann", ("shutdown", 1)),
        errors.MessageTooLarge(5, 3),
        errors.EncodeError("message.x", "no"),
        errors.RemoteError("Odd", "text", "trace"),
        errors.NameInUse("bank"),
        Refused(5, "because"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_these_errors_keep_their_type_and_arguments(error: Exception) -> None:
    for there in (travel(error), travel(travel([error])[0])):
        assert type(there) is type(error)
        assert str(there) == str(error)
        assert repr(there) == repr(error)


def test_every_error_of_the_tree_keeps_its_type() -> None:
    for name in errors.__all__:
        cls = getattr(errors, name)
        plain = cls.__init__ in (Exception.__init__, BaseException.__init__)
        names = ["self", "a", "b"] if plain else inspect.signature(cls.__init__).parameters
        error = cls(*(f"the {name}" for name in [*names][1:]))
        assert type(travel(error)) is cls


@pytest.mark.parametrize(
    "error",
    [
        Undeclared(1, 2),
        Undeclared(threading.Lock(), Plain()),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_become_remote_errors(error: BaseException) -> None:
    there = travel(error)
    assert type(there) is RemoteError
    assert (there.type, there.text) == (type(error).__name__, str(error))
    assert there.traceback_text == ""


@pytest.mark.parametrize(
    "error",
    [
        ValueError(threading.Lock()),
        ValueError(2**70),
        ValueError("x" * 10_000_000),
        ExceptionGroup("one", [ValueError(lambda: 1)]),
        Refused(1, "\ud800"),
    ],
    ids=["lock", "int", "long", "group", "surrogate"],
)
def test_an_error_whose_arguments_cannot_travel_still_arrives(error: Exception) -> None:
    packed = CODEC.encode(Envelope(1, None, EnvelopeKind.ERROR, None, error, None))
    assert len(packed) < 70_000
    (there,) = CODEC.decode(packed)
    assert isinstance(there.message, Exception)


def test_a_traceback_travels_where_it_may() -> None:
    try:
        raise Undeclared(1, 2)
    except Undeclared as error:
        there = travel(error, make_codec(tracebacks=True))
    assert "test_exceptions.py" in there.traceback_text
    assert "Undeclared" in there.traceback_text


def test_a_long_chain_of_causes_is_no_recursion() -> None:
    error: Exception = Undeclared(0, 0)
    for number in range(3000):
        following = Undeclared(number, 0)
        following.__cause__ = error
        error = following
    there = travel(error, make_codec(tracebacks=True))
    assert type(there) is RemoteError
    assert len(there.traceback_text) < 10_000


def test_deeply_nested_errors_arrive_shortened() -> None:
    error = ValueError("innermost")
    for _ in range(500):
        error = ValueError(error)
    assert isinstance(travel(error), (ValueError, RemoteError))


def test_an_error_whose_text_cannot_be_made_still_arrives() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert "RuntimeError" in travel(Broken()).text
