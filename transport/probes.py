"""Whether the earlier start of a core is still there, when another start wants to take its place.

Guarantees:
- A place passes to another start only when the earlier one did not answer within `PROBE` seconds:
  it is declared down first.
- Each is asked once at a time, however many want its place: the last of them is heard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..actors.address import CoreAddress
from ..actors.dispatcher import Core
from ..actors.environment import now
from .peer import Peer, State

PROBE = 1.0
"""Seconds that it has to answer; and for which its answer holds."""


class Table(Protocol):
    """The members, as far as probes go."""

    def is_silent(self, peer: Peer) -> bool:
        """Owner only. Whether a heartbeat of it is missing."""
        ...

    def lose(self, home: CoreAddress, reason: str) -> None:
        """Owner only. Declare it down."""
        ...


class HasCore(Protocol):
    """Whoever has the core's loop, as soon as there is one."""

    @property
    def core(self) -> Core:
        """Any thread. The core of this process."""
        ...


class Probe:
    """A question to one start of a core, which is there if it acknowledges `seq`."""

    def __init__(self, peer: Peer) -> None:
        self.peer, self.seq = peer, peer.probe()
        self.again: Callable[[], object] | None = None
        self.answered_at: float | None = None


class Probes:
    """The questions of one core. Owner only, all of it."""

    def __init__(self, table: Table, clock: HasCore) -> None:
        self._table, self._clock = table, clock
        self._probes: dict[CoreAddress, Probe] = {}

    def is_alive(self, peer: Peer, again: Callable[[], object]) -> bool:
        """Whether the peer has just shown that it is there.

        If not, it is asked, and `again` is called once it has answered, or is declared down.
        """
        probe = self._probes.get(peer.home)
        if probe is not None and probe.answered_at is not None:
            if now() - probe.answered_at < PROBE:
                return True
            probe = None
        if probe is None:
            probe = self._probes[peer.home] = Probe(peer)
            self._clock.core.call_later(PROBE, lambda: self._judge(peer.home))
        probe.again = again
        return False

    def _judge(self, home: CoreAddress) -> None:
        probe = self._probes[home]
        if self._has_answered(probe):
            probe.answered_at = now()
        else:
            del self._probes[home]
            self._table.lose(home, "it did not answer, and another start of it is there")
        again, probe.again = probe.again, None
        if again is not None:
            again()

    def _has_answered(self, probe: Probe) -> bool:
        peer = probe.peer
        if peer.state is State.DOWN:
            return False
        if peer.state is State.CONNECTING or not peer.control.is_acknowledged:
            return not self._table.is_silent(peer)
        return peer.control.seq_acked >= probe.seq

    def forget(self, home: CoreAddress) -> None:
        """It is down: what it had answered holds no more."""
        probe = self._probes.get(home)
        if probe is not None and probe.answered_at is not None:
            del self._probes[home]
