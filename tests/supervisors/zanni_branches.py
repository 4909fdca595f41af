"""A shop and its branches, each a node: what they run, and the program of a node of its own.

python zanni_branches.py NAME URL [supervise]    joins that URL; supervises a child there
"""

import os
import sys
import time

from zanni import Actor, ActorSystem
from zanni.supervisors import Backoff, Supervisor, child

CONFIG = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 2.0}
PATIENT = Backoff(min=0.05, max=0.2, counted=False)


class Clerk(Actor):
    def __init__(self, start=0):
        super().__init__()
        self.count = start
        self.reason = None

    def on_restart(self, reason):
        self.reason = reason

    def on_stop(self):
        print("clerk stopped", flush=True)

    def bump(self):
        self.count += 1
        return self.count

    def fail(self):
        raise ValueError("out of order")

    def why(self):
        return repr(self.reason)

    def pid(self):
        return os.getpid()


class Team(Supervisor):
    """A supervisor that is itself a child on another node."""

    def children(self):
        return [child(Clerk, id="clerk", name="clerk of the team")]


class Shop(Supervisor):
    """The root of a node that is to be killed: its child is at the branch."""

    def children(self):
        return [child(Clerk, id="clerk", name="clerk", node="branch")]


def main(name, url, supervises=""):
    with ActorSystem(name, join=url, config=CONFIG) as system:
        system.allow(Clerk, Team)
        while sum(node["state"] == "up" for node in system.nodes()) < 2:
            time.sleep(0.01)
        if supervises:
            system.spawn(Shop)
        print("up", flush=True)
        sys.stdin.read()  # until it is told to stop in good order


if __name__ == "__main__":
    import zanni_branches  # so that its classes bear the name by which others find them

    zanni_branches.main(*sys.argv[1:])
