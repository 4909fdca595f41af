"""For how long data of a peer is waited for, when what was sent after it is there already."""

from __future__ import annotations

from collections.abc import Callable

from ..actors.dispatcher import Core
from ..actors.environment import now
from .peer import Peer, State


def wait_for_data(
    core: Core,
    peer: Peer,
    last: tuple[int, int],
    lull: float,
    until: float,
    done: Callable[[], object],
) -> None:
    """Owner only. Call `done` once data has come up to `last`, or is waited for no more.

    It is waited for while some comes. Time in which this core itself stood still is no lull: what
    has come meanwhile lies unread in its sockets.

    Args:
        core: whose timers are used.
        peer: who has sent the data.
        last: the seq of the last frame of it, of messages and of answers.
        lull: for how many seconds nothing may come.
        until: when it is waited for no longer in any case.
        done: what to call; never before this returns.

    """
    arrivals = peer.arrivals
    since, came = now(), (arrivals.seq_in, arrivals.answers_in)

    def look() -> None:
        moment = now()
        is_coming = came != (arrivals.seq_in, arrivals.answers_in)
        is_coming = is_coming or peer.assembly.is_begun or peer.answer_assembly.is_begun
        stood_still = moment - since >= 2 * lull
        is_owed = not arrivals.has(*last) and peer.state is not State.DOWN
        if is_owed and (is_coming or stood_still) and moment < until:
            wait_for_data(core, peer, last, lull, until, done)
        else:
            done()

    core.call_later(lull, look)
