"""M12: a whole small program, from exec to exit.

The value is the time until the program has ended; `first_reply_ms` that until its answer could be
read. Checked: the answer, and exit status 0. The programs are in `hello/`.
"""

import functools
import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from .peers import PEERS
from .workload import Benchmark, Figures, Side, Target, check

PROGRAMS = Path(__file__).with_name("hello")


def program(command: Callable[[], list[str]], n: int) -> Figures:
    argv = command()  # which may compile it first
    started = perf_counter()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        answer = process.stdout.readline()
        answered = perf_counter()
        status = process.wait()
    ended = perf_counter()
    check("the answer", re.findall(r"\d+", answer)[:1], ["150"])
    check("the exit status", status, 0)
    milliseconds = 1000 * (ended - started)
    return {"value": milliseconds, "first_reply_ms": 1000 * (answered - started)}


def python(name: str, *arguments: str) -> Callable[[int], Figures]:
    return functools.partial(program, lambda: [sys.executable, str(PROGRAMS / name), *arguments])


def built(peer: str) -> Side:
    """The program of that peer, in its own language."""

    def command() -> list[str]:
        module = importlib.import_module(f".peers.{PEERS[peer].module}", __package__)
        return module.command("hello", 50)

    return Side(peer, functools.partial(program, command), 1, lacks=PEERS[peer].lacks)


BENCHMARKS = [
    Benchmark(
        name="M12",
        title="start, first answer, exit",
        unit="ms",
        sides=[
            Side("zanni", python("zanni_hello.py", "1"), 1, ours=True),
            Side("zanni, 2 cores", python("zanni_hello.py", "2"), 1, ours=True),
            Side("import zanni", python("import_zanni.py"), 1, ours=True),
            Side("pykka", python("pykka_hello.py"), 1),
            Side("asyncio", python("asyncio_hello.py"), 1),
            Side("threads", python("threads_hello.py"), 1),
            Side("xoscar", python("xoscar_hello.py"), 1, lacks=PEERS["xoscar"].lacks),
            built("erlang"),
            built("go"),
            Side("bare python", python("python_hello.py"), 1),
        ],
        targets=[
            Target("Python + 100 ms", lambda of: 100 / (of["zanni"] - of["bare python"])),
            Target(
                "+ 300 ms (2 cores)", lambda of: 300 / (of["zanni, 2 cores"] - of["bare python"])
            ),
        ],
        more_is_better=False,
    )
]
