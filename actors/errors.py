"""Every error that Zanni raises, in one tree.

    Exception
    ├── pykka.ActorDeadError      the actor is gone: told, asked, or asked and then stopped
    ├── pykka.Timeout             the time of an ask or a wait is over
    └── ZanniError
        ├── SpawnError            an actor could not be made on another core or node
        ├── StartError            a supervised child could not be started
        ├── EncodeError           a message cannot leave this process as it is
        ├── DecodeError           a message does not fit on the core or node that it came to
        ├── MessageTooLarge       a message is larger than one to another core may be
        ├── MailboxFull           a bounded mailbox refused a message
        ├── NodeDown              the core or node of an actor is lost
        │   └── ConnectionLost    only a connection with it broke, and an ask with it
        ├── RemoteError           a handler elsewhere raised a type that this side does not know
        ├── DeadlockError         an ask would wait for itself, or in a circle
        ├── ShuttingDown          the system is stopping and takes nothing new
        ├── NameInUse             the name belongs to another living actor or node
        ├── CoreInUse             a core cannot be removed, as actors live there that cannot move
        ├── ForkedError           the system was used in a forked child process
        ├── Ignore                raised by a child's on_start: leave me out
        ├── ChannelClosed         a channel was closed
        └── SupervisorError       a supervisor refuses
            ├── SpecError         a child's spec, or the supervisor's own settings, are wrong
            ├── AlreadyStarted    a child of that id is running
            ├── AlreadyPresent    a child of that id is known, and not running
            ├── Running           the child is running
            ├── Restarting        the child is waiting to be restarted
            ├── NotFound          there is no child of that id
            └── MaxChildren       there are as many children as there may be

An error of this tree keeps its type over any number of hops: each can be rebuilt from `args`.
"""

from __future__ import annotations

from pykka import ActorDeadError, Timeout

__all__ = [
    "ActorDeadError",
    "AlreadyPresent",
    "AlreadyStarted",
    "ChannelClosed",
    "ConnectionLost",
    "CoreInUse",
    "DeadlockError",
    "DecodeError",
    "EncodeError",
    "ForkedError",
    "Ignore",
    "MailboxFull",
    "MaxChildren",
    "MessageTooLarge",
    "NameInUse",
    "NodeDown",
    "NotFound",
    "RemoteError",
    "Restarting",
    "Running",
    "ShuttingDown",
    "SpawnError",
    "SpecError",
    "StartError",
    "SupervisorError",
    "Timeout",
    "ZanniError",
]


class ZanniError(Exception):
    """Base of Zanni's own errors."""


class SpawnError(ZanniError):
    """An actor could not be made on another core or node.

    `type` is the name of the exception that its class raised there, `text` its words.
    """

    def __init__(self, type: str, text: str) -> None:
        super().__init__(type, text)
        self.type, self.text = type, text

    def __str__(self) -> str:
        return f"{self.type}: {self.text}"


class StartError(ZanniError):
    """A supervised child could not be started; `id` names the child, `reason` says why."""

    def __init__(self, id: str, reason: object) -> None:
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


class DecodeError(ZanniError):
    """A message arrived and does not fit there; `path` names the part, `detail` what is wrong.

    Its type is not declared there, a field is missing, or a value is not of its field's type: most
    often the other node runs another version of the program. The actor has not seen the message.
    """

    def __init__(self, path: str, detail: str = "") -> None:
        super().__init__(path, detail)
        self.path, self.detail = path, detail

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"


class MessageTooLarge(ZanniError):
    """A message of `size` bytes is over a `limit`, in bytes: `frame_cap` or `message_limit`."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size, self.limit = size, limit

    def __str__(self) -> str:
        return f"the message takes {self.size} bytes, over the limit of {self.limit}"


class MailboxFull(ZanniError):
    """A bounded mailbox refused a message."""


class NodeDown(ZanniError):
    """The core or node that an actor lives on is lost, and the actor with it."""


class ConnectionLost(NodeDown):
    """An ask, or its answer, may have been lost with a connection that broke.

    The core itself is up. What was asked for was done, or was not: ask again what may be done
    twice.
    """


class RemoteError(ZanniError):
    """A handler elsewhere raised a type that is neither built in nor declared with `@message`."""

    def __init__(self, type: str, text: str, traceback_text: str = "") -> None:
        super().__init__(type, text, traceback_text)
        self.type, self.text, self.traceback_text = type, text, traceback_text

    def __str__(self) -> str:
        return f"{self.type}: {self.text}"


class DeadlockError(ZanniError):
    """An ask that can never be answered: it is one of a cycle of actors that wait for one another.

    `cycle` has their refs: the asker, whom it waits for, and so on; the last waits for the asker.
    """

    def __init__(self, text: str = "", cycle: tuple[object, ...] = ()) -> None:
        super().__init__(text, cycle)
        self.text, self.cycle = text, cycle

    def __str__(self) -> str:
        return self.text


class ShuttingDown(ZanniError):
    """The system is stopping, or has stopped, and takes nothing new."""


class NameInUse(ZanniError):
    """The name belongs to another living actor or node; of a node, to process `pid` on `host`."""

    def __init__(self, text: str = "", host: str = "", pid: int = 0) -> None:
        super().__init__(text, host, pid)
        self.text, self.host, self.pid = text, host, pid

    def __str__(self) -> str:
        return self.text


class CoreInUse(ZanniError):
    """Cores cannot be removed: `holders` are refs of actors there that cannot move."""

    def __init__(self, text: str, holders: list[object]) -> None:
        super().__init__(text, holders)
        self.text, self.holders = text, holders

    def __str__(self) -> str:
        return self.text


class ForkedError(ZanniError):
    """The system was used in a forked child process, where none of its threads run."""


class Ignore(ZanniError):
    """Raised by a supervised child's `on_start`: leave this child out, without a failure."""


class ChannelClosed(ZanniError):
    """A channel was closed."""


class SupervisorError(ZanniError):
    """Base of what a supervisor answers to a request that it refuses."""


class SpecError(SupervisorError):
    """A supervisor or a child is described wrongly, and nothing was started.

    `subject` names the child or the supervisor's class, `field` what is wrong in it, `remedy` what
    to write instead.
    """

    def __init__(self, subject: str, field: str, remedy: str) -> None:
        super().__init__(subject, field, remedy)
        self.subject, self.field, self.remedy = subject, field, remedy

    def __str__(self) -> str:
        return f"{self.subject}: {self.field}: {self.remedy}"


class AlreadyStarted(SupervisorError):
    """A child of that id is running; `ref` is its ref."""

    def __init__(self, ref: object) -> None:
        super().__init__(ref)
        self.ref = ref

    def __str__(self) -> str:
        return f"already running: {self.ref}"


class AlreadyPresent(SupervisorError):
    """A child of that id is known and not running: restart it, or delete it first."""


class Running(SupervisorError):
    """The child is running: terminate it first."""


class Restarting(SupervisorError):
    """The child is waiting to be restarted: terminate it first."""


class NotFound(SupervisorError):
    """The supervisor has no child of that id."""


class MaxChildren(SupervisorError):
    """A `DynamicSupervisor` has as many children as it may have, which is `limit`."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"there are {self.limit} children, and max_children allows no more"
