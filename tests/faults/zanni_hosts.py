"""Two hosts of our own: network namespaces, joined by a cable of the kernel's (veth).

It is all as between machines: addresses that others could reach, ARP, TCP, and nobody who says that
the other side is gone.
"""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from zanni.transport.keyring import Entry, Role, allow, write_pair
from zanni.transport.zeromq import new_pair

PREFIX = "zanni-test-"
CABLE = "cable"
"""What the end of it is called on each host."""
NOBODY = "02:00:00:00:00:99"
"""A hardware address that nobody has: what is sent there is lost without a word."""


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def why_not():
    """Why this machine makes no hosts for us; None where it does."""
    if shutil.which("ip") is None:
        return "network namespaces need `ip` (iproute2), which is not installed"
    name = f"{PREFIX}{os.getpid()}-try"
    try:
        ip("netns", "add", name)
    except OSError as error:
        return f"network namespaces are not permitted here: {error}"
    try:
        ip("-n", name, "link", "add", CABLE, "type", "veth", "peer", f"{CABLE}2")
    except OSError as error:
        return f"no cable (veth) is to be had here: {error}"
    finally:
        ip("netns", "del", name)
    return None


def remove_stale():
    """Remove what crashed runs have left: their names tell which process made them."""
    for each in Path("/run/netns").glob(f"{PREFIX}*"):
        pid = each.name.removeprefix(PREFIX).partition("-")[0]
        if not Path(f"/proc/{pid}").exists():
            ip("netns", "del", each.name)


class Host:
    """One of the two: `prefix` runs a command on it."""

    def __init__(self, number):
        self.name = f"{PREFIX}{os.getpid()}-{number}"
        self.address, self.other = f"10.77.0.{number}", f"10.77.0.{3 - number}"
        self.prefix = ("ip", "netns", "exec", self.name)
        ip("netns", "add", self.name)

    def ip(self, *arguments):
        ip("-n", self.name, *arguments)

    def set_up(self):
        self.ip("link", "set", "lo", "up")
        self.ip("link", "set", CABLE, "up")
        self.ip("addr", "add", f"{self.address}/24", "dev", CABLE)

    def deafen(self):
        """From now on what this host sends to the other one is lost."""
        self.ip(
            *("neigh", "replace", self.other, "lladdr", NOBODY, "dev", CABLE, "nud", "permanent")
        )

    def heal(self):
        self.ip("neigh", "del", self.other, "dev", CABLE)

    def pull(self):
        """Pull the cable: this host knows at once that it has none."""
        self.ip("link", "set", CABLE, "down")

    def plug(self):
        self.ip("link", "set", CABLE, "up")

    def remove(self):
        ip("netns", "del", self.name)


@contextlib.contextmanager
def two_hosts(connect):
    """Two of them; `connect(one, two)` gives each its end of what is between them."""
    with contextlib.ExitStack() as undo:
        hosts = []
        for number in (1, 2):
            hosts.append(host := Host(number))
            undo.callback(host.remove)
        with connect(*hosts) as between:
            for host in hosts:
                host.set_up()
            yield hosts, between


@contextlib.contextmanager
def cable(one, two):
    """One that loses nothing and takes no time."""
    one.ip("link", "add", CABLE, "type", "veth", "peer", CABLE, "netns", two.name)
    yield


def make_keys(folder, *names):
    """A key directory for each of the nodes, in which the keys of the others are allowed."""
    pairs = {name: new_pair() for name in names}
    for name, pair in pairs.items():
        write_pair(folder / name, pair)
        for other in set(names) - {name}:
            allow(folder / name, Entry(other, Role.NODE, pairs[other].public))
