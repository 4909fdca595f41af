"""`@message`: classes that may travel, and the names by which the wire knows them.

A type is named `module:Qualified.name`. A class of the program's main script is named by the
module that the script would be if it were imported, never by `__main__`, so that another core of
the same program finds it by importing the script without running its guarded part.
"""

from __future__ import annotations

import copyreg
import dataclasses
import functools
import importlib
import importlib.util
import inspect
import sys
from enum import Enum
from pathlib import Path
from types import CellType, ModuleType
from typing import Any, TypeVar, cast, dataclass_transform

from .crash import shown
from .environment import ImportingMain

T = TypeVar("T")

UNKNOWN_ACTOR = "zanni:Actor"
"""Stands for the name of an actor's class where that is not known, as of a sender elsewhere."""

_registered: dict[str, type] = {}
_main_script: str | None = None


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field, dataclasses.Field))
def message(cls: type[T]) -> type[T]:
    """Make a frozen, slotted dataclass of `cls` that may be sent to other cores and nodes.

    An exception class becomes a dataclass that is not frozen, since raising sets attributes on it,
    with its fields as `args`. An enum stays as it is; one that is the type of a message's field
    needs no declaration of its own.

    Args:
        cls: a class with annotated fields; it must stand at the top of a module, or within a class
            that does, for others to find it by name.

    Raises:
        TypeError: it is no class, or a dataclass already that is not frozen; or its `__init__`
            takes what is no field (an `InitVar`, or a parameter of an `__init__` of its own).

    """
    if not isinstance(cls, type):  # pyright: ignore[reportUnnecessaryIsInstance]  # users
        raise TypeError(f"@message stands above a class, without arguments; {cls!r:.80} is none")
    is_enum: bool = issubclass(cls, Enum)
    if not is_enum:
        cls = _exception(cls) if issubclass(cls, BaseException) else _frozen(cls)
        _check_init(cls)
    _registered[type_name(cls)] = cls
    return cls


def _frozen(cls: type[T]) -> type[T]:
    made: Any = vars(cls).get("__dataclass_params__")
    if made is not None and not made.frozen:
        raise TypeError(f"{cls.__qualname__}: @message makes the dataclass; take @dataclass away")
    slotted = dataclasses.dataclass(frozen=True, slots=True)(cls)
    _mend_super(cls, slotted)
    return slotted


def _check_init(cls: type) -> None:
    names = {field.name for field in dataclasses.fields(cast("Any", cls))}
    others = [name for name in inspect.signature(cls).parameters if name not in names]
    if others:
        raise TypeError(
            f"{cls.__qualname__}: its __init__ takes {others[0]!r}, which is no field: where a "
            f"message arrives it is made anew from its fields, so declare {others[0]!r} as one"
        )


def _mend_super(old: type, new: type) -> None:
    """Have `super()` in the methods of a class that was made anew for its slots mean the new one.

    Python does so from 3.14 on.
    """
    for value in vars(new).values():
        inner = (getattr(value, name, None) for name in ("__func__", "fget", "fset", "fdel"))
        for function in (value, *inner):
            for cell in getattr(function, "__closure__", None) or ():
                if _holds(cell, old):
                    cell.cell_contents = new


def _holds(cell: CellType, value: object) -> bool:
    try:
        return cell.cell_contents is value
    except ValueError:  # what it is for is not bound yet
        return False


def _exception(cls: type[T]) -> type[T]:
    made: Any = dataclasses.dataclass(eq=False)(cls)
    names = [field.name for field in dataclasses.fields(made)]
    initialise = made.__init__

    @functools.wraps(initialise)
    def __init__(self: Any, *args: object, **kwargs: object) -> None:  # noqa: N807  (it replaces the class's own)
        initialise(self, *args, **kwargs)
        self.args = tuple(getattr(self, name) for name in names)

    made.__init__ = __init__
    if made.__reduce__ is BaseException.__reduce__:  # which makes it anew by its `args` alone
        made.__reduce__ = _reduced
    return cast("type[T]", made)


