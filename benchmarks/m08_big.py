"""M8: big. A hundred actors ping each other, each one ping at a time.

The next ping goes out when the pong of the last is in. Its target is drawn by the sender's own
x' = (1309 x + 13849) mod 65536, which begins with the sender's number; x' mod 100 is the target.
`n` is how many pings each of the hundred sends; the value is pings, with their pongs, per second.
Checked: the sum over all i of (i + 1) x the pings that actor i received; 5 039 320 for n = 1000.
"""

from time import perf_counter

from .frameworks import Framework, in_both
from .peers import Found, peers
from .workload import Benchmark, Figures, Target, check, rate

PLAYERS = 100
BEGIN, PONG, DONE, REPORT = "begin", "pong", "done", "report"


def drawn_after(x: int) -> int:
    return (1309 * x + 13849) % 65536


class Player:
    """A ping is the ref of who sent it."""

    def __init__(self, number, pings, umpire):
        super().__init__()
        self.number, self.left, self.umpire = number, pings, umpire
        self.x, self.received = number, 0
        self.players = []

    def on_receive(self, message):
        if message is PONG or message is BEGIN:
            if self.left > 0:
                self.left -= 1
                self.x = drawn_after(self.x)
                self.players[self.x % PLAYERS].tell(self.actor_ref)
            else:
                self.umpire.tell(DONE)
        elif message is REPORT:
            self.umpire.tell((self.number + 1) * self.received)
        elif type(message) is list:
            self.players = message
        else:
            self.received += 1
            message.tell(PONG)


class Umpire:
    """Asks all for their count when the last is done."""

    def __init__(self, total):
        super().__init__()
        self.total = total
        self.players, self.done, self.reports, self.sum = [], 0, 0, 0

    def on_receive(self, message):
        if message is DONE:
            self.done += 1
            if self.done == PLAYERS:
                for player in self.players:
                    player.tell(REPORT)
        elif type(message) is list:
            self.players = message
        else:
            self.reports += 1
            self.sum += message
            if self.reports == PLAYERS:
                self.total.set(self.sum)


def expected(n: int) -> int:
    total = 0
    for x in range(PLAYERS):
        for _ in range(n):
            x = drawn_after(x)  # noqa: PLW2901  (each begins with its own number)
            total += x % PLAYERS + 1
    return total


def big(framework: Framework, n: int) -> Figures:
    total = framework.future()
    umpire = framework.actor(Umpire)(total)
    players = [framework.actor(Player)(number, n, umpire) for number in range(PLAYERS)]
    for actor in [umpire, *players]:
        actor.tell(players)
    started = perf_counter()
    for player in players:
        player.tell(BEGIN)
    found = total.get()
    seconds = perf_counter() - started
    check("pings received, weighted", found, expected(n))
    return rate(PLAYERS * n, seconds)


def pings_per_second(n: int, found: Found) -> float:
    return PLAYERS * n / found["seconds"]


BENCHMARKS = [
    Benchmark(
        name="M8",
        title="big: 100 actors ping each other",
        unit="round trips/s",
        sides=[
            *in_both(big, zanni=2_000, pykka=100),
            *peers("big", expected, value=pings_per_second, asyncio=500, threads=200, xoscar=100),
            *peers("big", expected, value=pings_per_second, erlang=5_000, go=10_000),
        ],
        targets=[
            Target("80 x Pykka", lambda of: of["zanni"] / of["pykka"] / 80),
            Target("0.4 x Erlang", lambda of: of["zanni"] / of["erlang"] / 0.4),
        ],
    )
]
