"""What an actor may do about its messages: set them aside, or handle them by another function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .process import Item


class Receiver(Protocol):
    """What is needed of the cell."""

    current: Item | None
    interrupted: bool

    def set_aside(self, item: Item) -> None:
        """Keep a message for later."""
        ...

    def return_stash(self) -> None:
        """Put what was set aside back to the front of the queue."""
        ...


class Receiving:
    """The part of an actor that says how its messages are handled. Own turn only, all of it."""

    _cell: Any
    __handlers: list[Callable[[Any], Any] | None] | None = None
    """Those that `become` has replaced; None for `on_receive`. No name that users may have."""

    def stash(self) -> None:
        """Set the message in hand aside, until `unstash_all`; whoever asked waits meanwhile.

        When the actor is restarted, what is stashed returns to the front of its queue; when it
        dies, that is lost as what is queued is. In a bounded mailbox the stash holds as much as
        the mailbox does.

        Raises:
            RuntimeError: there is no message in hand, or it was stashed already.
            MailboxFull: the mailbox is bounded and the stash full.

        """
        cell: Receiver = self._cell
        item = cell.current
        if item is None:
            raise RuntimeError(
                "stash() sets aside the message in hand: call it once, while you handle a message"
            )
        cell.set_aside(item)
        cell.current = None  # it is answered when its time comes

    def unstash_all(self) -> None:
        """Have what was stashed handled next, in the order in which it was stashed."""
        cell: Receiver = self._cell
        cell.return_stash()

    def become(self, handler: Callable[[Any], Any], *, replace: bool = False) -> None:
        """Have `handler(message)` called in place of `on_receive`, from the next message on.

        It may be `async def`. A restart begins with `on_receive` again.

        Args:
            handler: a method or function that takes a message.
            replace: forget the handler until now, unless that is `on_receive` itself, so that
                `unbecome` goes back to what was before it. An actor that goes from state to state
                for ever needs this.

        Raises:
            TypeError: the handler cannot be called.

        """
        if not callable(handler):
            raise TypeError(
                f"become() takes a function of one message, such as self.busy, not {handler!r:.80}"
            )
        if self.__handlers is None:
            self.__handlers = []
        if not (replace and self.__handlers):
            self.__handlers.append(self.__dict__.get("on_receive"))
        self._receive_by(handler)

    def unbecome(self) -> None:
        """Undo the last `become` that was not undone, from the next message on.

        Raises:
            RuntimeError: there is none.

        """
        if not self.__handlers:
            raise RuntimeError("unbecome() undoes a become(), and there is none left to undo")
        self._receive_by(self.__handlers.pop())

    def _receive_by(self, handler: Callable[[Any], Any] | None) -> None:
        if handler is None:
            self.__dict__.pop("on_receive", None)
        else:
            self.__dict__["on_receive"] = handler
        cell: Receiver = self._cell
        cell.interrupted = True
