"""The process behind a ref whose actor is known to be gone: a stale ref, or a lost core."""

from __future__ import annotations

from .address import Address
from .dispatcher import Core
from .links import leave_alone
from .mailbox import MailboxRecord
from .process import (
    Broken,
    Died,
    Failed,
    Headers,
    Link,
    Process,
    Reply,
    Restart,
    Signal,
    Suspend,
    Unlink,
    Unlinked,
    Watch,
)


class GoneProcess:
    """Takes nothing: asks get `error`, messages are dead letters, watchers hear `reason`."""

    __slots__ = ("_error", "_reason", "address", "core")

    awaits = None

    def __init__(self, core: Core, address: Address, error: Exception, reason: str) -> None:
        self.core = core
        self.address = address
        self._error = error
        self._reason = reason

    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. See `Process.deliver`."""
        if reply is not None:
            reply.reject(self._error)
        else:
            self.core.owner.dead_letters.count("stale", message, self.address, sender)

    def signal(self, signal: Signal) -> None:
        """Any thread. See `Process.signal`."""
        if isinstance(signal, Watch):
            signal.watcher.signal(Died(self, self._reason))
        elif isinstance(signal, Link):
            signal.process.signal(Broken(self, self._reason))
        elif isinstance(signal, Unlink):
            signal.process.signal(Unlinked(self))
        elif isinstance(signal, Restart | Suspend) and signal.reply is not None:
            signal.reply.reject(self._error)
        elif isinstance(signal, Failed):
            leave_alone(self.core.owner.crashes, signal.process, signal.crash)

    def is_alive(self) -> bool:
        """Any thread. No."""
        return False

    def statistics(self) -> MailboxRecord:
        """Any thread. Raises the error that asks get."""
        raise self._error

    def find_actor(self) -> None:
        """Any thread. There is none."""
