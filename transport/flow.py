"""Flow between this core and its peers: grants of credit, probes, and who is told of a stall.

A grant is sent when half of a window is free again, and repeated with each heartbeat. It names the
actors here that do not keep up: what is for them, the peer keeps to itself (`data_lane.py`).

Guarantees:
- A peer that keeps to its credit may have a window of messages here that wait to be handled, with
  those of actors that do not keep up besides: of each, what came until the peer heard of it.
- Actors that do not handle what they get hold up the others' messages for `PATIENCE`, not longer.
- Whatever is lost, who has frames to send hears how much may come: with the next heartbeat it asks
  (losses.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ..actors.environment import now
from ..actors.system import ActorSystem
from .events import NodeBusy, NodeReady
from .frame import BadFrame, Header, Kind
from .msgpack_typed import packb, unpackb
from .peer import Peer, State

PATIENCE = 0.1
"""Seconds that a window may stay full: a core that is busy makes room sooner."""
BUSY_LIMIT = 4096
"""How many busy actors a peer is told of, at most."""


class Flow:
    """What may come from the peers of one core, and go to them. Owner only, but for `freed`.

    Args:
        system: the core's.
        current: the adopted peers.
        due: called with a peer to which something may be sent now.

    """

    def __init__(
        self,
        system: ActorSystem,
        current: Mapping[tuple[str, int], Peer],
        due: Callable[[Peer], object],
    ) -> None:
        self._system, self._current, self._due = system, current, due
        self._full: dict[Peer, int] = {}
        """Those whose window was found full, and how many grants they had had."""
        self._busy: dict[Peer, float] = {}
        """Those that were told of as busy, and since when they take no more."""

    # Receiving

    def freed(self, peer: Peer, target: int, messages: int, size: int) -> None:
        """Any thread. What waited for an actor here, and had come from that peer, is gone."""
        self._system.core.post(self._free, peer, target, messages, size)

    def _free(self, peer: Peer, target: int, messages: int, size: int) -> None:
        peer.data.window.free(target, messages, size)
        if peer.data.window.is_due:
            self._grant(peer)

    def took(self, peer: Peer) -> None:
        """A frame has come that spends credit."""
        window = peer.data.window
        if window.is_due:
            self._grant(peer)
        elif window.is_full and peer not in self._full:
            self._full[peer] = window.grants
            self._system.core.call_later(PATIENCE, partial(self._look_again, peer))

    def _look_again(self, peer: Peer) -> None:
        grants = self._full.pop(peer)
        window = peer.data.window
        if peer.state is State.DOWN or not window.is_full:
            return
        if window.grants == grants:
            window.pass_over()
            self._grant(peer)
        else:
            self.took(peer)

    def probed(self, peer: Peer) -> None:
        """The peer asks how much more may come."""
        self._grant(peer)

    def _grant(self, peer: Peer) -> None:
        data = peer.data
        busy = [*data.window.busy][:BUSY_LIMIT]
        credit = data.window.granted()
        peer.control.send_now(Kind.CREDIT, packb(busy), peer.arrivals.seq_in, credit)

    # Sending

    def take(self, peer: Peer, header: Header, body: bytes | memoryview) -> None:
        """A grant has come.

        Raises:
            BadFrame: it is none.

        """
        try:
            busy = unpackb(body, max_array_len=BUSY_LIMIT)
        except Exception as error:
            raise BadFrame(f"a grant that is not msgpack: {error}") from error
        if not isinstance(busy, list) or not all(type(each) is int for each in busy):
            raise BadFrame("a grant whose busy actors are none")
        data = peer.data
        data.set_aside(busy)
        if data.account.grant(header.after, header.credit_messages, header.credit_bytes):
            self._due(peer)

    # Time

    def step(self) -> None:
        """Once a heartbeat: repeat what may be lost, and tell of peers that take no more."""
        for peer in self._current.values():
            data = peer.data
            if data.window.is_used:
                self._grant(peer)
            self._tell(peer, data.stalled_since)
        for peer in [peer for peer in self._busy if peer.state is State.DOWN]:
            del self._busy[peer]

    def _tell(self, peer: Peer, since: float | None) -> None:
        events, moment = self._system.events, now()
        told = self._busy.get(peer)
        node, core, _ = peer.home
        if told is not None and since != told:
            del self._busy[peer]
            events.publish(NodeReady(node, core, moment - told))
        elif told is None and since and moment - since >= self._system.config.heartbeat:
            self._busy[peer] = since
            events.publish(NodeBusy(node, core, peer.data.queued))
