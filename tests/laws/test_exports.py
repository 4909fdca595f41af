"""The public names are a contract: exported, documented, and with the members promised.

The lists hold what is there; a slice that brings more adds its names here first.
"""

import ast
import importlib
import importlib.util
import inspect
from pathlib import Path
from typing import Any

import pytest

NAMES = {
    "zanni": [
        "Actor",
        "ActorDeadError",
        "ActorRef",
        "ActorSystem",
        "ChannelClosed",
        "CoreInUse",
        "DeadlockError",
        "DecodeError",
        "Down",
        "EncodeError",
        "Exit",
        "Failure",
        "ForkedError",
        "Future",
        "Ignore",
        "Mailbox",
        "MailboxFull",
        "MailboxHigh",
        "MailboxRecord",
        "Members",
        "MessageTooLarge",
        "NameInUse",
        "NodeDown",
        "RemoteError",
        "Resize",
        "ShuttingDown",
        "SpawnError",
        "StartError",
        "Timeout",
        "ZanniError",
        "get_all",
        "message",
        "msgpack_default",
    ],
    "zanni.supervisors": [
        "AlreadyPresent",
        "AlreadyStarted",
        "Backoff",
        "DynamicSupervisor",
        "Keyed",
        "MaxChildren",
        "NotFound",
        "PartitionSupervisor",
        "Restarting",
        "Running",
        "SpecError",
        "Supervisor",
        "SupervisorError",
        "child",
        "pool",
    ],
}

MEMBERS = {
    "Actor": [
        "actor_ref",
        "after",
        "become",
        "crash_on_ask_error",
        "deadline",
        "every",
        "exit",
        "forward",
        "link",
        "mailbox",
        "on_failure",
        "on_receive",
        "on_restart",
        "on_start",
        "on_stop",
        "pipe",
        "reply_later",
        "sender",
        "spawn",
        "start",
        "stash",
        "stop",
        "system",
        "throughput",
        "trap_exit",
        "unlink",
        "unbecome",
        "unstash_all",
        "unwatch",
        "watch",
    ],
    "ActorRef": [
        "address",
        "ask",
        "call",
        "cast",
        "core",
        "is_alive",
        "kill",
        "mailbox",
        "name",
        "node",
        "proxy",
        "stop",
        "tell",
        "wait",
    ],
    "ActorSystem": [
        "actors",
        "allow",
        "cores",
        "dead_letters",
        "events",
        "join",
        "name",
        "nodes",
        "pool",
        "resize",
        "spawn",
        "start",
        "stop",
        "whereis",
    ],
    "Future": ["cancel", "get", "join", "map", "set", "set_exception"],
}

ERRORS = [
    "ChannelClosed",
    "CoreInUse",
    "DeadlockError",
    "EncodeError",
    "ForkedError",
    "Ignore",
    "MailboxFull",
    "MessageTooLarge",
    "NameInUse",
    "NodeDown",
    "RemoteError",
    "ShuttingDown",
    "SpawnError",
    "StartError",
]


def pairs(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(owner, name) for owner, names in table.items() for name in names]


def exported(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("module", "name"), pairs(NAMES))
def test_a_name_of_the_contract_is_exported(module: str, name: str) -> None:
    assert name in importlib.import_module(module).__all__
    assert exported(module, name) is not None


@pytest.mark.parametrize(("owner", "member"), pairs(MEMBERS))
def test_a_member_of_the_contract_is_there(owner: str, member: str) -> None:
    cls = exported("zanni", owner)
    annotated = {name for base in cls.__mro__ for name in inspect.get_annotations(base)}
    assert member in {*dir(cls), *annotated}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_hangs_on_the_one_tree(name: str) -> None:
    assert issubclass(exported("zanni", name), exported("zanni", "ZanniError"))


def test_what_is_zannis_is_pykkas_too() -> None:
    for name in ("Actor", "ActorRef", "Future"):
        assert issubclass(exported("zanni", name), exported("pykka", name))
    for name in ("ActorDeadError", "Timeout", "get_all"):
        assert exported("zanni", name) is exported("pykka", name)


@pytest.mark.parametrize("module", NAMES)
def test_every_export_is_documented(module: str) -> None:
    names = importlib.import_module(module).__all__
    missing = [name for name in names if not is_documented(exported(module, name))]
    assert missing == []


def is_documented(thing: Any) -> bool:
    """Classes and functions bear a docstring of their own: not the one a dataclass makes."""
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        return True
    own = thing.__dict__.get("__doc__") if inspect.isclass(thing) else thing.__doc__
    return bool(own) and not own.startswith(f"{thing.__name__}(")


@pytest.mark.parametrize("module", NAMES)
def test_no_name_is_listed_twice(module: str) -> None:
    names = importlib.import_module(module).__all__
    assert len(names) == len(set(names))


def test_the_face_lists_what_it_re_exports(root: Path) -> None:
    face = ast.parse((root / "__init__.py").read_text())
    re_exported = {
        alias.asname or alias.name
        for statement in face.body
        if isinstance(statement, ast.If | ast.ImportFrom)
        for node in ast.walk(statement)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    public = {name for name in re_exported if not name.startswith("_")}
    assert set(importlib.import_module("zanni").__all__) - {"__version__"} == public


def test_the_face_is_empty_under_another_name(root: Path) -> None:
    # pytest imports the root's __init__.py under the checkout's name; relative imports would make
    # every module of the package a second time there, or fail.
    spec = importlib.util.spec_from_file_location("checkout", root / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    face = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(face)
    assert [name for name in NAMES["zanni"] if hasattr(face, name)] == []
