import pytest

from zanni import ZanniError
from zanni.transport.security import (
    RefusedAddress,
    check_url,
    is_loopback,
    node_named,
    own_host,
    socket_address,
    tcp_host,
    with_number,
)


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


def test_where_a_url_leads_to():
    assert socket_address("tcp://[::1]:7400") == ("::1", 7400)
    assert socket_address("tcp://127.0.0.1:7400") == ("127.0.0.1", 7400)
    assert socket_address("ipc:///tmp/x") == "/tmp/x"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("tcp://10.0.0.1:7400", "tcp://10.0.0.1:7400"),
        ("tcp://bank@10.0.0.1:7400", "tcp://10.0.0.1:7400"),
        ("tcp://[2001:db8::1]:7400", "tcp://[2001:db8::1]:7400"),
        ("tcp://localhost:7400", "tcp://127.0.0.1:7400"),
    ],
)
def test_with_keys_any_machine_is_taken(given, taken):
    assert check_url(given, keys=True) == taken


@pytest.mark.parametrize(
    "bad",
    [
        "tcp://0.0.0.0:7400",
        "tcp://[::]:7400",
        "tcp://*:7400",
        "tcp://example.org:7400",
        "tcp://bank:secret@10.0.0.1:7400",
        "tcp://10.0.0.1:7400/#x",
    ],
)
def test_with_keys_too_an_address_is_that_of_one_machine(bad):
    with pytest.raises(RefusedAddress, match=r"use|give"):
        check_url(bad, keys=True)


def test_a_url_may_name_the_node():
    assert node_named("tcp://bank@10.0.0.1:7400") == "bank"
    assert node_named("tcp://10.0.0.1:7400") is None
    assert node_named("ipc:///tmp/a@b") is None
    with pytest.raises(RefusedAddress):
        check_url("tcp://bank@10.0.0.1:7400", keys=True, bind=True)


def test_names_of_hosts_are_looked_up(monkeypatch):
    numbers = {"bank.example": "10.0.0.1", "six.example": "2001:db8::1"}
    monkeypatch.setattr("zanni.transport.security.number_of", numbers.__getitem__)
    assert with_number("tcp://bank@bank.example:7400") == "tcp://bank@10.0.0.1:7400"
    assert with_number("tcp://bank@Bank.Example:7400") == "tcp://bank@10.0.0.1:7400"
    assert with_number("tcp://six.example:1") == "tcp://[2001:db8::1]:1"
    for left in ("tcp://10.0.0.1:1", "tcp://localhost:1", "ipc:///tmp/x", "tcp://[::1]:1", "", 5):
        assert with_number(left) == left


def test_where_we_are_reached_from():
    assert own_host("127.0.0.1") == "127.0.0.1"
    assert own_host("[::1]") == "[::1]"
    assert is_loopback("127.0.0.1")
    assert not is_loopback("10.0.0.1")
