"""Real processes: `zanni` as a user starts it, in a folder with some modules of its own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

PATIENCE = 40.0


class Zanni:
    """A running command. What it prints is taken in at once, so that it never waits for us."""

    def __init__(self, folder: Path, *arguments: str | Path) -> None:
        command = [sys.executable, "-m", "zanni.cli.main", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that Ctrl-C, as a terminal sends it, does not reach pytest
        )
        self.arrived: Queue[str] = Queue()
        self.out = self.err = ""
        self.readers = [Thread(target=self.read_out), Thread(target=self.read_err)]
        for reader in self.readers:
            reader.start()

    def read_out(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.out += line
            self.arrived.put(line)

    def read_err(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.err += line

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait for a line of its output that matches."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.arrived.get(timeout=max(deadline - time.monotonic(), 0))
            except Empty:
                pytest.fail(f"no line {pattern!r} in:\n{self.out}{self.err}")
            if match := re.search(pattern, line):
                return match

    def interrupt(self) -> None:
        """Ctrl-C: to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self, timeout: float = PATIENCE) -> int:
        code = self.process.wait(timeout)
        for reader in self.readers:  # they end when no process is left that holds the pipes
            reader.join(PATIENCE)
            assert not reader.is_alive(), "a child process is left"
        return code

    def end(self) -> None:
        if self.process.poll() is None or any(reader.is_alive() for reader in self.readers):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for reader in self.readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()


Start = Callable[..., Zanni]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `zanni` with some arguments; whatever is left of it is killed at the end."""
    running: list[Zanni] = []
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background; inherited
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def start_one(*arguments: str | Path) -> Zanni:
        running.append(Zanni(tmp_path, *arguments))
        return running[-1]

    hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as above, by nohup
    yield start_one
    for each in running:
        each.end()
    signal.signal(signal.SIGHUP, hang_up)


@pytest.fixture
def module(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a module into the working directory of `zanni`."""

    def write(name: str, source: str) -> Path:
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        return file

    return write
