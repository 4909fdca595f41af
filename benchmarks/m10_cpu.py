"""M10: eight jobs of pure computation, on two cores.

Each measurement does the jobs one after the other in this process first, then in parallel; its
value is how many times faster that was. The workers are up before the clock starts. Checked: the
sum of the results, and that of the sequential run.
"""

import multiprocessing
from time import perf_counter

from zanni import Actor, ActorSystem

from .workload import Benchmark, Figures, Side, Target, check

JOBS = range(8)
TOTALS = {1_000_000: 15_999_840}


def job(start: int, steps: int) -> int:
    x, total = start, 0
    for _ in range(steps):
        x = (1309 * x + 13849) % 65536
        total += x * x % 7
    return total


def sequentially(steps: int) -> tuple[int, float]:
    started = perf_counter()
    total = sum(job(start, steps) for start in JOBS)
    seconds = perf_counter() - started
    check("the total of the sequential run", total, TOTALS.get(steps, total))
    return total, seconds


def speed_up(before: tuple[int, float], total: int, seconds: float) -> Figures:
    check("the total", total, before[0])
    return {"value": before[1] / seconds, "seconds": seconds, "sequential_seconds": before[1]}


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
        total = sum(result.get() for result in results)
        return speed_up(before, total, perf_counter() - started)


def pool(steps: int) -> Figures:
    before = sequentially(steps)
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        processes.starmap(job, [(0, 1)] * 4, chunksize=1)
        started = perf_counter()
        total = sum(processes.starmap(job, [(start, steps) for start in JOBS], chunksize=1))
        return speed_up(before, total, perf_counter() - started)


BENCHMARKS = [
    Benchmark(
        name="M10",
        title="8 jobs of computing on 2 cores",
        unit="x sequential",
        sides=[Side("zanni", zanni, 1_000_000, ours=True), Side("Pool(2)", pool, 1_000_000)],
        targets=[Target("0.9 x Pool(2)", lambda of: of["zanni"] / of["Pool(2)"] / 0.9)],
    )
]
