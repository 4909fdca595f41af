"""Pykka's own test-suite, from its source distribution, with Zanni as the runtime."""

import hashlib
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

VERSION = "4.5.0"
SHA256 = "820fcc36046552b49d7eb61fe98088d1a29631cf3314e8ce4bc26aaead8dcd4f"
TESTS = 137  # that take the `runtime` fixture

# In Pykka, a BaseException in one actor stops all of them. In Zanni that actor fails, it alone.
DIFFERENT = [
    "tests/test_actor.py::test_all_actors_are_stopped_on_base_exception[zanni]",
    "tests/test_logging.py::test_base_exception_is_logged[zanni]",
]


@pytest.fixture(scope="module")
def sdist() -> Path:
    cache = ROOT / ".cache" / "pykka"
    path = cache / f"pykka-{VERSION}.tar.gz"
    if not path.exists():
        download(cache)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256, f"{path} is not Pykka's"
    return path


def download(cache: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", cache]
    only_source = ["--no-deps", "--no-binary", "pykka", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, *only_source, f"pykka=={VERSION}"], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    missing = f"Pykka's source distribution cannot be downloaded:\n{done.stderr}"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture
def suite(sdist: Path, tmp_path: Path) -> Path:
    """Pykka's source, its conftest extended by ours."""
    with tarfile.open(sdist) as archive:
        # Early patch releases of 3.11 have no filters; the hash is checked anyway.
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
        archive.extractall(tmp_path)
    unpacked = tmp_path / f"pykka-{VERSION}"
    with (unpacked / "tests" / "conftest.py").open("a") as conftest:
        conftest.write((HERE / "runtime.py").read_text())
    return unpacked


@pytest.mark.timeout(180)
def test_pykkas_tests_pass_on_zanni(suite: Path) -> None:
    report = suite / "report.xml"
    deselect = [part for name in DIFFERENT for part in ("--deselect", name)]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests", "--rootdir", suite, "-c", "pyproject.toml"),
            *("--timeout", "30", f"--junitxml={report}", *deselect),
        ],
        cwd=suite,
        env=plain | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = ET.parse(report).getroot().find("testsuite")
    assert counts is not None
    passed = int(counts.attrib["tests"]) - int(counts.attrib["skipped"])
    assert passed + len(DIFFERENT) == TESTS, done.stdout
