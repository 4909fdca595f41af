"""Counting Python source: plain functions, which know nothing of actors but for one message."""

import ast
import io
import keyword
import os
import stat
import tokenize
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from zanni import message

NOT_OURS = {"site-packages", "dist-packages"}  # installed beside the standard library


@message
class Counts:
    """What one file holds."""

    lines: int
    classes: int
    functions: int
    identifiers: str  # "name count name count", as a message may hold 100,000 values, a text more
    longest: tuple[int, str]  # a function's lines, and its name


@dataclass
class Totals:
    """What all files hold, and which could not be counted. The order of adding does not matter."""

    files: int = 0
    lines: int = 0
    classes: int = 0
    functions: int = 0
    identifiers: Counter[str] = field(default_factory=Counter[str])
    longest: tuple[int, str, str] = (0, "", "")
    broken: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, file: str, counts: Counts) -> None:
        self.files += 1
        self.lines += counts.lines
        self.classes += counts.classes
        self.functions += counts.functions
        words = counts.identifiers.split()
        self.identifiers.update(dict(zip(words[::2], map(int, words[1::2]), strict=True)))
        if counts.functions:
            self.longest = max(self.longest, (*counts.longest, file))


def count_file(file: str) -> Counts:
    """Parse a file; whatever is wrong with it raises."""
    with tokenize.open(file) as source:
        text = source.read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the compiler thinks of "\d" is not our concern
        nodes = list(ast.walk(ast.parse(text, Path(file).name)))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    names = (token.string for token in tokens if token.type == tokenize.NAME)
    used = Counter(name for name in names if not keyword.iskeyword(name))
    return Counts(
        lines=text.count("\n"),
        classes=sum(isinstance(node, ast.ClassDef) for node in nodes),
        functions=len(functions),
        identifiers=" ".join(f"{name} {count}" for name, count in used.items()),
        longest=max(((length(node), node.name) for node in functions), default=(0, "")),
    )


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def find_files(folder: str) -> tuple[dict[str, int], dict[str, str]]:
    """The Python files below a folder with their sizes, largest first; and what cannot be read."""
    found: dict[str, int] = {}
    broken: dict[str, str] = {}

    def note(error: OSError) -> None:
        broken[printable(str(error.filename))] = describe(error)

    for place, folders, names in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        for file in (os.path.join(place, name) for name in names if name.endswith(".py")):  # noqa: PTH118  (what is sent on is text)
            try:
                file.encode()  # a name that is not UTF-8 cannot go into a message
                status = os.stat(file)  # noqa: PTH116  (as above)
                if not stat.S_ISREG(status.st_mode):
                    raise OSError("not a regular file")
                found[file] = status.st_size
            except (OSError, UnicodeError) as error:
                broken[printable(file)] = describe(error)
    return dict(sorted(found.items(), key=lambda item: -item[1])), broken


def count_tree(folder: str) -> Totals:
    """The census without actors: the same totals, file by file."""
    files, broken = find_files(folder)
    totals = Totals(broken=broken)
    for file in files:
        try:
            totals.add(file, count_file(file))
        except Exception as error:
            totals.broken[file] = describe(error)
    return totals


def describe(error: BaseException) -> str:
    return printable(f"{type(error).__name__}: {error}")


def printable(text: str) -> str:
    """Text that can go into a message and to a terminal, whatever a file's name holds."""
    shown = (each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return "".join(shown)
