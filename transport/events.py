"""What `system.events` tells of cores and nodes."""

from __future__ import annotations

from typing import NamedTuple


class NodeJoined(NamedTuple):
    """A node, or a core of one, is there: before the first message from it."""

    node: str
    core: int
    incarnation: int


class NodeSuspected(NamedTuple):
    """A peer has been silent for `suspect_after`; it may come back."""

    node: str
    core: int
    silence: float


class NodeRecovered(NamedTuple):
    """A suspected peer was heard again."""

    node: str
    core: int


class NodeBusy(NamedTuple):
    """A peer does not keep up: what is for it has waited for more than a heartbeat."""

    node: str
    core: int
    queued: int
    """How many bytes wait for it here."""


class NodeReady(NamedTuple):
    """A peer that was busy has taken all that had waited for it."""

    node: str
    core: int
    seconds: float
    """How long something has waited."""


class NodeLost(NamedTuple):
    """A peer's incarnation is given up for good; nothing from it arrives any more.

    If it lives, it is joined again under another incarnation.
    """

    node: str
    core: int
    incarnation: int
    reason: str


class FramesLost(NamedTuple):
    """So many frames of messages from a living peer are lost: a connection broke under way."""

    node: str
    core: int
    frames: int


class JoinRefused(NamedTuple):
    """The node at `url` does not take this one."""

    url: str
    reason: str
    """`name_in_use`, `dead` (this start of the node is none there for good), `version`, `role`."""
    detail: str
    host: str = ""
    pid: int = 0
    """The process that has the name, where it is in use; 0: not known."""


NOTHING_LISTENS = "nothing listens there (connection refused)"
NO_NODE = (
    "what listens there does not answer as a Zanni node of this version "
    "(a web server? another version?)"
)
KEY_REFUSED = (
    "the node there does not take this node's key: have it allowed there (zanni keys allow)"
)
WRONG_KEY = (
    "what listens there has not the key that is allowed here for it: compare it with what "
    "`zanni keys show` says there"
)
KEYS_WANTED = "what listens there wants keys, and this node has none: give it some with keys="
NO_KEYS = "what listens there uses no keys, and this node does: give keys to both, or to neither"


class JoinFailing(NamedTuple):
    """The node at `url` does not answer; it is tried on, and this told once a minute at most."""

    url: str
    reason: str
    """One of the texts above."""


class CoreDied(NamedTuple):
    """A child core of this node has ended: `exit:7`, `signal:9`."""

    core: int
    reason: str


class CoreStarted(NamedTuple):
    """A child core of this node is up, for the first time or again."""

    core: int
    pid: int


class CoreRemoved(NamedTuple):
    """A child core has ended, as the node was resized."""

    core: int


class CoreGivenUp(NamedTuple):
    """A child core has ended too often within the restart period, and stays down."""

    core: int
    restarts: int


class KeyAccepted(NamedTuple):
    """A connection was made by one that has shown this key; a node makes several."""

    name: str
    """Of the node, as the key is allowed here."""
    role: str
    address: str
    """The IP address that it came from; by a Unix socket: `localhost:`, user, group, process."""


class KeyRefused(NamedTuple):
    """Connections were refused, as their keys are not allowed here; told once a second at most."""

    key: str
    """Of the last one, as its public key."""
    address: str
    times: int
    """How many there were since this was last told."""


class KeyRevoked(NamedTuple):
    """A key is not allowed here any more, and the links of its node are dropped."""

    name: str
    key: str


class KeyMisused(NamedTuple):
    """The holder of a key did what it may not; told once a second for each name at most."""

    name: str
    what: str
    times: int
    """How often that was since this was last told."""


class AuthenticationLost(NamedTuple):
    """Keys cannot be looked at any more: nobody is let in until this core is started again."""

    reason: str
