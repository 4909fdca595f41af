"""The census counts what a plain function counts, on any tree, whatever lies in it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.census import WORKERS_PER_CORE, Census
from examples.census_count import Totals, count_file, count_tree
from examples.census_view import Result, View
from zanni import ActorSystem

ROOT = Path(__file__).parents[2]

GOOD = """\
class Answer:
    def get(self):
        async def inner(question):
            return question

        return inner
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Some good files, and every way to be a bad one that a file system permits."""
    for number in range(12):
        folder = tmp_path / f"package-{number % 3}"
        folder.mkdir(exist_ok=True)
        extra = "".join(f"def function_{i}(x): return x\n" for i in range(number))
        (folder / f"module-{number}.py").write_text(GOOD + extra)
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "umlaut-ü.py").write_text("größe = 1\n")
    (tmp_path / "latin.py").write_bytes(b"# coding: latin-1\ngr\xf6sse = 1\n")
    (tmp_path / "no-newline.py").write_text("x = 1")
    (tmp_path / "notes.txt").write_text("not Python")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    installed = tmp_path / "site-packages"
    installed.mkdir()
    (installed / "elsewhere.py").write_text(GOOD)
    return tmp_path


BROKEN: dict[str, bytes] = {
    "bad-encoding.py": b"x = '\xff\xfe'\n",
    "deep.py": b"(" * 5000,
    "indentation.py": b"if x:\n        a\n    b\n",
    "null.py": b"x = 1\0\n",
    "python2.py": b"print 'hello'\n",
    "unclosed.py": b'"""',
    "unknown-encoding.py": b"# coding: no-such-thing\n",
}


@pytest.fixture
def bad_tree(tree: Path) -> Path:
    for name, content in BROKEN.items():
        (tree / "package-0" / name).write_bytes(content)
    (tree / "dangling.py").symlink_to(tree / "missing.py")
    os.mkfifo(tree / "pipe.py")
    (Path(os.fsdecode(os.fsencode(tree) + b"/not-utf8-\xff.py"))).write_text("x = 1\n")
    return tree


NOT_COUNTED = len(BROKEN) + 3

CountTree = Callable[[Path, int], list[Result]]


@pytest.fixture
def census(monkeypatch: pytest.MonkeyPatch) -> CountTree:
    def count(folder: Path, cores: int) -> list[Result]:
        reports: list[list[Result]] = []
        monkeypatch.setattr(View, "report", lambda _self, _folder, results: reports.append(results))
        with ActorSystem(cores=cores) as system:
            system.spawn(Census, str(folder)).wait(timeout=100)
        (results,) = reports
        return results

    return count


def without_reasons(totals: Totals) -> tuple[object, ...]:
    return (
        totals.files,
        totals.lines,
        totals.classes,
        totals.functions,
        totals.identifiers,
        totals.longest,
        set(totals.broken),
    )


def test_a_file_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "answer.py"
    file.write_text(GOOD)
    counts = count_file(str(file))
    assert (counts.lines, counts.classes, counts.functions) == (6, 1, 2)
    assert counts.longest == (5, "get")
    assert counts.identifiers == "Answer 1 get 1 self 1 inner 2 question 2"


def test_broken_files_are_named_and_the_others_counted(bad_tree: Path) -> None:
    totals = count_tree(str(bad_tree))
    assert totals.files == 16
    assert len(totals.broken) == NOT_COUNTED
    assert "null" in totals.broken[str(bad_tree / "package-0" / "null.py")]
    assert totals.broken[str(bad_tree / "pipe.py")] == "OSError: not a regular file"


