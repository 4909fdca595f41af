"""The phases of a system's life, from its making to its end.

    phase       meaning                                             leaves to
    NEW         made; it can be started, and no more                STARTING, STOPPED
    STARTING    its core is there, the other cores not yet          RUNNING, STOPPING, STOPPED
    RUNNING     takes what it is asked                              STOPPING
    STOPPING    its actors finish; nothing new is taken             STOPPED
    STOPPED     ended, or its start has failed; final               -

The core of a child process does not wait for the others: RUNNING follows STARTING at once.
"""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """See the table above; the values are the words of the errors that tell of it."""

    NEW = "new"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
