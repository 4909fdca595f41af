"""How far a peer's data lane has come in, and which asks may have been in what has not.

The data lane is not sent again. Each of its frames says what asks the frames before it can have
borne: those of its sender, and those of this core that its sender can have answered. Numbers of
asks grow, so that one number each is enough, and so whoever sees that frames are missing knows
which asks may never be answered. What is lost behind the last frame, a probe shows: see losses.py.

No input or output happens here.

Guarantees:
- A frame is taken in only if its seq is above the last one of its kind: never twice. The frames
  that a gap leaves out are counted as lost, and are not taken in any more.
- Of the asks whose frame, or whose answer's frame, is lost none is above `unasked` or `unanswered`;
  and none that was made after the last frame that is lost is below.
"""

from __future__ import annotations

from collections import deque

from .frame import ANSWER_KINDS, Header


class Arrivals:
    """What has come on the data lane of one peer. Owner only."""

    def __init__(self) -> None:
        self.seq_in = self.answers_in = 0
        """The last seq of each sequence that has come, or is lost."""
        self.duplicates = self.lost_frames = 0
        self.told_frames = 0
        """Of how many lost frames those who have to know were told."""
        self.asked = 0
        """The peer's asks that have come are below this one."""
        self.unasked = self.unanswered = 0
        """Below these are the peer's asks that may have been lost, and our own whose answers may
        have been."""
        self.early: deque[tuple[Header, bytes | memoryview, bytes | memoryview]] = deque()
        """Frames that came before the frame of control that they were posted after."""
        self.waived = 0
        """Up to which seq no frame of control is waited for any more, come or lost."""
        self.ended: dict[int, int] = {}
        """Actors whose end was told before all their messages had come; nothing of them is taken in
        any more. With each, the seq of the last frame in which there may be any."""

    def has(self, messages: int, answers: int) -> bool:
        """Whether all up to these seqs has come, or is lost."""
        return self.seq_in >= messages and self.answers_in >= answers

    def accept(self, header: Header) -> bool:
        """Whether a frame is new; what a gap left out is lost."""
        seq, answers = header.seq, header.kind in ANSWER_KINDS
        last = self.answers_in if answers else self.seq_in
        if seq <= last:
            self.duplicates += 1
            return False
        if seq > last + 1:
            self._lose(seq - last - 1, header)
        if answers:
            self.answers_in = seq
        else:
            self.seq_in = seq
            self.asked = max(self.asked, header.asked)
        return True

    def probed(self, header: Header) -> bool:
        """All up to its seq has come, or is lost; whether any of it is."""
        answers = header.kind in ANSWER_KINDS
        missing = header.seq - (self.answers_in if answers else self.seq_in)
        if missing <= 0 or self.early:
            return False
        self._lose(missing, header)
        if answers:
            self.answers_in = header.seq
        else:
            self.seq_in = header.seq
        return True

    def _lose(self, frames: int, following: Header) -> None:
        self.lost_frames += frames
        self.unasked = max(self.unasked, following.asked_before)
        self.unanswered = max(self.unanswered, following.ack)

    def note_end(self, actor: int, after: int) -> None:
        """The end of an actor there is told; its last message is in frame `after`, or before."""
        if after > self.seq_in:
            self.ended[actor] = after

    def forget_ended(self) -> None:
        """Nothing more can come of those whose last frame has come."""
        self.ended = {actor: after for actor, after in self.ended.items() if after > self.seq_in}

    def clear(self) -> None:
        """The peer is down: nothing more of it is taken in."""
        self.early.clear()
        self.ended.clear()
