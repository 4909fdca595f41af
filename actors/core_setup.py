"""What a core is told of itself and of its node before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from .config import Config


@dataclass(frozen=True, kw_only=True)
class CoreSetup:
    """One core, as `ActorSystem` takes it; that of a child core crosses to its process as JSON."""

    name: str
    """The node's."""
    index: int = 0
    core_count: int
    open_cores: int
    """How many take new actors: fewer than there are while the node is made smaller."""
    incarnation: int
    config: Config
    cpus: list[int]
    """What the node's cores are pinned to, in turn; empty where they are not pinned."""
    keys: str | None
    """The key directory, for links beyond this machine."""
    run_directory: str | None = None
    """Where the node's own sockets are; None: core 0 makes it if it is needed."""
    tcp_host: str | None = None
    """The host at which the node's cores listen for other nodes; None: they do not."""
