"""A wire between two hosts that is slow, uneven and loses packets: our own, of two TUN devices."""

import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time

import pytest
from zanni_hosts import CABLE

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
PACKET = 65536


def open_tun(host):
    """A descriptor of the host's end of the wire: what it reads is what the host sends."""
    opened = []

    def enter_and_open():  # in a thread of its own, which alone changes its namespace
        with open(f"/run/netns/{host.name}") as namespace:  # noqa: PTH123  (kept short)
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                opened.append(OSError(ctypes.get_errno(), "setns"))
                return
        try:
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", CABLE.encode(), IFF_TUN | IFF_NO_PI))
            opened.append(fd)
        except OSError as error:
            opened.append(error)

    thread = threading.Thread(target=enter_and_open)
    thread.start()
    thread.join()
    if isinstance(opened[0], OSError):
        raise opened[0]
    return opened[0]


class Wire:
    """Carries packets both ways; each takes its own time, and some are lost."""

    def __init__(self, hosts, *, delay, jitter, loss):
        self.delay, self.jitter, self.loss = delay, jitter, loss
        self.chance = random.Random()
        self.carried = self.lost = 0
        self.ends = [open_tun(host) for host in hosts]
        self.queue = []
        self.closed = False
        self.thread = threading.Thread(target=self.carry)
        self.thread.start()

    def carry(self):
        one, two = self.ends
        while not self.closed:
            first = self.queue[0][0] if self.queue else time.monotonic() + 0.05
            ready, _, _ = select.select(self.ends, [], [], max(first - time.monotonic(), 0))
            for end in ready:
                self.take(os.read(end, PACKET), two if end == one else one)
            while self.queue and self.queue[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(self.queue)
                with contextlib.suppress(OSError):  # the other end may be gone
                    os.write(end, packet)

    def take(self, packet, end):
        if self.chance.random() < self.loss:
            self.lost += 1
            return
        self.carried += 1
        late = self.chance.uniform(-self.jitter, self.jitter)
        due = time.monotonic() + max(self.delay + late, 0)
        heapq.heappush(self.queue, (due, self.carried, end, packet))

    def close(self):
        self.closed = True
        self.thread.join()
        for end in self.ends:
            os.close(end)


def wire(**uneven):
    """As what connects two hosts."""

    @contextlib.contextmanager
    def connect(*hosts):
        try:
            made = Wire(hosts, **uneven)
        except OSError as error:
            pytest.skip(f"no wire of our own (/dev/net/tun) is to be had here: {error}")
        try:
            yield made
        finally:
            made.close()

    return connect
