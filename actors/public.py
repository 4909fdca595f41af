"""Which of an actor's attributes others may name, in calls and through proxies.

A call names a path of attributes, which the actor's core follows. Followed blindly it leads to the
whole interpreter: `on_receive.__func__.__globals__` was seen.

Guarantees:
- No part of a path that comes from elsewhere begins with an underscore, and the first is none of
  the runtime's own (`system`, `spawn`, `on_stop`, ...), but for `stop`, as Pykka's proxies have it.
- A path leads through attributes that their class marks as traversable, and through no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .actor import Actor
from .proxy import is_traversable

FOR_OTHERS = frozenset({"stop"})
"""What of the base class's own others may call."""
_BASE = frozenset(name for name in dir(Actor) if not name.startswith("_")) - FOR_OTHERS


def check_public(path: Sequence[str]) -> None:
    """Any thread. Raise `AttributeError` if a path from elsewhere is not for others."""
    for name in path:
        if name.startswith("_"):
            raise AttributeError(f"{name[:100]!r} is not public")
    if path[0] in _BASE:
        raise AttributeError(
            f"{path[0]!r} is the runtime's own in every actor, and no attribute for others: use "
            "what the ref offers, or a method of the actor's class"
        )


def reach(actor: object, path: Sequence[str]) -> Any:
    """Owner only. The attribute at the end of a path; that of an empty one is the actor.

    Raises:
        AttributeError: there is none, or the way there is not marked as traversable.

    """
    if len(path) == 1:  # as nearly always
        return getattr(actor, path[0])
    found = actor
    for index, name in enumerate(path):
        if index:
            check_traversable(found, path[:index])
        found = getattr(found, name)
    return found


def check_traversable(attribute: object, path: Sequence[str]) -> None:
    """Owner only. Raise `AttributeError` if nothing of that attribute is for others."""
    if not is_traversable(attribute):
        shown = ".".join(path)[:100]
        raise AttributeError(f"{shown!r} is not traversable: mark it with pykka.traversable")
