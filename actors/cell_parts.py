"""What the files of a cell call of the files above them; `cell.py` draws who stands on whom."""

from __future__ import annotations

from .crew import Worker
from .mailbox import MailboxRecord
from .process import Headers, Process, Reply, Signal


class CellParts:
    """A cell, as its lowest file sees it."""

    __slots__ = ()

    # overtaking.py

    def return_stash(self) -> None:
        """Own turn only. Put what was set aside back to the front of the queue."""
        raise NotImplementedError

    def lose_own(self) -> None:
        """Owner only. What this incarnation has sent itself is not for the next one."""
        raise NotImplementedError

    # signalled.py

    def signal(self, signal: Signal) -> None:
        """Any thread. See `Process.signal`."""
        raise NotImplementedError

    def end_soon(self, reason: object) -> None:
        """Owner only. End this incarnation after the message in hand, if it does not end yet."""
        raise NotImplementedError

    def give_up_if_late(self) -> None:
        """Owner only. It was killed: if another thread has its turn, go on without it."""
        raise NotImplementedError

    # cell.py

    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. See `Process.deliver`."""
        raise NotImplementedError

    def run(self, worker: Worker) -> None:
        """Owner only. One turn."""
        raise NotImplementedError

    def settle(self) -> None:
        """Owner only. A turn has ended in a thread that did not hold the core any more."""
        raise NotImplementedError

    def depth(self) -> int:
        """Any thread. How many messages wait, without the one in hand."""
        raise NotImplementedError

    def tell_if_long(self) -> None:
        """Owner only. Publish `MailboxHigh` if the mailbox has grown very long."""
        raise NotImplementedError

    def statistics(self) -> MailboxRecord:
        """Any thread. What waits for the actor; ActorDeadError if it is gone."""
        raise NotImplementedError
