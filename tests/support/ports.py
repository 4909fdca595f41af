"""Ports that stay free until a test listens on them, however long that takes.

A port that the system gave out, and that was closed again, may be given to anybody: to another
system of this test that listens on any port, or to another process of the tests. So these are below
those that systems give out, and each process of the tests begins elsewhere.
"""

import os
import socket
from itertools import count

FIRST, COUNT = 15_000, 16_000  # Linux gives out those from 32768 on, others from 49152
_numbers = count(os.getpid() * 101)


def free_url() -> str:
    """One on loopback where nobody listens; it is not given out again soon."""
    while True:
        port = FIRST + next(_numbers) % COUNT
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return f"tcp://127.0.0.1:{port}"
