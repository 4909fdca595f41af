"""M6: what an idle actor weighs.

The proportional set size (Pss) of the process and its children, before and after N actors were
made, each holding one int of its own and pinged once; the refs that reach them are part of it.
Checked: 100 of them, spread over all, answer with their int and with the one ping.
"""

import gc
from pathlib import Path
from time import perf_counter

from .frameworks import Framework, in_both
from .workload import Benchmark, CheckFailed, Figures, Target, check

PING, WHO = "ping", "who"
FIRST = 1_000_000  # no small int, which Python would share


class Holder:
    def __init__(self, number):
        super().__init__()
        self.number = number
        self.pings = 0

    def on_receive(self, message):
        if message is WHO:
            return self.number, self.pings
        self.pings += 1
        return None


def hold(framework: Framework, n: int) -> Figures:
    holder = framework.actor(Holder)
    check("the first actor", holder(FIRST - 1).ask(WHO), (FIRST - 1, 0))  # all code has run once
    before = resident()
    started = perf_counter()
    actors = [holder(FIRST + index) for index in range(n)]
    for actor in actors:
        actor.tell(PING)
    sample = sorted({index * (n - 1) // 99 for index in range(100)})
    for index in sample:
        check("an actor's state", actors[index].ask(WHO), (FIRST + index, 1))
    seconds = perf_counter() - started
    return {"value": (resident() - before) / n, "seconds": seconds}


def resident() -> int:
    """Bytes of this process and its children, shared pages counted in parts."""
    gc.collect()
    return sum(proportional_set_size(folder) for folder in family(Path("/proc/self")))


def proportional_set_size(process: Path) -> int:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError as error:
        raise CheckFailed(
            f"this benchmark needs Linux, to read the Pss of a process: {error}"
        ) from None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def family(process: Path):
    yield process
    for children in process.glob("task/*/children"):
        for child in children.read_text().split():
            yield from family(Path("/proc") / child)


BENCHMARKS = [
    Benchmark(
        name="M6",
        title="memory of an idle actor",
        unit="bytes/actor",
        sides=in_both(hold, zanni=100_000, pykka=1_000),
        targets=[Target("900 bytes", lambda of: 900 / of["zanni"])],
        more_is_better=False,
    )
]
