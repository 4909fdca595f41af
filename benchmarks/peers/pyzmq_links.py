"""Raw pyzmq, which lies below Zanni: each message one frame of msgpack, without any limit."""

import tempfile
from contextlib import contextmanager
from functools import partial

import msgpack
import zmq

from . import raw_links


class Link:
    def __init__(self, url, *, bind=False):
        self.socket = zmq.Context.instance().socket(zmq.PAIR)
        self.socket.set_hwm(0)
        (self.socket.bind if bind else self.socket.connect)(url)
        self.pack, self.unpack = msgpack.Packer().pack, msgpack.unpackb

    def send(self, message):
        self.socket.send(self.pack(message))

    def receive(self):
        return self.unpack(self.socket.recv())


@contextmanager
def pair():
    with tempfile.TemporaryDirectory() as folder:
        url = f"ipc://{folder}/link"
        link = Link(url, bind=True)
        yield link, partial(Link, url)
        link.socket.close(linger=0)


run = partial(raw_links.run, pair=pair)
