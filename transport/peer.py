"""One core elsewhere: its two lanes, what it owes us, and whether it is there.

    state        meaning                                        leaves to
    CONNECTING   no handshake yet; what is sent waits           UP, DOWN
    UP           adopted, and it has adopted us                 SUSPECT, DOWN
    SUSPECT      silent for long; all goes on                   UP, DOWN
    DOWN         given up; final for this incarnation           -

Guarantees, besides those of the lanes:
- Neither lane overtakes what was posted to the other before: a frame bears, as `after`, the seq
  that the other lane had reached, and the receiver waits for that a little: an end for the messages
  before it, messages for the watches and links before them. What an actor sent and what comes still
  later than its end is dropped, and counted.
- What waits for a peer, with every ask and every watch that it still owes an answer, is handed back
  once when it goes down.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum
from functools import partial
from typing import NamedTuple

from ..actors.address import CoreAddress
from ..actors.config import Config
from ..actors.environment import make_rlock, now
from ..actors.forked import Disowned
from ..actors.network import IDLE
from ..actors.process import Broken, Died, Process, Reply
from .arrivals import Arrivals
from .buffers import Parcel
from .chunks import Assembly
from .codec import Codec
from .control_lane import ControlLane
from .credit import Limits
from .data_lane import DataLane
from .endpoint import Link
from .frame import ANSWER_KINDS, Kind, Lane, Route, Source, link_name, source_of
from .handshake import Holder
from .keyring import Role


class State(Enum):
    """See the table above."""

    CONNECTING = "connecting"
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"


Ending = type[Died] | type[Broken]
"""What one of ours hears of the end of an actor there: that of a watch, or that of a link."""


class Leftovers(NamedTuple):
    """What a peer that went down leaves behind."""

    envelopes: list[bytes | Parcel]
    pending: list[Reply]
    watches: list[tuple[Ending, int, Process]]
    """What is to be heard of which actor there, and who of ours is to hear it."""
    watched: list[tuple[int, Process]]
    """Which of ours was watched from there, and by whom."""


class Peer:
    """One incarnation of a core elsewhere, or (`ANY_INCARNATION`) whichever lives there now."""

    def __init__(
        self,
        home: CoreAddress,
        source: Source,
        *,
        own: bool,
        itself: CoreAddress,
        separations: int,
        due: Callable[[Peer], object],
        freed: Callable[[Peer, int, int, int], object],
        next_ask: Callable[[], int],
        make_codec: Callable[[Peer], Codec],
        config: Config,
    ) -> None:
        # Who it is
        self.home, self.own = home, own
        self.itself = itself
        """What it is called on the wire: see aliases.py."""
        self.separations = separations
        """How often it and this core had lost each other before."""
        self.source = source_of(itself)
        """What stands in the headers of its frames as their source."""
        self.link_name = link_name(source.incarnation, separations)
        """And what stands there as their destination."""
        self.role: Role | None = None
        """What its key may do here; None where no keys are used."""
        self.holder = Holder()
        """Which process it is."""

        # Whether it is there
        self.state = State.CONNECTING
        self.is_joined = False
        """Whether it was ever up."""
        self.born = now()
        """Since when it is waited for, while it is CONNECTING."""
        self.successor: Peer | None = None

        # What is watched
        self.watches: dict[tuple[Ending, int, int], Process] = {}
        """Who of ours is to hear of the end of which actor there."""
        self.watched: dict[tuple[int, int], Process] = {}
        """Who there watches which of ours, by the ids of both, ours first."""

        # What it last said
        self.actors = 0
        """How many live there; of another node that is not known."""
        self.load = IDLE
        """And how busy it is."""
        self.leaves_after: tuple[int, int] | None = None
        """Up to which seq there are messages and answers of it, once it has said GOODBYE."""

        # What goes there, and what comes. The lock is of the kind that its holder may take again:
        # a finaliser that runs inside may tell.
        self._lock: AbstractContextManager[object] = make_rlock()
        self._due, self._next_ask = due, next_ask
        self._flushing = False
        route = Route(source, link_name(itself.incarnation, separations))
        self.data = DataLane(
            route, self._lock, lambda: due(self), Limits.of(config), partial(freed, self)
        )
        self.control = ControlLane(route, self._lock, lambda: due(self))
        self.arrivals = Arrivals()
        self.assembly = Assembly(config.message_limit)
        self.answer_assembly = Assembly(config.message_limit)
        self.senders: dict[int, Process] = {}
        self.bad_frames = 0
        self.codec = make_codec(self)

    # Sending

    @property
    def is_full(self) -> bool:
        """Any thread. Whether there is a batch to be sent without waiting for more."""
        return self.data.is_full or self.control.is_full

    def flush(self) -> bool:
        """Owner only. Send what is queued; False where a link refused some of it."""
        if self._flushing or self.state in (State.CONNECTING, State.DOWN):
            return True
        self._flushing = True
        try:
            data, control = self.data, self.control
            with self._lock:  # both at once: so all that was posted before is in them, or sent
                posted_signals, (messages, answers) = control.take(), data.take()
            signals = control.batch(posted_signals) if posted_signals else []
            if messages or answers:
                asks = self._next_ask(), self.arrivals.asked
                data.frame(messages, answers, control.seq_out + len(signals), asks)
            if signals:
                control.frame(signals, data.seq_out)
            done = data.pump()
            return control.pump() and done
        finally:
            self._flushing = False

    def probe(self) -> int:
        """Owner only. Send a frame of control without messages: the seq that answers it."""
        self.flush()
        self.control.frame([[]], self.data.seq_out)
        self._due(self)
        return self.control.seq_out

    def forget(self, ask: int, _future: object = None) -> None:
        """Any thread. Nobody waits for this answer any more."""
        if self.data.pending.pop(ask, None) is None and self.successor is not None:
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

    def assembly_of(self, kind: Kind) -> Assembly:
        """Owner only. Where the large buffers of that sequence of the data lane come together."""
        return self.answer_assembly if kind in ANSWER_KINDS else self.assembly

    # Beginning and end

    def attach(self, lane: Lane, link: Link) -> None:
        """Owner only. Send what is for this lane on this link; an earlier one is closed."""
        chosen = self.data if lane is Lane.DATA else self.control
        earlier, chosen.link = chosen.link, link
        if earlier is not None:
            earlier.close()

    def hand_over(self, successor: Peer) -> None:
        """Owner only. The incarnation is known now: all that waits here is for `successor`."""
        with self._lock, successor._lock:
            self.state = State.DOWN
            self.successor = successor
            self.data.hand_over(successor.data)
            self.control.hand_over(successor.control)
            successor.watches.update(self.watches)
            self.watches = {}
        self.data.release()
        self._due(successor)

    def close(self) -> Leftovers:
        """Owner only. The peer is down: let go of its links, and hand back what is unfinished."""
        with self._lock:
            self.state = State.DOWN
            unsent, pending = self.data.close()
            pending += self.control.close()
            watches, self.watches = self.watches, {}
            watched, self.watched = self.watched, {}
        self.arrivals.clear()
        self.assembly.clear()
        self.answer_assembly.clear()
        for lane in (self.data, self.control):
            link, lane.link = lane.link, None
            if link is not None:
                link.close()
        self.data.release()
        return Leftovers(
            unsent,
            pending,
            [(ending, target, watcher) for (ending, target, _), watcher in watches.items()],
            [(target, watcher) for (target, _), watcher in watched.items()],
        )

    def disown(self, lock: Disowned) -> None:
        """In a forked child: what is queued here is the parent's to send."""
        self._lock = self.data.lock = self.control.lock = lock

    def statistics(self) -> dict[str, int]:
        """Any thread. What waits on both sides, the credit that is left, and what went wrong."""
        data = self.data
        credit_messages, credit_bytes = data.account.left
        return {
            "queued_bytes": data.queued + self.control.queued,
            "credit_messages": credit_messages,
            "credit_bytes": credit_bytes,
            "stalls": data.stalls,
            "unhandled_messages": data.window.messages,
            "unhandled_bytes": data.window.size,
            "busy_actors": len(data.window.busy),
            "pending_asks": len(self.data.pending),
            "watches": len(self.watches),
            "duplicates": self.arrivals.duplicates + self.control.duplicates,
            "resent": self.control.resent,
            "lost_frames": self.arrivals.lost_frames + self.control.lost_frames,
        }
