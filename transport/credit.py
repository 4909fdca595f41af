"""Credit on the data lane: what a peer may have under way here. No input or output happens here.

The receiver grants, the sender spends. A frame says what it spends: its messages, and its bytes.
What has come is outstanding until its messages are handled, or lost; a grant says up to which frame
all has come (or is lost), and how much more may come. So a grant that is lost, or comes twice, does
no harm: the next one says it all again, and an old one grants nothing that a later one did not.

Nothing is counted for each message. Of about every `SAMPLE_MESSAGES` messages one, drawn at random,
carries the receipt for all of them: while it waits in a mailbox, they are outstanding. So it is an
estimate, good to a few hundredths of a window, of which no pattern of senders and targets can hide.

Guarantees:
- A sender that asks `may_send` first goes beyond what it was granted by one frame at most.
- What was granted never shrinks: a frame that might be sent may be sent from then on.
- What is outstanding here is granted again once, when the receipt for it is gone, however it goes.
- Frames that are lost on the way cost no credit once a later one, or a probe, has come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..actors.config import Config

SAMPLE_MESSAGES = 64
"""How many messages share a receipt, on average."""
SAMPLE_BYTES = 64 * 1024
"""From how many bytes on messages have a receipt of their own."""
UNLIMITED = 1 << 62
"""The credit with a peer that knows of none."""


class Limits(NamedTuple):
    """How much of one peer may be under way here, and wait for it there."""

    messages: int = 65_536
    size: int = 64 * 1024 * 1024
    """In bytes."""

    @classmethod
    def of(cls, config: Config) -> Limits:
        """Any thread. What a system's settings say."""
        return cls(config.peer_messages, config.peer_bytes)


class Account:
    """The sender's half: what was granted by one peer, and spent. Owner only, all of it.

    A peer that has said nothing of credit limits nobody.
    """

    def __init__(self) -> None:
        self._spent_messages = self._spent_size = 0
        self._may_messages = self._may_size = UNLIMITED
        self._sent: deque[tuple[int, int, int]] = deque()
        """Of each frame that may be under way: its seq, and what was spent up to it."""
        self._acked = (0, 0, 0)

    def open(self, limits: Limits) -> None:
        """The peer is adopted: so much it grants at first; nothing: it knows of no credit."""
        if limits.messages and limits.size:
            self._may_messages, self._may_size = limits

    def may_send(self) -> bool:
        """Whether a frame may be sent: while there is any credit left, of messages and of bytes."""
        return self._spent_messages < self._may_messages and self._spent_size < self._may_size

    def covers(self, messages: int, size: int) -> bool:
        """Whether all of this may be sent, whatever it is cut into."""
        return (
            self._spent_messages + messages <= self._may_messages
            and self._spent_size + size <= self._may_size
        )

    @property
    def left(self) -> tuple[int, int]:
        """The credit that is left: messages and bytes; below 0 by a part of the last frame."""
        return self._may_messages - self._spent_messages, self._may_size - self._spent_size

    def spend(self, seq: int, messages: int, size: int) -> None:
        """A frame was sent."""
        self._spent_messages += messages
        self._spent_size += size
        if self._may_size < UNLIMITED:
            self._sent.append((seq, self._spent_messages, self._spent_size))

    def grant(self, seq: int, messages: int, size: int) -> bool:
        """All up to `seq` has come or is lost, and so much more may; whether that is any news."""
        if seq < self._acked[0]:
            return False
        while self._sent and self._sent[0][0] <= seq:
            self._acked = self._sent.popleft()
        before = self._may_messages, self._may_size
        _, acked_messages, acked_size = self._acked
        self._may_messages = max(self._may_messages, acked_messages + messages)
        self._may_size = max(self._may_size, acked_size + size)
        return before != (self._may_messages, self._may_size)


class Receipt:
    """Kept with a message: when it is gone, the message is handled or lost, and so are others."""

    __slots__ = ("_done", "_messages", "_size", "_target")

    def __init__(
        self, done: Callable[[int, int, int], object], target: int, messages: int, size: int
    ) -> None:
        self._done, self._target, self._messages, self._size = done, target, messages, size

    def __del__(self) -> None:
        """Any thread."""
        self._done(self._target, self._messages, self._size)


class Held:
    """What waits for one actor: messages and bytes."""

    __slots__ = ("low", "messages", "size")

    def __init__(self) -> None:
        self.messages = self.size = 0
        self.low = 0
        """At how many messages one that is busy is so no more."""

    def add(self, messages: int, size: int) -> None:
        """So much more; less, if negative."""
        self.messages += messages
        self.size += size


