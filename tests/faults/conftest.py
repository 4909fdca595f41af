"""Real processes, sockets and hosts: whatever a test does with them, none is left after it."""

import sys
from pathlib import Path

import pytest
from ports import free_url

sys.path.insert(0, str(Path(__file__).parent))

import zanni_hosts
from zanni_process import Node

QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 1.5}
"""A tenth of the defaults, so that a stop of 0.3 s is as one of 3 s."""


@pytest.fixture
def nodes():
    """Start nodes: `nodes(name, listen=..., join=...)`, each a process; they are up then.

    `prefix` runs them elsewhere; one that is `held` waits for its `go()`; `major` is the version of
    the protocol that it speaks.
    """
    started = []

    def start(name, *, prefix=(), env=None, config=None, held=False, major=None, **settings):
        settings |= {"name": name, "config": {**QUICK, **(config or {})}}
        started.append(node := Node({**settings, "held": held, "major": major}, prefix, env))
        node.answer()
        return node

    yield start
    for node in started:
        node.end()


@pytest.fixture
def connected():
    """Two hosts, connected as a function of `zanni_hosts` has it; skipped where there are none."""
    if reason := zanni_hosts.why_not():
        pytest.skip(reason)
    zanni_hosts.remove_stale()
    return zanni_hosts.two_hosts


@pytest.fixture
def hosts(connected):
    """Two hosts, and a cable between them."""
    with connected(zanni_hosts.cable) as (hosts, _):
        yield hosts


@pytest.fixture
def pair_on(nodes, tmp_path):
    """A bank on one host and a teller on the other; each watches an actor of the other one."""

    def pair_on(hosts, config):
        names = ("bank", "teller")
        zanni_hosts.make_keys(tmp_path, *names)
        pair = [
            nodes(
                name,
                prefix=host.prefix,
                config=config,
                listen=f"tcp://{host.address}:7400",
                keys=str(tmp_path / name),
            )
            for name, host in zip(names, hosts, strict=True)
        ]
        pair[1](f"system.join('tcp://{hosts[0].address}:7400')")
        for node in pair:
            node("sink = system.spawn(Sink, name='sink'); watcher = system.spawn(Watcher)")
        for node, other in zip(pair, reversed(pair), strict=True):
            node.until(f"system.whereis('sink@{other.name}')")
            node(f"there = system.whereis('sink@{other.name}'); watcher.ask(there)")
        return pair

    return pair_on


@pytest.fixture
def url():
    """A free one on loopback."""
    return free_url()
