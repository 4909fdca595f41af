"""What an actor's runtime does for it on messages that it knows, in their place in the queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from .crew import Unwinding
from .links import Down, Exit, Failure, Hastened, Piped
from .overtaking import Overtaking
from .parking import Killed, check_not_killed, here
from .process import Broken, Died
from .proxy import Describe, Mark, describe
from .public import check_traversable, reach
from .serving import result_of
from .user_code import calls_user_code


@calls_user_code
def _on_call(cell: Overtaking, message: ProxyCall) -> object:
    return reach(cell.actor, message.attr_path)(*message.args, **message.kwargs)


@calls_user_code
def _on_get(cell: Overtaking, message: ProxyGetAttr) -> object:
    return reach(cell.actor, message.attr_path)


@calls_user_code
def _on_set(cell: Overtaking, message: ProxySetAttr) -> None:
    *way, name = message.attr_path
    parent = reach(cell.actor, way)
    if way:
        check_traversable(parent, way)
    setattr(parent, name, message.value)


def _on_stop(cell: Overtaking, _message: _ActorStop) -> None:
    item = cell.current
    assert item is not None
    reply = item[2]
    if reply is None:
        pass
    elif cell.ties is None:
        cell.farewell = reply  # there is no restart
    else:
        cell.ties.stopping += (reply,)
    cell.current = None  # answered when the actor is gone
    cell.end_for("normal")


def _on_hastened(cell: Overtaking, _message: Hastened) -> object:
    death = cell.next_death()
    return None if death is None else CONTROL[type(death)](cell, death)


def _on_died(cell: Overtaking, message: Died) -> object:
    watched = cell.need_ties().watching.pop(message.process.address, None)
    return None if watched is None else _receive(cell, Down(watched, message.reason))


def _on_broken(cell: Overtaking, message: Broken) -> object:
    linked = cell.need_ties().links.pop(message.process.address, None)
    if linked is None:
        return None
    return _receive(cell, Exit(cell.core.owner.ref_to(linked), message.reason))


@calls_user_code
def _on_piped(cell: Overtaking, message: Piped) -> object:
    pipes = cell.need_ties().pipes
    if message not in pipes:
        return None
    pipes.discard(message)
    try:
        result = result_of(message.future)
    except (Unwinding, Killed):
        raise
    except BaseException as error:
        result = Failure(error)
    return _receive(cell, result)


@calls_user_code
def _receive(cell: Overtaking, message: object) -> object:
    """Handle what stands for a message of the runtime's."""
    if here.worker.suspect:  # what a future gave may have taken long to compute
        check_not_killed()
    cell.current = (message, None, None, None)
    return cell.receiver()(message)


def _on_describe(cell: Overtaking, _message: Describe) -> object:
    return describe(cell.actor, cell.ref)


def _on_mark(_cell: Overtaking, _message: Mark) -> None:
    pass


CONTROL: dict[type, Callable[[Overtaking, Any], object]] = {
    ProxyCall: _on_call,
    ProxyGetAttr: _on_get,
    ProxySetAttr: _on_set,
    _ActorStop: _on_stop,
    Died: _on_died,
    Broken: _on_broken,
    Hastened: _on_hastened,
    Piped: _on_piped,
    Describe: _on_describe,
    Mark: _on_mark,
}
"""Messages that the runtime handles for the actor, in their place in the queue."""
