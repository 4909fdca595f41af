"""A Pykka proxy to an actor that lives elsewhere, and what stands in for its class."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias, TypeVar, cast

import pykka
from pykka import messages
from pykka._introspection import AttrInfo, introspect_attrs

from .future import check_may_wait
from .messages import UNKNOWN_ACTOR, message

A = TypeVar("A", bound=pykka.Actor)
AttrPath = tuple[str, ...]


@message
class Describe:
    """To an actor's cell: say which public attributes there are, and which can be called."""


@message
class Mark:
    """To an actor's cell: answer when it comes to this, that is, has handled what came before."""


def describe(actor: pykka.Actor) -> list[tuple[AttrPath, bool, bool]]:
    """Owner only. Each public attribute's path, whether it is callable, and traversable."""
    found = introspect_attrs(root=actor, proxy=cast("Any", _NOBODY))
    return [(path, info.callable, info.traversable) for path, info in found.items()]


class _Nobody:
    """Stands where Pykka compares attributes with the proxy that asks: equal to none."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = object.__hash__


_NOBODY = _Nobody()


Attributes: TypeAlias = dict[AttrPath, AttrInfo]

_known: dict[str, Attributes] = {}


class RemoteProxy(pykka.ActorProxy[A]):
    """As `pykka.ActorProxy`; what can be called is asked of the owner, once per class.

    Where the class is not known, as of the ref of a sender, it is asked for each proxy.
    """

    def __init__(
        self, actor_ref: Any, attr_path: AttrPath = (), known: Attributes | None = None
    ) -> None:
        self.actor_ref = actor_ref
        self._attr_path = attr_path
        self._attributes = known or _known.get(actor_ref.type_name) or self._ask_owner()

    def _ask_owner(self) -> Attributes:
        check_may_wait("make it by 'await asyncio.to_thread(ref.proxy)', or use ref.call(...)")
        described: list[Any] = cast("Any", self.actor_ref).ask(Describe())
        found = {tuple(path): AttrInfo(*flags) for path, *flags in described}
        type_name: str = self.actor_ref.type_name  # type: ignore[attr-defined]  # ours, not Pykka's
        if type_name != UNKNOWN_ACTOR:
            _known[type_name] = found
        self._attributes = found
        return found

    def __getattr__(self, name: str) -> Any:
        path = (*self._attr_path, name)
        if name.startswith("_"):
            raise AttributeError(f"{self} has no attribute {name!r}")
        info = self._attributes.get(path) or self._ask_owner().get(path)
        if info is None:
            raise AttributeError(f"{self} has no attribute {name!r}")
        if info.callable:
            return pykka.CallableProxy(actor_ref=self.actor_ref, attr_path=path)
        if info.traversable:
            return RemoteProxy[A](self.actor_ref, path, self._attributes)
        return self.actor_ref.ask(messages.ProxyGetAttr(attr_path=path), block=False)

    def __dir__(self) -> list[str]:
        return sorted({*vars(type(self)), *vars(self), *(path[0] for path in self._attributes)})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteProxy):
            return False
        return self.actor_ref == other.actor_ref and self._attr_path == other._attr_path

    def __hash__(self) -> int:
        return hash((self.actor_ref, self._attr_path))


@lru_cache
def stand_in(type_name: str) -> Any:
    """Any thread. A bare class of that name, for one whose module is not loaded here."""
    name = type_name.rpartition(":")[2].rpartition(".")[2]
    return type(name, (pykka.Actor,), {"__module__": ""})
