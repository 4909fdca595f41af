"""Who is let in at one core's addresses for other nodes, by the keys that are allowed here.

Guarantees:
- The allow-list is the one in the key directory: a change there holds from the next `step` on. What
  cannot be read of it lets nobody in. Where the process may open no more files, which strangers can
  bring about, it stays as it was until it may.
- What is refused or misused is told in events and in the log, at a bounded rate and with how often
  it was, whatever strangers do.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

from ..actors.environment import now
from ..actors.observe import Events
from .events import AuthenticationLost, KeyAccepted, KeyMisused, KeyRefused, KeyRevoked
from .frame import node_id
from .handshake import Refusal
from .keyring import BadKeys, Entry, OutOfFiles, Role, read_allowed, read_pair, stamp
from .security import check_url, node_named, with_number

logger = logging.getLogger("zanni")

LOG_INTERVAL = 60.0
"""Seconds between two log lines about keys that were refused or misused."""
MISUSERS = 1000
"""Of how many names misuse is counted between two steps."""


class Join(NamedTuple):
    """A node to be joined."""

    url: str
    node: str | None
    """Its name, where keys are used: as it was said, or that of the only one it could be then."""


class Open:
    """In place of a gate where no keys are used: who reaches the loopback addresses may link."""

    def key_of(self, node: str) -> str | None:
        """Any thread. No key is asked for."""
        return None

    def role_of(self, node: str) -> Role | None:
        """Any thread. Everybody may do what nodes may."""
        return None

    def refusal_of(self, node: str) -> Refusal | None:
        """Any thread. Nobody is refused for a key."""
        return None

    def checked_url(self, url: str, *, bind: bool = False) -> str:
        """Any thread. See `check_url`."""
        return check_url(url, bind=bind)

    def checked_join(self, url: str) -> Join:
        """Any thread. What a user's URL of a node to join says. Raises as `check_url`."""
        return Join(check_url(url), None)

    def key_to_join(self, join: Join) -> str | None:
        """Any thread. No key is asked for."""
        return None

    def note_misuse(self, name: str, what: str) -> None:
        """Owner only. There is none."""

    def step(self) -> list[Entry]:
        """Owner only. There is nothing to look at."""
        return []


