"""The examples are found as `zanni run` finds them: below the repository's root."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """The census has its workers' crashes filtered out of the log, for its process's whole life."""
    logger = logging.getLogger("zanni")
    filters = list(logger.filters)
    yield
    logger.filters[:] = filters
