"""The process's default system, and what finds systems without being told of one.

The floors below `system.py` cannot know it; they have joints, which are filled in here.
"""

from __future__ import annotations

import logging
from typing import Any, NoReturn, TypeVar

from .actor import Actor, make_unstarted, start_on_default_system
from .address import Address
from .alone import Alone
from .cell import Cell
from .crash import log
from .environment import after_fork_in_child, make_shared_lock, now, on_exit
from .parking import here
from .phase import Phase
from .ref import ActorRef, resolve_ref
from .system import ActorSystem, systems
from .watcher import watcher

A = TypeVar("A", bound=Actor)


def default_system() -> ActorSystem:
    """Any thread. The process's default system, made on first use, as by `Actor.start`."""
    with _starting:
        for system in list(systems.values()):
            if system.name == _DEFAULT and system._phase is Phase.RUNNING:
                return system
        return ActorSystem(_DEFAULT).start()


_DEFAULT = "default"
_starting = make_shared_lock()
"""Held while the default system is looked for and started: several threads may want it first."""

LAST_DRAIN = 1.0
"""Seconds for the actors of systems that the program did not stop, when the interpreter ends."""
LAST_KILL = 0.5
"""Seconds for what has not finished by then."""


def _start_on_default(actor_class: type[A], *args: Any, **kwargs: Any) -> ActorRef[A]:
    return default_system()._spawner.spawn(None, actor_class, args, kwargs)


def started_refs() -> list[ActorRef[Any]]:
    """Any thread. The living actors of all systems in this process, in the order of their start."""
    found: list[ActorRef[Any]] = []
    for system in list(systems.values()):
        found += system.local_actors()
    return found


def _make_unstarted(actor: Actor) -> Cell:
    core = default_system().core
    return Cell(core, core.next_id(), type(actor))


def _resolve_ref(address: Address, type_name: str) -> ActorRef[Any]:
    running = list(systems.values())
    for system in running:
        if system.home == address.home:
            return system.ref_of(address, type_name)
    for system in running:
        if not isinstance(system.network, Alone):
            return system.ref_of(address, type_name)
    return _unreachable(address)


def _unreachable(address: Address) -> NoReturn:
    raise LookupError(
        f"no system of this process can reach {address}: start one that is joined with its node "
        "before you unpickle the ref"
    )


def _stop_at_exit() -> None:
    left = [system for system in systems.values() if system.index == 0]
    for system in left:
        if system._phase is Phase.STOPPING:
            text = "the program ends before the system %r has stopped: wait for its stop()"
            log(logging.WARNING, text, system.name)
        elif system.name != _DEFAULT:
            text = "the system %r was not stopped: use 'with' or stop()"
            log(logging.WARNING, text, system.name)
        elif alive := system.local_actors():
            text = "%d of the default system's actors end with the program: stop or wait for them"
            log(logging.WARNING, text, len(alive))
        system.drain(LAST_DRAIN)
    drained = now() + LAST_DRAIN
    for system in left:  # all of them in the one time
        system.stop_within(max(drained - now(), 0.0), min(LAST_KILL, system.config.kill_timeout))


def _disown() -> None:
    """In a forked child: the systems are the parent's, and so is the turn that may have forked."""
    here.__dict__.pop("worker", None)
    watcher.renew()
    for system in systems.values():
        system.disown()
    systems.clear()


start_on_default_system.fill(_start_on_default)
make_unstarted.fill(_make_unstarted)
resolve_ref.fill(_resolve_ref)
on_exit(_stop_at_exit)
after_fork_in_child(_disown)
