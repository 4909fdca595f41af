"""System messages that travel."""

from typing import Any

import pytest
from coded import CODEC, HERE, SIGNALS, Plain, Resolver, Stub, make_codec

from zanni.actors.crash import Crash, Text
from zanni.actors.process import Died, Failed, Signal
from zanni.transport.codec import Codec, Envelope, EnvelopeKind
from zanni.transport.signals import signal_from_data


@pytest.mark.parametrize("signal", SIGNALS, ids=repr)
def test_signals_arrive_as_they_were(signal: Signal) -> None:
    envelope = Envelope(9, 3, EnvelopeKind.SIGNAL, None, signal, None)
    (there,) = CODEC.decode(CODEC.encode(envelope))
    assert there == envelope
    assert type(there.message) is type(signal)


def test_reasons_may_be_exceptions() -> None:
    signal = Died(Stub(HERE), ValueError("x"))
    (there,) = CODEC.decode(CODEC.encode(Envelope(9, 3, EnvelopeKind.SIGNAL, None, signal, None)))
    assert isinstance(there.message, Died)
    assert repr(there.message.reason) == "ValueError('x')"


recursive: list[object] = []
recursive.append(recursive)


@pytest.mark.parametrize(
    "reason",
    [Plain(), {1: 2}, "x" * 1_000_000, recursive],
    ids=["object", "dict", "long", "recursive"],
)
def test_a_reason_that_cannot_travel_becomes_its_text(reason: object) -> None:
    envelope = Envelope(9, 3, EnvelopeKind.SIGNAL, None, Failed(Stub(HERE), reason, None), None)
    (there,) = CODEC.decode(CODEC.encode(envelope))
    assert isinstance(there.message, Failed)
    assert isinstance(there.message.reason, str)
    assert there.message.reason[:10] == repr(reason)[:10]


# What the log is to say of a crash, on its way to a supervisor elsewhere


def crashed(codec: Codec) -> Crash | None:
    try:
        raise ValueError("insufficient funds")
    except ValueError as error:
        crash = Crash("Account 'ann' at bank/1/2", 2, {"amount": 3}, error)
    signal = Failed(Stub(HERE), crash.error, crash)
    (there,) = codec.decode(codec.encode(Envelope(9, 3, EnvelopeKind.SIGNAL, None, signal, None)))
    assert isinstance(there.message, Failed)
    return there.message.crash


def test_a_crash_travels_as_text_with_its_traceback_within_the_node() -> None:
    crash = crashed(make_codec(tracebacks=True))
    assert crash is not None
    assert (crash.who, crash.incarnation) == ("Account 'ann' at bank/1/2", 2)
    assert repr(crash.message) == "{'amount': 3}"
    assert repr(crash.error) == "ValueError('insufficient funds')"
    assert crash.trace.startswith("  Traceback (most recent call last):\n  File ")
    assert "in crashed" in crash.trace


def test_no_traceback_goes_to_another_node() -> None:
    crash = crashed(make_codec(tracebacks=False))
    assert crash is not None
    assert crash.trace == ""


@pytest.mark.parametrize("tracebacks", [True, False])
def test_a_crash_whose_texts_are_no_unicode_is_told(tracebacks: bool) -> None:
    codec = make_codec(tracebacks=tracebacks)
    name = "caf\udce9"  # as the name of a file is read whose bytes are none in UTF-8
    crash = Crash(f"Worker {name}", 1, Text(name), None, trace=f"in {name}")
    signal = Failed(Stub(HERE), "why", crash)
    packed = codec.encode(Envelope(9, 3, EnvelopeKind.SIGNAL, None, signal, None))
    (there,) = codec.decode(packed)
    assert isinstance(there.message, Failed)
    assert there.message.crash is not None
    told = there.message.crash
    assert (told.who, str(told.message)) == ("Worker caf\\udce9", "caf\\udce9")


def test_a_crash_of_which_nothing_can_be_shown_is_told_without() -> None:
    class Mute(Crash):
        def to_data(self, *, tracebacks: bool) -> list[Any]:
            raise RuntimeError("as a loader of sources may")

    signal = Failed(Stub(HERE), "why", Mute("Worker", 1))
    (there,) = CODEC.decode(CODEC.encode_signal(9, None, signal))
    assert there.message == Failed(Stub(HERE), "why", None)


@pytest.mark.parametrize("data", ["text", [], ["who", "one", "m", ""], ["who", 1, "m"]])
def test_a_crash_that_is_none_is_refused(data: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        signal_from_data([5, list(HERE), data, "why"], Resolver())
