"""Scenarios as they are written in `rules/`: a name, a tree, and a script with what comes of it.

A script has a step on each line, and below it, further in, what comes of it: entries, and then what
supervisors list, as far as that matters. Of a step without such lines nothing is to come. It begins
with the start of the tree, unless "start" is among its steps.

    crash a
        terminated a: error; stop b; start a; start b
        top: b running, a running
    meanwhile top: crash a, delete_child top b
        terminated a: error; ...

`language.py` has the steps and the entries.
"""

import re
import textwrap
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from scenarios.language import Spec, Tree, Worker, specs_of

RULES = Path(__file__).with_name("rules")
SCENARIOS: dict[str, "Scenario"] = {}

a, b, c, d = map(Worker, "abcd")


def top(*children: Spec, **settings) -> Tree:
    return Tree("top", children, **settings)


def sub(*children: Spec, **settings) -> Tree:
    return Tree("sub", children, **settings)


def transient(id: str, **settings) -> Worker:
    return Worker(id, "transient", **settings)


def temporary(id: str, **settings) -> Worker:
    return Worker(id, "temporary", **settings)


@dataclass(frozen=True)
class Scenario:
    """A tree, a script, and what is to come of each step: entries and lists; None: whatever."""

    tree: Tree
    script: tuple[tuple, ...]
    expected: tuple[tuple[str, list[str]] | None, ...]

    def differences(self, outcomes):
        """Return the steps of which something else has come: step, what was to come, what came."""
        found = []
        for step, expected, outcome in zip(self.script, self.expected, outcomes, strict=True):
            if expected is not None:
                told = "; ".join(outcome.entries), [*outcome.trees[: len(expected[1])]]
                if told != expected:
                    found.append((step, expected, told))
        return found


def scenario(name: str, tree: Tree, text: str, *added: Spec) -> None:
    """Write a scenario. `added`: what start_child adds, where that is no plain worker."""
    specs = {spec.id: spec for spec in (*specs_of(tree), *added)}
    script, told = [], []
    for line in textwrap.dedent(text).strip().splitlines():
        if line.startswith(" "):
            told[-1].append(line.strip())
        else:
            script.append(step_of(line, specs))
            told.append([])
    expected = [outcome_of(lines) for lines in told]
    if ("start",) not in script:
        script.insert(0, ("start",))
        expected.insert(0, None)
    assert name not in SCENARIOS
    SCENARIOS[name] = Scenario(tree, tuple(script), tuple(expected))


def step_of(line, specs):
    """Read a step."""
    verb, *words = line.split()
    match verb:
        case "meanwhile":
            tree, _, steps = line.removeprefix("meanwhile ").partition(": ")
            return (verb, tree, tuple(step_of(each, specs) for each in steps.split(", ")))
        case "fail" | "ignore":
            return (verb, words[0], int(words[1]))
        case "advance":
            return (verb, float(words[0]))
        case "start_child":
            return (verb, words[0], specs.get(words[1], Worker(words[1])))
        case "exit" | "parent" | "stranger":
            return (verb, *words[:-1], reason_of(words[-1]))
    return (verb, *words)


def reason_of(word):
    kind, _, rest = word.partition("(")
    return (kind, rest.removesuffix(")")) if rest else kind


def outcome_of(lines):
    """Read what is to come of a step. A line that begins with a supervisor's id is its list."""
    trees = [line for line in lines if re.match(r"\w+:", line)]
    return "; ".join(line for line in lines if line not in trees), trees


def all_scenarios() -> dict[str, Scenario]:
    """Return all that are written, by name."""
    for path in sorted(RULES.glob("*.py")):
        import_module(f"scenarios.rules.{path.stem}")
    return SCENARIOS
