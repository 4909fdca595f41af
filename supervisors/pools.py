"""Pools as children: several actors behind one ref, which a supervisor keeps running."""

from __future__ import annotations

from typing import Any

from ..actors.actor import CHILD_SHUTDOWN, Dispatcher
from ..actors.errors import SpecError
from ..actors.kinds import kind_of_cell
from ..actors.mailbox import Mailbox
from ..actors.plan import plan_pool
from ..actors.pool import Pool
from ..actors.routing import RouterName
from ..actors.scheduler import Place
from .backoff import Backoff
from .spec import ActorClass, ChildSpec, Queue, Shutdown, child
from .strategy import RestartType

POOL_SHUTDOWN = 2 * CHILD_SHUTDOWN
"""Seconds that a pool may take to stop, in which its members may take theirs."""


def pool(
    cls: ActorClass,
    n: int,
    *args: Any,
    id: str,
    router: RouterName = "round_robin",
    core: int | Place | None = "spread",
    node: str | None = None,
    mailbox: Mailbox | None = None,
    dispatcher: Dispatcher | None = None,
    restart: RestartType = "permanent",
    shutdown: Shutdown | None = None,
    significant: bool = False,
    backoff: Backoff | None = None,
    name: str | None = None,
    start_timeout: float | None = None,
    queue: Queue = "keep",
    **kwargs: Any,
) -> ChildSpec:
    """Describe a child that is a pool, as `ActorSystem.pool` makes one. Nothing is started by it.

    The pool itself starts its members again. It is the supervisor's child as a whole: killed, or
    lost with its core, it is started again with new members. What its members had is lost with
    them; what is sent meanwhile waits, unless `queue="fresh"`. `which_children` calls it a
    "supervisor", OTP's word for a child that has children.

    Args:
        cls: the members' class, or a `functools.partial` of it.
        n: how many members.
        args: positional arguments of each member's `__init__`.
        id, restart, significant, backoff, name, start_timeout, queue: of the pool, as in `child`.
        shutdown: of the pool, as in `child`; the default is 10 seconds. When it is told to stop,
            its members have 5 seconds, all at the same time, before it kills them.
        router, core, node, mailbox, dispatcher: of the members, as in `ActorSystem.pool`.
        kwargs: keyword arguments of each member's `__init__`.

    Raises:
        SpecError: a field is wrong; its text names the child, the field and the remedy.

    """
    if not (node is None or isinstance(node, str)):
        raise SpecError(f"child {id!r}", "node", f"{node!r}: the members of a pool are on one node")
    # It refuses what no member may be.
    child(cls, *args, id=id, core=core, node=node, mailbox=mailbox, **kwargs)
    options = {"mailbox": mailbox, "dispatcher": dispatcher, "node": node}
    try:
        plan = plan_pool(cls, args, kwargs, n=n, router=router, core=core, **options)
        kind_of_cell(plan.worker, dispatcher)
    except (TypeError, ValueError) as error:
        raise SpecError(f"child {id!r}", "pool", str(error)) from error
    return child(
        Pool,
        plan,
        id=id,
        restart=restart,
        shutdown=POOL_SHUTDOWN if shutdown is None else shutdown,
        significant=significant,
        backoff=backoff,
        name=name,
        start_timeout=start_timeout,
        queue=queue,
    )
