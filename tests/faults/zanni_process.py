"""A node in a process of its own, for the tests of this folder."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest
from waiting import wait_for

import zanni

HERE = Path(__file__).parent
PATIENCE = 40.0
SLACK = 10.0
"""Seconds that a busy machine may be late."""


class Told(Exception):
    """What a node raised when it did as it was told."""


class Node:
    """A node in a process of its own: `node("expression")` is its value there."""

    def __init__(self, settings, prefix=(), env=None):
        self.name = settings["name"]
        self.process = subprocess.Popen(
            [*prefix, sys.executable, HERE / "zanni_node.py", json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(zanni.__file__).parents[1]), **(env or {})},
            start_new_session=True,  # its cores are of its group, and end with that
        )
        self.answers, self.err = Queue(), ""
        self.readers = [Thread(target=self._read_out), Thread(target=self._read_err)]
        for reader in self.readers:
            reader.start()

    def _read_out(self):
        for line in self.process.stdout:
            self.answers.put(json.loads(line))
        self.answers.put(None)

    def _read_err(self):
        for line in self.process.stderr:
            self.err += line

    def answer(self, timeout=PATIENCE):
        try:
            answer = self.answers.get(timeout=timeout)
        except Empty:
            pytest.fail(f"{self.name} does not answer: {self.err}")
        if answer is None:
            raise EOFError(f"{self.name} has ended: {self.err}")
        if "error" in answer:
            raise Told(answer["error"])
        return answer["value"]

    def tell(self, source):
        self.process.stdin.write(json.dumps(source) + "\n")
        self.process.stdin.flush()

    def __call__(self, source, timeout=PATIENCE):
        self.tell(source)
        return self.answer(timeout)

    def until(self, source, timeout=PATIENCE):
        """Ask until the value is true, and return it."""
        return wait_for(lambda: self(source), timeout, source)

    def events(self, kind):
        """What happened of a kind, each with its time."""
        return [event for event in self("happened") if event[1] == kind]

    def go(self):
        """Start the node of a process that was held."""
        self.tell("go")
        self.answer()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def stop(self, timeout=PATIENCE):
        """Have it end in order; how many seconds its stop took, and its exit code."""
        self.process.stdin.close()
        seconds = self.answer(timeout)
        return seconds, self.process.wait(timeout)

    def end(self):
        """By force, with all that it started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        for reader in self.readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                pipe.close()
            except BrokenPipeError:
                pass


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
