"""Which attributes of `Actor` a subclass may have as its own.

A class ported from elsewhere may by chance have a method that is called as one of ours: the actor
would seem to work, and fail where nobody looks. So it is refused when the class is made.

May be overridden: hooks (`on_...`), special methods (`__init__`, ...) and, by data, settings: what
the base class declares as data, such as `throughput`. Nothing else that the base class has; of
one that is there to be extended, such as `Supervisor`, nothing private.
"""

from __future__ import annotations

import inspect
from functools import cache

PACKAGE = __name__.partition(".")[0]
"""Our own classes know what they override."""


@cache
def guarded(base: type) -> dict[str, bool]:
    """The names in `base` that are no hooks, and whether each is a setting."""
    declared = {name for kind in base.__mro__ for name in inspect.get_annotations(kind)}
    found = {name: inspect.getattr_static(base, name) for name in dir(base)}
    settings = {name: not hasattr(value, "__get__") for name, value in found.items()}
    each_instances = dict.fromkeys(declared - found.keys(), False)
    every = sorted((settings | each_instances).items())
    return {name: setting for name, setting in every if not name.startswith(("on_", "__"))}


def refuse_collisions(cls: type, base: type) -> None:
    """Raise TypeError if `cls`, or a class it inherits from, hides what `base` must keep."""
    _refuse(cls, base, guarded(base))


def refuse_private(cls: type) -> None:
    """Raise TypeError if a class hides what is private in the class of ours that it extends."""
    base = next(kind for kind in cls.__mro__ if _is_ours(kind))
    private = {name: setting for name, setting in guarded(base).items() if name[0] == "_"}
    _refuse(cls, base, private)


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == PACKAGE


def _refuse(cls: type, base: type, names: dict[str, bool]) -> None:
    found: list[str] = []
    for name, setting in names.items():
        owner = next((kind for kind in cls.__mro__ if name in vars(kind)), base)
        if owner in base.__mro__ or _is_ours(owner):
            continue
        if not (setting and not hasattr(vars(owner)[name], "__get__")):
            found.append(f"{owner.__name__}.{name}")
    if found:
        raise hidden(cls, ", ".join(found), base)


def hidden(cls: type, names: str, base: type) -> TypeError:
    """The error of a class that has something of its own under a name of its base's."""
    return TypeError(
        f"{cls.__name__} cannot be an actor class: {names} would hide what "
        f"every {base.__name__} has under that name. Rename it; what may be overridden are "
        "hooks (on_start, on_stop, ...) by methods and settings (throughput, ...) by values"
    )


def not_made(cls: type) -> TypeError:
    """The error of a class whose instances are no actors, or do not change as those do."""
    return TypeError(
        f"{cls.__name__} cannot be an actor class: what its __new__ gives is no actor, or takes no "
        "attributes, as a frozen dataclass; an actor's state is its own, so leave out frozen=True"
    )
