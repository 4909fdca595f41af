"""Where a core listens: a path is of one node at a time."""

import os
from pathlib import Path

import pytest

from zanni.transport import places
from zanni.transport.places import LOCK, _lock_path
from zanni.transport.run_directory import open_lock


def test_a_lock_that_its_holder_removes_just_before_it_is_ours_is_taken_anew(tmp_path, monkeypatch):
    path, url = f"{tmp_path}/bank", f"ipc://{tmp_path}/bank"
    opened = []

    def open_late(file):
        opened.append(open_lock(file))
        if len(opened) == 1:
            file.unlink()
        return opened[-1]

    monkeypatch.setattr(places, "open_lock", open_late)
    lock = _lock_path(path, url)
    try:
        assert len(opened) == 2
        assert Path(path + LOCK).read_text() == str(os.getpid())
        with pytest.raises(OSError, match=f"in use by process {os.getpid()}"):
            _lock_path(path, url)
    finally:
        os.close(lock)
