"""What an actor is made of, and what it is to be to others, from what `spawn` was given."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from .actor import Actor
from .links import Birth
from .mailbox import Mailbox
from .process import Process
from .ref import ActorRef


class Order(NamedTuple):
    """An actor that is to be made."""

    birth: Birth
    name: str | None
    parent: Process | ActorRef[Any] | None
    """Of the core that makes it a process; of another one a ref."""
    supervisor: ActorRef[Any] | None
    start_timeout: float | None
    """Seconds until the start fails."""

    @property
    def is_start_awaited(self) -> bool:
        """Whether its spawner waits until `on_start` is done; else, until `__init__` is."""
        return (
            self.supervisor is not None
            or self.start_timeout is not None
            or self.birth.actor_class.wait_for_start
        )


_new = tuple.__new__  # half the cost of a named tuple's own


def birth_of(
    actor_class: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    dispatcher: str | None,
    mailbox: Mailbox | None,
) -> Birth:
    """Any thread. The class, or the `functools.partial` of one, with all its arguments.

    Raises:
        TypeError: it is no actor class.

    """
    if not (isinstance(actor_class, type) and Actor in actor_class.__mro__):
        actor_class, args, kwargs = _unwrapped(actor_class, args, kwargs)
    return _new(Birth, (actor_class, args, kwargs, dispatcher, mailbox))


def _unwrapped(
    actor_class: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[type[Actor], tuple[Any, ...], dict[str, Any]]:
    """What a `functools.partial` stands for."""
    while isinstance(actor_class, functools.partial):
        args = actor_class.args + args
        kwargs = {**actor_class.keywords, **kwargs}
        actor_class = actor_class.func
    if isinstance(actor_class, Actor):
        raise TypeError(
            "spawn takes a class, not an actor: "
            f"pass {type(actor_class).__name__} and its arguments"
        )
    if not isinstance(actor_class, type) or not issubclass(actor_class, Actor):
        shown = actor_class.__name__ if isinstance(actor_class, type) else repr(actor_class)
        raise TypeError(f"spawn takes a subclass of zanni.Actor; {shown:.80} is none")
    return actor_class, args, kwargs
