"""A census of Python source: how much of it there is, and which names it uses most.

    zanni run examples.census:Census --cores 2                    # the standard library
    zanni run examples.census:Census --cores auto --path ~/src    # any tree

A `Census` walks the tree and hands its files, one by one, to `Worker`s on all cores. A worker that
meets a malformed file simply crashes: its supervisor starts it again, the census notes the file,
and the work goes on. Then the same is done on one core, to see what the other cores are worth.
"""

import logging
import sysconfig
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

from examples.census_count import Counts, Totals, count_file, describe, find_files
from examples.census_view import Result, View, cores
from zanni import Actor, ActorRef, Down, message
from zanni.supervisors import Supervisor, child

WORKERS_PER_CORE = 2
IN_HAND = 4  # files that a worker has at a time: enough to go on with while the census is busy


@message
class Ready:
    """From a worker: it has started."""

    worker: ActorRef[Any]


@message
class Task:
    """To a worker: count this file."""

    file: str


@message
class Counted:
    """From a worker: what a file holds."""

    worker: ActorRef[Any]
    file: str
    counts: Counts


@message
class Broken:
    """From a worker that crashes: the file that it crashed on."""

    worker: ActorRef[Any]
    file: str
    reason: str


class Worker(Actor):
    """Counts one file after the other. It takes no care of malformed ones: it crashes."""

    throughput = 1  # one file a turn, so that its neighbours on the core get theirs

    def __init__(self, census: ActorRef[Any]) -> None:
        super().__init__()
        self.census = census
        self.file = ""

    def on_start(self) -> None:
        logging.getLogger("zanni").addFilter(is_news)
        self.census.tell(Ready(self.actor_ref))

    def on_receive(self, message: Task) -> None:
        self.file = message.file
        self.census.tell(Counted(self.actor_ref, self.file, count_file(self.file)))

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exception_value is not None:
            self.census.tell(Broken(self.actor_ref, self.file, describe(exception_value)))


def is_news(record: logging.LogRecord) -> bool:
    """Workers crash by design, and take long over large files: the report says all there is."""
    return not record.getMessage().startswith("Worker ")


class Pool(Supervisor):
    """A number of workers, spread over some cores."""

    intensity = 100_000  # a tree may hold any number of malformed files

    def __init__(self, census: ActorRef[Any], size: int, cores: list[int]) -> None:
        super().__init__()
        self.census, self.size, self.cores = census, size, cores
        logging.getLogger("zanni").addFilter(is_news)

    def children(self) -> list[Any]:
        return [
            child(Worker, self.census, id=f"worker-{i}", core=self.cores[i % len(self.cores)])
            for i in range(self.size)
        ]


class Round:
    """The whole job, once: which files are still to do, in whose hands, and done."""

    def __init__(self, files: dict[str, int], broken: dict[str, str]) -> None:
        self.todo = list(reversed(files))  # the next one last
        self.left = len(files)
        self.in_hand: dict[ActorRef[Any], list[str]] = {}
        self.totals = Totals(broken=dict(broken))
        self.files_per_core: Counter[int] = Counter()
        self.began = time.perf_counter()
        self.seconds = 0.0

    def feed(self, worker: ActorRef[Any]) -> None:
        """Hand a worker as many files as it may have at a time."""
        files = self.in_hand.setdefault(worker, [])
        while self.todo and len(files) < IN_HAND:
            files.append(self.todo.pop())
            worker.tell(Task(files[-1]))

    def settle(self, worker: ActorRef[Any], file: str) -> None:
        """Cross a file off, counted or broken."""
        self.in_hand[worker].remove(file)
        self.left -= 1
        self.seconds = time.perf_counter() - self.began

    def take_back(self, worker: ActorRef[Any]) -> None:
        """Give the files of a lost worker to the others."""
        self.todo += self.in_hand.pop(worker)
        for other in self.in_hand:
            self.feed(other)


class Census(Actor):
    """The root: one round on all cores, one on a single core, and a report of both."""

    def __init__(self, path: str | None = None) -> None:
        super().__init__()
        self.folder = Path(path or sysconfig.get_paths()["stdlib"]).expanduser().absolute()
        if not self.folder.is_dir():
            raise NotADirectoryError(f"there is no folder {self.folder}")
        self.view = View()
        self.results: list[Result] = []

    def on_start(self) -> None:
        every_core = list(range(len(self.system.cores())))
        self.pool_size = WORKERS_PER_CORE * len(every_core)  # in both rounds: it is the same job
        self.plan = [every_core, [0]] if len(every_core) > 1 else [every_core]
        self.files, self.broken = find_files(str(self.folder))
        self.view.say(f"{len(self.files):,} Python files below {self.folder}")
        self.begin()

    def begin(self) -> None:
        self.cores = self.plan.pop(0)
        self.round = Round(self.files, self.broken)
        self.view.begin(cores(len(self.cores)), sum(self.files.values()))
        self.pool = self.spawn(Pool, self.actor_ref, self.pool_size, self.cores)
        self.watch(self.pool)
        self.end_when_done()

    def on_receive(self, message: Ready | Counted | Broken | Down) -> None:
        match message:
            case Ready(worker):
                self.watch(worker)
                self.round.feed(worker)
            case Counted(worker, file, counts):
                self.round.totals.add(file, counts)
                self.round.files_per_core[worker.core] += 1
                self.settle(worker, file)
                self.round.feed(worker)
            case Broken(worker, file, reason):
                self.round.totals.broken[file] = reason
                self.settle(worker, file)
                self.round.feed(worker)
            case Down(ref, reason) if ref == self.pool:
                self.conclude(reason)
            case Down(worker, reason):
                self.bury(worker, reason)

    def settle(self, worker: ActorRef[Any], file: str) -> None:
        self.round.settle(worker, file)
        self.view.advance(self.files[file])
        self.end_when_done()

    def bury(self, worker: ActorRef[Any], reason: object) -> None:
        """A worker is gone for good, with its process: leave out the file it was at, as that may
        be the cause, and give the rest to others."""
        if files := self.round.in_hand.get(worker):
            file = files[0]
            self.round.totals.broken[file] = f"its worker was lost: {reason}"
            self.settle(worker, file)
            self.round.take_back(worker)

    def end_when_done(self) -> None:
        if not self.round.left:
            self.pool.stop(block=False)  # its `Down` is what concludes the round

    def conclude(self, reason: object) -> None:
        self.view.end()
        if self.round.left:
            raise RuntimeError(f"the pool of workers gave up: {reason}")
        finished = self.round
        result = Result(len(self.cores), finished.seconds, finished.files_per_core, finished.totals)
        self.results.append(result)
        if self.plan:
            self.begin()
        else:
            self.view.report(str(self.folder), self.results)
            self.stop()

    def on_stop(self) -> None:
        self.view.end()  # also after Ctrl-C: a terminal gets its cursor back
