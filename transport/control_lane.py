"""The control lane to one peer: system messages, each of which is taken in exactly once.

A frame is kept until the peer has acknowledged it. What it has not acknowledged in time is sent
again, all of it and in order (go-back-N). The acknowledgement is cumulative, and stands in the
header of each frame that goes the other way on this lane, heartbeats included.

Guarantees:
- What one thread posts is taken in by the peer in the order posted, once each; or `step` says that
  the peer has to be given up.
- At most `WINDOW_MESSAGES` and about `WINDOW_BYTES` are on their way at once. What is posted
  meanwhile waits here: a system message is never refused, and its sender never held up, since most
  of them tell of something that has happened, an end above all.
- A peer that does not know of acknowledgements (version 1.1 or older) is sent each frame once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from ..actors.environment import now, random_float
from ..actors.process import Reply
from .batches import BATCH_MESSAGES, EARLY, groups
from .codec import Envelope
from .endpoint import Link
from .frame import CONTROL_CAP, BadFrame, Header, Kind, Lane, Route

BATCH_BYTES = CONTROL_CAP // 2
"""The most bytes of a batch."""
WINDOW_MESSAGES, WINDOW_BYTES = 20_000, 16 * 1024 * 1024
"""How much may be on its way without having been acknowledged."""
RESEND = 1.0
"""Seconds without an acknowledgement until all is sent again; and up to a quarter more."""
GIVE_UP = 60.0
"""Seconds without an acknowledgement after which the peer is given up."""
ACK_DELAY = 0.1
"""Seconds that an acknowledgement waits at most for a frame that takes it along."""
ACK_EVERY = 64
"""After how many frames it waits no longer."""
NOTHING = b"\x80"
"""The body of a heartbeat that tells of nothing: an empty map."""


class Framed(NamedTuple):
    """A frame as it is sent, once or several times, but for its header."""

    seq: int
    after: int
    batch: bytes
    messages: int


class Held(NamedTuple):
    """The end of an actor there, which waits for what it had sent before."""

    after: int
    """How far the data lane had got."""
    actor: int
    envelope: Envelope


class ControlLane:
    """System messages to and from one peer. Owner only, where nothing else is said."""

    def __init__(
        self, route: Route, lock: AbstractContextManager[object], due: Callable[[], object]
    ) -> None:
        self.lock = lock
        """That of the peer: it guards what any thread may touch."""
        self.link: Link | None = None
        self.is_acknowledged = True
        """Whether the peer knows of acknowledgements."""
        self.pending: dict[int, Reply] = {}
        """Who waits for the answer to which system message: on this lane, which loses none."""
        self.queued = 0
        """How many bytes wait, or are not acknowledged yet."""
        self.seq_out = self.seq_acked = self.seq_in = 0
        self.duplicates = self.lost_frames = self.resent = 0
        self.unanswered = 0
        """How many frames have come since an acknowledgement went."""
        self.held: list[Held] = []
        """Ends that wait for data."""
        self._route, self._due = route, due
        self._is_closed = False
        self._successor: ControlLane | None = None
        self._box: list[bytes] = []
        self._early = EARLY
        self._waiting: deque[Framed] = deque()
        """To be sent, or sent again."""
        self._flying: deque[Framed] = deque()
        """Sent, and not acknowledged."""
        self._flying_messages = self._flying_bytes = 0
        self._resend_at = self._heard = 0.0

    # Sending

    def post(self, envelope: bytes) -> bool:
        """Any thread. Queue a system message; False where the peer is down."""
        with self.lock:
            if self._is_closed:
                return self._successor is not None and self._successor.post(envelope)
            # From here on nothing is called: as in the data lane.
            self.queued += len(envelope)
            box = self._box
            box += (envelope,)
            early = self._early
            if early:
                self._early = early - 1
        if early:
            self._due()
        return True

    @property
    def is_full(self) -> bool:
        """Any thread. Whether there is a batch to be sent without waiting for more."""
        return len(self._box) >= BATCH_MESSAGES

    def take(self) -> list[bytes]:
        """With the lock. What was posted since the last time, to be framed."""
        box, self._box = self._box, []
        self._early = EARLY
        return box

    def batch(self, envelopes: list[bytes]) -> list[list[bytes]]:
        """Any thread. The envelopes of each frame."""
        return groups(envelopes, BATCH_BYTES)

    def frame(self, made: list[list[bytes]], after: int) -> None:
        """Number each frame; `after` is how far the data lane has got."""
        if made and not self._has_unanswered:
            self._heard = now()
        for group in made:
            self.seq_out += 1
            self._waiting.append(Framed(self.seq_out, after, b"".join(group), len(group)))

    def pump(self) -> bool:
        """Send what is framed, as far as the window goes; False where the link refused some."""
        waiting, flying, link = self._waiting, self._flying, self.link
        while waiting and self._is_window_open():
            framed = waiting[0]
            header = self._header(Kind.CONTROL, len(framed.batch), framed.seq, framed.after)
            if link is None or not link.send((header, framed.batch)):
                return False
            self.unanswered = 0
            if not flying:
                self._expect_answer()
            flying.append(waiting.popleft())
            self._flying_messages += framed.messages
            self._flying_bytes += len(framed.batch)
            if not self.is_acknowledged:
                self._forget(framed.seq)
        return True

    def _is_window_open(self) -> bool:
        return self._flying_messages < WINDOW_MESSAGES and self._flying_bytes < WINDOW_BYTES

    def send_now(
        self,
        kind: Kind,
        body: bytes,
        after: int = 0,
        credit: tuple[int, int] = (0, 0),
        seq: int = 0,
    ) -> bool:
        """Send a frame that is not part of the sequence, or not at all."""
        header = self._header(kind, len(body), seq, after, credit)
        if self.link is None or not self.link.send((header, body)):
            return False
        self.unanswered = 0
        return True

    def _header(
        self,
        kind: Kind,
        length: int,
        seq: int = 0,
        after: int = 0,
        credit: tuple[int, int] = (0, 0),
    ) -> bytes:
        return self._route.header(kind, Lane.CONTROL, length, seq, after, credit, self.seq_in)

    # Acknowledgements

    def acknowledged(self, seq: int) -> None:
        """The peer has taken in all up to `seq`.

        Raises:
            BadFrame: it was not sent that far.

        """
        if seq > self.seq_out:
            raise BadFrame(f"an acknowledgement of {seq}, where {self.seq_out} were sent")
        self.seq_acked = max(self.seq_acked, seq)
        if self._forget(seq):
            self._heard = now()
            self._expect_answer()
            if self._waiting:
                self._due()

    def _forget(self, seq: int) -> bool:
        """Drop what need not be sent again; whether there was any."""
        before = len(self._flying) + len(self._waiting)
        size = 0
        while self._flying and self._flying[0].seq <= seq:
            framed = self._flying.popleft()
            self._flying_messages -= framed.messages
            self._flying_bytes -= len(framed.batch)
            size += len(framed.batch)
        while self._waiting and self._waiting[0].seq <= seq:  # about to be sent again
            size += len(self._waiting.popleft().batch)
        if size:
            with self.lock:
                self.queued -= size
        return len(self._flying) + len(self._waiting) < before

    def _expect_answer(self) -> None:
        self._resend_at = now() + RESEND * (1 + random_float() / 4)

    @property
    def _has_unanswered(self) -> bool:
        return bool(self._flying or self._waiting)

    def step(self, stalled: float) -> bool:
        """Once a heartbeat: send again what is not acknowledged. False: the peer is given up.

        The `stalled` seconds in which this core itself stood still count against nobody.
        """
        moment = now()
        self._heard += stalled
        if self._flying and moment >= self._resend_at:
            self._go_back()
        return not self._has_unanswered or moment - self._heard < GIVE_UP

    def _go_back(self) -> None:
        """All that is not acknowledged is to be sent again, before anything newer."""
        self.resent += len(self._flying)
        self._waiting.extendleft(reversed(self._flying))
        self._flying.clear()
        self._flying_messages = self._flying_bytes = 0
        self._due()

    # Receiving

    def accept(self, header: Header) -> bool:
        """Whether a frame is the next one. Any other is acknowledged again, and so comes again."""
        self.unanswered += 1
        seq, following = header.seq, self.seq_in + 1
        if seq < following:
            self.duplicates += 1
            return False
        if seq > following and self.is_acknowledged:
            return False
        self.lost_frames += seq - following
        self.seq_in = seq
        return True

    def acknowledge(self) -> None:
        """Say how far the peer's frames were taken in, unless another frame has said so."""
        if self.unanswered:
            self.send_now(Kind.HEARTBEAT, NOTHING)

    # The end

    def hand_over(self, successor: ControlLane) -> None:
        """With both locks. All that waits here is for the `successor`, now and from now on."""
        self._is_closed, self._successor = True, successor
        successor._box.extend(self._box)
        successor.queued += self.queued
        successor.pending.update(self.pending)
        self._box, self.queued = [], 0
        self.pending.clear()

    def close(self) -> list[Reply]:
        """With the lock. Nobody hears any more of what waits; give back who waits for an answer."""
        self._is_closed = True
        self._box, self.queued = [], 0
        self._waiting.clear()
        self._flying.clear()
        self.held.clear()
        pending = [*self.pending.values()]
        self.pending.clear()
        return pending