class Window:
    """The receiver's half: what of one peer's messages waits here. Owner only, all of it.

    An actor that does not keep up must not take the whole window from the others. Where the window
    stays full, those that hold the most of it are `busy`: what waits for them counts no more, and
    the peer, once it has been told, keeps to itself what else is for them.

    Args:
        limits: how large the window is.
        done: called in any thread with the target, messages and bytes of a receipt that is gone;
            it is to have the owner call `free` with them.
        draw: a random number from 0 up to 1.

    """

    def __init__(
        self,
        limits: Limits,
        done: Callable[[int, int, int], object],
        draw: Callable[[], float],
    ) -> None:
        self.limits, self._done, self._draw = limits, done, draw
        self.messages = self.size = 0
        """What is outstanding, without that of busy actors."""
        self.busy: dict[int, Held] = {}
        """The actors that do not keep up, by id."""
        self._held: dict[int, Held] = {}
        self._left_messages, self._left_size = limits
        self._half = limits.messages / 2, limits.size / 2
        """What the peer has left of its last grant, as far as is known."""
        self._new_messages = self._new_size = 0
        """What came since the last receipt."""
        self._sample_messages = max(min(SAMPLE_MESSAGES, limits.messages // 16), 1)
        self._sample_size = max(min(SAMPLE_BYTES, limits.size // 16), 1)
        self._next = self._draw_next()
        self.is_used = False
        """Whether the peer spends credit: one that knows of none does not."""
        self.grants = 0
        """How often the peer was granted more."""

    def _draw_next(self) -> int:
        """How many messages share the next receipt: never the same number, for patterns' sake."""
        return int(self._sample_messages * (0.5 + self._draw())) + 1

    def take(self, messages: int, size: int) -> int | None:
        """A frame came that spends so much; which of its messages gets a receipt, if one does."""
        self.is_used = True
        self._left_messages -= messages
        self._left_size -= size
        self._new_messages += messages
        self._new_size += size
        if self._new_messages < self._next and self._new_size < self._sample_size:
            return None
        return int(self._draw() * messages)

    def receipt(self, target: int) -> Receipt:
        """The receipt for what came since the last one, to be kept with a message for `target`."""
        messages, size = self._new_messages, self._new_size
        self._new_messages = self._new_size = 0
        self._next = self._draw_next()
        held = self.busy.get(target)
        if held is None:
            held = self._held.setdefault(target, Held())
            self.messages += messages
            self.size += size
        held.add(messages, size)
        return Receipt(self._done, target, messages, size)

    def free(self, target: int, messages: int, size: int) -> None:
        """A receipt is gone."""
        held = self.busy.get(target)
        if held is not None:
            held.add(-messages, -size)
            if held.messages <= held.low:
                del self.busy[target]
                self._count(target, held)
            return
        held = self._held[target]
        held.add(-messages, -size)
        self.messages -= messages
        self.size -= size
        if not held.messages:
            del self._held[target]

    def _count(self, target: int, held: Held) -> None:
        self.messages += held.messages
        self.size += held.size
        if held.messages:
            self._held[target] = held

    @property
    def credit(self) -> tuple[int, int]:
        """How much more may come now: messages and bytes."""
        messages, size = self.limits
        return max(messages - self.messages, 0), max(size - self.size, 0)

    @property
    def is_due(self) -> bool:
        """Whether so much has become free that the peer should hear of it: half of the window."""
        half_messages, half_size = self._half
        if self._left_messages > half_messages and self._left_size > half_size:
            return False
        messages, size = self.credit
        return (
            messages - self._left_messages >= half_messages or size - self._left_size >= half_size
        )

    @property
    def is_full(self) -> bool:
        """Whether the peer has nothing left to spend, and nothing is due to it."""
        return (self._left_messages <= 0 or self._left_size <= 0) and not self.is_due

    def granted(self) -> tuple[int, int]:
        """The peer is told of the credit that there is."""
        credit = self.credit
        self.grants += credit != (self._left_messages, self._left_size)
        self._left_messages, self._left_size = credit
        return credit

    def pass_over(self) -> None:
        """The window stays full: find those who are busy, until half of it is free again."""
        shares = sorted(self._held.items(), key=lambda each: -self._share(each[1]))
        for target, held in shares:
            if 2 * self.messages <= self.limits.messages and 2 * self.size <= self.limits.size:
                return
            del self._held[target]
            self.messages -= held.messages
            self.size -= held.size
            held.low = held.messages // 2
            self.busy[target] = held

    def _share(self, held: Held) -> float:
        return max(held.messages / self.limits.messages, held.size / self.limits.size)
