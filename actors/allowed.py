"""Which actor classes other nodes may have spawned on this one, and may name to actors here.

Guarantees:
- What a peer names is looked up here and nowhere else: nothing is imported on its word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .actor import Actor
from .errors import SpawnError
from .messages import can_be_found, import_type, type_name


class Allowed:
    """The classes that a node allows, by name. Any thread may use it."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._classes: dict[str, type[Actor]] = {}
        self._told: frozenset[str] = frozenset()

    def add(self, classes: Iterable[object]) -> None:
        """Any thread. Allow these, or none of them. Raises as `ActorSystem.allow`."""
        checked = [_checked(cls) for cls in classes]
        self._classes.update({type_name(cls): cls for cls in checked})

    @property
    def names(self) -> list[str]:
        """Any thread. What other nodes may name, of all cores of this one."""
        return sorted({*self._classes, *self._told})

    def take(self, names: Iterable[str]) -> None:
        """On a core other than 0: what that one says it allows."""
        self._told = frozenset(names)

    def find_told(self, name: str) -> type[Actor]:
        """Any thread. The class of that name, on any core. Raises as `find`, or `LookupError`."""
        found: Any = import_type(name) if name in self._told else self.find(name)
        return _checked(found)

    def find(self, name: object) -> type[Actor]:
        """Any thread. The class of that name, which was allowed on this core.

        Raises:
            SpawnError: it is not allowed; the text says what to do.

        """
        found = self._classes.get(name) if isinstance(name, str) else None
        if found is None:
            shown = str(name).rpartition(":")[2]
            allowed = ", ".join(self.names) or "none"
            raise SpawnError(
                "PermissionError",
                f"node {self._node!r} does not let other nodes spawn {name!r:.200}: call "
                f"system.allow({shown:.80}) there; allowed are: {allowed:.400}",
            )
        return found


def _checked(cls: object) -> type[Actor]:
    if not isinstance(cls, type) or not issubclass(cls, Actor):
        raise TypeError(f"allow() takes subclasses of zanni.Actor; {cls!r:.80} is none")
    if not can_be_found(type_name(cls)):
        raise ValueError(
            f"other nodes cannot name {type_name(cls)}: put the class at the top of a module "
            "(not in a function, a REPL or a notebook)"
        )
    return cls
