"""Under which name an actor has the method that `call` or `cast` was given."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any


def name_of(method: Callable[..., Any], actor_class: type[Any] | str) -> str:
    """Any thread. The name by which to call a method of that class, or of a base or protocol of it.

    That is the one which the class has it by: its `__name__` may be that of a decorator's function.
    Of a class that is not loaded here the `__name__` is all there is.

    Raises:
        ValueError: it is no method, has no name, or one that begins with an underscore.

    """
    try:
        return _known_name(method, actor_class)  # type: ignore[arg-type]  # mypy: classes hash
    except TypeError:  # it cannot be hashed
        raise _no_method(method) from None


@lru_cache(maxsize=1024)
def _known_name(method: Callable[..., Any], actor_class: type[Any] | str) -> str:
    own = getattr(method, "__name__", "")
    if not (own.isidentifier() and callable(method)):  # from Python 3.13 on a property has a name
        raise _no_method(method)
    name = own if isinstance(actor_class, str) else _name_in(actor_class, method, own)
    if name[0] == "_":
        raise ValueError(f"{name!r} begins with an underscore: an actor's private matter")
    return name


def _no_method(method: object) -> ValueError:
    return ValueError(f"{method!r} is not a method: pass one of the actor's class, unbound")


def _name_in(actor_class: type[object], method: Callable[..., Any], own: str) -> str:
    # A partialmethod is made into a function anew each time; that knows what it was made of.
    marks = ("_partialmethod", "__partialmethod__")
    same = {id(method), *(id(getattr(method, mark, method)) for mark in marks)}
    bases = [vars(kind) for kind in actor_class.__mro__]
    names = [name for base in bases for name, value in base.items() if id(value) in same]
    return own if own in names or not names else names[0]
