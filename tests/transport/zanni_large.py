"""What takes large messages in another process: every core imports this module by name."""

import hashlib
import resource
import time
from itertools import pairwise

from zanni import Actor
from zanni.transport.gossip import Gossip


def digest(buffer):
    return hashlib.blake2b(memoryview(buffer).cast("B")).hexdigest()


def peak():
    """The most memory that this process has used, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


class Heartbeats:
    """When heartbeats came to this process."""

    def __init__(self):
        self._came = [time.monotonic()]
        self._take = take = Gossip.take

        def note_and_take(gossip, peer, body):
            self._came.append(time.monotonic())
            take(gossip, peer, body)

        Gossip.take = note_and_take

    def count(self):
        return len(self._came) - 1

    def stop(self):
        Gossip.take = self._take

    def longest_gap(self):
        """Stop, and tell how many seconds passed at most without one."""
        self.stop()
        came = [*self._came, time.monotonic()]
        return max(later - earlier for earlier, later in pairwise(came))


class Keeper(Actor):
    """Takes what comes, and tells of it."""

    def __init__(self):
        self.kept = []

    def on_receive(self, message):
        self.kept.append((type(message).__name__, len(message)))

    def seen(self):
        return self.kept

    def digest(self, buffer):
        return digest(buffer)

    def zeros(self, size):
        return bytes(size)

    def peak(self):
        return peak()

    def listen(self):
        self.heartbeats = Heartbeats()

    def heartbeats_heard(self):
        return self.heartbeats.count()

    def longest_gap(self):
        return self.heartbeats.longest_gap()
