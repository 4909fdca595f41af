"""What is shipped: the wheel is the package and nothing else, the sdist is the whole source."""

import importlib
import importlib.metadata
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

SOURCE_FOLDERS = ("tests/", "examples/", "docs/", "benchmarks/")
SOURCE_FILES = (
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "requirements.lock",
)
LINKED = ("__init__.py", "py.typed", "actors", "transport", "supervisors", "cli")


def test_the_wheel_holds_the_package(distributions: Any, package_files: list[str]) -> None:
    with zipfile.ZipFile(distributions.wheel) as wheel:
        names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(f"zanni/{path}" for path in package_files)


def test_the_sdist_holds_the_source(
    distributions: Any, package_files: list[str], tree: list[str]
) -> None:
    with tarfile.open(distributions.sdist) as sdist:
        names = {member.name.partition("/")[2] for member in sdist if member.isfile()}
    around = {path for path in tree if path.startswith(SOURCE_FOLDERS) or path in SOURCE_FILES}
    assert names == {*package_files, *around, "PKG-INFO"}


def test_both_bear_the_version_of_the_face(distributions: Any) -> None:
    version = importlib.import_module("zanni").__version__
    assert distributions.wheel.name == f"zanni-{version}-py3-none-any.whl"
    assert distributions.sdist.name == f"zanni-{version}.tar.gz"
    assert importlib.metadata.version("zanni") == version


def test_the_links_lead_to_the_top_level(root: Path) -> None:
    links = {path.name: path for path in (root / "src" / "zanni").iterdir()}
    links.pop("__pycache__", None)  # Python's own, since it compiles through the link
    assert {name: str(path.readlink()) for name, path in links.items()} == {
        name: f"../../{name}" for name in LINKED
    }
    assert [name for name, path in links.items() if not path.exists()] == []


def test_the_installed_wheel_imports_and_has_its_command(user_python: Path, tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def user(*command: str | Path) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    where = user(user_python, "-c", "import zanni; print(zanni.Actor and zanni.__file__)")
    assert Path(where).is_relative_to(user_python.parents[1])
    assert "Usage" in user(user_python.with_name("zanni"), "--help")
