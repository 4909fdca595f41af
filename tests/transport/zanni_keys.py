"""Key directories, and nodes that use them."""

from zanni.transport.events import JoinFailing, NodeJoined
from zanni.transport.key import KeyPair
from zanni.transport.keyring import Entry, Role, allow, read_pair, write_pair
from zanni.transport.zeromq import new_pair

QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 2.0}
SECONDS = 5.0
"""Within which what is wrong with keys has to be told, and what is revoked dropped."""


class Keys:
    """The key directories of some nodes, below one folder."""

    def __init__(self, folder):
        self.folder = folder

    def make(self, *names) -> None:
        for name in names:
            write_pair(self.folder / name, new_pair())

    def pair(self, name) -> KeyPair:
        return read_pair(self.folder / name)

    def public(self, name) -> str:
        return self.pair(name).public

    def allow(self, at, name, role="node", key=None) -> None:
        """Have the node `at` take the key of `name`."""
        entry = Entry(name, Role(role), self.public(name) if key is None else key)
        allow(self.folder / at, entry)

    def link(self, one, other, role="node") -> None:
        """Have two nodes take each other's keys; `role` is that of the second at the first."""
        self.make(one, other)
        self.allow(one, other, role)
        self.allow(other, one)


def joined(system):
    return [event for event in list(system.events.last) if isinstance(event, NodeJoined)]


def reasons(system):
    return [event.reason for event in list(system.events.last) if isinstance(event, JoinFailing)]
