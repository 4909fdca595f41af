"""The settings of a system, with their defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from .arguments import is_number

FRAME_CAP = 16 * 1024 * 1024
"""The most bytes of a frame between cores: the protocol's bound."""
MESSAGE_LIMIT = 2 * 1024 * 1024 * 1024
"""The most bytes of a message between cores with its large buffers, where nothing else is set."""


PeerOverflow: TypeAlias = Literal["drop_new", "fail", "wait"]
PEER_OVERFLOWS: tuple[PeerOverflow, ...] = get_args(PeerOverflow)
_AS: dict[type, Callable[[Any], object]] = {int: int, float: float, str: str}
_MOST = {"frame_cap": FRAME_CAP, "peer_messages": 2**32 - 1, "gc_threshold": 2**31 - 1}
_LARGEST = 2**62
"""The most that any other whole number may be: what frames and handshakes have room for."""


@dataclass(frozen=True)
class Config:
    """Times in seconds, sizes in bytes. All numbers are greater than 0, but `spin` may be 0.

    Raises:
        ValueError: a setting that cannot be; the text names it.

    """

    heartbeat: float = 1.0
    """How often a core tells its peers that it is there."""
    suspect_after: float = 5.0
    """Silence after which a peer is suspected: an event, reversible."""
    down_after: float = 15.0
    """Silence after which a peer is declared down: final for that incarnation of it."""
    drain_timeout: float = 10.0
    """How long a stopping system lets its actors finish what is queued."""
    kill_timeout: float = 5.0
    """How long killed actors and ended child processes may take after that."""
    start_timeout: float = 30.0
    """How long a child core may take to come up."""
    handoff: float = 0.01
    """After how long a core is taken from a turn that computes. One that blocks waits 1 or 2 ms."""
    spin: float = 0.0005
    """How long a core that waits for other cores or nodes keeps looking before it sleeps, where the
    wait before it has ended in that time; 0, or fewer CPUs than cores: it always sleeps."""
    threads: int = 256
    """How many threads a core may have: as many turns as that may block at once."""
    frame_cap: int = FRAME_CAP
    """The largest message to another core, without its buffers of 64 KiB and more; at most
    `FRAME_CAP`, which is what every core takes."""
    message_limit: int = MESSAGE_LIMIT
    """The largest message to or from another core, with those buffers."""
    peer_bytes: int = 64 * 1024 * 1024
    """How much may wait for one other core here, and how much of one waits to be handled here; with
    one message more."""
    peer_messages: int = 65_536
    """How many messages of one other core may wait here to be handled; it has to wait with more."""
    peer_overflow: PeerOverflow = "drop_new"
    """What becomes of a message to another core for which `peer_bytes` wait already, as `Mailbox`
    has it: "drop_new" (a dead letter), "fail" (the sender gets `MailboxFull`, too) or "wait"."""
    gc_threshold: int = 20_000
    """How many more objects are made than freed before Python's collector looks; 1: as it is."""
    restart_intensity: int = 3
    """How many restarts of a child core are made within `restart_period`; then it stays down."""
    restart_period: float = 5.0
    """The window of `restart_intensity`."""

    def __post_init__(self) -> None:
        if self.peer_overflow not in PEER_OVERFLOWS:
            words = ", ".join(map(repr, PEER_OVERFLOWS))
            raise ValueError(
                f"setting 'peer_overflow' is one of {words}, not {self.peer_overflow!r:.80}"
            )
        for field in dataclasses.fields(self):
            if field.name != "peer_overflow":
                _check_number(field.name, type(field.default), getattr(self, field.name))

    @classmethod
    def of(cls, settings: Mapping[str, float | str] | Config | None) -> Config:
        """Make a config from a mapping of settings.

        Raises:
            ValueError: a setting is unknown, or cannot be; the text names it.

        """
        if settings is None:
            return cls()
        if isinstance(settings, Config):
            return settings
        if not isinstance(settings, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # users
            raise ValueError(f"config= takes settings by name, or a Config, not {settings!r:.80}")
        known = {field.name: field.default for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, value in settings.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; the settings are {', '.join(known)}")
            try:
                values[name] = _AS[type(known[name])](value)
            except (TypeError, ValueError, OverflowError):
                raise ValueError(f"setting {name!r} must be a number, not {value!r}") from None
        return cls(**values)


def _check_number(name: str, kind: type, value: object) -> None:
    if not is_number(value):
        raise ValueError(f"setting {name!r} must be a number, not {value!r:.80}")
    if not value > 0 and not (name == "spin" and value == 0):
        raise ValueError(f"setting {name!r} must be greater than 0, not {value!r}")
    if kind is int and not isinstance(value, int):
        raise ValueError(f"setting {name!r} must be a whole number, not {value!r}")
    if kind is int and value > _MOST.get(name, _LARGEST):
        raise ValueError(f"setting {name!r} is at most {_MOST.get(name, _LARGEST)}, not {value!r}")
