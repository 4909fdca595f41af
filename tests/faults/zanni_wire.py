"""A wire between two hosts that is slow, uneven, loses packets and breaks connections.

It is our own, of two TUN devices: what one host sends, we read, and may write to the other.
"""

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


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def reset(source, target, ports, seq):
    """A packet that breaks a TCP connection: RFC 9293, section 3.5.2."""
    tcp = struct.pack(">HHIIBBHHH", *ports, seq, 0, 5 << 4, 0x04, 0, 0, 0)
    summed = checksum(source + target + struct.pack(">HH", 6, len(tcp)) + tcp)
    tcp = tcp[:16] + summed.to_bytes(2, "big") + tcp[18:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + source + target
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + tcp


def resets(packet):
    """Those for the host that has sent it, and for the one that it was for; None for any other."""
    if packet[0] != 0x45 or packet[9] != 6:  # plain IPv4, TCP
        return None
    source, target = packet[12:16], packet[16:20]
    one, other, seq, ack, words, flags = struct.unpack(">HHIIBB", packet[20:34])
    if flags & 0x06 or len(packet) == 20 + (words >> 4) * 4:  # SYN, RST, or nothing to lose
        return None
    return reset(target, source, (other, one), ack), reset(source, target, (one, other), seq)


class Wire:
    """Carries packets both ways; each takes its own time, and some are lost."""

    def __init__(self, hosts, *, delay, jitter, loss):
        self.delay, self.jitter, self.loss = delay, jitter, loss
        self.chance = random.Random()
        self.carried = self.lost = self.broken = 0
        self.breaks = 0
        """At how many ends each connection breaks on which anything is sent; nothing arrives then.
        1: for its sender alone."""
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
                packet, other = os.read(end, PACKET), two if end == one else one
                if self.breaks:
                    self.break_(packet, end, other)
                else:
                    self.take(packet, other)
            while self.queue and self.queue[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(self.queue)
                with contextlib.suppress(OSError):  # the other end may be gone
                    os.write(end, packet)

    def break_(self, packet, *ends):
        for end, each in zip(ends[: self.breaks], resets(packet) or (), strict=False):
            self.broken += 1
            os.write(end, each)

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
