"""docs/observing.md: what it shows is what the command prints, and each field is told of."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "observing.md").read_text()
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n\$ zanni (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (.*?) \| (`.*) \|$", re.MULTILINE)
SECONDS = 30.0


@pytest.fixture(scope="module")
def zanni():
    """Run a command of the page, beside the system of the page."""
    folder = Path(tempfile.mkdtemp(prefix="z-", dir="/tmp"))
    (folder / "shop.py").write_text(PYTHON.findall(PAGE)[0])
    environ = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "zanni.cli.main"]
    system = subprocess.Popen(
        [*command, *re.search(r"`zanni (run .*?)`", PAGE)[1].split()],
        cwd=folder,
        env=environ,
        stderr=subprocess.DEVNULL,
    )

    def zanni(*arguments):
        done = subprocess.run(
            [*command, *arguments],
            env=environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.stdout

    deadline = time.monotonic() + SECONDS
    while "restarted once" not in zanni("tree"):
        assert time.monotonic() < deadline
    yield zanni
    system.send_signal(signal.SIGTERM)
    system.wait(SECONDS)
    shutil.rmtree(folder)


def test_the_tree_on_the_page_is_what_is_printed(zanni):
    ((arguments, shown),) = CONSOLE.findall(PAGE)
    assert numberless(zanni(*arguments.split())) == numberless(shown)


def numberless(tree):
    """The tree without the numbers that differ from run to run: of processes and of actors."""
    return re.sub(r"(process |shop/0/)\d+", r"\1N", tree)


def test_the_page_tells_of_each_field_of_the_document(zanni):
    document = json.loads(zanni("tree", "--all", "--json"))
    (core,) = document["cores"]
    (shop,) = core["supervisors"]
    actor = {"class", "name", "ref", "state", "parent", "queued"}
    found = {
        "the document": set(document),
        "a core": set(core),
        "a supervisor": set(shop),
        "a child": set(shop["children"][0]),
        "an unsupervised actor": actor,
    }
    table = PAGE[PAGE.index("| of | fields |") : PAGE.index("| of | states |")]
    rows = ROW.findall(table)
    told = {of: set(re.findall(r"`([a-z_]+)`", text)) for of, text in rows}
    assert told == found
