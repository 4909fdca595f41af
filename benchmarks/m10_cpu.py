"""M10: eight jobs of pure computation, on two cores.

Each measurement does the jobs one after the other in this process first, then in parallel; its
value is how many times faster that was. The workers are up before the clock starts. Checked: the
sum of the results, and that of the sequential run; 15 999 840 for a million steps.
"""

import multiprocessing
from time import perf_counter

from zanni import Actor, ActorSystem

from .peers import Found, peers
from .workload import Benchmark, Figures, Side, Target, check

JOBS = range(8)
MODULUS = 65536


def job(start: int, steps: int) -> int:
    x, total = start, 0
    for _ in range(steps):
        x = (1309 * x + 13849) % MODULUS
        total += x * x % 7
    return total


def expected(steps: int) -> int:
    """The sum of all jobs, without doing them: each goes through all of 0 ... 65535 in turn."""
    rounds, rest = divmod(steps, MODULUS)
    whole = sum(x * x % 7 for x in range(MODULUS))
    return sum(rounds * whole + job(start, rest) for start in JOBS)


def sequentially(steps: int) -> float:
    started = perf_counter()
    total = sum(job(start, steps) for start in JOBS)
    seconds = perf_counter() - started
    check("the total of the sequential run", total, expected(steps))
    return seconds


def speed_up(before: float, seconds: float) -> Figures:
    return {"value": before / seconds, "seconds": seconds, "sequential_seconds": before}


class Worker(Actor):
    def work(self, start: int, steps: int) -> int:
        return job(start, steps)


def zanni(steps: int) -> Figures:
    before = sequentially(steps)
    with ActorSystem("benchmark", cores=2) as system:
        workers = [system.spawn(Worker, core=core) for core in (1, 0)]
        for worker in workers:
            worker.call(Worker.work, 0, 1).get()
        started = perf_counter()
        # The farther one gets its jobs first, since core 0 sends nothing while it computes.
        results = [
            worker.call(Worker.work, start, steps)
            for index, worker in enumerate(workers)
            for start in JOBS[index::2]
        ]
        check("the total", sum(result.get() for result in results), expected(steps))
        return speed_up(before, perf_counter() - started)


def pool(steps: int) -> Figures:
    before = sequentially(steps)
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        processes.starmap(job, [(0, 1)] * 4, chunksize=1)
        started = perf_counter()
        total = sum(processes.starmap(job, [(start, steps) for start in JOBS], chunksize=1))
        check("the total", total, expected(steps))
        return speed_up(before, perf_counter() - started)


def both_totals(steps: int) -> list[int]:
    return [expected(steps)] * 2


def ratio(_steps: int, found: Found) -> float:
    return found["sequential_seconds"] / found["seconds"]


BENCHMARKS = [
    Benchmark(
        name="M10",
        title="8 jobs of computing on 2 cores",
        unit="x sequential",
        sides=[
            Side("zanni", zanni, 1_000_000, ours=True),
            Side("Pool(2)", pool, 1_000_000),
            *peers("compute", both_totals, value=ratio, xoscar=1_000_000),
            *peers("compute", both_totals, value=ratio, erlang=10_000_000, go=10_000_000),
        ],
        targets=[Target("0.95 x Pool(2)", lambda of: of["zanni"] / of["Pool(2)"] / 0.95)],
    )
]
