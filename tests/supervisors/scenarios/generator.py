"""Random scenarios. Simple ones come first, so that what fails shrinks to what is simple."""

from functools import cache
from itertools import product

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from scenarios.language import Tree, Worker, specs_of

REPEATABLE = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck]
)
"""So that each run has the same ones."""

REASONS = ("normal", "shutdown", ("shutdown", "x"), "odd")
RESTARTS = ("permanent", "transient", "temporary")
STOPS = ((None, False), ("kill", False), ("infinity", False), (0, True), ("kill", True))
"""How a worker is stopped, and whether it hangs: such a one has to be killed in the end."""
WORKERS = [
    {"restart": restart, "shutdown": shutdown, "hangs": hangs}
    for (shutdown, hangs), restart in product(STOPS, RESTARTS)
]
SUPERVISORS = [
    {
        "restart": restart,
        "strategy": strategy,
        "auto_shutdown": auto,
        "intensity": intensity,
        "period": period,
    }
    for period, intensity, auto, restart, strategy in product(
        (5.0, 1.0, 2.0),
        (2, 1, 3, 0, 5),
        ("never", "any_significant", "all_significant"),
        RESTARTS,
        ("one_for_one", "one_for_all", "rest_for_one"),
    )
]


def ends(tree):
    """How a child of that supervisor may end by itself."""
    return [step for child in tree.children for step in ends_of(child)]


def ends_of(child):
    if isinstance(child, Tree):
        return [("stop", child.id)] * 4
    exits = [] if child.hangs else [("exit", child.id, reason) for reason in REASONS]
    return [*4 * [("crash", child.id)], *2 * [("kill", child.id)], *exits]


def plans(tree):
    """What may become of the next starts of a child."""
    counts = (("fail", 1), ("fail", 2), ("fail", 3), ("ignore", 1))
    return [(plan, child.id, count) for child in tree.children for plan, count in counts]


def calls(tree):
    """What a supervisor may be asked for, while it is busy too."""
    added = [Worker(tree.id + "x", restart) for restart in RESTARTS]
    by_id = [
        (method, tree.id, child.id)
        for child in (*tree.children, added[0])
        for method in ("terminate_child", "restart_child", "delete_child")
    ]
    starts = [("start_child", tree.id, child) for child in (*tree.children, *added)]
    return [*by_id, *starts, ("which_children", tree.id)]


def counts(tree):
    """And what only if it is not: OTP's active children are those whose end it has not heard of."""
    return [("count_children", tree.id)]


def delays(_tree):
    return [("advance", seconds) for seconds in (0.4, 1.0, 2.0, 6.0)]


def last_steps(tree):
    """What rarely happens, since it often ends all."""
    strangers = [("stranger", tree.id, reason) for reason in REASONS]
    return [("stop", tree.id), *strangers, *(("parent", r) for r in (*REASONS, "error"))]


KINDS = (
    *8 * (ends,),
    *4 * (calls,),
    *3 * ("meanwhile",),
    *2 * (plans,),
    counts,
    delays,
    last_steps,
)

up_to = cache(lambda most: st.integers(0, most))


class Author:
    """Writes a scenario, by choices that Hypothesis makes."""

    def __init__(self, draw):
        self.draw = draw

    def one_of(self, choices):
        return choices[self.draw(up_to(len(choices) - 1))]

    def some(self, least, most, write):
        return tuple(write(index) for index in range(least + self.draw(up_to(most - least))))

    def tree(self, id="t", auto="never", depth=2):
        """Write a supervisor and others below it, so deep. A child's id begins with its own."""
        chosen = self.one_of(SUPERVISORS)
        within = chosen["auto_shutdown"]
        children = self.some(1, 4, lambda index: self.child(id + "abcd"[index], within, depth))
        return Tree(id, children, significant=self.is_significant(auto, chosen), **chosen)

    def child(self, id, auto, depth):
        if depth > 0 and self.one_of((False, False, True)):
            return self.tree(id, auto, depth - 1)
        chosen = self.one_of(WORKERS)
        return Worker(id, significant=self.is_significant(auto, chosen), **chosen)

    def is_significant(self, auto, chosen):
        may_be = auto != "never" and chosen["restart"] != "permanent"
        return may_be and self.one_of((False, True))

    def script(self, tree):
        supervisors = [each for each in specs_of(tree) if isinstance(each, Tree)]
        before = [self.one_of(plans(tree))] if self.one_of(8 * (False,) + (True,)) else []
        after = self.some(1, 8, lambda _: self.step(self.one_of(supervisors)))
        return (*before, ("start",), *after)

    def step(self, tree):
        """Write something that concerns that supervisor."""
        kind = self.one_of(KINDS)
        if kind != "meanwhile":
            return self.one_of(kind(tree))
        within = [*ends(tree), *ends(tree), *plans(tree), *calls(tree)]
        return (kind, tree.id, self.some(2, 4, lambda _: self.one_of(within)))


@st.composite
def scenarios(draw):
    """A tree, and a script for it."""
    author = Author(draw)
    tree = author.tree()
    return tree, author.script(tree)
