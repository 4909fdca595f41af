"""What `zanni run` is to run: a wrong target says what was looked for, where, and what there is."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from zanni.cli.main import main

SHOP = """
import pykka
from zanni import Actor, Down
from zanni.supervisors import Supervisor

class Clerk(Actor):
    pass

class Picky(Actor):
    def __init__(self, size, colour="red"):
        super().__init__()

class Manager(Supervisor):
    def children(self):
        return []

class Till:
    pass

class Old(pykka.ThreadingActor):
    pass

price = 3
"""


MODULES = {
    "shop": SHOP,
    "ruin": "from shop import price\n\n1 / price - 1 / 0\n",
    "leaver": "raise SystemExit(3)\n",
    "needy": "import no_such_library\n",
    "typo": "def f(:\n",
    "plain": "from zanni import Actor\n",
    "package/inner": SHOP,
}


@pytest.fixture(autouse=True)
def modules(module: Any) -> None:
    for name, source in MODULES.items():
        module(name, source)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the modules, as the working directory: nothing is run, so no process is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("package", *(each.replace("/", ".") for each in MODULES)):
        sys.modules.pop(name, None)


OFFER = "The module offers: Clerk, Picky, Manager."

WRONG = [
    ("shop", ["names no class", "shop:Class", OFFER]),
    ("shop:", ["names no class", OFFER]),
    (":Clerk", ["not of the form module:Class"]),
    ("sh op:Clerk", ["not of the form module:Class"]),
    ("shop.py:Clerk", ["names a file", "shop:Clerk"]),
    ("package/inner.py:Clerk", ["package.inner:Clerk"]),
    ("shop:Clark", ["no 'Clark' in shop", "shop.py", OFFER]),
    ("shop:Clerk.Hat", ["no 'Clerk.Hat' in shop"]),
    ("shop:price", ["no class, but an int", OFFER]),
    ("shop:Till", ["no actor; derive it from zanni.Actor", OFFER]),
    ("shop:Old", ["an actor of Pykka's", OFFER]),
    ("plain:Clerk", ["offers no actor class"]),
    ("shob:Clerk", ["no module 'shob'", "FOLDER", "Did you mean 'shop'?"]),
    ("nowhere.census:Census", ["looking for nowhere.census", "no module 'nowhere'", "FOLDER"]),
    ("package.iner:Clerk", ["no module 'package.iner'", "FOLDER/package", "'inner'"]),
    ("ruin:Clerk", ["importing it raised ZeroDivisionError: division by zero", "ruin.py:3"]),
    ("leaver:Clerk", ["importing it raised SystemExit: 3"]),
    ("needy:Clerk", ["importing it raised ModuleNotFoundError", "no_such_library"]),
    ("typo:Clerk", ["importing it raised SyntaxError", "typo.py"]),
    ("--path", ["there is no option --path"]),
]


@pytest.mark.parametrize(("target", "texts"), WRONG, ids=[target for target, _ in WRONG])
def test_a_wrong_target(here: Path, target: str, texts: list[str]) -> None:
    result = CliRunner().invoke(main, ["run", target])
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    for text in texts:
        assert text.replace("FOLDER", str(here)) in said
    assert "Traceback" not in said


def test_a_working_directory_that_was_removed_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = here / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = CliRunner().invoke(main, ["run", "shop:Clerk"])
    assert result.exit_code == 2
    assert "the working directory was removed: change into another" in result.stderr


WRONG_ARGUMENTS = [
    (["shop:Picky"], ["Picky(size, colour='red')", "missing a required argument: 'size'"]),
    (["shop:Picky", "--", "1", "2", "3"], ["too many positional arguments"]),
    (["shop:Picky", "--", "size=1", "shape=x"], ["unexpected keyword argument 'shape'"]),
    (["shop:Picky", "--size", "1", "--core", "2"], ["Did you mean the option --cores?"]),
    (["shop:Picky", "--size"], ["--size needs a value"]),
    (["shop:Picky", "--size", "--colour", "red"], ["--size needs a value"]),
    (["shop:Picky", "large"], ["unexpected 'large'", "-- large"]),
    (["shop:Clerk", "--cores", "none"], ["'none' is neither a number from 1 on nor 'auto'"]),
    (["shop:Clerk", "--cores", "0"], ["'0' is neither"]),
    (["shop:Clerk", "--config", "down_after"], ["not of the form KEY=VALUE"]),
    (["shop:Clerk", "--config", "down_after=x"], ["'down_after' must be a number, not 'x'"]),
    (["shop:Clerk", "--config", "peer_overflow=x"], ["'peer_overflow' is one of 'drop_new', "]),
    (["shop:Clerk", "--config", "down_afer=1"], ["unknown setting 'down_afer'", "down_after"]),
]


@pytest.mark.parametrize(("arguments", "texts"), WRONG_ARGUMENTS)
def test_wrong_arguments(start: Any, arguments: list[str], texts: list[str]) -> None:
    command = start("run", *arguments)
    assert command.wait() == 2
    said = " ".join(command.err.split())
    for text in texts:
        assert text in said
    assert "Traceback" not in said
