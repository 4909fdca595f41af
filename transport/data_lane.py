"""The data lane to one peer: what waits to be sent, and how far both sides have got.

Guarantees:
- What one thread posts is sent in the order posted; what the link refuses is kept and offered again
  before anything newer.
- A frame is taken in only if its seq is above the last one: never twice. The frames that a gap
  leaves out are counted as lost.
- What waits is bounded in bytes: a message is taken while no more than `BUDGET` does.
- The link is given no more than `PASS` bytes at a time, so that a large message holds nobody up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum
from typing import cast

from ..actors.process import Reply
from .batches import BATCH_BYTES, BATCH_MESSAGES, EARLY, groups
from .buffers import Parcel
from .chunks import chunks
from .endpoint import Frames, Link
from .frame import Header, Kind, Lane, Route

BUDGET = 64 * 1024 * 1024
"""How many bytes wait for one peer, at most, when another message is taken for it."""
PASS = 4 * 1024 * 1024
"""After how many bytes a pump makes a pause."""


class Lost(Enum):
    """Why something was not taken for a peer."""

    NOCONNECTION = "noconnection"
    OVERFLOW = "overflow"


class DataLane:
    """Messages, asks and answers to and from one peer. Owner only, where nothing else is said."""

    def __init__(
        self, route: Route, lock: AbstractContextManager[object], due: Callable[[], object]
    ) -> None:
        self.lock = lock
        """That of the peer: it guards what any thread may touch."""
        self.link: Link | None = None
        self.pending: dict[int, Reply] = {}
        """Who waits for the answer to which ask."""
        self.queued = 0
        """How many bytes wait."""
        self.is_full = False
        """Whether there is a batch to be sent without waiting for more."""
        self.is_paused = False
        """Whether the link has been given enough for now, and would take more."""
        self.seq_out = self.seq_in = 0
        self.duplicates = self.lost_frames = 0
        self.early: deque[tuple[Header, bytes | memoryview, bytes | memoryview]] = deque()
        """Frames that came before the frame of control that they were posted after."""
        self.waived = 0
        """Up to which seq no frame of control is waited for any more, come or lost."""
        self.ended: dict[int, int] = {}
        """Actors whose end was told before all their messages had come; nothing of them is taken in
        any more. With each, the seq of the last frame in which there may be any."""
        self._route, self._due = route, due
        self._is_closed = False
        self._successor: DataLane | None = None
        self._box: list[bytes | Parcel] = []
        self._full_at = BATCH_BYTES
        self._early = EARLY
        # Each with what it ends: a batch or a parcel; None for a chunk.
        self._frames: deque[tuple[Frames, bytes | Parcel | None]] = deque()

    # Sending

    def post(
        self, envelope: bytes | Parcel, ask: int | None = None, reply: Reply | None = None
    ) -> Lost | None:
        """Any thread. Queue an envelope, and keep `reply` under `ask`; why not, or None."""
        size = len(envelope)
        with self.lock:
            if self._is_closed:
                if self._successor is None:
                    return Lost.NOCONNECTION
                return self._successor.post(envelope, ask, reply)
            queued = self.queued
            if queued > BUDGET:
                return Lost.OVERFLOW
            queued += size
            # From here on nothing is called: a signal handler would run there, and may wait for
            # what the loop can send only with this lock.
            if ask is not None and reply is not None:
                self.pending[ask] = reply
            self.queued = queued
            box = self._box
            box += (envelope,)
            early = self._early
            if early:
                self._early = early - 1
        if queued >= self._full_at or len(box) >= BATCH_MESSAGES:
            self.is_full = True
        if early:
            self._due()
        return None

    def take(self) -> list[bytes | Parcel]:
        """With the lock. What was posted since the last time, to be framed."""
        box, self._box = self._box, []
        self._full_at, self._early = self.queued + BATCH_BYTES, EARLY
        self.is_full = False
        return box

    def batch(self, envelopes: list[bytes | Parcel]) -> list[bytes | Parcel]:
        """Any thread. The envelopes in batches, one for each frame, and parcels."""
        return [_joined(group) for group in groups(envelopes, BATCH_BYTES)]

    def frame(self, made: list[bytes | Parcel], after: int) -> None:
        """Give each batch its header; `after` is how far the control lane has got."""
        for batch in made:
            if type(batch) is Parcel:
                for head, piece in chunks(batch.buffers):
                    header = self._header(Kind.CHUNK, len(head), after)
                    self._frames.append(((header, head, piece), None))
                body = batch.envelope
            else:
                body = batch
            self._frames.append(((self._header(Kind.DATA, len(body), after), body), batch))

    def _header(self, kind: Kind, length: int, after: int) -> bytes:
        self.seq_out += 1
        return self._route.header(kind, Lane.DATA, length, self.seq_out, after)

    def pump(self) -> bool:
        """Send what is framed; False where some of it is left."""
        frames, link = self._frames, self.link
        gone = 0
        while frames and link is not None and gone < PASS and link.send(frames[0][0]):
            gone += len(frames.popleft()[0][-1])
        self.is_paused = gone >= PASS and bool(frames)
        if gone:
            with self.lock:
                self.queued -= gone
                self._full_at -= gone
        return not frames

    # Receiving

    def accept(self, header: Header) -> bool:
        """Whether a frame is new; what a gap left out is counted."""
        seq, last = header.seq, self.seq_in
        if seq <= last:
            self.duplicates += 1
            return False
        self.lost_frames += seq - last - 1
        self.seq_in = seq
        return True

    def note_end(self, actor: int, after: int) -> None:
        """The end of an actor there is told; its last message is in frame `after`, or before."""
        if after > self.seq_in:
            self.ended[actor] = after

    def forget_ended(self) -> None:
        """Nothing more can come of those whose last frame has come."""
        self.ended = {actor: after for actor, after in self.ended.items() if after > self.seq_in}

    # The end

    def hand_over(self, successor: DataLane) -> None:
        """With both locks. All that waits here is for the `successor`, now and from now on."""
        self._is_closed, self._successor = True, successor
        successor._box.extend(self._box)
        successor.queued += self.queued
        successor.pending.update(self.pending)
        self._box, self.queued = [], 0
        self.pending.clear()

    def close(self) -> tuple[list[bytes | Parcel], list[Reply]]:
        """With the lock. What was not sent, batches and envelopes, and who waits for an answer."""
        self._is_closed = True
        unsent = [batch for _, batch in self._frames if batch is not None] + self._box
        pending = list(self.pending.values())
        self._box, self.queued = [], 0
        self._frames.clear()
        self.pending.clear()
        self.early.clear()
        self.ended.clear()
        return unsent, pending


def _joined(group: list[bytes | Parcel]) -> bytes | Parcel:
    first = group[0]
    return first if type(first) is Parcel else b"".join(cast(list[bytes], group))
