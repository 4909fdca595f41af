"""What a pool is made of, and what it cannot be made of."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .actor import Actor
from .arguments import is_whole
from .mailbox import Mailbox
from .messages import message
from .routing import ROUTERS


@message
class Plan:
    """What a pool is made of: its members' class and arguments, how many, and `spawn`'s options."""

    worker: type[Actor]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    size: int
    router: str
    core: int | str | None
    options: dict[str, Any]

    @property
    def mailbox(self) -> Mailbox:
        """That of each member."""
        given: Mailbox | None = self.options.get("mailbox")
        return self.worker.mailbox if given is None else given


def plan_pool(
    actor_class: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    n: int,
    router: str,
    core: int | str | None,
    **options: Any,
) -> Plan:
    """What `system.pool` was asked for; `options` are those of `spawn`, for each member.

    Raises:
        TypeError: no actor class.
        ValueError: a size or a router that cannot be.

    """
    worker_class: object = getattr(actor_class, "func", actor_class)  # of a partial
    if not isinstance(worker_class, type) or not issubclass(worker_class, Actor):
        raise TypeError(f"a pool takes a subclass of zanni.Actor; {worker_class!r:.80} is none")
    check_size(n)
    if router not in [*ROUTERS]:  # a list, which takes also what cannot be hashed
        words = ", ".join(repr(word) for word in ROUTERS)
        raise ValueError(f"router= takes one of {words}, not {router!r:.80}")
    made: functools.partial[Any] = functools.partial(actor_class, *args, **kwargs)  # flattened
    return Plan(worker_class, made.args, made.keywords, n, router, core, options)


def check_size(n: object) -> None:
    """Raise ValueError unless `n` is a number of members that a pool may have."""
    if not is_whole(n) or n < 1:
        raise ValueError(f"a pool has at least one member: n= takes a number from 1 up, not {n!r}")
