"""System messages as data and back: `[code, field...]`, processes by their address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..actors.address import Address
from ..actors.crash import Crash
from ..actors.process import (
    Broken,
    Bury,
    Died,
    Failed,
    Kill,
    Link,
    Process,
    Restart,
    Shutdown,
    Signal,
    Suspend,
    Unlink,
    Unlinked,
    Unwatch,
    Watch,
)
from .reader import address
from .values import Data, Resolver, encodable

# Codes are never reused.
_WATCH, _UNWATCH, _DIED, _SHUTDOWN, _KILL, _FAILED, _RESTART, _BURY, _SUSPEND = range(9)
_LINK, _UNLINK, _UNLINKED, _BROKEN = range(9, 13)
_WITH_REASON = (_DIED, _BROKEN, _SHUTDOWN, _FAILED, _RESTART, _SUSPEND)

_ABOUT: dict[int, Callable[[Process], Signal]] = {
    _WATCH: Watch,
    _UNWATCH: Unwatch,
    _LINK: Link,
    _UNLINK: Unlink,
    _UNLINKED: Unlinked,
}
_ENDS: dict[int, Callable[[Process, object], Signal]] = {
    _DIED: Died,
    _BROKEN: Broken,
}


def signal_to_data(signal: Signal, resolver: Resolver, *, tracebacks: bool) -> Data:
    """Any thread. The data of a signal; its reason may still be something that cannot travel."""
    match signal:
        case Watch(watcher):
            return [_WATCH, _address(watcher, resolver)]
        case Unwatch(watcher):
            return [_UNWATCH, _address(watcher, resolver)]
        case Died(process, reason):
            return [_DIED, _address(process, resolver), reason]
        case Link(process):
            return [_LINK, _address(process, resolver)]
        case Unlink(process):
            return [_UNLINK, _address(process, resolver)]
        case Unlinked(process):
            return [_UNLINKED, _address(process, resolver)]
        case Broken(process, reason):
            return [_BROKEN, _address(process, resolver), reason]
        case Shutdown(reason):
            return [_SHUTDOWN, reason]
        case Kill():
            return [_KILL]
        case Failed(process, reason, crash):
            seen = _seen(crash, tracebacks=tracebacks)
            return [_FAILED, _address(process, resolver), seen, reason]
        case Restart(reason, reply):
            return [_RESTART, None if reply is None else resolver.reply_id(reply), reason]
        case Bury():
            return [_BURY]
        case Suspend(reason, reply):
            return [_SUSPEND, resolver.reply_id(reply), reason]


def _address(process: Process, resolver: Resolver) -> Data:
    return list(resolver.there(process.address))


def _seen(crash: Crash | None, *, tracebacks: bool) -> Data:
    """What the log is to say; whatever users' texts are like, the failure itself is told."""
    if crash is None:
        return None
    try:
        data = crash.to_data(tracebacks=tracebacks)
    except Exception:
        return None
    return [encodable(each) if isinstance(each, str) else each for each in data]


def with_reason(data: Any, reason: object) -> Any:
    """Any thread. The same with another reason: a signal is not lost with one that cannot travel.

    Of a signal with a reason that is the last field; anything else is given back as it is.
    """
    if isinstance(data, list) and data and data[0] in _WITH_REASON:
        return [*data[:-1], reason]
    return data


def signal_from_data(data: list[Any], resolver: Resolver) -> Signal:
    """Owner only. The signal of its data. Raises any exception where it is none."""
    match data:
        case [int(code), list(where)] if code in _ABOUT:
            return _ABOUT[code](resolver.process(address(where)))
        case [int(code), list(where), reason] if code in _ENDS:
            return _ENDS[code](resolver.process(address(where)), reason)
        case [int(code), list(where), crash, reason] if code == _FAILED:
            seen = None if crash is None else Crash.from_data(crash, reason)
            return Failed(resolver.process(address(where)), reason, seen)
        case [int(code), reason] if code == _SHUTDOWN:
            return Shutdown(reason)
        case [int(code), None, reason] if code == _RESTART:
            return Restart(reason, None)
        case [int(code), int(ask), reason] if code == _RESTART:
            return Restart(reason, resolver.reply(ask))
        case [int(code), int(ask), reason] if code == _SUSPEND:
            return Suspend(reason, resolver.reply(ask))
        case [int(code)] if code == _KILL:
            return Kill()
        case [int(code)] if code == _BURY:
            return Bury()
        case _:
            raise TypeError("no system message has this code and these fields")


def subject_of(signal: object) -> Address | None:
    """Any thread. The actor that a signal is about, where it has to be the sender's own."""
    if isinstance(signal, Watch | Unwatch):
        return signal.watcher.address
    if isinstance(signal, Died | Failed | Link | Unlink | Unlinked | Broken):
        return signal.process.address
    return None
