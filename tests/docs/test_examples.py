"""Every example in the README and the docs is run, as a reader would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OUTPUT = {
    ("docs/inside.md", 0): "49\nTypeError\n",
    ("docs/inside.md", 1): "130\n",
    ("docs/asyncio.md", 0): "visit 10 of / | visit 1 of /other\n",
    ("docs/asyncio.md", 1): "page of a, page of b, page of c\n",
    ("docs/mailboxes.md", 0): "printing page 1\npage 1\n0\n",
    ("docs/supervision.md", 0): "again after TypeError(\"unhashable type: 'list'\")\n1\n"
    "till worker transient\nstore worker permanent\n",
    ("docs/supervision.md", 1): "web session of ann: hello\n['apples']\n['apples', 'pears']\n"
    "guest session of anybody: hello\n",
    ("docs/nodes.md", 0): "11\n11\n11\n",
    ("docs/security.md", 0): "70\na key of role 'client' may not stop an actor\n",
    ("README.md", 0): "130\ninsufficient funds\n",
    ("README.md", 1): "285\n",
    ("README.md", 2): "1\n",
    ("docs/semantics.md", 0): "Clerk 'ann' -> Clerk 'ann'\nTrue\n",
}


def examples() -> list[tuple[str, int, str]]:
    found = []
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        found += [(name, i, text) for i, text in enumerate(BLOCK.findall(page.read_text()))]
    return found


@pytest.mark.parametrize(("page", "number", "text"), examples(), ids=lambda value: str(value)[:20])
def test_the_example_runs(page: str, number: int, text: str, tmp_path: Path) -> None:
    script = tmp_path / "example.py"
    script.write_text(text)
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=40,
        env=environ,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = OUTPUT.get((page, number))
    assert expected is None or done.stdout == expected, done.stderr


def test_there_are_examples() -> None:
    assert len(examples()) >= len(OUTPUT)


def test_every_test_that_the_semantics_name_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "semantics.md").read_text()))
    sources = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert {name for name in named if f"def {name}(" not in sources} == set()
    assert named


def test_every_scenario_that_the_semantics_name_is_written() -> None:
    text = (ROOT / "docs" / "semantics.md").read_text()
    table = text.partition("| rule | scenario |\n")[2].partition("\n\n")[0]
    cells = [line.split(" | ")[1] for line in table.splitlines()]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    folder = ROOT / "tests" / "supervisors" / "scenarios" / "rules"
    written = "\n".join(path.read_text() for path in folder.glob("*.py"))
    assert {name for name in named if f'"{name}"' not in written} == set()
    assert named
