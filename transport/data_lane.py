"""The data lane to one peer: what waits to be sent, and who waits for answers.

A frame waits while the link refuses it, and while there is no credit for it: see `credit.py`. The
answers to asks never wait for credit, as what waits there for them may be what makes room. While
there is enough, they share frames with the rest; while there is not, they have frames of their own.

Guarantees:
- What one thread posts for one actor is sent in the order posted. What is for an actor that is
  busy waits apart, and has half of the room; an answer may pass messages.
- What waits is bounded in bytes: a message is taken while no more than the limit does. Answers have
  as much again, and errors in the place of answers once more: a peer that has not taken so much is
  given up, as an asker may not hear of its error. What cores say to each other of themselves is
  always taken, and small.
- Whoever waits for room is told when half of it is free, and when the peer is down.
- The link is given no more than `PASS` bytes at a time, so that a large message holds nobody up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from itertools import chain

from ..actors.environment import now, random_float
from ..actors.future import Future
from ..actors.process import Reply
from .batches import BATCH_BYTES, BATCH_MESSAGES, EARLY, ends_of, sender_of, target_of
from .buffers import Parcel
from .credit import Account, Limits, Window
from .endpoint import Link
from .failures import Lost
from .frame import Kind, Route
from .framer import Asks, Frame, Framer

PASS = 4 * 1024 * 1024
"""After how many bytes a pump makes a pause."""

NOBODY = -1
"""No actor's id."""


