"""Start both nodes, kill the bank, start it again, and check that no money was lost.

python examples/two_nodes/check.py [PORT]
"""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

ROOT = Path(__file__).parents[2]
DOWN_AFTER = 3.0
PATIENCE = 30.0
SUM = 400


class Node:
    """One `zanni run`, whose lines are shown as they come."""

    def __init__(self, target: str, *options: str) -> None:
        # Shorter than the defaults, so that the loss of the bank is noticed soon.
        config = ("--config", f"down_after={DOWN_AFTER}", "--config", "heartbeat=0.5")
        command = (sys.executable, "-m", "zanni.cli.main", "run", target, *options, *config)
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.lines: Queue[str] = Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            print(line, end="", flush=True)
            self.lines.put(line)

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait for a line that matches."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(deadline - time.monotonic(), 0))
            except Empty:
                raise SystemExit(f"FAILED: no line {pattern!r} within {PATIENCE} s") from None
            if match := re.search(pattern, line):
                return match

    def expect_transfers(self) -> None:
        total = int(self.expect(r"transfers, \d+ refused, (\d+) in all")[1])
        if total != SUM:
            raise SystemExit(f"FAILED: {total} in all, where {SUM} should be")

    def finish(self) -> None:
        """Ask it to end, as a terminal or a service manager does; it must end well."""
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        if code != 0:
            raise SystemExit(f"FAILED: a node ended with {code} after SIGTERM")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()


@contextmanager
def node(target: str, *options: str) -> Generator[Node]:
    started = Node(target, *options)
    try:
        yield started
    finally:
        started.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check(url: str) -> None:
    bank_command = ("examples.two_nodes.bank:Bank", "--name", "bank", "--listen", url)
    teller_command = ("examples.two_nodes.teller:Teller", "--name", "teller", "--join", url)
    with node(*teller_command) as teller:  # before there is a bank: joining goes on in background
        with node(*bank_command) as bank:
            bank.expect("open")
            teller.expect("found the bank")
            teller.expect_transfers()
            print("check: killing the bank")
            bank.kill()
            teller.expect("the bank is gone")
        print("check: starting the bank again")
        with node(*bank_command) as bank:
            bank.expect("open")
            teller.expect("found the bank")
            teller.expect_transfers()
            teller.finish()
            bank.finish()
    print(f"check: passed, {SUM} in all before and after")


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else free_port()
    check(f"tcp://127.0.0.1:{port}")
