"""Waist 1: all that a ref knows of what stands behind it.

A local cell, an actor elsewhere, a monitor and the dead letters are each a `Process`; local and
remote differ in the object behind the ref and nowhere else.

Signals are what the runtime's parts say to one another about actors: they pass all queued messages,
are never dropped by a mailbox, and handlers do not see them. Their fields are processes, reasons
and replies, so that each can cross a link.
"""

from __future__ import annotations

from _contextvars import Context
from typing import Any, NamedTuple, Protocol, TypeAlias, TypedDict

from .address import Address
from .crash import Crash


class Headers(TypedDict, total=False):
    """What travels beside a message, only when set."""

    deadline: float
    """When the asker's time is over, on the clock; between cores, the seconds that are left."""
    sender: Address
    """Who sent it, where that is an actor of neither of the two cores: it was forwarded. On the
    way between cores only."""
    notes: list[str]
    """What was added to the error that answers an ask from another core. On the way only."""
    receipt: object
    """Of what came from another core: how much waits here is known by it while it exists."""
    context: Context
    """The sender's context variables; they stay within the process."""


OWN: Headers = {}
"""Those of a message from the actor's own timers: it is for no other incarnation (B13)."""


class Reply(Protocol):
    """Where the answer to an ask goes. The first call wins; later ones are dropped and counted."""

    def resolve(self, value: object) -> bool:
        """Any thread. Answer with a value; False if it was answered before."""
        ...

    def reject(self, error: BaseException) -> bool:
        """Any thread. Answer with an error; False if it was answered before."""
        ...


class Process(Protocol):
    """Something that takes messages and signals."""

    @property
    def address(self) -> Address:
        """Any thread. Its address, the same in every process."""
        ...

    def deliver(
        self,
        message: object,
        sender: Process | None,
        reply: Reply | None,
        headers: Headers | None,
    ) -> None:
        """Any thread. Queue a message.

        Raises:
            ActorDeadError: the actor is local and known to be dead, and there is no `reply`
                (with one, the error goes there).
            EncodeError, MessageTooLarge: the actor is elsewhere and the message cannot go there.

        """
        ...

    def signal(self, signal: Signal) -> None:
        """Any thread. Pass a system message, past all queued ones. Never raises."""
        ...


Item: TypeAlias = tuple[Any, Process | None, Reply | None, Headers | None]
"""What a mailbox holds: message, sender, reply, headers."""


class Watch(NamedTuple):
    """Tell `watcher` when you end."""

    watcher: Process


class Unwatch(NamedTuple):
    """Tell `watcher` no more."""

    watcher: Process


class Died(NamedTuple):
    """`process`, which you watch, has ended for `reason`."""

    process: Process
    reason: object


class Link(NamedTuple):
    """You and `process` are linked: the abnormal end of one is the other's, for the same reason."""

    process: Process


class Unlink(NamedTuple):
    """You and `process` are linked no more. Answered with `Unlinked`, by the dead as well."""

    process: Process


class Unlinked(NamedTuple):
    """`process` has obeyed your `Unlink`.

    A `Link` of its own that came before this it had sent earlier, and it is undone there: both
    sides agree on whether they are linked, however link and unlink cross.
    """

    process: Process


class Broken(NamedTuple):
    """`process`, which you are linked to, has ended for good, for `reason`."""

    process: Process
    reason: object


class Shutdown(NamedTuple):
    """End after the message in hand; what is queued becomes dead letters.

    From a parent or a supervisor: it is not reported back as a failure.
    """

    reason: object


class Kill(NamedTuple):
    """End now; a wait in progress is broken off. It can be neither trapped nor refused."""


class Failed(NamedTuple):
    """To a supervisor: `process` has ended its incarnation for `reason` and awaits a verdict."""

    process: Process
    reason: object
    crash: Crash | None
    """Where a handler has failed: what the log is to say."""


class Suspend(NamedTuple):
    """To a supervised actor: end this incarnation after the message in hand, and await a verdict.

    `reply` hears the reason for which it ended, be it another; its supervisor gets the `Failed`
    that follows each end of an incarnation, before or after that. An error: it is gone for good.
    """

    reason: object
    reply: Reply


class Restart(NamedTuple):
    """To a suspended actor: begin a new incarnation. `reply` hears whether it started."""

    reason: object
    reply: Reply | None


class Bury(NamedTuple):
    """There will be no restart: a suspended actor dies, a running one will when it ends."""


Signal = (
    Watch
    | Unwatch
    | Died
    | Link
    | Unlink
    | Unlinked
    | Broken
    | Shutdown
    | Kill
    | Failed
    | Suspend
    | Restart
    | Bury
)


def kill_for_good(process: Process) -> None:
    """Any thread. End an actor now, whatever it is about; its supervisor does not begin it anew."""
    process.signal(Bury())
    process.signal(Kill())
