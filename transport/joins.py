"""The nodes that this one was told to join. Owner only, all of it."""

from __future__ import annotations

import logging

from .gate import Join
from .keyring import BadKeys
from .members import Members
from .places import Listeners

logger = logging.getLogger("zanni")


class Joins:
    """They are dialled until they answer, and again when they are lost."""

    def __init__(self, members: Members, listeners: Listeners) -> None:
        self._members, self._listeners = members, listeners
        self._all: dict[Join, None] = {}

    def add(self, join: Join) -> None:
        """Join this one, too."""
        self._all[join] = None
        try:
            self._listeners.bind_outside()
        except OSError as error:
            logger.warning("cannot join %s: %s", join.url, error)
            return
        self._dial(join)

    def step(self) -> None:
        """Once a heartbeat: dial those that are not there."""
        for join in self._all:
            if not self._members.is_joined(join.url):
                self._dial(join)

    def _dial(self, join: Join) -> None:
        try:
            key = self._members.gate.key_to_join(join)
        except BadKeys as error:  # it was revoked since
            logger.debug("%s is not dialled: %s", join.url, error)
            return
        self._members.associations.dial(join.url, own=False, key=key)

    def clear(self) -> None:
        """Join none of them any more."""
        self._all.clear()
