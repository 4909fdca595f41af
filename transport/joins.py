"""The nodes that this one was told to join: core 0 joins them, for all of its node."""

from __future__ import annotations

import logging

from ..actors.address import ANY_INCARNATION, KERNEL_ID, Address
from ..actors.kernel import JoinNode
from .gate import Join
from .host import Host
from .keyring import BadKeys
from .members import Members
from .places import Listeners
from .security import RefusedAddress

logger = logging.getLogger("zanni")


class Joins:
    """They are dialled until they answer, and again when they are lost.

    Owner only, where nothing else is said.
    """

    def __init__(self, host: Host, members: Members, listeners: Listeners) -> None:
        self._host, self._members, self._listeners = host, members, listeners
        self._all: dict[Join, None] = {}

    def join(self, url: str) -> None:
        """Any thread. See `Network.join`."""
        join = self._members.gate.checked_join(url)  # refused here, to whoever gave it
        home = self._host.core.home
        if home.core == 0:
            self._host.core.post(self._add, join)
            return
        kernel = self._host.process_of(Address(home.node, 0, ANY_INCARNATION, KERNEL_ID))
        kernel.deliver(JoinNode(url), None, None, None)

    def _add(self, join: Join) -> None:
        """Join this one, too."""
        self._all[join] = None
        try:
            self._listeners.bind_outside([join.url])
        except (OSError, RefusedAddress) as error:
            logger.warning("cannot join %s yet: %s", join.url, error)
        self._dial(join)

    def step(self) -> None:
        """Once a heartbeat: dial those that are not there."""
        for join in self._all:
            if not self._members.is_joined(join.url):
                self._dial(join)

    def _dial(self, join: Join) -> None:
        try:
            self._listeners.bind_outside([join.url])  # or it could not answer
            key = self._members.gate.key_to_join(join)
        except (OSError, RefusedAddress, BadKeys) as error:  # its key was revoked since
            logger.debug("%s is not dialled: %s", join.url, error)
            return
        self._members.associations.dial(join.url, own=False, key=key)

    def clear(self) -> None:
        """Join none of them any more."""
        self._all.clear()