def _reduced(error: Any) -> tuple[Any, ...]:
    """An exception for copy and pickle, as any other object: made without `__init__`."""
    return copyreg.__newobj__, (type(error), *error.args), error.__dict__  # type: ignore[attr-defined]  # documented, but not typed


def is_registered(cls: type) -> bool:
    """Whether `cls` was declared with `@message`."""
    return _registered.get(type_name(cls)) is cls


def type_name(cls: type) -> str:
    """The name by which other processes find the class: `module:Qualified.name`."""
    module = cls.__module__
    return f"{main_name() if module == '__main__' else module}:{cls.__qualname__}"


def can_be_found(name: str) -> bool:
    """Whether another process can find the class of that name: not of a REPL, or of a function."""
    module, _, qualified = name.partition(":")
    return module != "__main__" and "<locals>" not in qualified


def main_name() -> str:
    """What the main module is called when another process imports it."""
    path = main_path()
    if path is not None:
        return _script_name(path)
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return "__main__" if spec is None else str(spec.name)


def main_path() -> str | None:
    """The file of the main script; None for `python -m`, a REPL, a notebook or a zip archive."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    path = getattr(main, "__file__", None)
    if path is None or (spec is not None and spec.name != "__main__"):  # `python folder` has one
        return None
    return _resolved(path)


@functools.cache
def _resolved(path: str) -> str | None:
    """The file's path as another process finds it; None where there is no such file."""
    file = Path(path).resolve()
    return str(file) if file.is_file() else None


@functools.cache
def _script_name(path: str) -> str:
    """The name of a script's module. That of `python folder` is as of `python -m folder`."""
    file = Path(path)
    return f"{file.parent.name}.__main__" if file.stem == "__main__" else file.stem


def set_main_script(path: str | None) -> None:
    """In a child core: where the parent's main script is, imported when a class is needed."""
    global _main_script  # noqa: PLW0603  (one main script per process)
    _main_script = path


def find_message(name: str) -> type | None:
    """The class declared here with `@message` under this name, without importing anything."""
    return _registered.get(name)


def declared() -> list[type]:
    """All that is declared here with `@message`."""
    return list(_registered.values())


def import_type(name: str) -> type:
    """The class of that name, importing its module if need be. Only for names from our own node.

    Raises:
        LookupError: the name is no class that can be found here; the text says the remedy.
        Exception: what importing the module raised.

    """
    module_name, _, qualified = name.partition(":")
    if "<locals>" in qualified:
        raise LookupError(f"{name} is made inside a function: move it to the top of its module")
    try:
        found = _find(module_name, qualified)
    except Exception:
        raise
    except BaseException as error:  # sys.exit(), most of all: it ends neither the core nor an ask
        raise LookupError(
            f"importing {module_name} raised {shown(error)}: put what runs there under  "
            "if __name__ == '__main__':"
        ) from error
    if not isinstance(found, type):
        raise LookupError(
            f"{module_name} has no class {qualified!r} when it is imported: put it at the top of "
            "the script or module, above any  if __name__ == '__main__':"
        )
    return found


def _find(module_name: str, qualified: str) -> object:
    found: object = _import(module_name)
    for part in qualified.split("."):
        found = getattr(found, part, None)
    return found


def _import(name: str) -> ModuleType:
    if name == "__main__":
        raise LookupError(
            "classes of a REPL, a notebook or a zip archive's script work on core 0 only: "
            "put them in a module of their own"
        )
    if name == main_name():
        return sys.modules["__main__"]
    if _main_script is not None and _script_name(_main_script) == name and name not in sys.modules:
        return _import_script(name, _main_script)
    return importlib.import_module(name)


def _import_script(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LookupError(f"cannot import the main script {path}: give it a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with ImportingMain():
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
