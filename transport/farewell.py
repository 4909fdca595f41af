"""How a core leaves the other nodes: all that it had accepted goes first, then GOODBYE, both ways.

    who leaves                                  who stays
    sends what waits, until nothing does        takes it in
    GOODBYE(how far its data lane has got,  ->  takes in all up to there, or what comes of it
            with messages and with answers)
    the peer is down, in order              <-  GOODBYE; the peer is down, in order

Guarantees:
- A peer that is there takes in all that was accepted for it before it hears that this core leaves.
- One that is suspected is waited for no longer, and none of them after `leave`'s
  time is over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Protocol

from ..actors.address import CoreAddress
from ..actors.environment import now
from ..actors.future import Future
from .control_lane import NOTHING
from .frame import Header, Kind
from .patience import wait_for_data
from .peer import Peer, State
from .probes import HasCore

STEP = 0.02
"""Seconds between two looks at what still waits."""
AGAIN = 0.5
"""Seconds after which an unanswered GOODBYE is repeated."""
LAST_CALL = 1.0
"""Seconds without any data after which a GOODBYE waits no longer for what was sent before it."""
LINGER = 1.0
"""Seconds for which the link stays open on which a GOODBYE was answered."""


class Table(Protocol):
    """The members, as far as this goes."""

    def lose(self, home: CoreAddress, reason: str, *, in_order: bool = False) -> None:
        """Owner only. Declare it down."""
        ...


class Farewell:
    """The leave-taking of one core, of others and of itself. Owner only, all of it."""

    def __init__(self, table: Table, clock: HasCore) -> None:
        self._table, self._clock = table, clock
        self._waiting: dict[Peer, float] = {}
        """From whom an answer is awaited, and since when, if it was sent."""
        self._left: Future[None] | None = None

    # Leaving

    @property
    def is_leaving(self) -> bool:
        """Any thread. Whether `leave` was called."""
        return self._left is not None

    def leave(self, peers: Iterable[Peer], left: Future[None]) -> None:
        """Take leave of these; `left` hears when all have answered, or are waited for no more."""
        self._left = left
        self._waiting = {peer: -AGAIN for peer in peers if peer.state is not State.CONNECTING}
        self._step()

    def _step(self) -> None:
        for peer, sent_at in [*self._waiting.items()]:
            if peer.state in (State.DOWN, State.SUSPECT):
                del self._waiting[peer]
            elif not peer.flush() or peer.data.queued or peer.control.queued:
                continue
            elif now() - sent_at >= AGAIN and peer.control.send_now(
                Kind.GOODBYE, NOTHING, peer.data.seq_out, seq=peer.data.answers_out
            ):
                self._waiting[peer] = now()
        if self._waiting:
            self._clock.core.call_later(STEP, self._step)
        elif self._left is not None:
            self._left.resolve(None)

    # Being left

    def take(self, peer: Peer, header: Header) -> None:
        """A peer says GOODBYE: it leaves, or answers ours."""
        last = header.after, header.seq
        if self.is_leaving or peer.arrivals.has(*last):
            self._part(peer)
        elif peer.leaves_after is None:
            peer.leaves_after = last
            done = partial(self._part, peer)
            wait_for_data(self._clock.core, peer, last, LAST_CALL, math.inf, done)

    def look(self, peer: Peer) -> None:
        """Data has come of a peer that leaves."""
        if peer.leaves_after is not None and peer.arrivals.has(*peer.leaves_after):
            self._part(peer)

    def _part(self, peer: Peer) -> None:
        if peer.state is State.DOWN:
            return
        control = peer.control
        if not self.is_leaving and control.send_now(Kind.GOODBYE, NOTHING):
            # With the link the answer would be lost.
            link, control.link = control.link, None
            if link is not None:
                self._clock.core.call_later(LINGER, link.close)
        self._table.lose(peer.home, "it said goodbye", in_order=True)
