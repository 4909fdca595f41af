"""Pykka's proxies to actors here and elsewhere, and what stands in for the class of one elsewhere.

A proxy knows which attributes its actor has, as Pykka's do: so that it can say at once whether one
is there, and whether it is called, led through or got. Pykka's own goes through all classes of the
actor anew for each attribute, of which every actor of ours has some forty.
"""

from __future__ import annotations

import logging
from collections import deque
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import pykka
from pykka import messages

from .errors import ActorDeadError
from .future import check_may_wait
from .messages import UNKNOWN_ACTOR, message

A = TypeVar("A", bound=pykka.Actor)
AttrPath: TypeAlias = tuple[str, ...]

logger = logging.getLogger("zanni")


@message
class Describe:
    """To an actor's cell: say which public attributes there are, and which can be called."""


@message
class Mark:
    """To an actor's cell: answer when it comes to this, that is, has handled what came before."""


class Attribute(NamedTuple):
    """What a proxy makes of an attribute: something to call, a further proxy, or a future of it."""

    callable: bool
    traversable: bool


CALLABLE = Attribute(callable=True, traversable=False)  # nothing is reached through it
TRAVERSABLE = Attribute(callable=False, traversable=True)
VALUE = Attribute(callable=False, traversable=False)

Attributes: TypeAlias = dict[AttrPath, Attribute]


def introspect(actor: pykka.Actor, actor_ref: pykka.ActorRef[Any]) -> Attributes:
    """Any thread. The public attributes of an actor and of what is traversable there.

    They are looked at as they lie in the objects and their classes: no property is evaluated. A
    proxy of the actor to itself is left out, with a warning.

    Raises:
        AttributeError: `dir` has a name that is neither in the object nor in its classes.

    """
    found: Attributes = {}
    parents: deque[tuple[AttrPath, object]] = deque([((), actor)])
    while parents:
        above, parent = parents.popleft()
        held = _held_by(parent)
        for name in dir(parent):
            if name.startswith("_"):
                continue
            if name not in held:
                raise AttributeError(
                    f"dir() of a {type(parent).__name__} lists {name!r}, which neither it nor its "
                    "class has: leave it out of __dir__, or let its name begin with an underscore"
                )
            attribute, path, kind = held[name], (*above, name), VALUE
            if callable(attribute):
                kind = CALLABLE
            elif isinstance(attribute, pykka.ActorProxy):  # bears no mark, and would look for one
                if attribute.actor_ref == actor_ref and not attribute._attr_path:
                    _warn_of_itself(actor_ref, path)
                    continue
            elif is_traversable(attribute):
                kind = TRAVERSABLE
                parents.append((path, getattr(parent, name)))
            found[path] = kind
    return found


def _held_by(parent: object) -> dict[str, object]:
    held: dict[str, object] = {}
    for each in reversed(parent.__class__.__mro__):  # a mock's is the class that it mocks
        held.update(vars(each))
    held.update(getattr(parent, "__dict__", ()))
    return held


def _warn_of_itself(actor_ref: pykka.ActorRef[Any], path: AttrPath) -> None:
    logger.warning(
        "%s: attribute %r is a proxy to itself. Consider making it private by renaming it to %r.",
        *(actor_ref, ".".join(path), f"_{path[-1]}"),
    )


def is_traversable(attribute: object) -> bool:
    """Any thread. Whether the attribute is marked so that others may name what it has."""
    return (
        getattr(attribute, "_pykka_traversable", False) is True
        or getattr(attribute, "pykka_traversable", False) is True
    )


def describe(
    actor: pykka.Actor, actor_ref: pykka.ActorRef[Any]
) -> list[tuple[AttrPath, bool, bool]]:
    """Owner only. Each public attribute's path, whether it is callable, and traversable."""
    found = introspect(actor, actor_ref)
    return [(path, info.callable, info.traversable) for path, info in found.items()]


class Proxy(pykka.ActorProxy[A]):
    """What proxies to actors here and elsewhere have in common. Any thread.

    As Pykka has it, two are equal if their `_actor` and `_attr_path` are.
    """

    _attributes: Attributes

    def __init__(self, actor_ref: pykka.ActorRef[A], actor: A, attr_path: AttrPath) -> None:
        self.actor_ref = actor_ref
        self._actor = actor
        self._attr_path = attr_path
        self._made: dict[tuple[str, Attribute], pykka.CallableProxy[A] | Proxy[A]] = {}

    def _look(self) -> Attributes:
        """Which attributes there are now."""
        raise NotImplementedError

    def _lead(self, attr_path: AttrPath) -> Proxy[A]:
        """A proxy to what is traversable."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{self} has no attribute {name!r}")
        path = (*self._attr_path, name)
        if path not in self._attributes:
            self._attributes = self._look()
        info = self._attributes.get(path)
        if info is None:
            raise AttributeError(f"{self} has no attribute {name!r}")
        if not (info.callable or info.traversable):
            return self.actor_ref.ask(messages.ProxyGetAttr(attr_path=path), block=False)
        made = self._made.get((name, info))
        if made is None:
            if info.callable:
                made = pykka.CallableProxy(actor_ref=self.actor_ref, attr_path=path)
            else:
                made = self._lead(path)
            self._made[name, info] = made
        return made

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *(path[0] for path in self._attributes)})


class LocalProxy(Proxy[A]):
    """To an actor of this process, at which it looks itself."""

    def __init__(self, actor_ref: pykka.ActorRef[A], attr_path: AttrPath = ()) -> None:
        actor = actor_ref._actor_weakref()
        if actor is None or not actor_ref.is_alive():
            raise ActorDeadError(f"{actor_ref} not found")
        super().__init__(actor_ref, actor, attr_path)
        self._attributes = self._look()

    def _look(self) -> Attributes:
        now = self.actor_ref._actor_weakref()  # another after a restart
        return introspect(self._actor if now is None else now, self.actor_ref)

    def _lead(self, attr_path: AttrPath) -> Proxy[A]:
        return LocalProxy(self.actor_ref, attr_path)


_known: dict[str, Attributes] = {}


class RemoteProxy(Proxy[A]):
    """To an actor elsewhere; which attributes there are is asked of the owner, once per class.

    Where the class is not known, as of the ref of a sender, it is asked for each proxy.
    """

    def __init__(
        self, actor_ref: Any, attr_path: AttrPath = (), known: Attributes | None = None
    ) -> None:
        super().__init__(actor_ref, cast("A", actor_ref), attr_path)  # the ref stands for it
        self._attributes = known or _known.get(actor_ref.type_name) or self._look()

    def _look(self) -> Attributes:
        check_may_wait("make it by 'await asyncio.to_thread(ref.proxy)', or use ref.call(...)")
        described: list[Any] = cast("Any", self.actor_ref).ask(Describe())
        found = {tuple(path): Attribute(*flags) for path, *flags in described}
        type_name: str = self.actor_ref.type_name  # type: ignore[attr-defined]  # ours, not Pykka's
        if type_name != UNKNOWN_ACTOR:
            _known[type_name] = found
        return found

    def _lead(self, attr_path: AttrPath) -> Proxy[A]:
        return RemoteProxy(self.actor_ref, attr_path, self._attributes)


@lru_cache
def stand_in(type_name: str) -> Any:
    """Any thread. A bare class of that name, for one whose module is not loaded here."""
    name = type_name.rpartition(":")[2].rpartition(".")[2]
    return type(name, (pykka.Actor,), {"__module__": ""})
