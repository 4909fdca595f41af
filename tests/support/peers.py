"""A peer by itself: nobody is told of what is due, and nothing of it is on any wire."""

from zanni import Config
from zanni.actors.address import CoreAddress
from zanni.transport.frame import Source
from zanni.transport.peer import Peer

THERE = CoreAddress("other", 1, 77)
HERE = Source(1, 0, 99)


def make_peer(home=THERE, source=HERE, **options):
    """Make one of our own node's cores; `options` are those of a `Peer`, where they matter."""
    defaults = {
        "own": True,
        "itself": home,
        "separations": 0,
        "due": lambda _peer: None,
        "freed": lambda *_grant: None,
        "next_ask": lambda: 0,
        "make_codec": lambda _peer: None,
        "config": Config(),
    }
    return Peer(home, source, **defaults | options)
