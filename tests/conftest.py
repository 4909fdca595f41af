"""For all tests."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import zanni

# Else each of the many processes that tests start would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("zanni", deadline=None)  # how long an example takes is no assertion
settings.load_profile("zanni")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files of what takes long: one that comes last has one process to itself."""
    long = {item.path for item in items if item.get_closest_marker("timeout")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture
def start_node() -> Iterator[Callable[..., Any]]:
    """Start a program that is a node of its own; whatever is left of it is killed at the end.

    It can import Zanni and what stands beside it, and by custom it prints "up" when it is.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(script: object, *arguments: object) -> Any:
        process = subprocess.Popen(
            [sys.executable, *map(str, (script, *arguments))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(zanni.__file__).parents[1])},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
