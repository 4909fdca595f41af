"""One core elsewhere: what is queued for it, what it owes us, and where its lanes have got to.

    state        meaning                                        leaves to
    CONNECTING   no handshake yet; what is sent waits           UP, DOWN
    UP           adopted, and it has adopted us                 SUSPECT, DOWN
    SUSPECT      silent for long; all goes on                   UP, DOWN
    DOWN         given up; final for this incarnation           -

Guarantees:
- What one thread posts to a lane is sent in the order posted; what a link refuses is kept and
  offered again before anything newer.
- A frame is delivered here only if its seq is above the last one of its lane: never twice. The
  frames that a gap leaves out are counted as lost.
- Neither lane overtakes what was posted to the other before: a frame bears, as `ack`, the seq that
  the other lane had reached, and the receiver waits for that a little: an end for the messages
  before it, messages for the watches and links before them. (Until acknowledgements use that field
  for themselves, no frame of a lane has another use for it.)
- What waits for a peer is bounded in bytes, and all of it, with every ask and every watch that the
  peer still owes an answer, is handed back once when it goes down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from enum import Enum
from typing import NamedTuple

from ..actors.address import CoreAddress
from ..actors.environment import make_rlock, now
from ..actors.forked import Disowned
from ..actors.network import IDLE
from ..actors.process import Broken, Died, Process, Reply
from .codec import Codec, Envelope
from .endpoint import Link
from .frame import CONTROL_CAP, Header, Kind, Lane, pack_header

BATCH_MESSAGES = 256
"""How many messages a frame has at most."""
BATCH_BYTES = 64 * 1024
"""At how many bytes a batch is sent without waiting for more."""
BUDGET = 64 * 1024 * 1024
"""How many bytes wait for one peer at most."""
EARLY = 2
"""How many posts since a flush say that one is due: a signal may come between the first and that,
and what its handler posts has to be seen to all the same."""


class State(Enum):
    """See the table above."""

    CONNECTING = "connecting"
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"


# Found once: looking up an enum's member costs as much as queueing an envelope.
_DATA, _DOWN = Lane.DATA, State.DOWN


class Source(NamedTuple):
    """What stands in the header of everything that this core sends."""

    node_id: int
    core: int
    incarnation: int


class Lost(Enum):
    """Why something was not taken for a peer."""

    NOCONNECTION = "noconnection"
    OVERFLOW = "overflow"


Ending = type[Died] | type[Broken]
"""What one of ours hears of the end of an actor there: that of a watch, or that of a link."""


class Leftovers(NamedTuple):
    """What a peer that went down leaves behind."""

    envelopes: list[bytes]
    pending: list[Reply]
    watches: list[tuple[Ending, int, Process]]
    """What is to be heard of which actor there, and who of ours is to hear it."""


class Peer:
    """One incarnation of a core elsewhere, or (incarnation 0) whichever lives there now."""

    def __init__(
        self, home: CoreAddress, source: Source, *, own: bool, due: Callable[[Peer], object]
    ) -> None:
        self.home = home
        self.own = own
        self.codec: Codec
        self.state = State.CONNECTING
        self.born = now()
        """Since when it is waited for, while it is CONNECTING."""
        self.successor: Peer | None = None
        self.pending: dict[int, Reply] = {}
        self.watches: dict[tuple[Ending, int, int], Process] = {}
        self.held: list[tuple[int, Envelope]] = []
        """Ends that wait for data, each with the seq."""
        self.early: deque[tuple[Header, bytes | memoryview]] = deque()
        """Frames of data that wait for control."""
        self.waived = 0
        """Up to which seq no frame of control is waited for any more, come or lost."""
        self.actors = 0
        self.load = IDLE
        """Processes and queued turns, as it last said."""
        self.senders: dict[int, Process] = {}
        self.is_full = False
        self.duplicates = self.lost_frames = self.bad_frames = 0
        self.seq_in = [0, 0]
        self.source = source
        self._due = due
        # Of the kind that its holder may take again: a finaliser that runs inside may tell.
        self._lock: AbstractContextManager[object] = make_rlock()
        self._boxes: list[list[bytes]] = [[], []]
        self._queued = 0
        self._full_at = BATCH_BYTES
        self._early = EARLY
        self._seq_out = [0, 0]
        self._frames: tuple[deque[tuple[bytes, bytes]], ...] = (deque(), deque())
        self._links: list[Link | None] = [None, None]
        self._flushing = False

    # Sending

    def post(
        self,
        envelope: bytes,
        lane: Lane = _DATA,
        ask: int | None = None,
        reply: Reply | None = None,
    ) -> Lost | None:
        """Any thread. Queue an envelope, and keep `reply` under `ask`; why not, or None."""
        size = len(envelope)
        with self._lock:
            if self.state is _DOWN:
                if self.successor is None:
                    return Lost.NOCONNECTION
                return self.successor.post(envelope, lane, ask, reply)
            queued = self._queued + size
            if queued > BUDGET and lane is _DATA:
                return Lost.OVERFLOW
            # From here on nothing is called: a signal handler would run there, and may wait for
            # what the loop can send only with this lock.
            if ask is not None and reply is not None:
                self.pending[ask] = reply
            self._queued = queued
            box = self._boxes[lane]
            box += (envelope,)
            early = self._early
            if early:
                self._early = early - 1
        if queued >= self._full_at or len(box) >= BATCH_MESSAGES:
            self.is_full = True
        if early:
            self._due(self)
        return None

    def flush(self) -> bool:
        """Owner only. Send what is queued; False where a link refused some of it."""
        if self._flushing or self.state in (State.CONNECTING, State.DOWN):
            return True
        self._flushing = True
        try:
            with self._lock:  # control first: so all data posted before it is in `data`
                control, self._boxes[Lane.CONTROL] = self._boxes[Lane.CONTROL], []
                data, self._boxes[Lane.DATA] = self._boxes[Lane.DATA], []
                self._full_at, self._early = self._queued + BATCH_BYTES, EARLY
                self.is_full = False
            data_batches = _batches(data, BATCH_BYTES)
            control_batches = _batches(control, CONTROL_CAP // 2)
            before = self._seq_out[Lane.CONTROL] + len(control_batches)
            self._add_frames(Lane.DATA, data_batches, before)
            self._add_frames(Lane.CONTROL, control_batches, self._seq_out[Lane.DATA])
            done = self._pump(Lane.DATA)
            return self._pump(Lane.CONTROL) and done
        finally:
            self._flushing = False

    def _add_frames(self, lane: Lane, batches: list[bytes], other: int) -> None:
        """Give each batch its header; `other` is how far the other lane has got."""
        kind = Kind.DATA if lane is Lane.DATA else Kind.CONTROL
        for batch in batches:
            seq = self._seq_out[lane] = self._seq_out[lane] + 1
            header = self._header(kind, lane, seq, other, len(batch))
            self._frames[lane].append((header, batch))

    def _pump(self, lane: Lane) -> bool:
        frames, link = self._frames[lane], self._links[lane]
        gone = 0
        while frames and link is not None and link.send(frames[0]):
            gone += len(frames.popleft()[1])
        if gone:
            with self._lock:
                self._queued -= gone
                self._full_at -= gone
        return not frames

    def send_now(self, kind: Kind, body: bytes) -> bool:
        """Owner only. Send a frame that is not part of a lane's sequence, or not at all."""
        link = self._links[Lane.CONTROL]
        header = self._header(kind, Lane.CONTROL, 0, 0, len(body))
        return link is not None and link.send((header, body))

    def _header(self, kind: Kind, lane: Lane, seq: int, ack: int, length: int) -> bytes:
        node_id, core, incarnation = self.source
        return pack_header(
            Header(
                kind=kind,
                lane=lane,
                flags=0,
                source_core=core,
                source_node=node_id,
                source_incarnation=incarnation,
                destination_incarnation=self.home.incarnation,
                seq=seq,
                ack=ack,
                credit_messages=0,
                credit_bytes=0,
                length=length,
            )
        )

    # Receiving

    def accept(self, header: Header) -> bool:
        """Owner only. Whether a frame of a lane is new; what a gap left out is counted."""
        lane, seq = header.lane, header.seq
        last = self.seq_in[lane]
        if seq <= last:
            self.duplicates += 1
            return False
        self.lost_frames += seq - last - 1
        self.seq_in[lane] = seq
        return True

    def forget(self, ask: int, _future: object = None) -> None:
        """Any thread. Nobody waits for this answer any more."""
        if self.pending.pop(ask, None) is None and self.successor is not None:
            self.successor.forget(ask)

    def watch(self, target: int, watcher: Process, ending: Ending = Died) -> bool:
        """Any thread. Note that one of ours is to hear of an actor there; False if it is down."""
        with self._lock:
            if self.state is State.DOWN:
                successor = self.successor
                return successor is not None and successor.watch(target, watcher, ending)
            self.watches[ending, target, watcher.address.id] = watcher
        return True

    def unwatch(self, target: int, watcher: int, ending: Ending = Died) -> Process | None:
        """Any thread. Forget a watch, or a link; who it was that would have heard."""
        known = self.watches.pop((ending, target, watcher), None)
        if known is None and self.successor is not None:
            return self.successor.unwatch(target, watcher, ending)
        return known

    # Beginning and end

    @property
    def has_control(self) -> bool:
        """Owner only. Whether there is a link to send control frames on."""
        return self._links[Lane.CONTROL] is not None

    @property
    def has_data(self) -> bool:
        """Owner only. Whether there is a link to send data frames on."""
        return self._links[Lane.DATA] is not None

    def attach(self, lane: Lane, link: Link) -> None:
        """Owner only. Send what is for this lane on this link; an earlier one is closed."""
        earlier, self._links[lane] = self._links[lane], link
        if earlier is not None:
            earlier.close()

    def hand_over(self, successor: Peer) -> None:
        """Owner only. The incarnation is known now: all that waits here is for `successor`."""
        with self._lock, successor._lock:
            self.state = State.DOWN
            self.successor = successor
            for lane in Lane:
                successor._boxes[lane].extend(self._boxes[lane])
            successor._queued += self._queued
            successor.pending.update(self.pending)
            successor.watches.update(self.watches)
            self._boxes, self.pending, self.watches = [[], []], {}, {}
        self._due(successor)

    def close(self) -> Leftovers:
        """Owner only. The peer is down: let go of its links, and hand back what is unfinished."""
        with self._lock:
            self.state = State.DOWN
            unsent = [batch for _, batch in self._frames[Lane.DATA]] + self._boxes[Lane.DATA]
            pending, self.pending = self.pending, {}
            watches, self.watches = self.watches, {}
            self._boxes = [[], []]
            self._queued = 0
        for frames in self._frames:
            frames.clear()
        for lane, link in enumerate(self._links):
            self._links[lane] = None
            if link is not None:
                link.close()
        self.held.clear()
        self.early.clear()
        return Leftovers(
            unsent,
            list(pending.values()),
            [(ending, target, watcher) for (ending, target, _), watcher in watches.items()],
        )

    def disown(self, lock: Disowned) -> None:
        """In a forked child: what is queued here is the parent's to send."""
        self._lock = lock

    def statistics(self) -> dict[str, int]:
        """Any thread. What waits, and what went wrong."""
        return {
            "queued_bytes": self._queued,
            "pending_asks": len(self.pending),
            "watches": len(self.watches),
            "duplicates": self.duplicates,
            "lost_frames": self.lost_frames,
        }


def _batches(envelopes: list[bytes], limit: int) -> list[bytes]:
    """The envelopes in batches that keep to the limits; an envelope over `limit` is its own."""
    batches: list[bytes] = []
    for start in range(0, len(envelopes), BATCH_MESSAGES):
        some = envelopes[start : start + BATCH_MESSAGES]
        if sum(map(len, some)) > limit:
            batches += _cut(some, limit)
        else:
            batches.append(b"".join(some))
    return batches


def _cut(envelopes: list[bytes], limit: int) -> Iterator[bytes]:
    start = size = 0
    for end, envelope in enumerate(envelopes):
        if end > start and size + len(envelope) > limit:
            yield b"".join(envelopes[start:end])
            start, size = end, 0
        size += len(envelope)
    yield b"".join(envelopes[start:])
