"""Who is still there: silence measured against the heartbeat. No input or output happens here.

Guarantees:
- A peer is suspected after `suspect_after` seconds of silence and lost after `down_after`, both
  on the monotonic clock of the caller.
- Time in which this core itself stood still counts against nobody: what its peers said meanwhile
  lies unread in its sockets. So the lateness of our own timer is given back to all of them.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from math import inf
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Verdict(Enum):
    """What changed about a peer."""

    SUSPECT = "suspect"
    RECOVERED = "recovered"
    DOWN = "down"


class Change(NamedTuple, Generic[K]):
    """A peer, and what changed about it."""

    peer: K
    verdict: Verdict


class Liveness(Generic[K]):
    """The peers of one core, by when each was last heard. Owner only, all of it."""

    def __init__(self, heartbeat: float, suspect_after: float, down_after: float) -> None:
        self._heartbeat = heartbeat
        self._suspect_after = suspect_after
        self._down_after = down_after
        self._heard: dict[K, float] = {}
        self._suspects: set[K] = set()
        self._kept: set[K] = set()
        self._ticked: float | None = None
        self.stalls = 0
        self.stalled = 0.0
        """Seconds that this core stood still before the last tick; 0: the timer was in time."""
        self.overdue_at = inf
        """When the next tick is so late that all peers may have declared this core down."""
        self.was_overdue = False
        """Whether the last tick was."""

    def heard(self, peer: K, now: float) -> None:
        """The peer said something."""
        self._heard[peer] = now

    def keep(self, peer: K) -> None:
        """Never declare this peer down for its silence: its end is learnt in another way."""
        self._kept.add(peer)

    def forget(self, peer: K) -> None:
        """The peer is gone, for whatever reason."""
        self._heard.pop(peer, None)
        self._suspects.discard(peer)
        self._kept.discard(peer)

    def silence(self, peer: K, now: float) -> float:
        """Seconds since the peer was heard; 0 for one that is not known."""
        return now - self._heard.get(peer, now)

    def tick(self, now: float) -> list[Change[K]]:
        """Judge all peers; to be called once every heartbeat, by a timer that may be late.

        One that is down is forgotten: it is reported once.
        """
        self._give_back_own_stall(now)
        return [change for peer in list(self._heard) if (change := self._judge(peer, now))]

    def _give_back_own_stall(self, now: float) -> None:
        late = 0.0 if self._ticked is None else now - self._ticked - self._heartbeat
        self._ticked = now
        self.was_overdue = now >= self.overdue_at
        self.overdue_at = now + self._down_after
        self.stalled = late if late > self._heartbeat else 0.0
        if self.stalled:
            self.stalls += 1
            for peer, heard in self._heard.items():
                self._heard[peer] = min(heard + late, now)

    def _judge(self, peer: K, now: float) -> Change[K] | None:
        silence = now - self._heard[peer]
        if silence >= self._down_after and peer not in self._kept:
            self.forget(peer)
            return Change(peer, Verdict.DOWN)
        if silence >= self._suspect_after:
            if peer not in self._suspects:
                self._suspects.add(peer)
                return Change(peer, Verdict.SUSPECT)
        elif peer in self._suspects:
            self._suspects.discard(peer)
            return Change(peer, Verdict.RECOVERED)
        return None
