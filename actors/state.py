"""The states of a cell, and what may follow each; `cell.py` has the table of what each means."""

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

LEAVES_TO: dict[State, frozenset[State]] = {
    # On the core RUNNING follows; after a start that ran late, IDLE or SCHEDULED (as for a strand).
    STARTING: frozenset({RUNNING, IDLE, SCHEDULED, PARKED, LEAVING, SUSPENDED, DEAD}),
    IDLE: frozenset({SCHEDULED, LEAVING}),
    SCHEDULED: frozenset({RUNNING, LEAVING}),
    # SUSPENDED or DEAD directly: the turn was killed where it was stuck, and given up.
    RUNNING: frozenset({IDLE, SCHEDULED, PARKED, LEAVING, SUSPENDED, DEAD}),
    PARKED: frozenset({RESUMING}),
    # What it parked in; or it was given up.
    RESUMING: frozenset({STARTING, RUNNING, LEAVING, SUSPENDED, DEAD}),
    # PARKED: a hook waits. IDLE: a reentrant actor, until the messages in hand have ended.
    LEAVING: frozenset({PARKED, IDLE, SUSPENDED, DEAD}),
    SUSPENDED: frozenset({STARTING, DEAD}),
    DEAD: frozenset(),
}
"""What may follow each state, besides itself. It is for tests, which hold cells to it."""
