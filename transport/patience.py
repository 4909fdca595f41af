"""For how long data of a peer is waited for, when what was sent after it is there already."""

from __future__ import annotations

from collections.abc import Callable

from ..actors.dispatcher import Core
from ..actors.environment import now
from .peer import Peer, State


def wait_for_data(
    core: Core, peer: Peer, seq: int, lull: float, until: float, done: Callable[[], object]
) -> None:
    """Owner only. Call `done` once data has come up to `seq`, or is waited for no more.

    It is waited for while some comes. Time in which this core itself stood still is no lull: what
    has come meanwhile lies unread in its sockets.

    Args:
        core: whose timers are used.
        peer: who has sent the data.
        seq: that of the last frame of it.
        lull: for how many seconds nothing may come.
        until: when it is waited for no longer in any case.
        done: what to call; never before this returns.

    """
    since, came = now(), peer.arrivals.seq_in

    def look() -> None:
        moment, arrived = now(), peer.arrivals.seq_in
        stood_still = moment - since >= 2 * lull
        is_coming = arrived > came or peer.assembly.is_begun or stood_still
        if arrived < seq and is_coming and moment < until and peer.state is not State.DOWN:
            wait_for_data(core, peer, seq, lull, until, done)
        else:
            done()

    core.call_later(lull, look)
