"""No false alarm, and none missed: random graphs of asks, checked by a ledger of their own.

Every ask has a number. The ledger knows for whose answer each actor waited, and who owed it, and
when: it is written by the handlers themselves, and read when one of them gets a `DeadlockError`.
By then other waits of the cycle may be over, and their actors far on.
"""

import random
from collections import Counter, defaultdict
from itertools import count, pairwise

import pytest

from zanni import Actor, DeadlockError, Timeout

LONG = 60.0
GROUPS, SIZE = 40, 5


class Ledger:
    def __init__(self):
        self.number = count().__next__
        self.moment = count(1).__next__
        self.owners = defaultdict(list)  # ask -> (from when on, actor; or None: it was put off)
        self.waits = defaultdict(list)  # actor -> [from, until, ask]
        self.counts = Counter()
        self.wrong = []

    def owes(self, ask, actor):
        self.owners[ask].append((self.moment(), actor))

    def begin(self, me, ask):
        self.waits[me].append([self.moment(), None, ask])

    def end(self, me):
        self.waits[me][-1][1] = self.moment()

    def check(self, me, error):
        """Was there a moment since I began to wait, the first of the cycle, at which all did?"""
        cycle = [*error.cycle, error.cycle[0]]
        since = self.waits[me][-1][0]
        moments = [(since, self.moment())]
        for edge in pairwise(cycle):
            moments = [
                (max(begin, start), min(end, stop))
                for begin, end in moments
                for start, stop in self.edges(*edge, since)
                if max(begin, start) < min(end, stop)
            ]
        if cycle[0] != me or not moments:
            self.wrong.append((me, error, [[*self.edges(*edge, 0)] for edge in pairwise(cycle)]))

    def edges(self, actor, owner, since):
        """When since then the one waited for an answer that the other owed."""
        for begin, end, ask in reversed(self.waits[actor]):
            until = self.moment() if end is None else end
            if until < since:
                break
            owners = [*self.owners[ask], (until, None)]
            for (start, who), (stop, _) in pairwise(owners):
                if who == owner:
                    yield max(begin, start), min(until, stop)


class Settler(Actor):
    """Answers what was put off. It waits for nobody, so that an answer put off always comes."""

    def on_receive(self, future):
        future.set("later")


class Walker(Actor):
    """Follows a plan: asks others, who follow plans of their own before they answer."""

    def __init__(self, ledger, settler):
        super().__init__()
        self.ledger, self.settler = ledger, settler
        self.peers = []

    def on_receive(self, message):
        match message:
            case ("peers", peers):
                self.peers = peers
            case ("follow", plan, ask):
                return self.follow(plan, ask)
        return None

    def follow(self, plan, ask):
        moves, answer = plan
        pending = []
        for verb, target, following in moves:
            self.move(verb, self.peers[target], following, pending)
        for number, future in pending:
            self.wait(number, future.get)
        return self.answer(answer, ask)

    def move(self, verb, peer, plan, pending):
        number = self.ledger.number()
        self.ledger.owes(number, peer)
        message = ("follow", plan, number)
        match verb:
            case "ask":
                self.wait(number, lambda: peer.ask(message))
            case "ask in time":
                self.wait(number, lambda: peer.ask(message, timeout=0.002))
            case "get":
                self.wait(number, peer.ask(message, block=False).get)
            case "get in time":
                self.wait(number, lambda: peer.ask(message, block=False).get(timeout=0.002))
            case "call":
                self.wait(number, peer.call(Walker.follow, plan, number).get)
            case "later":
                pending.append((number, peer.ask(message, block=False)))
            case "expires":
                pending.append((number, peer.ask(message, block=False, timeout=0.002)))
            case "never":
                peer.ask(message, block=False)
            case "tell":
                peer.tell(message)

    def wait(self, number, get):
        ledger, me = self.ledger, self.actor_ref
        ledger.begin(me, number)
        try:
            outcome = get()
        except DeadlockError as error:
            ledger.check(me, error)
            outcome = "deadlock"
        except Timeout:
            outcome = "timeout"
        ledger.end(me)
        ledger.counts[outcome] += 1

    def answer(self, answer, ask):
        match answer:
            case ("forward", target, plan) if ask is not None:
                self.ledger.owes(ask, self.peers[target])
                self._cell.current = (("follow", plan, ask), *self._cell.current[1:])
                self.forward(self.peers[target])
            case ("put off", _, _) if ask is not None:
                self.ledger.owes(ask, None)
                self.settler.tell(self.reply_later())
        return "answer"


VERBS = ("ask", "ask", "ask in time", "get", "get in time", "call", "later", "expires", "never")
ANSWERS = ("now", "now", "forward", "put off")


def plan_of(rng, depth):
    moves = tuple(
        (rng.choice(VERBS), rng.randrange(SIZE), plan_of(rng, depth - 1))
        for _ in range(rng.choice((0, 1, 1, 2)) if depth else 0)
    )
    return moves, (rng.choice(ANSWERS), rng.randrange(SIZE), ((), ("now",)))


def check_graphs(system, graphs, seed):
    rng = random.Random(seed)
    ledger = Ledger()
    settler = system.spawn(Settler)
    groups = [[system.spawn(Walker, ledger, settler) for _ in range(SIZE)] for _ in range(GROUPS)]
    for group in groups:
        for walker in group:
            walker.ask(("peers", group), timeout=LONG)
    for _ in range(graphs // GROUPS):
        roots = [
            walker.ask(("follow", plan_of(rng, 3), None), block=False)
            for group in groups
            for walker in group
        ]
        for root in roots:
            root.get(timeout=LONG)
        for group in groups:  # what nobody waited for is done, too
            for walker in group:
                walker.ask(("settled",), timeout=LONG)
        assert ledger.wrong == [], seed
        ledger.owners.clear()
        ledger.waits.clear()
    return ledger.counts


def test_random_graphs_of_asks(system):
    counts = check_graphs(system, 2000, seed=3)
    assert counts["deadlock"] > 100
    assert counts["timeout"] > 10
    assert counts["answer"] > 1000


@pytest.mark.soak
@pytest.mark.timeout(
    3600
)  # some 200 s of CPU: minutes where a core is free, and many where none is
@pytest.mark.parametrize("seed", range(10))
def test_a_million_random_graphs_of_asks(system, seed):
    check_graphs(system, 100_000, seed)
