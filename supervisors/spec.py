"""Child specs: what a supervisor needs to know of a child to start, restart and stop it. Data."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from ..actors.actor import Actor
from ..actors.arguments import is_number, is_whole
from ..actors.errors import SpecError
from ..actors.mailbox import Mailbox
from ..actors.messages import message
from ..actors.scheduler import PLACES, Place
from .backoff import Backoff
from .strategy import RESTART_TYPES, AutoShutdown, RestartType

Shutdown: TypeAlias = float | Literal["kill", "infinity"]
Queue: TypeAlias = Literal["keep", "fresh"]
Node: TypeAlias = str | tuple[str, ...] | list[str] | None
ActorClass: TypeAlias = type[Actor] | functools.partial[Any]

SPAWN_OPTIONS = ("near", "dispatcher", "supervisor")


@message
class ChildSpec:
    """One child of a supervisor. Make it with `child(...)`, which explains the fields."""

    cls: ActorClass
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    id: str
    restart: RestartType = "permanent"
    shutdown: Shutdown | None = None
    significant: bool = False
    backoff: Backoff | None = None
    core: int | Place | None = None
    node: Node = None
    name: str | None = None
    mailbox: Mailbox | None = None
    start_timeout: float | None = None
    queue: Queue = "keep"

    @property
    def actor_class(self) -> type[Actor]:
        """The class itself, also when `cls` is a `functools.partial` of it."""
        found: Any = self.cls
        while isinstance(found, functools.partial):
            found = found.func
        return found  # type: ignore[no-any-return]  # what is within the partials

    @property
    def nodes(self) -> list[str | None]:
        """Where it may be started; None is the supervisor's own node."""
        return [*self.node] if isinstance(self.node, tuple | list) else [self.node]


def child(
    cls: ActorClass,
    *args: Any,
    id: str,
    restart: RestartType = "permanent",
    shutdown: Shutdown | None = None,
    significant: bool = False,
    backoff: Backoff | None = None,
    core: int | Place | None = None,
    node: Node = None,
    name: str | None = None,
    mailbox: Mailbox | None = None,
    start_timeout: float | None = None,
    queue: Queue = "keep",
    **kwargs: Any,
) -> ChildSpec:
    """Describe a child. Nothing is started by it.

    Args:
        cls: the child's class, or a `functools.partial` of it for arguments of its `__init__` that
            are named like the parameters here.
        args: positional arguments of its `__init__`, at the first start and every restart.
        id: names the child within its supervisor.
        restart: "permanent", the default: always; "transient": unless it ended by reason normal,
            shutdown or (shutdown, x); "temporary": never, and the spec is forgotten.
        shutdown: how it is stopped: so many seconds to end, then it is killed; "kill" at once;
            "infinity": wait. The default is 5 seconds, and "infinity" for a supervisor.
        significant: its end counts for the supervisor's `auto_shutdown`.
        backoff: delays between its restarts; the default is none.
        core, name, mailbox: as for `spawn`.
        node: as for `spawn`, or several to choose from. It is started on the first that is joined;
            if that is lost, on another, and one that failed is tried again after those that have
            not, or not since. While none is joined, each attempt fails and counts: see `Backoff`.
        start_timeout: seconds that each start of it may take; the default is no limit.
        queue: what a restart does with the messages that wait: "keep", the default, or "fresh":
            they are dead letters then, and the child gets a new ref under the same name.
        kwargs: keyword arguments of its `__init__`.

    Raises:
        SpecError: a field is wrong; its text names the child, the field and the remedy.

    """
    spec = ChildSpec(
        cls=cls,
        args=args,
        kwargs=kwargs,
        id=id,
        restart=restart,
        shutdown=shutdown,
        significant=significant,
        backoff=backoff,
        core=core,
        node=node,
        name=name,
        mailbox=mailbox,
        start_timeout=start_timeout,
        queue=queue,
    )
    check_spec(spec)
    return spec


