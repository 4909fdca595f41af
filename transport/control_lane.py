"""The control lane to one peer: system messages that wait, and how far both sides have got.

Guarantees:
- What one thread posts is sent in the order posted; what the link refuses is kept and offered again
  before anything newer.
- A frame is taken in only if its seq is above the last one: never twice. The frames that a gap
  leaves out are counted as lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager

from .batches import BATCH_MESSAGES, EARLY, batches
from .codec import Envelope
from .endpoint import Link
from .frame import CONTROL_CAP, Header, Kind, Lane, Route

BATCH_BYTES = CONTROL_CAP // 2
"""The most bytes of a batch."""


class ControlLane:
    """System messages to and from one peer. Owner only, where nothing else is said."""

    def __init__(
        self, route: Route, lock: AbstractContextManager[object], due: Callable[[], object]
    ) -> None:
        self.lock = lock
        """That of the peer: it guards what any thread may touch."""
        self.link: Link | None = None
        self.queued = 0
        """How many bytes wait."""
        self.seq_out = self.seq_in = 0
        self.duplicates = self.lost_frames = 0
        self.held: list[tuple[int, Envelope]] = []
        """Ends that wait for data, each with the seq that the data lane had reached before it."""
        self._route, self._due = route, due
        self._is_closed = False
        self._successor: ControlLane | None = None
        self._box: list[bytes] = []
        self._early = EARLY
        self._frames: deque[tuple[bytes, bytes]] = deque()

    # Sending

    def post(self, envelope: bytes) -> bool:
        """Any thread. Queue a system message; False where the peer is down."""
        size = len(envelope)
        with self.lock:
            if self._is_closed:
                return self._successor is not None and self._successor.post(envelope)
            # From here on nothing is called: as in the data lane.
            self.queued += size
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

    def batch(self, envelopes: list[bytes]) -> list[bytes]:
        """Any thread. The envelopes in batches, one for each frame."""
        return batches(envelopes, BATCH_BYTES)

    def frame(self, made: list[bytes], after: int) -> None:
        """Give each batch its header; `after` is how far the data lane has got."""
        for batch in made:
            self.seq_out += 1
            header = self._route.header(Kind.CONTROL, Lane.CONTROL, len(batch), self.seq_out, after)
            self._frames.append((header, batch))

    def pump(self) -> bool:
        """Send what is framed; False where the link refused some of it."""
        frames, link = self._frames, self.link
        gone = 0
        while frames and link is not None and link.send(frames[0]):
            gone += len(frames.popleft()[1])
        if gone:
            with self.lock:
                self.queued -= gone
        return not frames

    def send_now(self, kind: Kind, body: bytes) -> bool:
        """Send a frame that is not part of the sequence, or not at all."""
        header = self._route.header(kind, Lane.CONTROL, len(body))
        return self.link is not None and self.link.send((header, body))

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

    # The end

    def hand_over(self, successor: ControlLane) -> None:
        """With both locks. All that waits here is for the `successor`, now and from now on."""
        self._is_closed, self._successor = True, successor
        successor._box.extend(self._box)
        successor.queued += self.queued
        self._box, self.queued = [], 0

    def close(self) -> None:
        """With the lock. Forget what waits: nobody hears of it any more."""
        self._is_closed = True
        self._box, self.queued = [], 0
        self._frames.clear()
        self.held.clear()
