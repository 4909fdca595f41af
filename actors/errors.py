"""Every error that Zanni raises, in one tree.

    Exception
    ├── pykka.ActorDeadError      the actor is gone: told, asked, or asked and then stopped
    ├── pykka.Timeout             the time of an ask or a wait is over
    └── ZanniError
        ├── SpawnError            an actor could not be made on another core or node
        ├── StartError            a supervised child could not be started
        ├── EncodeError           a message cannot leave this process as it is
        ├── MessageTooLarge       a message is larger than a frame may be
        ├── MailboxFull           a bounded mailbox refused a message
        ├── NodeDown              the core or node of an actor is lost
        ├── RemoteError           a handler elsewhere raised a type that this side does not know
        ├── DeadlockError         an ask would wait for itself
        ├── ShuttingDown          the system is stopping and takes nothing new
        ├── NameInUse             the name belongs to another living actor or node
        ├── ForkedError           the system was used in a forked child process
        ├── Ignore                raised by a child's on_start: leave me out
        └── ChannelClosed         a channel was closed

An error of this tree keeps its type over any number of hops: each can be rebuilt from `args`.
"""

from __future__ import annotations

from pykka import ActorDeadError, Timeout

__all__ = [
    "ActorDeadError",
    "ChannelClosed",
    "DeadlockError",
    "EncodeError",
    "ForkedError",
    "Ignore",
    "MailboxFull",
    "MessageTooLarge",
    "NameInUse",
    "NodeDown",
    "RemoteError",
    "ShuttingDown",
    "SpawnError",
    "StartError",
    "Timeout",
    "ZanniError",
]


class ZanniError(Exception):
    """Base of Zanni's own errors."""


class SpawnError(ZanniError):
    """An actor could not be made on another core or node.

    `type` is the name of the exception that its class raised there, `text` its words.
    """

    def __init__(self, type: str, text: str) -> None:  # noqa: A002  (the API's name)
        super().__init__(type, text)
        self.type, self.text = type, text

    def __str__(self) -> str:
        return f"{self.type}: {self.text}"


class StartError(ZanniError):
    """A supervised child could not be started; `id` names the child, `reason` says why."""

    def __init__(self, id: str, reason: object) -> None:  # noqa: A002  (the API's name)
        super().__init__(id, reason)
        self.id, self.reason = id, reason

    def __str__(self) -> str:
        return f"child {self.id!r} did not start: {self.reason!r}"


class EncodeError(ZanniError):
    """A message cannot be encoded; `path` names the part that cannot, `detail` the remedy."""

    def __init__(self, path: str, detail: str = "") -> None:
        super().__init__(path, detail)
        self.path, self.detail = path, detail

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"


class MessageTooLarge(ZanniError):
    """A message of `size` bytes is over the `limit` of a frame, in bytes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size, self.limit = size, limit

    def __str__(self) -> str:
        return f"the message takes {self.size} bytes, a frame at most {self.limit}"


class MailboxFull(ZanniError):
    """A bounded mailbox refused a message."""


class NodeDown(ZanniError):
    """The core or node that an actor lives on is lost, and the actor with it."""


class RemoteError(ZanniError):
    """A handler elsewhere raised a type that is neither built in nor declared with `@message`."""

    def __init__(self, type: str, text: str, traceback_text: str = "") -> None:  # noqa: A002
        super().__init__(type, text, traceback_text)
        self.type, self.text, self.traceback_text = type, text, traceback_text

    def __str__(self) -> str:
        return f"{self.type}: {self.text}"


class DeadlockError(ZanniError):
    """An ask would close a cycle of actors that wait for one another."""


class ShuttingDown(ZanniError):
    """The system is stopping, or has stopped, and takes nothing new."""


class NameInUse(ZanniError):
    """The name belongs to another living actor or node."""


class ForkedError(ZanniError):
    """The system was used in a forked child process, where none of its threads run."""


class Ignore(ZanniError):
    """Raised by a supervised child's `on_start`: leave this child out, without a failure."""


class ChannelClosed(ZanniError):
    """A channel was closed."""
