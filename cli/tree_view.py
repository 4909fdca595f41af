"""A forest of supervisors as lines for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from rich.text import Text
from rich.tree import Tree

from ..actors.logs import printable
from .forest import Json

Word: TypeAlias = tuple[str, str]
"""A text, and its style."""

GOOD = ("up", "running", "idle", "busy", "waiting")
"""States of cores, children and actors."""
PASSING = ("starting", "restarting", "stopping", "suspended", "closing", "not started")
"""Those that do not last."""
BAD = ("down", "given up")


def view(forest: Json) -> Tree:
    """The tree of a node, with a branch for each of its cores."""
    return _View(forest).tree


def lines(tree: Tree, *, ascii_only: bool) -> Iterator[str]:
    """A tree as plain text, made line by line: rich would lay out all of it first."""
    fork, end, bar = ("+-- ", "`-- ", "|   ") if ascii_only else ("├── ", "└── ", "│   ")
    left = [(tree, "", "")]
    while left:
        branch, before, below = left.pop()
        yield f"{before}{branch.label}"
        if branch.children:
            *others, last = branch.children
            left.append((last, below + end, below + "    "))
            left += ((each, below + fork, below + bar) for each in reversed(others))


class _View:
    def __init__(self, forest: Json) -> None:
        cores = forest["cores"]
        self._below: dict[str, list[Json]] = defaultdict(list)
        """Actors that nobody supervises, by the ref of who spawned them and is shown."""
        self.tree = Tree(_line((forest["node"], "bold"), (_number(len(cores), "core"), "")))
        shown = set(_refs(cores))
        for core in cores:
            self._add_core(core, shown)

    def _add_core(self, core: Json, shown: set[str]) -> None:
        branch = self.tree.add(_core_line(core))
        alone: list[Json] = []
        for actor in core["unsupervised_actors"]:
            known = actor["parent"] in shown
            (self._below[actor["parent"]] if known else alone).append(actor)
        for supervisor in core["supervisors"]:
            self._add_children(branch.add(_supervisor_line(supervisor)), supervisor)
        if core["unsupervised"]:
            below = branch.add(_unsupervised_line(core["unsupervised"]))
            for actor in alone:
                self._add_spawned(below.add(_actor_line(actor)), actor["ref"])

    def _add_children(self, branch: Tree, supervisor: Json) -> None:
        for child in supervisor["children"]:
            below = branch.add(_child_line(child))
            if child["supervisor"] is not None:
                self._add_children(below, child["supervisor"])
            elif child["ref"] is not None:
                self._add_spawned(below, child["ref"])
        if supervisor["more"]:
            counts = (f"{count} {state}" for state, count in supervisor["more"].items())
            branch.add(_line((f"and {', '.join(counts)}", "dim")))
        self._add_spawned(branch, supervisor["ref"])

    def _add_spawned(self, branch: Tree, ref: str) -> None:
        """Add what an actor has spawned, and they in turn."""
        left = [(branch, ref)]
        while left:
            branch, ref = left.pop()
            spawned = self._below.pop(ref, ())
            left += [(branch.add(_actor_line(actor)), actor["ref"]) for actor in spawned]


def _refs(cores: Iterable[Json]) -> Iterator[str]:
    """The refs of all that is shown."""
    for core in cores:
        yield from (actor["ref"] for actor in core["unsupervised_actors"])
        left = list(core["supervisors"])
        while left:
            supervisor = left.pop()
            yield supervisor["ref"]
            for child in supervisor["children"]:
                yield child["ref"]
                left += filter(None, [child["supervisor"]])


def _core_line(core: Json) -> Text:
    words: list[Word] = [(f"core {core['core']}", "bold"), _state(core["state"])]
    words.append((f"process {core['pid']}", "dim"))
    if core["actors"] is not None:
        words.append((_number(core["actors"], "actor"), "dim"))
    if core["restarts"]:
        words.append((f"started again {_times(core['restarts'])}", "yellow"))
    if core["problem"] is not None:
        words.append((core["problem"], "red"))
    return _line(*words)


def _supervisor_line(supervisor: Json) -> Text:
    words = [_class(supervisor), _state(supervisor["state"]), *_rule(supervisor)]
    return _line(*words, (supervisor["ref"], "dim"))


def _child_line(child: Json) -> Text:
    words: list[Word] = [(child["id"], "bold"), _class(child), _state(child["state"])]
    if child["restart"] != "permanent":
        words.append((child["restart"], ""))
    if child["supervisor"] is not None:
        words += _rule(child["supervisor"])
    words.append((child["ref"] or "", "dim"))
    if child["restarts"]:
        words.append((f"restarted {_times(child['restarts'])}", "yellow"))
    if child["reason"] is not None:
        words.append((f"last end: {child['reason']}", "yellow"))
    return _line(*words)


def _actor_line(actor: Json) -> Text:
    words = [_class(actor), _state(actor["state"])]
    if actor["queued"]:
        words.append((f"{actor['queued']} queued", "yellow"))
    return _line(*words, (actor["ref"], "dim"))


def _unsupervised_line(counts: dict[str, int]) -> Text:
    words = ", ".join(f"{count} {_short(name)}" for name, count in counts.items())
    return _line((f"unsupervised: {words}", "dim"))


def _rule(supervisor: Json) -> list[Word]:
    """How a supervisor, or a pool, keeps its children running."""
    words: list[Word] = [(supervisor["strategy"], "")]
    if supervisor["intensity"] is not None:
        limit = f"{supervisor['intensity']} restarts in {supervisor['period']:g} s"
        words.append((f"{supervisor['recent_restarts']} of {limit}", ""))
    return words


def _class(thing: Json) -> Word:
    name = thing["name"]
    return _short(thing["class"]) + ("" if name is None else f" {name!r}"), "cyan"


def _state(state: str) -> Word:
    styles = {"green": GOOD, "yellow": PASSING, "red": BAD}
    return state, next((style for style, states in styles.items() if state in states), "")


def _short(name: str) -> str:
    return name.rpartition(":")[2]


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _line(*words: Word) -> Text:
    """One line, whatever the texts are: they may be a stranger's."""
    line = Text()
    for text, style in words:
        if text:
            line.append("  " if line else "")
            line.append(printable(text, len(text)), style)
    return line
