"""A node in a process of its own that does what it is told: one line of Python in, one of JSON out.

`Node` in conftest.py starts it and talks to it. It ends when its stdin does, so that none outlives
the tests. Its actors are here, too: they tell of every message, and say what they have seen.
"""

import itertools
import json
import mmap
import os
import struct
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from zanni import Actor, ActorSystem, Down, Failure, message
from zanni.transport import frame

PAGE = os.sysconf("SC_PAGE_SIZE")


@message
class Number:
    """The next one of a stream."""

    stream: str
    value: int
    padding: bytes = b""


class Sink(Actor):
    """Keeps what comes, by stream, and where a stream has gaps or goes back."""

    def __init__(self):
        super().__init__()
        self.streams = {}

    def on_receive(self, message):
        match message:
            case Number(stream, value):
                self.streams.setdefault(stream, []).append(value)
            case "pid":
                return os.getpid()
            case ("do", source):  # in this process, on its core
                exec(source, {**globals(), "actor": self})
        return None

    def seen(self, stream):
        """How many came, whether each was greater than the one before, and the last one."""
        values = self.streams.get(stream, [])
        in_order = all(one < two for one, two in itertools.pairwise(values))
        return {"count": len(values), "in order": in_order, "last": values[-1] if values else None}


class Source(Actor):
    """Tells a target the numbers of a stream, so many every `pause` seconds."""

    def __init__(self, target, stream, pause=0.01, burst=10, padding=0):
        super().__init__()
        self.target, self.stream, self.burst = target, stream, burst
        self.sent, self.padding, self.done = 0, b"x" * padding, False
        self.every(pause, "tell")

    def on_receive(self, message):
        for _ in range(0 if self.done else self.burst):
            self.target.tell(Number(self.stream, self.sent, self.padding))
            self.sent += 1

    def finish(self):
        """How many were sent in all."""
        self.done = True
        return self.sent

    def aim(self, target, burst):
        """Send the rest to another one, so many at a time."""
        self.target, self.burst = target, burst


class Asker(Actor):
    """Asks a target every `pause` seconds, without a timeout, and counts how that ends."""

    def __init__(self, target, pause=0.005):
        super().__init__()
        self.target, self.asked, self.done = target, 0, False
        self.ended = Counter()
        self.every(pause, "ask")

    def on_receive(self, message):
        match message:
            case "ask":
                if not self.done:
                    self.asked += 2
                    self.pipe(self.target.ask(Number("asked", self.asked), block=False))
                    self.pipe(self.target.call(Sink.seen, "no such stream"))
            case Failure(exception):
                self.ended[type(exception).__name__] += 1
            case _:
                self.ended["answered"] += 1

    def finish(self):
        self.done = True

    def outcome(self):
        """How many have not ended yet, and how the others did."""
        return self.asked - self.ended.total(), dict(self.ended)


class Tally(Actor):
    """Counts numbers in a file, which outlives its process however that ends."""

    FIELDS = struct.Struct("QQQ")
    """How many came, the last one plus one, and how many were not above the one before."""

    def __init__(self, path):
        super().__init__()
        with Path(path).open("w+b") as file:
            file.truncate(self.FIELDS.size)
            self.map = mmap.mmap(file.fileno(), self.FIELDS.size)
        self.count = self.next = self.wrong = 0

    def on_receive(self, message):
        self.count += 1
        self.wrong += message.value < self.next
        self.next = message.value + 1
        self.FIELDS.pack_into(self.map, 0, self.count, self.next, self.wrong)

    def pid(self):
        return os.getpid()

    @classmethod
    def read(cls, path):
        """What is in the file."""
        return cls.FIELDS.unpack(Path(path).read_bytes())


class Watcher(Actor):
    """Watches whom it is told to; every `Down` with the time of the clock."""

    def __init__(self):
        super().__init__()
        self.downs = []

    def on_receive(self, message):
        match message:
            case Down(ref, reason):
                self.downs.append((str(ref.address), str(reason), time.monotonic()))
            case "downs":
                return self.downs
            case ref:
                self.watch(ref)
        return None


def main():
    settings, out = json.loads(sys.argv[1]), sys.stdout
    if settings.pop("held"):
        answer(out, value="held")
        sys.stdin.readline()
    if (major := settings.pop("major")) is not None:
        speak(major)
    system, happened = ActorSystem(**settings), []
    system.events.subscribe(
        lambda event: happened.append((time.monotonic(), type(event).__name__, *event))
    )
    scope = {
        **globals(),
        "system": system,
        "happened": happened,
        "losses": lambda: dict(system.dead_letters.counts),
        "fds": lambda: len(list(Path("/proc/self/fd").iterdir())),
        "memory": lambda: int(Path("/proc/self/statm").read_text().split()[1]) * PAGE,
        "threads": threading.active_count,
        "kinds": lambda: dict(Counter(kind for _, kind, *_ in happened)),
    }
    with system:
        answer(out, value=os.getpid())
        for line in sys.stdin:
            try:
                answer(out, value=run(json.loads(line), scope))
            except Exception as error:
                answer(out, error=f"{type(error).__name__}: {error}")
        began = time.monotonic()
    answer(out, value=time.monotonic() - began)


def speak(major):
    """Be a node of that version of the protocol: before anybody imports what says which it is."""
    assert "zanni.transport.handshake" not in sys.modules
    source = (
        Path(frame.__file__)
        .read_text()
        .replace("VERSION_MAJOR = 1\n", f"VERSION_MAJOR = {major}\n")
    )
    exec(compile(source, frame.__file__, "exec"), vars(frame))


def run(source, scope):
    """The value of an expression, or None of a statement."""
    try:
        code = compile(source, "<told>", "eval")
    except SyntaxError:
        exec(compile(source, "<told>", "exec"), scope)
        return None
    return eval(code, scope)


def answer(out, **what):
    print(json.dumps(what, default=str), file=out, flush=True)


if __name__ == "__main__":
    main()
