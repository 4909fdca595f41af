"""Scenarios of supervision as data: a tree, and a script of steps that are played on it.

A step is a tuple; its first field says what is done:

    ("start",)                          the tree is started; only "fail" and "ignore" come before
    ("crash", id)                       a worker's handler raises
    ("exit", id, reason)                a worker ends itself
    ("kill", id)                        a worker is killed
    ("stop", tree)                      a supervisor is stopped
    ("parent", reason)                  the parent of the whole tree ends
    ("stranger", tree, reason)          who is linked to a supervisor, and nothing else to it, ends
    ("fail", id, count)                 so many of the next starts fail
    ("ignore", id, count)               so many of the next starts ask to be left out
    ("advance", seconds)                time goes by
    ("start_child", tree, spec)         and terminate_child, restart_child, delete_child (tree, id),
                                        which_children, count_children (tree)
    ("meanwhile", tree, steps)          while the supervisor is busy, all this comes to it, in this
                                        order: ends of its children, and calls

Nothing comes of a step for a worker or supervisor that does not run. The outcome of a step is what
happened, in this order, in words:

    start a             its `on_start` ran; a supervisor's: it begins with its children
    fail a, ignore a    a start that came to nothing
    stop a              its `on_stop` ran, which a crash and a kill do not run
    terminated a: R     its supervisor reports it, as the next ones
    ended a: R          the same, of an end that is no failure, as it may be for this child
    start_error a: R
    shutdown_error a: R
    gave_up a
    -> R                the answer to a call, after all that came of it
    exit top: R         the whole tree has ended

Reasons are normal, shutdown, shutdown(x), killed, error (an exception), "failed a" (of a supervisor
whose child a did not start), or what an exit said.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

ENDS = ("crash", "exit", "kill", "stop")
"""Steps that end one child by itself."""
PLANS = ("fail", "ignore", "advance")
"""Steps that nobody hears of."""


class Spec:
    """A child. It is written with its id and what is not the default."""

    def __repr__(self) -> str:
        told = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name not in ("id", "children") and getattr(self, field.name) != field.default
        ]
        children = getattr(self, "children", ())
        within = [f"({', '.join(map(repr, children))},)"] if children else []
        return f"{type(self).__name__}({', '.join([repr(self.id), *within, *told])})"


@dataclass(frozen=True, repr=False)
class Worker(Spec):
    """A child that is no supervisor. One that `hangs` never returns from `on_stop`."""

    id: str
    restart: str = "permanent"
    shutdown: float | str | None = None
    hangs: bool = False
    significant: bool = False

    kind = "worker"


@dataclass(frozen=True, repr=False)
class Tree(Spec):
    """A supervisor with its children."""

    id: str
    children: tuple[Spec, ...] = ()
    strategy: str = "one_for_one"
    intensity: int = 1
    period: float = 5.0
    auto_shutdown: str = "never"
    restart: str = "permanent"
    shutdown: float | str | None = None
    significant: bool = False

    kind = "supervisor"


def specs_of(tree: Tree) -> Iterator[Spec]:
    """The tree itself and all that is below it."""
    yield tree
    for each in tree.children:
        if isinstance(each, Tree):
            yield from specs_of(each)
        else:
            yield each


@dataclass(frozen=True)
class Outcome:
    """What a step led to; and after it the children of each supervisor, as it lists them."""

    entries: tuple[str, ...]
    trees: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(["; ".join(self.entries), *(f"    {each}" for each in self.trees)])


def words(reason: str | tuple[str, str]) -> str:
    """A reason that an exit says, as outcomes have it."""
    return reason if isinstance(reason, str) else f"{reason[0]}({reason[1]})"


def is_orderly(reason: str) -> bool:
    """Whether an end for this reason is no failure."""
    return reason in ("normal", "shutdown") or reason.startswith("shutdown(")


def listed(tree: str, children: list[tuple[str, str]]) -> str:
    """The children of a supervisor, each an id and a state, as outcomes have them."""
    return f"{tree}: " + (", ".join(" ".join(each) for each in children) or "nobody")


def counted(specs: int, active: int, supervisors: int, workers: int) -> str:
    """How many children a supervisor has, as outcomes have it."""
    return f"{specs} specs, {active} active, {supervisors} supervisors, {workers} workers"


def difference(tree: Tree, script: tuple[tuple, ...], **played: list[Outcome]) -> str:
    """A scenario and what each player made of it, for whoever has to find out who is right."""
    lines = [f"{tree}"]
    for step, *outcomes in zip(script, *played.values(), strict=True):
        lines.append(f"{step}")
        if len({*outcomes}) == 1:
            lines.append(f"  {outcomes[0]}")
        else:
            lines += [f"  {who} > {each}" for who, each in zip(played, outcomes, strict=True)]
    return "\n".join(lines)