class DataLane:
    """Messages, asks and answers to and from one peer. Owner only, where nothing else is said."""

    def __init__(
        self,
        route: Route,
        lock: AbstractContextManager[object],
        due: Callable[[], object],
        limits: Limits,
        freed: Callable[[int, int, int], object],
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
        self.account, self.window = Account(), Window(limits, freed, random_float)
        self.stalled_since: float | None = None
        """Since when frames wait, for the link or for credit; None: none does."""
        self.stalls = 0
        """How often they had to."""
        self.is_deaf = False
        """Whether it is to be given up: an answer was not taken, nor the error in its place."""
        self.is_confirming = False
        """Whether the peer says how far all has come."""
        self.confirmed: tuple[int, int] = (0, 0)
        """How far messages and answers have come, as it last said."""
        self._due, self._budget = due, limits.size
        self._taken_below = 0
        self._plain_until = self._budget
        """Up to how many bytes `post` has nothing to look at; -1: it has for every message."""
        self._aside: dict[int, list[bytes | Parcel]] = {}
        """What is for the actors there that are busy, by their ids."""
        self._aside_size = 0
        self._aside_senders: set[int] = set()  # all whose that is, and perhaps more
        self._is_closed = False
        self._successor: DataLane | None = None
        self._box: list[bytes | Parcel] = []
        self._answers: list[bytes | Parcel] = []
        self._full_at, self._early = BATCH_BYTES, EARLY
        self._frames: deque[Frame] = deque()
        self._answer_frames: deque[Frame] = deque()
        self._framer = Framer(route, Kind.DATA, Kind.CHUNK, Kind.PROBE, is_free=False)
        answer_kinds = Kind.ANSWERS, Kind.ANSWER_CHUNK, Kind.ANSWER_PROBE
        self._answer_framer = Framer(route, *answer_kinds, is_free=True)
        self._rooms: dict[Future[None], int | None] = {}
        """Who waits for room, and for which busy actor to be so no more, if for any."""

    # Posting

    def post(
        self, envelope: bytes | Parcel, ask: int | None = None, reply: Reply | None = None
    ) -> Lost | None:
        """Any thread. Queue a message, and keep `reply` under `ask`; why not, or None."""
        size = len(envelope)
        with self.lock:
            queued, box, early = self.queued, self._box, self._early
            is_plain = queued <= self._plain_until
            queued += size
            if is_plain:
                # Nothing is called here: a signal handler would run there, and may wait for what
                # the loop can send only with this lock.
                if ask is not None and reply is not None:
                    self.pending[ask] = reply
                self.queued = queued
                box += (envelope,)
                if early:
                    self._early = early - 1
        if not is_plain:
            return self._post(envelope, ask, reply, must=False)
        if queued >= self._full_at or len(box) >= BATCH_MESSAGES:
            self.is_full = True
        if early:
            self._due()
        return None

    def post_anyway(
        self, envelope: bytes | Parcel, ask: int | None, reply: Reply | None
    ) -> Lost | None:
        """Any thread. As `post`, however much waits: of what must not be lost."""
        return self._post(envelope, ask, reply, must=True)

    def _post(
        self, envelope: bytes | Parcel, ask: int | None, reply: Reply | None, *, must: bool
    ) -> Lost | None:
        """Any thread. As `post`: it is closed, or full, or some actor there is busy."""
        size = len(envelope)
        target, sender = ends_of(envelope) if self._aside else (NOBODY, NOBODY)
        with self.lock:
            is_closed, is_aside = self._is_closed, target in self._aside
            box, early = self._aside[target] if is_aside else self._box, self._early
            queued, budget = self.queued, self._budget
            is_taken = not is_closed and (must or queued <= budget)
            if is_aside:  # not all of the room, which others need
                is_taken = is_taken and 2 * self._aside_size <= budget
            queued += size
            if is_taken:
                if ask is not None and reply is not None:
                    self.pending[ask] = reply
                self.queued = queued
                box += (envelope,)
                if is_aside:
                    self._aside_size += size
                    self._aside_senders |= {sender}
                    self._full_at += size
                elif early:
                    self._early = early - 1
        if is_closed:
            successor = self._successor
            if successor is None:
                return Lost.NOCONNECTION
            return successor._post(envelope, ask, reply, must=must)
        if not is_taken:
            return Lost.OVERFLOW
        if not is_aside:
            if queued >= self._full_at or len(box) >= BATCH_MESSAGES:
                self.is_full = True
            if early:
                self._due()
        return None

    def set_aside(self, busy: Collection[int]) -> None:
        """Owner only. What is for these actors there, and for no others, waits here from now on."""
        with self.lock:
            before, self._aside = self._aside, {target: [] for target in busy}
            for target, kept in before.items():
                if target in self._aside:
                    self._aside[target] = kept
                else:
                    self._box += kept
                    self._aside_size -= sum(map(len, kept))
            self._plain_until = -1 if self._aside or self._is_closed else self._budget
            if len(self._aside_senders) > 2 * sum(map(len, self._aside.values())):
                self._aside_senders = {*map(sender_of, chain(*self._aside.values()))}
        if before:
            self._due()
            self.release()

    def let_pass(self, sender: int) -> None:
        """Any thread. The end of this actor is told next: what it has sent waits for nobody."""
        if sender not in self._aside_senders:
            return
        with self.lock:
            self._aside_senders.discard(sender)
            for target, kept in self._aside.items():
                passing = [each for each in kept if sender_of(each) == sender]
                self._aside[target] = [each for each in kept if sender_of(each) != sender]
                self._aside_size -= sum(map(len, passing))
                self._box += passing
        self._due()

    def answer(self, envelope: bytes | Parcel, *, is_error: bool) -> Lost | None:
        """Any thread. Queue the answer to an ask; why not, or None."""
        size = len(envelope)
        with self.lock:
            if self._is_closed:
                if self._successor is None:
                    return Lost.NOCONNECTION
                return self._successor.answer(envelope, is_error=is_error)
            queued = self.queued
            if queued > (3 if is_error else 2) * self._budget:
                self.is_deaf |= is_error
                return Lost.OVERFLOW
            # From here on nothing is called: as in `post`.
            queued += size
            self.queued = queued
            box = self._answers
            box += (envelope,)
            early = self._early
            if early:
                self._early = early - 1
        if queued >= self._full_at or len(box) >= BATCH_MESSAGES:
            self.is_full = True
        if early:
            self._due()
        return None

    def room_for(self, envelope: bytes | Parcel) -> Future[None]:
        """Any thread. Settled when half of the room is free, or its actor not busy, or at the end.

        See `give_up`.
        """
        room: Future[None] = Future()
        target = target_of(envelope) if self._aside else NOBODY
        with self.lock:
            is_busy = target in self._aside
            waits = not self._is_closed and (is_busy or 2 * self.queued > self._budget)
            if waits:
                self._rooms[room] = target if is_busy else None
        if not waits:
            room.resolve(None)
        return room

    def give_up(self, room: Future[None]) -> None:
        """Any thread. Nobody waits for that room any more."""
        with self.lock:
            self._rooms.pop(room, None)

    def release(self) -> None:
        """Owner only. Let those go on for whom there is room now, or never."""
        with self.lock:
            is_free = 2 * self.queued <= self._budget
            released = [
                room
                for room, target in self._rooms.items()
                if self._is_closed or (is_free if target is None else target not in self._aside)
            ]
            for room in released:
                del self._rooms[room]
        for room in released:
            room.resolve(None)

    # Sending

    @property
    def seq_out(self) -> int:
        """Up to which seq frames are made."""
        return self._framer.seq

    @property
    def answers_out(self) -> int:
        """Up to which seq frames of answers alone are made."""
        return self._answer_framer.seq

    def take(self) -> tuple[list[bytes | Parcel], list[bytes | Parcel]]:
        """With the lock. What was posted since the last time, to be framed: messages, answers."""
        box, self._box = self._box, []
        answers, self._answers = self._answers, []
        self._full_at, self._early = self.queued + BATCH_BYTES, EARLY
        self.is_full = False
        return box, answers

    def frame(
        self,
        messages: list[bytes | Parcel],
        answers: list[bytes | Parcel],
        after: int,
        asks: Asks,
    ) -> None:
        """Give each batch its header.

        Args:
            messages, answers: what was taken.
            after: how far the control lane has got.
            asks: which asks there can be among the messages, and among those that are answered.

        """
        made, heard = asks
        if answers and self._can_send_all(messages, answers):
            asks = made if messages else 0, heard
            messages, answers = messages + answers, []
        else:
            asks = made, 0
        if messages:
            self._frames.extend(self._framer.frames(messages, after, asks))
        if answers:
            self._answer_frames.extend(self._answer_framer.frames(answers, after, (0, heard)))

    def _can_send_all(self, messages: list[bytes | Parcel], answers: list[bytes | Parcel]) -> bool:
        """Whether nothing of this has to wait for credit."""
        size = sum(map(len, messages)) + sum(map(len, answers))
        return not self._frames and self.account.covers(len(messages) + len(answers), size)

    def pump(self) -> bool:
        """Send what is framed and has credit; False where the link is to be asked again."""
        gone, taken = 0, True
        if self._answer_frames:
            gone, taken = self._pump(self._answer_frames, 0)
        if taken and self._frames:
            gone, taken = self._pump(self._frames, gone)
        self.is_paused = not taken and gone >= PASS
        if gone:
            self._let_go(gone)
        if self._frames or self.stalled_since is not None:
            self._note_stall()
        return taken

    def _pump(self, frames: deque[Frame], gone: int) -> tuple[int, bool]:
        """How many bytes have gone by now, and whether nothing of this waits for the link."""
        link, account = self.link, self.account
        is_free = frames is self._answer_frames
        while frames and (is_free or account.may_send()):
            frame = frames[0]
            if gone >= PASS or link is None or not link.send(frame.parts):
                return gone, False
            frames.popleft()
            if frame.messages:
                account.spend(frame.seq, frame.messages, frame.size)
            gone += len(frame.parts[-1])
        return gone, True

    def _let_go(self, size: int) -> None:
        """So many bytes wait no more; there may be room for those who wait for it."""
        with self.lock:
            self.queued -= size
            self._full_at -= size
        if self._rooms and 2 * self.queued <= self._budget:
            self.release()

    def _note_stall(self) -> None:
        if not self._frames:
            self.stalled_since = None
        elif self.stalled_since is None:
            self.stalled_since = now()
            self.stalls += 1

    def probe(self) -> None:
        """Have the peer say how far all has come, unless that is known, and what more may come."""
        messages, answers = self.confirmed
        if self.link is None:
            return
        is_owed = self.is_confirming and messages < self.seq_out
        if is_owed or self.stalled_since is not None:
            self.link.send(self._framer.probe(self._frames[0] if self._frames else None))
        if self.is_confirming and answers < self.answers_out:
            waiting = self._answer_frames
            self.link.send(self._answer_framer.probe(waiting[0] if waiting else None))

    def take_asks(self, below: int) -> list[Reply]:
        """Who waits for the answer to an ask below that number waits for it no more."""
        if below <= self._taken_below:
            return []
        self._taken_below = below
        asks = [ask for ask in tuple(self.pending) if ask < below]
        taken = (self.pending.pop(ask, None) for ask in asks)
        return [reply for reply in taken if reply is not None]

    # The end

    def hand_over(self, successor: DataLane) -> None:
        """With both locks. All that waits here is for the `successor`, now and from now on."""
        self._is_closed, self._successor, self._plain_until = True, successor, -1
        successor._box.extend(self._box)
        successor._answers.extend(self._answers)
        successor.queued += self.queued
        successor.pending.update(self.pending)
        self._box, self._answers, self.queued = [], [], 0
        self.pending.clear()

    def close(self) -> tuple[list[bytes | Parcel], list[Reply]]:
        """With the lock. What was not sent, batches and envelopes, and who waits for an answer."""
        self._is_closed, self._plain_until = True, -1
        unsent = [frame.end for frame in self._frames if frame.end is not None] + self._box
        unsent += chain.from_iterable(self._aside.values())
        self._aside = {}
        pending = list(self.pending.values())
        self._box, self._answers, self.queued = [], [], 0
        self._frames.clear()
        self._answer_frames.clear()
        self.pending.clear()
        return unsent, pending
