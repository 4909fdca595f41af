"""A link on which a handshake goes, and what is to be sent there."""

from __future__ import annotations

from .endpoint import Link, Probe

FIRST_RETRY, LAST_RETRY = 0.5, 5.0
"""Seconds until an unanswered HELLO is repeated: doubled each time, with jitter."""


class Call:
    """A link to one control URL, with the handshake frames that go there."""

    def __init__(self, url: str, link: Link, *, own: bool, key: str | None) -> None:
        self.url, self.link, self.own = url, link, own
        self.key = key
        """What the core there has to show, where keys are used."""
        self.probe: Probe | None = None
        """Finds out why there is no answer."""
        self.waiting: tuple[bytes, bytes] | None = None
        self.dialling = False
        self.is_wanted = False
        """Whether it was dialled since the last heartbeat."""
        self.retry = FIRST_RETRY
        self.due = 0.0
        """When it ends, or, while we dial, when HELLO is to be repeated."""

    def pump(self) -> bool:
        """Send what waits; False where the link refuses it."""
        if self.waiting is not None and self.link.send(self.waiting):
            self.waiting = None
        return self.waiting is None

    def close(self) -> None:
        """Let go of the link."""
        self.end_probe()
        self.link.close()

    def end_probe(self) -> None:
        """Why there is no answer is known, or of no interest any more."""
        probe, self.probe = self.probe, None
        if probe is not None:
            probe.close()