@pytest.mark.parametrize("cores", [1, 2])
def test_the_totals_are_those_of_the_plain_function(
    bad_tree: Path, census: CountTree, cores: int
) -> None:
    expected = without_reasons(count_tree(str(bad_tree)))
    results = census(bad_tree, cores)
    assert [result.cores for result in results] == ([1] if cores == 1 else [2, 1])
    assert [without_reasons(result.totals) for result in results] == [expected] * len(results)
    assert [result.files_per_core.total() for result in results] == [16] * len(results)
    assert set(results[-1].files_per_core) == {0}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_listed(tree: Path, census: CountTree) -> None:
    file, folder = tree / "empty.py", tree / "package-1"
    file.chmod(0)
    folder.chmod(0)
    try:
        expected = count_tree(str(tree))
        (result,) = census(tree, 1)
    finally:
        folder.chmod(0o700)
    assert set(expected.broken) == {str(file), str(folder)}
    assert without_reasons(result.totals) == without_reasons(expected)


def test_an_empty_folder_is_no_failure(tmp_path: Path, census: CountTree) -> None:
    (result,) = census(tmp_path, 1)
    assert result.totals == Totals()


def test_a_missing_folder_is_said_to_be_missing(tmp_path: Path) -> None:
    with ActorSystem() as system, pytest.raises(NotADirectoryError, match="there is no folder"):
        system.spawn(Census, str(tmp_path / "missing"))


def test_all_broken_files_are_listed_whatever_their_names_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {f"{tmp_path}/{i:03}.py": "SyntaxError" for i in range(50)}
    broken[f"{tmp_path}/\x1b[31m\n.py"] = "x" * 1000
    View().list_broken(str(tmp_path), broken)
    heading, odd, *shown = capsys.readouterr().out.splitlines()
    assert heading == "Not counted:"
    assert shown == [f"  {i:03}.py: SyntaxError" for i in range(50)]
    assert odd.startswith("  \\x1b[31m\\n.py: xxx")
    assert len(odd) < 150


@pytest.mark.timeout(240)  # as much as a busy machine needs for so long a file, three times
def test_a_file_of_many_names_counts_the_same_on_another_core(
    tmp_path: Path, census: CountTree
) -> None:
    (tmp_path / "many.py").write_text("".join(f"name_{i}\n" for i in range(60_000)))
    (tmp_path / "few.py").write_text("x = 1\n")
    expected = count_tree(str(tmp_path))
    assert len(expected.identifiers) == 60_001
    assert [result.totals for result in census(tmp_path, 2)] == [expected, expected]


def test_a_killed_core_costs_no_more_than_the_files_it_was_at(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = count_tree(str(tree))
    reports: list[list[Result]] = []
    with ActorSystem(cores=2) as system:
        victims = [core["pid"] for core in system.cores() if core["index"] == 1]

        def kill_once(_view: View, _size: int) -> None:
            if victims:
                os.kill(victims.pop(), signal.SIGKILL)

        monkeypatch.setattr(View, "advance", kill_once)
        monkeypatch.setattr(View, "report", lambda _self, _folder, results: reports.append(results))
        system.spawn(Census, str(tree)).wait(timeout=100)
    ((first, second),) = reports
    assert len(first.totals.broken) <= WORKERS_PER_CORE
    assert all("worker was lost" in reason for reason in first.totals.broken.values())
    assert first.totals.files + len(first.totals.broken) == expected.files
    assert second.totals == expected


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    view = View()
    with view.console.capture() as captured:
        view.begin("2 cores", 10)
        view.advance(5)
        view.advance(5)
        view.end()
        view.end()
    assert " 50%" in captured.get()
    assert "100%" in captured.get()


def test_the_command_of_the_readme_prints_the_table(bad_tree: Path) -> None:
    command = [sys.executable, "-m", "zanni.cli.main", "run", "examples.census:Census"]
    done = subprocess.run(
        [*command, "--cores", "2", "--path", bad_tree],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for row in ("files ", "longest function", "files per core", "seconds on 2 cores", "speed-up"):
        assert row in done.stdout
    assert re.search(rf"not counted +│ {NOT_COUNTED} ", done.stdout)
    assert "Traceback" not in done.stdout + done.stderr
