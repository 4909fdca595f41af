"""What those may send whose keys are not a node's, and how the rest of it is refused.

    role      envelopes that are taken in
    client    asks for names; tells, asks and answers, in its own name; but not to stop an actor,
              nor what tells a supervisor or a pool whom to keep running
    admin     as a client's, and these; to spawn what is allowed
    node      all

Guarantees:
- It is the role of the key that counts, whatever the peer has said of itself.
- Of ends, failures and children only the runtimes of nodes tell: neither as a system message nor as
  the message that an actor is given in its place.
- What an overseer would open and hand on is looked at as if it came by itself.
- What is refused reaches nobody: an ask is answered with `PermissionError`, a watch or a link with
  an end for reason "forbidden", anything else is a dead letter. It is told as a misuse, unless the
  runtime of an honest peer sends it by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from pykka.messages import ProxyCall, ProxySetAttr, _ActorStop

from ..actors.address import KERNEL_ID, Address
from ..actors.cell import Cell
from ..actors.deadlock import Break, Probe, Withdraw
from ..actors.kernel import WhereIs
from ..actors.links import ChildFailed, Down, Exit, Failure
from ..actors.oversight import carried, is_control
from ..actors.process import Broken, Died, Link, Process, Signal, Unlink, Unlinked, Unwatch, Watch
from ..actors.spawn_request import RemoteSpawn
from .codec import Envelope, EnvelopeKind
from .failures import FORBIDDEN
from .host import Host
from .keyring import Role
from .peer import Peer
from .replies import RemoteReply

_SIGNAL, _ASK = int(EnvelopeKind.SIGNAL), int(EnvelopeKind.ASK)
_ANSWERS = (int(EnvelopeKind.REPLY), int(EnvelopeKind.ERROR))

HONEST = (Died, Broken, Unlink, Unlinked, Unwatch, Watch, Link, Probe, Break, Withdraw)
"""What a peer's runtime sends where its actors wait, watch, or are watched."""


OF_THE_RUNTIME = (Down, Exit, Failure, ChildFailed)
"""What an actor's own runtime gives it as messages, in the place of signals: nobody sends them."""


def trespass(role: Role, envelope: Envelope, process: Process | None) -> str | None:
    """Any thread. What the envelope is for that this role may not do; None where it may.

    `process` is whom it is for, where there is one.
    """
    if role is Role.NODE or envelope.kind in _ANSWERS:
        return None
    message = carried(envelope.message)
    if envelope.kind == _SIGNAL or isinstance(message, OF_THE_RUNTIME):
        return f"send a system message ({type(message).__name__})"
    if envelope.target == KERNEL_ID:
        if type(message) is WhereIs or (type(message) is RemoteSpawn and role is Role.ADMIN):
            return None
        return "spawn" if type(message) is RemoteSpawn else f"ask for a {type(message).__name__}"
    return None if role is Role.ADMIN else _rule(message, process)


def _rule(message: object, process: Process | None) -> str | None:
    """What the message is for that only those may who may stop and spawn actors."""
    if isinstance(message, _ActorStop):
        return "stop an actor"
    what: str | type = type(message)
    if isinstance(message, ProxyCall | ProxySetAttr):
        what = message.attr_path[0]
        if what == "stop":
            return "stop an actor"
    # A pool is behind a ref as of one of its members, to which it passes calls on.
    if isinstance(process, Cell) and (
        is_control(process.actor_class, what) or is_control(process.ref.actor_class, what)
    ):
        name = what if isinstance(what, str) else what.__name__
        return f"say what an actor keeps running ({name})"
    return None


def within(
    role: Role,
    host: Host,
    peer: Peer,
    envelopes: Iterable[Envelope],
    note_misuse: Callable[[str, str], None],
) -> Iterator[Envelope]:
    """Owner only. Those that a peer of this role may send; the others are refused.

    Args:
        role: what its key may do.
        host: the node.
        peer: who has sent them.
        envelopes: what it has sent.
        note_misuse: is told of misuse, by the name of the peer's node and what was tried.

    """
    processes = host.core.processes
    for envelope in envelopes:
        what = trespass(role, envelope, processes.get(envelope.target))
        if what is None:
            _take_false_sender(peer, envelope)
            yield envelope
            continue
        if not isinstance(envelope.message, HONEST):
            note_misuse(peer.home.node, what)
        _refuse(role, host, peer, envelope, what)


def _take_false_sender(peer: Peer, envelope: Envelope) -> None:
    """Who answers the sender must not be led to one that could not have been reached from there."""
    headers = envelope.headers
    sender = None if headers is None else headers.get("sender")
    if headers is not None and isinstance(sender, Address) and sender.node != peer.home.node:
        del headers["sender"]


def _refuse(role: Role, host: Host, peer: Peer, envelope: Envelope, what: str) -> None:
    address, message = Address(*host.core.home, envelope.target), envelope.message
    if envelope.kind == _ASK and envelope.ask is not None:
        error = PermissionError(f"a key of role {role.value!r} may not {what}")
        RemoteReply(peer, envelope.ask, host).reject(error)
        return
    host.dead_letters.count(FORBIDDEN, message, address, level=logging.WARNING)
    if isinstance(message, Watch | Link):
        _refuse_watch(host, peer, message, address)


def _refuse_watch(host: Host, peer: Peer, message: Watch | Link, address: Address) -> None:
    """Tell the peer alone, and none but its own actors.

    Not as an end of that actor would be told: those here that it watches, or is linked with, go on.
    """
    watcher, end = _end_of(message, host.process_of(address))
    if watcher.home != peer.home:
        return
    if peer.control.post(peer.codec.encode_signal(watcher.id, None, end)):
        host.posted(peer)


def _end_of(message: Watch | Link, process: Process) -> tuple[Address, Signal]:
    """Whose watch or link it is, and how it is told that there is none."""
    if isinstance(message, Watch):
        return message.watcher.address, Died(process, FORBIDDEN)
    return message.process.address, Broken(process, FORBIDDEN)