def listed(children: Iterable[ChildSpec], subject: str) -> list[ChildSpec]:
    """What a supervisor's `children()` has returned, as a list; `subject` names the supervisor.

    Raises:
        SpecError: it is neither a list nor anything like it.

    """
    # It may be anything at run time: nothing, or one spec.
    if not isinstance(children, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # as above
        raise SpecError(
            subject, "children", f"it returned {children!r:.80}: return a list of child(...)"
        )
    return list(children)


def check_all(specs: Sequence[ChildSpec], auto_shutdown: AutoShutdown, cores: int) -> None:
    """Check the children of one supervisor on a node with so many cores, each and together.

    Raises:
        SpecError: as `child`, or there is no such core, or two children claim one id or one name.

    """
    ids: set[str] = set()
    names: set[tuple[str | None, str]] = set()
    for spec in specs:
        check_spec(spec, auto_shutdown)
        if isinstance(spec.core, int) and spec.node is None and spec.core >= cores:
            raise SpecError(_subject(spec), "core", f"{spec.core}: the last one is {cores - 1}")
        if spec.id in ids:
            raise SpecError(_subject(spec), "id", "two children have it: give each its own")
        ids.add(spec.id)
        if spec.name is not None:
            claimed = {(node, spec.name) for node in spec.nodes}
            if not names.isdisjoint(claimed):
                raise SpecError(
                    _subject(spec), "name", f"two children claim {spec.name!r}: names are unique"
                )
            names |= claimed


def check_spec(spec: ChildSpec, auto_shutdown: AutoShutdown | None = None) -> None:
    """Check one spec, for a supervisor with that `auto_shutdown` if one is given.

    Raises:
        SpecError: the first field that is wrong, with the child and the remedy.

    """
    # A spec may be anything at run time, whatever its annotations say: a plain list of children
    # is easily one with a class in it.
    if not isinstance(spec, ChildSpec):  # pyright: ignore[reportUnnecessaryIsInstance]  # as above
        raise SpecError(repr(spec), "spec", "not a child spec: write child(SomeActor, id=...)")
    for field, is_right, remedy in _CHECKS:
        if not is_right(getattr(spec, field)):
            raise SpecError(_subject(spec), field, f"{getattr(spec, field)!r}: {remedy}")
    if spec.backoff is not None and (problem := spec.backoff.problem()) is not None:
        raise SpecError(_subject(spec), "backoff", problem)
    if taken := [name for name in SPAWN_OPTIONS if name in spec.kwargs]:
        raise SpecError(
            _subject(spec),
            taken[0],
            f"not an option of child(); an argument of the class of that name goes through"
            f" functools.partial({spec.actor_class.__name__}, {taken[0]}=...)",
        )
    if spec.significant and spec.restart == "permanent":
        raise SpecError(
            _subject(spec),
            "significant",
            'a permanent child never ends for good: use restart="transient" or "temporary"',
        )
    if spec.significant and auto_shutdown == "never":
        raise SpecError(
            _subject(spec),
            "significant",
            'set the supervisor\'s auto_shutdown to "any_significant" or "all_significant"',
        )


def _subject(spec: ChildSpec) -> str:
    return f"child {spec.id!r}"


def _is_actor_class(value: object) -> bool:
    while isinstance(value, functools.partial):
        value = value.func
    return isinstance(value, type) and issubclass(value, Actor)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_seconds(value: object) -> bool:
    return is_number(value) and math.isfinite(value) and value >= 0


def _is_place(value: object) -> bool:
    if is_whole(value):
        return value >= 0
    return value is None or value in PLACES


def _is_node(value: object) -> bool:
    if not isinstance(value, list | tuple):
        return value is None or _is_text(value)
    return len(value) > 0 and all(map(_is_text, value)) and len(value) == len(set(value))


_CHECKS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("id", _is_text, "use a text that names the child within its supervisor"),
    ("cls", _is_actor_class, "use a subclass of zanni.Actor, or a functools.partial of one"),
    ("restart", lambda v: v in RESTART_TYPES, f"use one of {', '.join(RESTART_TYPES)}"),
    (
        "shutdown",
        lambda v: v is None or v in ("kill", "infinity") or _is_seconds(v),
        'use seconds, 0 or more, or "kill" or "infinity"',
    ),
    ("significant", lambda v: isinstance(v, bool), "use True or False"),
    ("backoff", lambda v: v is None or isinstance(v, Backoff), "use Backoff(...) or None"),
    (
        "mailbox",
        lambda v: v is None or isinstance(v, Mailbox),
        "use Mailbox(...) from zanni, or None",
    ),
    ("core", _is_place, f"use the index of a core, or one of {', '.join(PLACES)}"),
    ("node", _is_node, "use the name of a node, a tuple of several different ones, or None"),
    ("name", lambda v: v is None or _is_text(v), "use a text, or None"),
    (
        "start_timeout",
        lambda v: v is None or (_is_seconds(v) and v > 0),
        "use seconds, more than 0, or None",
    ),
    ("queue", lambda v: v in ("keep", "fresh"), 'use "keep" or "fresh"'),
)
