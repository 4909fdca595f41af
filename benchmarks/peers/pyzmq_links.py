"""Raw pyzmq, which lies below Zanni: each message one frame of msgpack, without any limit."""

import tempfile
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgpack
import zmq

from . import Found, raw_links


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

    def ready(self, milliseconds):
        return self.socket.poll(milliseconds) != 0


@contextmanager
def pair(url):
    link = Link(url, bind=True)
    yield link, partial(Link, link.socket.last_endpoint.decode())
    link.socket.close(linger=0)


def run(work: str, n: int, *arguments: Any) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        url = "tcp://127.0.0.1:*" if work == "bytes_sent" else f"ipc://{folder}/link"
        return raw_links.run(work, n, *arguments, pair=partial(pair, url))
