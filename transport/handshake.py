"""How two cores come to know each other's incarnation. No input or output happens here.

    we dial                                   they dial
    HELLO(nonce a)          ->                HELLO(nonce a)        ->  WELCOME(echo a, nonce b)
    WELCOME(echo a, b)      ->  adopt,        CONFIRM(echo b)       ->  adopt
                                CONFIRM(echo b)

Each body is a msgpack map of bounded size, with what the sender is: node, core, incarnation,
versions, role, limits, its own two endpoints and those of its node's other cores. A `NODE` is
adopted as a peer; an `OBSERVER` is answered, and is no member of anything: see observers.py.

Guarantees:
- A peer's incarnation is adopted only on the CURRENT nonce of its URL (WELCOME) or of its node and
  core (CONFIRM), and adopting clears every outstanding nonce for it: a late answer of an earlier
  incarnation finds none. (A stale one was a real hole: 1 in 20 000 random schedules.)
- Nothing a stranger sends raises anything but `BadHandshake`, or keeps more than `PENDING_LIMIT`
  half-made associations here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

from ..actors.address import ANY_INCARNATION, CoreAddress
from ..actors.arguments import checked_name
from ..actors.environment import random_bits
from ..actors.logs import printable
from .credit import Limits
from .frame import VERSION_MAJOR, VERSION_MINOR
from .msgpack_typed import packb, unpackb

NODE, OBSERVER = "node", "observer"
"""Roles."""
BODY_LIMIT = 64 * 1024
"""The most bytes that a body may have."""
NAME_LIMIT, DETAIL_LIMIT = 255, 1000
"""The most characters that a text may have, and the reason of a refusal."""
CORES_LIMIT = 4096
"""How many cores a node is believed to have at most."""
PENDING_LIMIT = 256
"""How many nonces are outstanding at most in each direction; the oldest one goes first."""


class BadHandshake(ValueError):
    """A body is none; the text says what is wrong with it."""


class CorePlace(NamedTuple):
    """One core of a node, and where it listens."""

    core: int
    incarnation: int
    control: str
    data: str


class Holder(NamedTuple):
    """Which process it is that has a name."""

    host: str = ""
    pid: int = 0
    """0: that is not known."""


class Identity(NamedTuple):
    """What a core says of itself."""

    home: CoreAddress
    control: str
    data: str
    role: str = NODE
    frame_cap: int = 0
    cores: tuple[CorePlace, ...] = ()
    """The other cores of its node, by where they listen for this kind of peer."""
    versions: tuple[int, int] = (VERSION_MAJOR, VERSION_MINOR)
    holder: Holder = Holder()
    message_limit: int = 0
    """0: it says nothing of that."""
    credit: Limits = Limits(0, 0)
    """What it grants at first on the data lane; nothing: it knows of no credit."""
    separations: int = 0
    """How often it and who it says this to have lost each other: see aliases.py."""


class Refusal(NamedTuple):
    """Why an association is refused."""

    reason: str
    """A word: `dead`, `name_in_use`, `version`, `role`."""
    detail: str
    """A sentence for people."""
    holder: Holder = Holder()
    """Who has the name, where it is in use."""


class Welcomed(NamedTuple):
    """Our HELLO was answered: adopt this peer, which we dialled at `url`, and send `confirm`."""

    identity: Identity
    url: str
    confirm: bytes


class Handshake:
    """One core's outstanding nonces. Owner only, all of it."""

    def __init__(self, draw: Callable[[], int] = lambda: random_bits(63)) -> None:
        self._draw = draw
        self._dialled: dict[str, int] = {}
        self._welcomed: dict[tuple[str, int], tuple[int, Identity]] = {}

    def hello(self, me: Identity, url: str) -> bytes:
        """The body of a HELLO to `url`; what an earlier one to it gets as answer counts no more."""
        nonce = self._dialled[url] = self._draw()
        _bound(self._dialled)
        return _pack(me, nonce=nonce)

    def welcome(self, me: Identity, hello: bytes | memoryview) -> tuple[Identity, bytes]:
        """Who sent this HELLO, and the body of the WELCOME for it.

        Raises:
            BadHandshake: it is none.

        """
        body = _unpack(hello)
        identity = _identity(body)
        nonce = self._draw()
        self._welcomed[identity.home[:2]] = (nonce, identity)
        _bound(self._welcomed)
        return identity, _pack(me, nonce=nonce, echo=_number(body, "nonce"))

    def on_welcome(self, me: Identity, welcome: bytes | memoryview) -> Welcomed | None:
        """Take a WELCOME; None where it answers no current HELLO.

        Raises:
            BadHandshake: it is none.

        """
        body = _unpack(welcome)
        identity = _identity(body)
        url = self._answered(body)
        if url is None:
            return None
        return Welcomed(identity, url, _pack(me, echo=_number(body, "nonce")))

    def on_confirm(self, confirm: bytes | memoryview) -> Identity | None:
        """Take a CONFIRM; whom to adopt, or None where it answers no current WELCOME.

        Raises:
            BadHandshake: it is none.

        """
        body = _unpack(confirm)
        home = _identity(body).home
        nonce, identity = self._welcomed.get(home[:2], (0, None))
        if identity is None or identity.home != home or nonce != _number(body, "echo"):
            return None
        return identity._replace(separations=_number(body, "separations"))

    def reject(self, me: Identity, hello: bytes | memoryview | None, refusal: Refusal) -> bytes:
        """The body of a REJECT, of this HELLO or of any other frame."""
        echo = 0 if hello is None else _number(_unpack(hello), "nonce")
        told = {"reason": refusal.reason, "detail": refusal.detail, "holder": list(refusal.holder)}
        return _pack(me, echo=echo, **told)

    def on_reject(self, reject: bytes | memoryview) -> tuple[str | None, CoreAddress, Refusal]:
        """The URL whose HELLO was refused (None: of no current one), by whom, and why.

        Raises:
            BadHandshake: it is none.

        """
        body = _unpack(reject)
        reason, detail = _text(body, "reason"), _text(body, "detail", DETAIL_LIMIT)
        refusal = Refusal(
            printable(reason, NAME_LIMIT),
            printable(detail, DETAIL_LIMIT),
            _holder(body, "holder"),
        )
        return self._answered(body), _identity(body).home, refusal

    def answered(self, answer: bytes | memoryview) -> tuple[str | None, CoreAddress]:
        """The URL whose HELLO this answers (None: no current one), and who does.

        Raises:
            BadHandshake: it is no answer.

        """
        body = _unpack(answer)
        return self._answered(body), _identity(body).home

    def adopted(self, identity: Identity) -> None:
        """Forget every outstanding nonce for this core, whichever way it was drawn."""
        self._welcomed.pop(identity.home[:2], None)
        self._dialled.pop(identity.control, None)

    def lost(self, itself: CoreAddress) -> None:
        """Forget the nonce of the WELCOME to this core: it was said before the core was lost."""
        self._welcomed.pop(itself[:2], None)

    def hung_up(self, url: str) -> None:
        """Forget the nonce of the HELLO to this URL."""
        self._dialled.pop(url, None)

    def _answered(self, body: dict[str, Any]) -> str | None:
        echo = _number(body, "echo")
        return next((url for url, nonce in self._dialled.items() if nonce == echo), None)