class Gate:
    """A `Guard`. Owner only, but for what only reads.

    Raises:
        BadKeys: the key directory cannot be used as it is.

    """

    def __init__(self, directory: Path, events: Events) -> None:
        self.directory, self._events = directory, events
        self.pair = read_pair(directory)
        self._stamp = stamp(directory)
        allowed = read_allowed(directory)
        if allowed.problems:
            raise BadKeys(allowed.problems[0])
        self._take(allowed.entries)
        self._refused: KeyRefused | None = None
        self._misused: dict[str, KeyMisused] = {}
        self._logged = -LOG_INTERVAL

    def _take(self, entries: tuple[Entry, ...]) -> None:
        self._names = {entry.name: entry for entry in entries}
        self._holders = {entry.key: (entry, node_id(entry.name)) for entry in entries}

    # Looking up

    @property
    def is_empty(self) -> bool:
        """Any thread. Whether nobody is allowed in."""
        return not self._names

    def holder(self, key: str) -> tuple[Entry, int] | None:
        """Any thread. Whose key it is, with the id of that node; None if it is not allowed."""
        return self._holders.get(key)

    def key_of(self, node: str) -> str | None:
        """Any thread. The key of that node, if one is allowed here."""
        entry = self._names.get(node)
        return None if entry is None else entry.key

    def role_of(self, node: str) -> Role:
        """Any thread. What that node's key may do; the least where it is not allowed."""
        entry = self._names.get(node)
        return Role.CLIENT if entry is None else entry.role

    def refusal_of(self, node: str) -> Refusal | None:
        """Any thread. Why that node may not link, as far as keys go."""
        if node in self._names:
            return None
        return Refusal("key", f"no key of {node!r} is allowed here")

    def checked_url(self, url: str, *, bind: bool = False) -> str:
        """Any thread. See `check_url`."""
        return check_url(url, bind=bind, keys=True)

    def checked_join(self, url: str) -> Join:
        """Any thread. What a user's URL of a node to join says.

        Raises:
            RefusedAddress: it may not be joined, and why.
            BadKeys: no key is known that it would have to show.

        """
        checked = self.checked_url(with_number(url))
        return Join(checked, self._entry_to_join(node_named(url)).name)

    def key_to_join(self, join: Join) -> str:
        """Any thread. The key that it has to show. Raises `BadKeys` where none is known."""
        return self._entry_to_join(join.node).key

    def _entry_to_join(self, node: str | None) -> Entry:
        if node is not None:
            entry = self._names.get(node)
            if entry is None:
                known = ", ".join(sorted(self._names)) or "none"
                remedy = f"zanni keys allow {self.directory} {node} KEY"
                raise BadKeys(f"no key of {node!r} is allowed here ({known} are): {remedy}")
            return entry
        nodes = [entry for entry in self._names.values() if entry.role is Role.NODE]
        if len(nodes) == 1:
            return nodes[0]
        if not nodes:
            remedy = f"zanni keys allow {self.directory} NAME KEY, with the key of the other"
            raise BadKeys(f"no key of a node to join is allowed here: {remedy}")
        names = ", ".join(sorted(entry.name for entry in nodes))
        raise BadKeys(f"say which node it is, as in tcp://NAME@HOST:PORT; allowed are: {names}")

    # Being asked by the endpoint

    def admits(self, key: str, address: str) -> bool:
        """Owner only. See `Guard.admits`."""
        entry = self.holder(key)
        if entry is None:
            times = 1 if self._refused is None else self._refused.times + 1
            self._refused = KeyRefused(key, address, times)
            return False
        self._events.publish(KeyAccepted(entry[0].name, entry[0].role.value, address))
        return True

    def failed(self, reason: str) -> None:
        """Owner only. See `Guard.failed`."""
        logger.error("keys cannot be looked at any more, so nobody is let in: %s", reason)
        self._events.publish(AuthenticationLost(reason))

    # What happens

    def note_misuse(self, name: str, what: str) -> None:
        """Owner only. The holder of that name's key did what it may not."""
        earlier = self._misused.get(name)
        if earlier is not None or len(self._misused) < MISUSERS:
            times = 1 if earlier is None else earlier.times + 1
            self._misused[name] = KeyMisused(name, what, times)

    def step(self) -> list[Entry]:
        """Owner only. Once a heartbeat: tell what happened; whose keys are not allowed any more."""
        self._tell()
        try:
            current = stamp(self.directory)
            if current == self._stamp:
                return []
            before, allowed = self._holders, read_allowed(self.directory)
        except OutOfFiles as error:  # the next step will see
            logger.debug("the allow-list stays as it was: %s", error)
            return []
        self._stamp = current
        self._take(allowed.entries)
        for problem in allowed.problems:
            logger.error("a key is not allowed: %s", problem)
        gone = [entry for key, (entry, _) in before.items() if not self._has(key, entry.name)]
        for entry in gone:
            logger.info("the key of %s is revoked", entry.name)
            self._events.publish(KeyRevoked(entry.name, entry.key))
        return gone

    def _has(self, key: str, name: str) -> bool:
        entry = self._names.get(name)
        return entry is not None and entry.key == key

    def _tell(self) -> None:
        refused, self._refused = self._refused, None
        misused, self._misused = self._misused, {}
        happened = [*misused.values(), *filter(None, [refused])]
        for event in happened:
            self._events.publish(event)
        if happened and now() - self._logged >= LOG_INTERVAL:
            self._logged = now()
            logger.warning("keys were refused or misused: %.400s", happened[0])
