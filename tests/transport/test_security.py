import pytest

from zanni import ZanniError
from zanni.transport.security import RefusedAddress, check_url, tcp_host


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("tcp://127.0.0.1:7400", "tcp://127.0.0.1:7400"),
        ("tcp://127.8.9.10:7400", "tcp://127.8.9.10:7400"),
        ("tcp://localhost:7400", "tcp://127.0.0.1:7400"),
        ("tcp://[::1]:7400", "tcp://[::1]:7400"),
        ("ipc:///tmp/bank", "ipc:///tmp/bank"),
    ],
)
def test_loopback_and_ipc_are_taken(given, taken):
    assert check_url(given) == taken


@pytest.mark.parametrize(
    "bad",
    [
        "tcp://0.0.0.0:7400",
        "tcp://[::]:7400",
        "tcp://*:7400",
        "tcp://10.0.0.1:7400",
        "tcp://example.org:7400",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:x",
        "tcp://user@127.0.0.1:7400",
        "tcp://127.0.0.1:7400/path",
        "tcp://127.0.0.1:0",
        "http://127.0.0.1:7400",
        "inproc://x",
        "127.0.0.1:7400",
        "",
        "ipc://",
        "ipc:///tmp/a\0b",
        "ipc:///" + "x" * 107,
        7400,
    ],
)
def test_anything_else_is_refused_by_name_and_with_the_remedy(bad):
    with pytest.raises(RefusedAddress) as caught:
        check_url(bad)
    assert repr(bad) in str(caught.value)
    assert (
        "use " in str(caught.value)
        or "give " in str(caught.value)
        or "choose " in str(caught.value)
    )
    assert isinstance(caught.value, ValueError | ZanniError)


def test_any_free_port_may_be_bound_but_not_joined():
    assert check_url("tcp://127.0.0.1:0", bind=True) == "tcp://127.0.0.1:0"


def test_the_host_of_a_url():
    assert tcp_host("tcp://[::1]:7400") == "[::1]"
    assert tcp_host("ipc:///tmp/x") is None
