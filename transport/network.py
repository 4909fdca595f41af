"""The network of a system, put together: over ZeroMQ, and guarded where the system has keys."""

from __future__ import annotations

from pathlib import Path

from ..actors.cpus import usable_cpus
from ..actors.system import ActorSystem
from .gate import Gate
from .node import Node
from .zeromq import ZeroMQEndpoint


def make_network(system: ActorSystem) -> Node:
    """The network of a system with several cores, or with peers.

    Raises:
        BadKeys: its key directory cannot be used.
        OSError: the files that it needs cannot be opened, or libzmq lacks CURVE.

    """
    gate = None if system.keys is None else Gate(Path(system.keys), system.events)
    spin = system.config.spin if usable_cpus() >= system.core_count else 0.0
    return Node(system, ZeroMQEndpoint(gate, spin), gate)