def identity_of(body: bytes | memoryview) -> Identity:
    """Any thread. What the sender of a HELLO, a WELCOME or a CONFIRM says of itself.

    Raises:
        BadHandshake: it is none.

    """
    return _identity(_unpack(body))


def reply_url(body: bytes | memoryview) -> str | None:
    """Any thread. Where whoever sent this HELLO, of whatever version, is answered; None: no HELLO.

    Raises:
        BadHandshake: it is no body of a handshake.

    """
    fields = _unpack(body)
    return None if "echo" in fields or "nonce" not in fields else _text(fields, "control")


def is_compatible(hello: bytes | memoryview) -> Refusal | None:
    """Any thread. Why the versions in a HELLO do not go with ours, or None.

    Raises:
        BadHandshake: it is none.

    """
    major, minor = _versions(_unpack(hello))
    if major == VERSION_MAJOR:
        return None
    return Refusal(
        "version",
        f"one node speaks version {major}.{minor} of the protocol, the other "
        f"{VERSION_MAJOR}.{VERSION_MINOR}: run the same major version on both",
    )


def role_of(body: bytes | memoryview) -> str | None:
    """Any thread. The role that a body claims; None where it is none."""
    try:
        return _text(_unpack(body), "role")
    except BadHandshake:
        return None


