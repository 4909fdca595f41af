"""Real processes, sockets and hosts: whatever a test does with them, none is left after it."""

import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import zanni_hosts
from zanni_process import Node

QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 1.5}
"""A tenth of the defaults, so that a stop of 0.3 s is as one of 3 s."""


@pytest.fixture
def nodes():
    """Start nodes: `nodes(name, listen=..., join=...)`, each a process; they are up then."""
    started = []

    def start(name, *, prefix=(), env=None, wait=True, config=None, **settings):
        settings = {"name": name, "config": {**QUICK, **(config or {})}, **settings}
        started.append(node := Node(settings, prefix, env))
        if wait:
            node.answer()
        return node

    yield start
    for node in started:
        node.end()


@pytest.fixture
def hosts():
    """Two hosts, joined by a cable."""
    if reason := zanni_hosts.why_not():
        pytest.skip(reason)
    zanni_hosts.remove_stale()
    made = zanni_hosts.two_hosts()
    yield made
    for host in made:
        host.remove()


@pytest.fixture
def url():
    """A free one on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"
