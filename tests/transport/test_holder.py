"""Who listens on a TCP port."""

import os
import socket
import subprocess
import sys

import pytest

from zanni.transport.holder import holder_of

LISTEN = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    input()
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_process_that_listens_is_found(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with server:
        port = server.getsockname()[1]
        assert holder_of(port) == os.getpid()
    assert holder_of(port) is None


def test_another_process_is_found():
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert holder_of(int(other.stdout.readline())) == other.pid
        other.communicate(b"\n")


def test_who_only_has_the_address_or_cannot_be_looked_at_is_not_known(tmp_path):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        assert holder_of(port) is None
        bound.listen()
        assert holder_of(port, tmp_path) is None
        table = tmp_path / "net/tcp"
        table.parent.mkdir()
        table.write_text(f"heading\n0: 0100007F:{port:04X} 0:0 0A 0:0 0:0 0 0 0 12345 1\n")
        (tmp_path / "77").mkdir()  # a process whose descriptors cannot be read
        assert holder_of(port, tmp_path) is None
