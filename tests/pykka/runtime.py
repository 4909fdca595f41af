"""Zanni as the one runtime of Pykka's test-suite; added to the end of its tests/conftest.py.

The later definition of a fixture is the one that counts, whatever that file holds before it.
"""

import threading
import time

import pytest
from tests.types import Runtime

import zanni

ZANNI = Runtime(
    name="zanni",
    actor_class=zanni.Actor,
    event_class=threading.Event,
    future_class=zanni.Future,
    sleep_func=time.sleep,
)


@pytest.fixture(scope="session", params=[pytest.param(ZANNI, id="zanni")])
def runtime(request):
    return request.param


def pytest_collection_modifyitems(config, items):
    others = [item for item in items if "runtime" not in item.fixturenames]
    items[:] = [item for item in items if "runtime" in item.fixturenames]
    config.hook.pytest_deselected(items=others)
