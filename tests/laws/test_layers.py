"""The import law: cli -> supervisors, transport -> actors, and the doors to the outside."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

MAY_SEE = {
    "actors": {"actors"},
    "supervisors": {"supervisors", "actors"},
    "transport": {"transport", "actors"},
    "cli": {"cli", "supervisors", "transport", "actors"},
}

SEAMS = {
    "actors/environment.py": {
        "_thread",
        "multiprocessing",
        "random",
        "secrets",
        "signal",
        "socket",
        "subprocess",
        "threading",
        "time",
        "uuid",
    },
    "transport/zeromq.py": {"zmq"},
}

OUTSIDE = ("tests", "examples", "benchmarks", "docs")


class Import(NamedTuple):
    where: str
    target: str


def name_of(path: str) -> str:
    """`actors/ref.py` is `zanni.actors.ref`, and `actors/__init__.py` is `zanni.actors`."""
    parts = path.removesuffix(".py").split("/")
    return ".".join(["zanni", *parts]).removesuffix(".__init__")


def imports(path: str, source: str, modules: set[str]) -> Iterator[Import]:
    """Yield every import of a file, wherever it stands in it, by the absolute name it reaches."""
    name = name_of(path)
    package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(f"{path}:{node.lineno}", alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                ups = parts[: len(parts) - node.level + 1]
                base = ".".join([*ups, *filter(None, [node.module])])
            for alias in node.names:
                module = f"{base}.{alias.name}"
                yield Import(f"{path}:{node.lineno}", module if module in modules else base)


@pytest.fixture(scope="module")
def sources(root: Path, package_files: list[str]) -> dict[str, str]:
    return {path: (root / path).read_text() for path in package_files if path.endswith(".py")}


@pytest.fixture(scope="module")
def all_imports(sources: dict[str, str]) -> dict[str, list[Import]]:
    modules = {name_of(path) for path in sources}
    return {path: list(imports(path, source, modules)) for path, source in sources.items()}


@pytest.fixture(scope="module")
def inner_imports(all_imports: dict[str, list[Import]]) -> dict[str, list[Import]]:
    """The same without the face, which may import anything."""
    return {path: found for path, found in all_imports.items() if path != "__init__.py"}


@pytest.mark.parametrize("folder", MAY_SEE)
def test_a_folder_sees_only_the_folders_below_it(
    folder: str, inner_imports: dict[str, list[Import]]
) -> None:
    allowed = MAY_SEE[folder]
    broken = [
        each
        for path, found in inner_imports.items()
        if path.startswith(f"{folder}/")
        for each in found
        if each.target.startswith("zanni.") and each.target.split(".")[1] not in allowed
    ]
    assert broken == []


def test_nothing_inside_imports_the_face(inner_imports: dict[str, list[Import]]) -> None:
    found = [each for path in inner_imports.values() for each in path]
    assert [each for each in found if each.target == "zanni"] == []


def test_imports_inside_are_relative(sources: dict[str, str]) -> None:
    absolute = [
        f"{path}:{node.lineno}"
        for path, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Import) and any(is_ours(alias.name) for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and not node.level and is_ours(node.module or ""))
    ]
    assert absolute == []


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"zanni", *MAY_SEE}


def test_imports_form_no_cycle(inner_imports: dict[str, list[Import]]) -> None:
    graph = {
        name_of(path): {each.target for each in found if each.target != name_of(path)}
        for path, found in inner_imports.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize("door", SEAMS)
def test_the_outside_is_reached_through_its_door_only(
    door: str, all_imports: dict[str, list[Import]]
) -> None:
    behind = SEAMS[door]
    broken = [
        each
        for path, found in all_imports.items()
        if path != door
        for each in found
        if each.target.split(".")[0] in behind
    ]
    assert broken == []


def test_os_urandom_is_reached_through_the_environment_only(sources: dict[str, str]) -> None:
    broken = [
        f"{path}:{node.lineno}"
        for path, source in sources.items()
        if path != "actors/environment.py"
        for node in ast.walk(ast.parse(source))
        if (isinstance(node, ast.Attribute) and node.attr == "urandom")
        or (isinstance(node, ast.alias) and node.name == "urandom")
    ]
    assert broken == []


def test_code_outside_imports_zanni_and_no_bare_folder(root: Path, tree: list[str]) -> None:
    broken = [
        each
        for path in tree
        if path.endswith(".py") and path.split("/")[0] in OUTSIDE
        for each in imports(path, (root / path).read_text(), set())
        if each.target.split(".")[0] in MAY_SEE
    ]
    assert broken == []


ONE_CORE = """
import sys
import zanni

class Echo(zanni.Actor):
    def on_receive(self, message):
        return message

with zanni.ActorSystem("alone") as system:
    assert system.spawn(Echo).ask("hello", timeout=10) == "hello"

print(*[name for name in sys.modules if name.split(".")[0] == "zmq"])
"""


def test_one_core_imports_no_zeromq(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_CORE],
        cwd=root / "src",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
