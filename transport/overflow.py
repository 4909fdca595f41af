"""What becomes of a message for a core for which as much waits as may: it waits in its sender.

So it is where `Config.peer_overflow` is "wait", and the sender can: an actor's turn parks, a thread
blocks. Coroutines and timers cannot.
"""

from __future__ import annotations

from math import inf

from ..actors.environment import now
from ..actors.errors import Timeout
from ..actors.future import Future
from ..actors.parking import waits_for_room
from ..actors.process import Reply
from .buffers import Parcel
from .data_lane import DataLane
from .failures import Lost


def post_when_room(
    data: DataLane, envelope: bytes | Parcel, ask: int | None, reply: Reply | None
) -> Lost | None:
    """Any thread that can wait. Queue a message once there is room; why it was not, or None.

    It waits as long as its asker would: then `reply` is rejected. A turn that must not wait has it
    queued beyond the bound.
    """
    if not waits_for_room():
        return data.post_anyway(envelope, ask, reply)
    until = reply.expires if isinstance(reply, Future) else inf
    lost: Lost | None = Lost.OVERFLOW
    while lost is Lost.OVERFLOW:
        room = data.room_for(envelope)
        try:
            room.get(timeout=None if until == inf else max(until - now(), 0.0))
        except Timeout:
            if reply is not None:
                reply.reject(Timeout("no room in time in what may wait for the actor's core"))
            return lost
        finally:
            data.give_up(room)
        lost = data.post(envelope, ask, reply)
    return lost
