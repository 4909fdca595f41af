"""Whose keys are let in, as the key directory changes, and what is told of it."""

import errno
import logging

import pytest

from zanni.actors.observe import Events
from zanni.transport import gate as gate_module
from zanni.transport.events import (
    AuthenticationLost,
    KeyAccepted,
    KeyMisused,
    KeyRefused,
    KeyRevoked,
)
from zanni.transport.gate import MISUSERS, Gate, Join, Open
from zanni.transport.key import KeyPair
from zanni.transport.keyring import BadKeys, Entry, Role, allow, revoke, write_pair
from zanni.transport.security import RefusedAddress

BANK = Entry("bank", Role.NODE, "a" * 40)
CARL = Entry("carl", Role.CLIENT, "b" * 40)
STRANGER = "c" * 40


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "keys"
    write_pair(made, KeyPair("p" * 40, "s" * 40))
    allow(made, BANK)
    allow(made, CARL)
    return made


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def gate(directory, events):
    return Gate(directory, events)


def test_those_on_the_list_are_let_in_and_told_of(gate, events):
    assert gate.admits(BANK.key, "10.0.0.2")
    assert list(events.last) == [KeyAccepted("bank", "node", "10.0.0.2")]
    assert gate.role_of("carl") is Role.CLIENT
    assert gate.key_of("bank") == BANK.key
    assert gate.refusal_of("bank") is None


def test_strangers_are_not_and_are_told_of_once_a_step(gate, events):
    for number in range(1000):
        assert not gate.admits(STRANGER, f"10.0.0.{number % 256}")
    assert gate.key_of("stranger") is None
    assert gate.role_of("stranger") is Role.CLIENT
    assert "no key of 'stranger'" in gate.refusal_of("stranger").detail
    assert list(events.last) == []
    gate.step()
    gate.step()
    assert list(events.last) == [KeyRefused(STRANGER, "10.0.0.231", 1000)]


def test_the_log_tells_of_them_once_a_minute(gate, monkeypatch, caplog):
    moment = 1000.0
    monkeypatch.setattr(gate_module, "now", lambda: moment)
    with caplog.at_level(logging.WARNING, "zanni"):
        for _ in range(120):
            gate.admits(STRANGER, "10.0.0.2")
            gate.step()
            moment += 1.0
    assert len(caplog.records) == 2


def test_misuse_is_told_of_by_name_and_bounded(gate, events):
    for _ in range(3):
        gate.note_misuse("carl", "stop an actor")
    for number in range(2 * MISUSERS):
        gate.note_misuse(f"node {number}", "spawn")
    gate.step()
    assert events.last[0] == KeyMisused("carl", "stop an actor", 3)
    assert len(events.last) == MISUSERS


def test_a_key_that_is_revoked_is_told_of_and_let_in_no_more(gate, directory, events):
    revoke(directory, "carl")
    assert gate.step() == [CARL]
    assert gate.step() == []
    assert list(events.last) == [KeyRevoked("carl", CARL.key)]
    assert gate.holder(CARL.key) is None
    assert not gate.admits(CARL.key, "10.0.0.3")
    assert gate.admits(BANK.key, "10.0.0.2")


def test_a_key_that_is_replaced_is_revoked(gate, directory):
    allow(directory, CARL._replace(key=STRANGER))
    assert gate.step() == [CARL]
    assert gate.holder(STRANGER)[0].name == "carl"


def test_another_role_revokes_nothing(gate, directory):
    allow(directory, CARL._replace(role=Role.ADMIN))
    assert gate.step() == []
    assert gate.role_of("carl") is Role.ADMIN


def test_a_new_key_is_let_in(gate, directory):
    allow(directory, Entry("dora", Role.NODE, STRANGER))
    gate.step()
    assert gate.admits(STRANGER, "10.0.0.4")


def test_what_cannot_be_read_any_more_lets_nobody_in(gate, directory, caplog):
    (directory / "allowed").chmod(0o777)
    with caplog.at_level(logging.ERROR, "zanni"):
        assert set(gate.step()) == {BANK, CARL}
    assert "changed by others" in caplog.text
    assert gate.is_empty
    (directory / "allowed").chmod(0o700)
    gate.step()
    assert gate.admits(BANK.key, "10.0.0.2")


def test_a_directory_that_is_gone_lets_nobody_in(gate, directory):
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert set(gate.step()) == {BANK, CARL}


def test_where_no_more_files_can_be_opened_the_list_stays_as_it_was(gate, directory, monkeypatch):
    def iterdir(_path):
        raise OSError(errno.EMFILE, "Too many open files")

    revoke(directory, "carl")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.iterdir", iterdir)
        assert gate.step() == []
    assert gate.step() == [CARL]


def test_a_list_that_is_bad_from_the_start_is_refused(directory, events):
    (directory / "allowed" / "bank.key").chmod(0o666)
    with pytest.raises(BadKeys, match="changed by others"):
        Gate(directory, events)


def test_the_end_of_authentication_is_told_of(gate, events, caplog):
    with caplog.at_level(logging.CRITICAL, "zanni"):
        gate.failed("no socket")
    assert list(events.last) == [AuthenticationLost("no socket")]


def test_the_key_of_a_node_to_join_is_that_of_its_name_or_the_only_one(gate, directory):
    bank = gate.checked_join("tcp://10.0.0.1:7400")
    assert bank == Join("tcp://10.0.0.1:7400", "bank")
    join = gate.checked_join("tcp://carl@10.0.0.1:7400")
    assert join == Join("tcp://10.0.0.1:7400", "carl")
    assert gate.key_to_join(join) == CARL.key
    assert gate.key_to_join(bank) == BANK.key
    allow(directory, Entry("dora", Role.NODE, STRANGER))
    gate.step()
    with pytest.raises(BadKeys, match=r"tcp://NAME@HOST:PORT; allowed are: bank, dora"):
        gate.checked_join("tcp://10.0.0.1:7400")
    with pytest.raises(BadKeys, match=r"no key of 'emil' .*zanni keys allow .* emil KEY"):
        gate.checked_join("tcp://emil@10.0.0.1:7400")
    assert gate.key_to_join(bank) == BANK.key  # another that is allowed since is not taken for it
    revoke(directory, "bank")
    gate.step()
    with pytest.raises(BadKeys, match="no key of 'bank'"):
        gate.key_to_join(bank)
    revoke(directory, "dora")
    gate.step()
    with pytest.raises(BadKeys, match="zanni keys allow"):
        gate.checked_join("tcp://10.0.0.1:7400")


def test_without_keys_everybody_is_a_node_on_loopback_alone():
    gate = Open()
    assert gate.checked_join("tcp://localhost:7400") == Join("tcp://127.0.0.1:7400", None)
    assert gate.key_of("bank") is gate.role_of("bank") is gate.refusal_of("bank") is None
    assert gate.key_to_join(Join("tcp://127.0.0.1:7400", None)) is None
    with pytest.raises(RefusedAddress):
        gate.checked_url("tcp://10.0.0.1:7400")
    with pytest.raises(RefusedAddress):
        gate.checked_join("tcp://bank@127.0.0.1:7400")
    assert gate.step() == []
