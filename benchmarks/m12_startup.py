"""M12: a whole small program, from exec to exit.

The value is the time until the program has ended; `first_reply_ms` that until its answer could be
read. Checked: the answer, and exit status 0. The programs are in `hello/`.
"""

import functools
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from .workload import Benchmark, Figures, Side, Target, check

PROGRAMS = Path(__file__).with_name("hello")


def program(name: str, arguments: tuple[str, ...], n: int) -> Figures:
    command = [sys.executable, str(PROGRAMS / name), *arguments]
    started = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        answer = process.stdout.readline()
        answered = perf_counter()
        status = process.wait()
    ended = perf_counter()
    check("the answer", answer.split()[:1], ["150"])
    check("the exit status", status, 0)
    milliseconds = 1000 * (ended - started)
    return {"value": milliseconds, "first_reply_ms": 1000 * (answered - started)}


def runs(name: str, *arguments: str):
    return functools.partial(program, name, arguments)


BENCHMARKS = [
    Benchmark(
        name="M12",
        title="start, first answer, exit",
        unit="ms",
        sides=[
            Side("zanni", runs("zanni_hello.py", "1"), 1, ours=True),
            Side("zanni, 2 cores", runs("zanni_hello.py", "2"), 1, ours=True),
            Side("import zanni", runs("import_zanni.py"), 1, ours=True),
            Side("pykka", runs("pykka_hello.py"), 1),
            Side("bare python", runs("python_hello.py"), 1),
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
