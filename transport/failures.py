"""Why something is not taken for another core, and the errors of asks that it does not answer."""

from __future__ import annotations

from enum import Enum

from ..actors.address import Address, CoreAddress
from ..actors.errors import ActorDeadError, ConnectionLost, MailboxFull, NodeDown


class Lost(Enum):
    """Why something was not taken for a peer."""

    NOCONNECTION = "noconnection"
    OVERFLOW = "overflow"


FORBIDDEN = "forbidden"
"""Why something is refused that the key of whoever sent it does not allow: an end for this reason
says that there is no watch or link, and not that the actor has ended."""


def no_room(home: CoreAddress) -> MailboxFull:
    """The error of a message for which there is no room at its sender's core."""
    return MailboxFull(f"as much waits for core {home} as may: it does not keep up")


def node_down(home: CoreAddress) -> NodeDown:
    """The error of an ask whose core is lost."""
    return NodeDown(f"core {home} is down, was started again since, or its node is not joined")


def connection_lost(home: CoreAddress) -> ConnectionLost:
    """The error of an ask that may have been lost on its way, or its answer."""
    return ConnectionLost(
        f"a connection with core {home} broke, and the ask or its answer may have been lost with "
        "it: it was handled, or was not; the core itself is up"
    )


def too_late(asker: Address, asked: Address) -> ActorDeadError:
    """The error of an ask that comes when it was told already that its asker has ended."""
    return ActorDeadError(f"{asker} had ended when its ask came to {asked}: it was not handled")