def _bound(outstanding: dict[Any, Any]) -> None:
    if len(outstanding) > PENDING_LIMIT:
        del outstanding[next(iter(outstanding))]


def _pack(me: Identity, **more: object) -> bytes:
    body = {
        "node": me.home.node,
        "core": me.home.core,
        "incarnation": me.home.incarnation,
        "versions": list(me.versions),
        "role": me.role,
        "frame_cap": me.frame_cap,
        "message_limit": me.message_limit,
        "credit_messages": me.credit.messages,
        "credit_bytes": me.credit.size,
        "control": me.control,
        "data": me.data,
        "process": list(me.holder),
        "cores": [list(place) for place in me.cores],
        "separations": me.separations,
        **more,
    }
    return packb(body)


def _unpack(body: bytes | memoryview) -> dict[str, Any]:
    if len(body) > BODY_LIMIT:
        raise BadHandshake(f"a handshake of {len(body)} bytes, at most {BODY_LIMIT} are taken")
    try:
        value = unpackb(body, max_map_len=64, max_array_len=1024, max_ext_len=0)
    except Exception as error:
        raise BadHandshake(f"a handshake that is not msgpack: {error}") from None
    if not isinstance(value, dict):
        raise BadHandshake("a handshake that is no map")
    return cast("dict[str, Any]", value)


def _identity(body: dict[str, Any]) -> Identity:
    home = CoreAddress(
        _text(body, "node"), _number(body, "core", 16), _number(body, "incarnation", 64)
    )
    if home.incarnation == ANY_INCARNATION:
        raise BadHandshake("a handshake without an incarnation")
    try:
        checked_name(home.node)
    except ValueError as error:
        raise BadHandshake(f"a handshake of no node: {error}") from None
    return Identity(
        home,
        _text(body, "control"),
        _text(body, "data"),
        _text(body, "role"),
        _number(body, "frame_cap"),
        tuple(place_of(item) for item in _list(body, "cores")),
        _versions(body),
        _holder(body, "process"),
        _number(body, "message_limit"),
        Limits(_number(body, "credit_messages", 32), _number(body, "credit_bytes")),
        _number(body, "separations"),
    )


def _holder(body: dict[str, Any], key: str) -> Holder:
    match body.get(key):
        case [str(host), int(pid)] if len(host) <= NAME_LIMIT and 0 <= pid < 1 << 32:
            return Holder(host, pid)
        case _:  # not told by version 1.1
            return Holder()


def place_of(item: object) -> CorePlace:
    """Any thread. The place of a core, as its node told it.

    Raises:
        BadHandshake: it is none.

    """
    match item:
        case [int(index), int(incarnation), str(control), str(data)] if 0 <= index < CORES_LIMIT:
            return CorePlace(index, incarnation, control, data)
        case _:
            raise BadHandshake("a handshake whose cores are none")


def _versions(body: dict[str, Any]) -> tuple[int, int]:
    match body.get("versions"):
        case [int(major), int(minor)]:
            return major, minor
        case _:
            raise BadHandshake("a handshake without versions")


def _list(body: dict[str, Any], key: str) -> list[object]:
    value = body.get(key, [])
    if not isinstance(value, list):
        raise BadHandshake(f"a handshake whose {key!r} is no list")
    return cast("list[object]", value)


def _text(body: dict[str, Any], key: str, limit: int = NAME_LIMIT) -> str:
    value = body.get(key)
    if not isinstance(value, str) or len(value) > limit:
        raise BadHandshake(f"a handshake without a fitting {key!r}")
    return value


def _number(body: dict[str, Any], key: str, bits: int = 63) -> int:
    value = body.get(key, 0)
    if type(value) is not int or not 0 <= value < 1 << bits:
        raise BadHandshake(f"a handshake whose {key!r} is no number, or too large")
    return value
