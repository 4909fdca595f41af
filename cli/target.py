"""What `zanni run` runs: a class named as `module:Class`, and its arguments from the command line.

Whatever is wrong with them is a click.UsageError (exit code 2) that says what was looked for,
where, and what there is instead.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pykka

from ..actors.actor import Actor
from ..actors.crash import type_and_text
from ..actors.errors import RemoteError


def load(target: str) -> type[Actor]:
    """Import the actor class that `module:Class` names, from the working directory first."""
    module_name, _, class_name = target.partition(":")
    if module_name.endswith(".py") or "/" in module_name:
        dotted = module_name.removesuffix(".py").strip("./").replace("/", ".")
        raise click.UsageError(
            f"{target!r} names a file; name its module: {dotted}:{class_name or 'Class'}"
        )
    module = _import(module_name, target)
    if not class_name:
        raise click.UsageError(
            f"{target!r} names no class; write {module_name}:Class. {_offer(module)}"
        )
    found: Any = module
    for part in class_name.split("."):
        if not hasattr(found, part):
            raise click.UsageError(
                f"there is no {class_name!r} in {module_name} ({_place(module)}). {_offer(module)}"
            )
        found = getattr(found, part)
    if not (inspect.isclass(found) and issubclass(found, Actor)):
        raise click.UsageError(f"{target} is {_kind(found)}. {_offer(module)}")
    return found


def _import(name: str, target: str) -> ModuleType:
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise click.UsageError(f"{target!r} is not of the form module:Class")
    try:
        here = str(Path.cwd())
    except FileNotFoundError:
        raise click.UsageError("the working directory was removed: change into another") from None
    if here not in sys.path:  # child cores take over this path, and so find the module too
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(f"{missing}."):
            raise click.UsageError(_not_found(name, missing, here)) from error
        raise click.UsageError(_broken(name, error)) from error
    except (Exception, SystemExit) as error:
        raise click.UsageError(_broken(name, error)) from error


def _not_found(name: str, missing: str, here: str) -> str:
    parent = sys.modules.get(missing.rpartition(".")[0])
    places = [str(place) for place in getattr(parent, "__path__", ())] or [here]
    looked = "there is" if name == missing else f"looking for {name}, there is"
    text = f"{looked} no module {missing!r} in {', '.join(places)}"
    if parent is None:
        text += " or among the installed packages; run zanni where the module lies"
    offered = sorted(
        path.stem
        for place in places
        for path in Path(place).glob("*.py")
        if not path.name.startswith("_")
    )
    similar = get_close_matches(missing.rpartition(".")[2], offered, n=1)
    return f"{text}. Did you mean {similar[0]!r}?" if similar else f"{text}."


def _broken(name: str, error: BaseException) -> str:
    """Say what a module raised at import, and the line of its own that led there."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"the module {name} was found, but importing it raised {describe(error)}{where}."


def offered(module: ModuleType) -> dict[str, type[Actor]]:
    """The public actor classes that a module defines, or else passes on."""
    ours = Actor.__module__.partition(".")[0]
    actors = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, Actor)
        and value.__module__.partition(".")[0] != ours
        and not name.startswith("_")
    }
    own = {name: cls for name, cls in actors.items() if cls.__module__ == module.__name__}
    return own or actors


def _offer(module: ModuleType) -> str:
    names = ", ".join(offered(module))
    return f"The module offers: {names}." if names else "The module offers no actor class."


def _place(module: ModuleType) -> str:
    return module.__file__ or "a folder without an __init__.py"


def _kind(found: object) -> str:
    if not inspect.isclass(found):
        return f"no class, but {_article(type(found).__name__)}"
    if issubclass(found, pykka.Actor):
        return "an actor of Pykka's; derive it from zanni.Actor"
    return "a class, but no actor; derive it from zanni.Actor"


def _article(word: str) -> str:
    return f"{'an' if word[0].lower() in 'aeiou' else 'a'} {word}"


def describe(error: BaseException) -> str:
    """Name an exception and give its text, in one line when it has none."""
    kind, text = type_and_text(error)
    if isinstance(error, RemoteError):  # it stands for another
        kind, text = error.type, error.text
    return f"{kind}: {text}" if text else kind


@dataclass(frozen=True)
class Arguments:
    """The constructor arguments that a command line holds, all of them text."""

    positional: list[str] = field(default_factory=list[str])
    keyword: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def parse(cls, options: Sequence[str], rest: Sequence[str]) -> Arguments:
        """Take `--key value` and `--key=value` from `options`, and what stood after `--`."""
        keyword = _options(options)
        positional: list[str] = []
        for word in rest:
            key, equals, value = word.partition("=")
            if equals and key.isidentifier():
                keyword[key] = value
            else:
                positional.append(word)
        return cls(positional, keyword)

    def check(self, actor: type[Actor], known_options: Sequence[str]) -> None:
        """Refuse what the class's constructor would refuse, by the argument's name."""
        signature = inspect.signature(actor)
        try:
            signature.bind(*self.positional, **self.keyword)
        except TypeError as error:
            surplus = [name for name in self.keyword if name not in signature.parameters]
            similar = get_close_matches(surplus[0], known_options, n=1) if surplus else []
            hint = f" Did you mean the option --{similar[0]}?" if similar else ""
            raise click.UsageError(
                f"{actor.__name__}{signature.replace(return_annotation=inspect.Signature.empty)}:"
                f" {error}. Arguments of the actor stand after `--`, as in `-- key=value`.{hint}"
            ) from error


def _options(words: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        key, equals, value = word.removeprefix("--").partition("=")
        name = key.replace("-", "_")
        if not word.startswith("--") or not name.isidentifier():
            raise click.UsageError(
                f"unexpected {word!r}: arguments of the actor stand after `--`, as in `-- {word}`"
            )
        if not equals:
            if not queue or queue[0].startswith("--"):
                raise click.UsageError(f"the option --{key} needs a value")
            value = queue.pop(0)
        found[name] = value
    return found
