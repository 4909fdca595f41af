"""Where the deaths go whose actors have messages queued: each behind the last of these."""

from __future__ import annotations

from collections.abc import Callable, Reversible
from typing import TypeVar

from .address import Address
from .process import Item, Process

T = TypeVar("T")


def put_behind(
    queued: Reversible[T],
    sender_of: Callable[[T], Process | None],
    waiting: dict[Address, list[Item]],
    made: Callable[[T, Item], T],
) -> list[T]:
    """Any thread. All that is queued, with each item that waits behind the last one of its sender.

    One pass, however many wait: a crowd that has said a word each may die at once.

    Args:
        queued: in the order in which it is handled.
        sender_of: who has sent it.
        waiting: what is to be put behind the last of which sender; those that were put are taken
            out.
        made: an item as it is queued, by what it is behind.

    """
    newest_first: list[T] = []
    seen: set[Process] = set()
    for each in reversed(queued):
        sender = sender_of(each)
        if waiting and sender is not None and sender not in seen:
            seen.add(sender)
            items = waiting.pop(sender.address, ())
            newest_first += [made(each, item) for item in reversed(items)]
        newest_first.append(each)
    newest_first.reverse()
    return newest_first
