"""Run directories: which nodes run here, and what is left of those that do no more."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from zanni import ActorSystem
from zanni.transport.run_directory import Running, base_directory, make_run_directory, running


@pytest.fixture(autouse=True)
def own_tmp(monkeypatch):
    """A TMPDIR of the test's own, of a path that sockets can have."""
    path = tempfile.mkdtemp(prefix="z-", dir="/tmp")
    monkeypatch.setattr(tempfile, "tempdir", path)
    yield
    shutil.rmtree(path)


@pytest.fixture
def make():
    """Make a run directory; its lock is given back at the end."""
    locks = []

    def make(incarnation, name=None):
        made, lock = make_run_directory(incarnation, name)
        locks.append(lock)
        return made

    yield make
    for lock in locks:
        os.close(lock)


def test_nothing_runs_where_there_is_no_directory():
    assert running() == []


def test_nodes_that_run_are_found_by_name(make):
    bank, teller = make(2, "bank"), make(1, "Teller ö")
    assert running() == [
        Running("Teller ö", os.getpid(), f"ipc://{teller}/0c"),
        Running("bank", os.getpid(), f"ipc://{bank}/0c"),
    ]


def test_one_without_a_name_is_not_to_be_found(make):
    make(1)
    assert running() == []


def test_one_that_has_ended_is_not_found_and_removed_by_the_next(make):
    made, lock = make_run_directory(1, "bank")
    os.close(lock)
    assert running() == []
    assert made.exists()
    make(2, "bank")
    assert not made.exists()
    assert len(running()) == 1


def test_one_that_is_just_being_removed_gets_no_new_lock(make, monkeypatch):
    """Or its owner could not remove the directory: it would not be empty."""
    made, lock = make_run_directory(1, "bank")
    os.close(lock)
    (made / "lock").unlink()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # the owner is quicker
    make(2)
    made.rmdir()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"name": "bank"}', b'{"pid": 1}', b"\xff"])
def test_a_lock_that_says_nothing_is_passed_over(make, text):
    (make(1, "bank") / "lock").write_bytes(text)
    assert running() == []


def test_what_is_no_run_directory_is_passed_over(make):
    make(1, "bank")
    (base_directory() / "stray").mkdir()
    (base_directory() / "file").touch()
    assert len(running()) == 1


def test_the_directories_are_ours_alone_whatever_the_umask():
    before = os.umask(0)
    try:
        made, lock = make_run_directory(1, "bank")
    finally:
        os.umask(before)
    os.close(lock)
    for path in (base_directory(), made):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((made / "lock").stat().st_mode) == 0o600


def test_one_that_others_could_enter_is_ours_alone_from_the_next_start_on(make):
    base_directory().mkdir()
    base_directory().chmod(0o777)
    make(1)
    assert stat.S_IMODE(base_directory().stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["file", "link to nothing"])
def test_what_is_no_directory_is_refused_with_the_remedy(kind):
    if kind == "file":
        base_directory().touch()
    else:
        base_directory().symlink_to("nowhere")
    with pytest.raises(OSError, match="not a directory of ours: remove it, or set TMPDIR"):
        make_run_directory(1)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused():
    base_directory().mkdir()
    os.chown(base_directory(), 12345, -1)
    with pytest.raises(OSError, match="not a directory of ours"):
        running()
    with pytest.raises(OSError, match="not a directory of ours"):
        make_run_directory(1)


def test_a_system_is_found_while_it_runs():
    with ActorSystem("bank", observable=True):
        assert [node.name for node in running()] == ["bank"]
    assert running() == []


def test_so_is_one_that_listens():
    with ActorSystem("bank", listen="tcp://127.0.0.1:0"):
        assert [node.name for node in running()] == ["bank"]


def test_one_with_one_core_and_no_peers_is_not():
    with ActorSystem("bank"):
        assert running() == []


def test_a_system_that_cannot_be_found_runs_all_the_same(monkeypatch, caplog):
    long = os.path.join(tempfile.tempdir, "x" * 100)  # noqa: PTH118
    os.mkdir(long)  # noqa: PTH102
    monkeypatch.setattr(tempfile, "tempdir", long)
    with ActorSystem("bank", observable=True) as system:
        assert system.actors() == []
    assert "zanni tree will not find bank" in caplog.text


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_may_enter_whatever_the_umask(umask):
    before = os.umask(umask)
    try:
        with ActorSystem("bank", cores=1, observable=True) as system:
            made = base_directory() / Path(system.run_directory).name
            for directory in (base_directory(), made):
                assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            assert stat.S_IMODE((made / "lock").stat().st_mode) & 0o077 == 0
    finally:
        os.umask(before)
