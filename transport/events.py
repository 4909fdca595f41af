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


class NodeLost(NamedTuple):
    """A peer's incarnation is given up for good; nothing from it arrives any more."""

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
    detail: str


NOTHING_LISTENS = "nothing listens there (connection refused)"
NO_NODE = (
    "what listens there does not answer as a Zanni node of this version "
    "(a web server? another version?)"
)


class JoinFailing(NamedTuple):
    """The node at `url` does not answer; it is tried on, and this told once a minute at most."""

    url: str
    reason: str
    """`NOTHING_LISTENS` or `NO_NODE`."""


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
