"""Two hosts of our own: network namespaces, joined by a cable of the kernel's (veth).

Their addresses are of 127/8, which each kernel is told to send over the cable (`route_localnet`):
so nodes need no keys to talk. All else is as between machines: ARP, TCP, and nobody who says that
the other side is gone.
"""

import os
import shutil
import subprocess
from pathlib import Path

PREFIX = "zanni-test-"
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
        ip("netns", "del", name)
    except OSError as error:
        return f"network namespaces are not permitted here: {error}"
    return None


def remove_stale():
    """Remove what crashed runs have left: their names tell which process made them."""
    for each in Path("/run/netns").glob(f"{PREFIX}*"):
        pid = each.name.removeprefix(PREFIX).partition("-")[0]
        if not Path(f"/proc/{pid}").exists():
            ip("netns", "del", each.name)


class Host:
    """One of the two: `prefix` runs a command on it."""

    def __init__(self, number, device="cable"):
        self.name = f"{PREFIX}{os.getpid()}-{number}"
        self.number, self.device = number, device
        self.address, self.other = f"127.77.0.{number}", f"127.77.0.{3 - number}"
        self.prefix = ("ip", "netns", "exec", self.name)
        ip("netns", "add", self.name)

    def ip(self, *arguments):
        ip("-n", self.name, *arguments)

    def set_up(self):
        switch = f"/proc/sys/net/ipv4/conf/{self.device}/route_localnet"
        subprocess.run([*self.prefix, "sh", "-c", f"echo 1 > {switch}"], check=True)
        self.ip("link", "set", "lo", "up")
        self.ip("link", "set", self.device, "up")
        self.ip("addr", "add", f"{self.address}/24", "dev", self.device)
        self.ip("route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local")

    def deafen(self):
        """From now on what this host sends to the other one is lost."""
        self.ip(
            *("neigh", "replace", self.other, "lladdr", NOBODY),
            *("dev", self.device, "nud", "permanent"),
        )

    def heal(self):
        self.ip("neigh", "del", self.other, "dev", self.device)

    def pull(self):
        """Pull the cable: this host knows at once that it has none."""
        self.ip("link", "set", self.device, "down")

    def plug(self):
        self.ip("link", "set", self.device, "up")

    def remove(self):
        ip("netns", "del", self.name)


def two_hosts():
    """Make them, and the cable."""
    hosts = []
    try:
        hosts += [Host(1)]
        hosts += [Host(2)]
        one, two = hosts
        one.ip("link", "add", one.device, "type", "veth", "peer", two.device, "netns", two.name)
        for host in hosts:
            host.set_up()
    except BaseException:
        for host in hosts:
            host.remove()
        raise
    return hosts
