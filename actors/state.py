"""The states of a cell; `cell.py` has the table of what each means."""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """See the table in `cell.py`."""

    STARTING = auto()
    IDLE = auto()
    SCHEDULED = auto()
    RUNNING = auto()
    PARKED = auto()
    RESUMING = auto()
    LEAVING = auto()
    SUSPENDED = auto()
    DEAD = auto()


# Names of a module are found faster than members of an enum.
STARTING, IDLE, SCHEDULED, RUNNING, PARKED, RESUMING, LEAVING, SUSPENDED, DEAD = State
