"""What a forked child process says to those that use a system of its parent there.

Guarantees:
- Whoever wants something of such a system in the child hears `ForkedError`, and nobody waits: none
  of its threads is there, and a lock may be held by one that is not.
- What is only read (`is_alive()`, `mailbox()`, `cores()`) is as it was at the fork.
- Nothing of the parent's is touched.
"""

from __future__ import annotations

from typing import NoReturn

from .environment import process_id
from .errors import ForkedError


class Disowned:
    """Stands, in the child, where a lock or a wake-up of the system's was: neither can be had."""

    def __init__(self, system_name: str) -> None:
        self._text = (
            f"the system {system_name!r} belongs to the parent of this forked process "
            f"({process_id()}), where none of its threads run: make an ActorSystem here, or start "
            "the process with the 'spawn' method, multiprocessing.get_context('spawn')"
        )

    def __call__(self) -> NoReturn:
        """Raise ForkedError."""
        raise ForkedError(self._text)

    __enter__ = __call__

    def __exit__(self, *exc_info: object) -> None:
        """Nobody has entered."""
