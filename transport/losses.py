"""What is lost on the data lane: how both sides come to know of it, and what becomes of asks.

A connection that breaks loses what was under way on it, and is made again without a word. Who has
sent something asks with its next heartbeat how far it has come, on the data lane, and so behind it;
who is asked says so on the control lane, in a heartbeat: `got: [seq, seq of answers, unasked]`.

    who has sent                             who takes it in
    PROBE, ANSWER_PROBE: all that was    ->  has come, or is lost: its own asks that can have been
    sent up to there                         answered there end with an error
    the asks below `unasked` end with    <-  got: so far, and your asks below that are lost
    an error

It is asked again until it is answered; what is told is the same however often it is. A gap that
shows by itself, as a later frame comes, is told of at once. A peer of an earlier version (1.2 or
older) says nothing, and is asked only where something waits for credit.

Guarantees:
- Each ask whose frame, or whose answer's frame, is lost ends with `ConnectionLost` within two
  heartbeats of there being a connection again; or the peer goes down, and that is its end.
- None that was made after the connection was there again does.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..actors.system import ActorSystem
from .events import FramesLost
from .failures import connection_lost
from .frame import Header, Kind
from .msgpack_typed import packb
from .peer import Peer


class Losses:
    """What was lost between this core and its peers. Owner only, all of it."""

    def __init__(self, system: ActorSystem, current: Mapping[tuple[str, int], Peer]) -> None:
        self._system, self._current = system, current

    def step(self) -> None:
        """Once a heartbeat: ask those of whom it is not known how far all has come."""
        for peer in self._current.values():
            peer.data.probe()

    def probed(self, peer: Peer, header: Header) -> None:
        """The peer asks how far its data lane has come."""
        if peer.arrivals.probed(header):  # the rest of a message whose parts have come, if any
            peer.assembly_of(header.kind).clear()
        if not self.look(peer):
            self._tell(peer)

    def look(self, peer: Peer) -> bool:
        """Whether frames of that peer are found to be lost; all who have to know are told."""
        arrivals = peer.arrivals
        frames = arrivals.lost_frames - arrivals.told_frames
        if not frames:
            return False
        arrivals.told_frames = arrivals.lost_frames
        self._system.events.publish(FramesLost(peer.home.node, peer.home.core, frames))
        self._tell(peer)
        self._end_asks(peer, arrivals.unanswered)
        return True

    def _tell(self, peer: Peer) -> None:
        arrivals = peer.arrivals
        got = [arrivals.seq_in, arrivals.answers_in, arrivals.unasked]
        peer.control.send_now(Kind.HEARTBEAT, packb({"got": got}))

    def take(self, peer: Peer, got: object) -> None:
        """The peer says how far ours has come.

        Raises:
            ValueError: it says nothing of the kind.

        """
        match got:
            case [int(messages), int(answers), int(unasked)]:
                peer.data.confirmed = messages, answers
                self._end_asks(peer, unasked)
            case _:
                raise ValueError(f"{got!r:.80} does not say how far the data lane has come")

    def _end_asks(self, peer: Peer, below: int) -> None:
        replies = peer.data.take_asks(below)
        if replies:
            error = connection_lost(peer.home)
            for reply in replies:
                reply.reject(error)
