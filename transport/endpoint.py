"""Waist 4: what moves frames. ZeroMQ and the in-memory transport implement it.

Guarantees asked of an implementation:
- `send` never blocks and never queues behind a peer that is not connected: it says no instead.
- What was taken from one link arrives whole and in order, or not at all; nothing is promised after
  a connection was lost, not even that the sender hears of it. Lanes and sequence numbers are ours.
- One stalled peer costs no other peer anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .key import KeyPair

PAUSE = 0.1
"""Seconds after which a connection that was lost is made again."""

Frames = Sequence[bytes | memoryview]
"""One message on the wire: a header, a batch, and payload frames."""


class Link(Protocol):
    """The sending end of a connection to one endpoint."""

    def send(self, frames: Frames) -> bool:
        """Owner only. Take the frames, or False where the peer is not there or takes no more."""
        ...

    def close(self) -> None:
        """Owner only. Let go of the connection and of what it had not sent."""
        ...


class Probe(Protocol):
    """Attempts to connect, for the sake of why they fail."""

    def reason(self) -> str | None:
        """Owner only. Why there is no answer, a text of `events.py`; None while it is not known."""
        ...

    def close(self) -> None:
        """Owner only. Make no more of them."""
        ...


class Guard(Protocol):
    """Who may connect to the addresses with keys of one endpoint. Owner only."""

    pair: KeyPair
    """Our own keys."""

    def admits(self, key: str, address: str) -> bool:
        """Whether the holder of that key may connect from there; asked once a connection."""
        ...

    def failed(self, reason: str) -> None:
        """That cannot be asked any more, so nobody is let in."""
        ...


class Endpoint(Protocol):
    """All of one core's sockets. Only the thread that holds the core touches them."""

    def listen(self, url: str, receive: Callable[[Frames], None]) -> str:
        """Owner only. Take in what comes to `url` (`ipc://path`, `tcp://host:port`, port 0: any).

        `receive` is called by `poll` and `wait`, with each message, in the order of arrival.
        Returns the URL that peers connect to. Raises `OSError` when the address is taken.
        """
        ...

    def listen_guarded(self, url: str, receive: Callable[[Frames, str], None]) -> str:
        """Owner only. As `listen`, for those alone whom the endpoint's guard admits.

        `receive` gets the key, too, that the connection of each message has shown.
        """
        ...

    def connect(self, url: str, key: str | None = None, pause: float = PAUSE) -> Link:
        """Owner only. Begin to connect; retried in the background until the link is closed.

        Args:
            url: as `listen` or `listen_guarded` returned it.
            key: what the one that listens there has to show, with our own shown to it; None: none.
            pause: seconds between two attempts, at least: longer and longer where nobody listens.

        Raises:
            OSError: no link can be made; the text says the remedy.

        """
        ...

    def probe(self, url: str, key: str | None = None) -> Probe:
        """Owner only. Find out, in the background, why a link to `url` is not taken.

        Raises:
            OSError: that cannot be looked at.

        """
        ...

    def watch_fd(self, fd: int, ready: Callable[[], None]) -> None:
        """Owner only. Call `ready` from `poll` or `wait` while the descriptor is readable."""
        ...

    def unwatch_fd(self, fd: int) -> None:
        """Owner only. Forget the descriptor."""
        ...

    def poll(self) -> None:
        """Owner only. Take in what is there, without waiting."""
        ...

    def wait(self, timeout: float | None) -> None:
        """Owner only. Wait for input, room on a link that refused, `wake`, or `timeout` seconds."""
        ...

    def wake(self) -> None:
        """Any thread. End a `wait` that runs, or the next one."""
        ...

    def close(self) -> None:
        """Owner only. Close every socket now; within a second even with peers that hang."""
        ...
