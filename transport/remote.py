"""What stands behind the ref of an actor elsewhere, and what takes in what comes from there."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from ..actors.address import ANY_INCARNATION, KERNEL_ID, Address
from ..actors.allowed import Allowed
from ..actors.cell import Cell
from ..actors.crash import as_exception
from ..actors.dispatcher import Core
from ..actors.environment import now
from ..actors.errors import (
    ActorDeadError,
    MailboxFull,
    RemoteError,
)
from ..actors.future import Future, check_may_wait
from ..actors.kernel import MailboxOf, check_from_node
from ..actors.mailbox import MailboxRecord
from ..actors.messages import import_type
from ..actors.parking import can_wait, check_not_killed, here
from ..actors.process import (
    Broken,
    Bury,
    Died,
    Failed,
    Headers,
    Link,
    Process,
    Reply,
    Restart,
    Signal,
    Suspend,
    Unlink,
    Unlinked,
    Unwatch,
    Watch,
)
from ..actors.spawn_request import RemoteSpawn, SpawnRequest
from ..actors.stopped import StopFuture
from ..actors.waits import ELSEWHERE
from .aliases import Aliases
from .buffers import Parcel
from .codec import Envelope, EnvelopeKind, Undecodable
from .data_lane import DataLane
from .declared import find_declared
from .failures import FORBIDDEN, Lost, no_room, node_down
from .host import Host
from .notes import put_notes
from .overflow import post_when_room
from .peer import Leftovers, Peer, State
from .replies import RemoteReply, SignalReply
from .signals import subject_of

# Plain integers: looking up an enum's member for each message costs as much as queueing it.
_TELL, _ASK = int(EnvelopeKind.TELL), int(EnvelopeKind.ASK)
_REPLY, _ERROR = int(EnvelopeKind.REPLY), int(EnvelopeKind.ERROR)
_SIGNAL = int(EnvelopeKind.SIGNAL)
_ANSWERS = (_REPLY, _ERROR)

SENDERS = 4096
"""How many of a peer's actors are kept at hand as senders."""


class RemoteProcess:
    """An actor elsewhere; of `ANY_INCARNATION`, whichever it is in its place now."""

    __slots__ = ("_host", "_peer", "address", "name")

    awaits = ELSEWHERE

    def __init__(self, address: Address, host: Host, peer: Peer | None = None) -> None:
        self.address = address
        self.name: str | None = None
        self._host = host
        self._peer = peer

    @property
    def core(self) -> Core:
        """Any thread. The core of this process through which it is reached."""
        return self._host.core

    def is_alive(self) -> bool:
        """Any thread. Whether this process knows nothing of its end."""
        peer = self._find_peer()
        down = peer.state is State.DOWN and peer.successor is None
        return not down and not self._host.has_ended(self.address)

    def find_actor(self) -> None:
        """Any thread. The actor is not in this process."""

    def statistics(self) -> MailboxRecord:
        """Any thread. Ask the actor's core, and wait for its answer."""
        check_may_wait("use 'await asyncio.to_thread(ref.mailbox)'")
        answer: Future[MailboxRecord] = Future()
        kernel = self._host.process(self.address._replace(id=KERNEL_ID))
        kernel.deliver(MailboxOf(self.address.id), None, answer, None)
        return answer.get()

    def _find_peer(self) -> Peer:
        if self._peer is None:
            peer = self._host.peer_of(self.address.home)
            if self.address.incarnation == ANY_INCARNATION:
                return peer  # whichever it is the next time
            self._peer = peer
        return self._peer

    def deliver(
        self, message: object, sender: Process | None, reply: Reply | None, headers: Headers | None
    ) -> None:
        """Any thread. Encode the message now, and queue it for the other core.

        Raises:
            EncodeError, MessageTooLarge: it cannot go there as it is.

        """
        if here.worker.suspect:
            check_not_killed()
        peer, host = self._peer or self._find_peer(), self._host
        data = peer.data
        from_id = None
        if isinstance(sender, Cell):
            from_id = sender.id
        elif sender is not None:  # an envelope names senders of its own core only
            headers = {**(headers or {}), "sender": sender.address}
        if headers is not None and "deadline" in headers:  # clocks differ between machines
            headers = {**headers, "deadline": max(headers["deadline"] - now(), 0.0)}
        if reply is None:
            ask, kind = None, _TELL
        else:
            ask, kind = host.next_ask(), _ASK
            if isinstance(reply, StopFuture):  # before it is sent: the answer may come at once
                reply.note_end = partial(host.note_end, self.address)
        encode = peer.codec.encode_parts
        envelope = encode(self.address.id, from_id, kind, ask, message, headers)
        lost = data.post(envelope, ask, reply)
        if lost is not None:
            if lost is Lost.OVERFLOW:
                lost = self._post_again(data, message, (envelope, ask, reply))
            if lost is not None:
                self._lose(lost, message, sender, reply)
                return
        if data.is_full or host.sleeping:
            host.posted(peer)
        if ask is not None and isinstance(reply, Future):
            reply.ask_number = ask
            reply.add_done_callback(partial(peer.forget, ask))
        elif isinstance(reply, RemoteReply):
            reply.ask_number = ask

    def _post_again(
        self, data: DataLane, message: object, post: tuple[bytes | Parcel, int | None, Reply | None]
    ) -> Lost | None:
        """There was no room: what the runtime says to a core goes anyway, and who can wait does."""
        if self.address.id == KERNEL_ID:
            is_large = isinstance(message, SpawnRequest | RemoteSpawn)  # it bears what users gave
            return Lost.OVERFLOW if is_large else data.post_anyway(*post)
        if self._host.overflow == "wait" and can_wait():
            return post_when_room(data, *post)
        return Lost.OVERFLOW

    def _lose(
        self, lost: Lost, message: object, sender: Process | None, reply: Reply | None
    ) -> None:
        host, home = self._host, self.address.home
        if reply is None:
            reason = lost.value if lost is Lost.OVERFLOW else host.loss_reason(home)
            host.dead_letters.count(reason, message, self.address, sender)
            if lost is Lost.OVERFLOW and host.overflow != "drop_new":
                raise no_room(home)
        elif lost is Lost.OVERFLOW:
            reply.reject(no_room(home))
        else:
            reply.reject(node_down(home))

    def signal(self, signal: Signal) -> None:
        """Any thread. Queue a system message for the other core, on the control lane."""
        peer, host = self._find_peer(), self._host
        if isinstance(signal, Watch):
            if not peer.watch(self.address.id, signal.watcher):
                signal.watcher.signal(Died(self, "noconnection"))
                return
        elif isinstance(signal, Unwatch):
            peer.unwatch(self.address.id, signal.watcher.address.id)
        elif isinstance(signal, Died):  # the dead hear of nothing
            peer.unwatch(self.address.id, signal.process.address.id)
            peer.watched.pop((signal.process.address.id, self.address.id), None)
        elif isinstance(signal, Link):
            if not peer.watch(self.address.id, signal.process, Broken):
                signal.process.signal(Broken(self, "noconnection"))
                return
        elif isinstance(signal, Unlink | Broken):
            peer.unwatch(self.address.id, signal.process.address.id, Broken)
        if isinstance(signal, Died | Broken):
            peer.data.let_pass(signal.process.address.id)
        envelope = peer.codec.encode_signal(self.address.id, None, signal)
        if peer.control.post(envelope):
            host.posted(peer)
        elif isinstance(signal, Restart | Suspend) and signal.reply is not None:
            signal.reply.reject(node_down(self.address.home))
        elif isinstance(signal, Unlink):
            signal.process.signal(Unlinked(self))
        elif isinstance(signal, Failed):
            signal.process.signal(Bury())  # there is nobody to give a verdict


class PeerResolver:
    """How refs, processes, replies and types are found for what is exchanged with one peer."""

    def __init__(self, peer: Peer, host: Host, allowed: Allowed, aliases: Aliases) -> None:
        self._peer, self._host, self._allowed = peer, host, allowed
        self.here, self.there = aliases.here, aliases.there

    def ref(self, address: Address, type_name: str | None, name: str | None) -> object:
        """Owner only. See `Resolver.ref`."""
        ref: Any = self._host.ref_of(self.here(address), type_name)
        if name is not None and isinstance(ref.process, RemoteProcess):
            ref.process.name = name
        return ref

    def process(self, address: Address) -> Process:
        """Owner only. See `Resolver.process`."""
        return self._host.process_of(self.here(address))

    def reply_id(self, reply: Reply) -> int:
        """Any thread. See `Resolver.reply_id`."""
        ask = self._host.next_ask()
        self._peer.control.pending[ask] = reply
        return ask

    def reply(self, ask_id: int) -> Reply:
        """Owner only. See `Resolver.reply`."""
        return SignalReply(self._peer, ask_id, self._host)

    def find_type(self, name: str) -> type:
        """Owner only. A type of our own node by its name; another's only if it is declared here."""
        found = find_declared(name)
        if found is not None:
            return found
        if self._peer.own:
            return import_type(name)
        raise LookupError(f"{name} is not declared with @message here: import its module here too")

    def find_actor_class(self, name: str) -> type:
        """Owner only. An actor class by its name: another node may name those that we allow."""
        return import_type(name) if self._peer.own else self._allowed.find_told(name)


def receive(host: Host, peer: Peer, envelopes: Iterable[Envelope]) -> None:
    """Owner only. Hand the envelopes that came from a peer to whom they are for."""
    core, senders = host.core, peer.senders
    for envelope in envelopes:
        target, sender_id, kind, _, message, headers = envelope
        sender = None if sender_id is None else senders.get(sender_id)
        if (
            kind == _TELL
            and sender is not None
            and headers is None
            and target != KERNEL_ID
            and type(message) is not Undecodable
        ):  # the commonest, written out
            process = core.processes.get(target) or host.gone(target)
            try:
                process.deliver(message, sender, None, None)
            except BaseException as error:  # of its mailbox's `priority`, say
                _refused(host, error, envelope, process, sender)
        elif kind in _ANSWERS:
            _receive_answer(host, peer, envelope)
        elif kind == _SIGNAL:
            _receive_signal(host, peer, core.processes.get(target) or host.gone(target), message)
        else:
            _receive_message(host, peer, envelope)


def _receive_message(host: Host, peer: Peer, envelope: Envelope) -> None:
    """Hand on a message with all that may come with it."""
    target, sender_id, kind, ask, message, headers = envelope
    process = host.core.processes.get(target) or host.gone(target)
    sender = None if sender_id is None else _sender(host, peer, sender_id)
    if headers is not None:
        if "sender" in headers:
            sender = host.process_of(headers.pop("sender"))
        if "deadline" in headers:
            headers["deadline"] += now()
    reply = RemoteReply(peer, ask, host, target) if kind == _ASK and ask is not None else None
    try:
        if type(message) is Undecodable:
            raise message.error
        if target == KERNEL_ID and not peer.own:
            check_from_node(message, peer.home)
        process.deliver(message, sender, reply, headers)
    except BaseException as error:
        if reply is None:
            _refused(host, error, envelope, process, sender)
        elif not isinstance(error, ActorDeadError | MailboxFull):
            reply.reject(as_exception(error))


def _refused(
    host: Host, error: BaseException, envelope: Envelope, process: Process, sender: Process | None
) -> None:
    """A message was not taken, and nobody waits for an answer: its sender will not hear of it."""
    if not isinstance(error, ActorDeadError | MailboxFull):  # those are counted by the process
        reason = type(error).__name__
        message, target = envelope.message, process.address
        host.dead_letters.count(reason, message, target, sender, logging.WARNING)


def _sender(host: Host, peer: Peer, identifier: int) -> Process:
    senders = peer.senders
    sender = senders.get(identifier)
    if sender is None:
        if len(senders) >= SENDERS:
            senders.clear()
        sender = senders[identifier] = RemoteProcess(Address(*peer.home, identifier), host, peer)
    return sender


def _receive_answer(host: Host, peer: Peer, envelope: Envelope) -> None:
    message = envelope.message
    ask = envelope.target
    reply = peer.data.pending.pop(ask, None) or peer.control.pending.pop(ask, None)
    if reply is None:  # its time was over, or its asker is gone
        host.dead_letters.count("late", message, Address(*host.core.home, ask))
    elif type(message) is Undecodable:
        reply.reject(message.error)
    elif envelope.kind == _REPLY:
        reply.resolve(message)
    elif isinstance(message, Exception):
        put_notes(message, envelope.headers)
        reply.reject(message)
    else:
        reply.reject(RemoteError(type(message).__name__, str(message)[:1000]))


def _receive_signal(host: Host, peer: Peer, process: Process, signal: object) -> None:
    if isinstance(signal, Undecodable):  # nothing that a runtime sends
        host.dead_letters.count(type(signal.error).__name__, signal, process.address)
        return
    whose = subject_of(signal)
    if whose is not None and whose.home != peer.home:
        host.dead_letters.count("forged", signal, process.address)
        return
    if isinstance(signal, Died | Broken):
        if isinstance(signal, Died) and signal.reason != FORBIDDEN:
            host.note_end(signal.process.address)
        known = peer.unwatch(signal.process.address.id, process.address.id, type(signal))
        if known is not None:  # once for each watch or link
            known.signal(signal)
        return
    if isinstance(signal, Watch):
        peer.watched[process.address.id, signal.watcher.address.id] = signal.watcher
    elif isinstance(signal, Unwatch):
        peer.watched.pop((process.address.id, signal.watcher.address.id), None)
    elif isinstance(signal, Link):
        peer.watch(signal.process.address.id, process, Broken)
    elif isinstance(signal, Unlink):
        peer.unwatch(signal.process.address.id, process.address.id, Broken)
    process.signal(signal)  # type: ignore[arg-type]  # the codec makes nothing else


def settle_leftovers(host: Host, peer: Peer, left: Leftovers) -> None:
    """Owner only. Tell everyone what became of what a peer that is down has left behind."""
    error = node_down(peer.home)
    for reply in left.pending:
        reply.reject(error)
    reason = host.loss_reason(peer.home)
    ours = peer.codec.mirror()
    for unsent in left.envelopes:
        for envelope in ours.decode_unsent(unsent):
            if envelope.kind == _TELL:
                address = Address(*peer.home, envelope.target)
                host.dead_letters.count(reason, envelope.message, address)
    for ending, target, watcher in left.watches:
        process = RemoteProcess(Address(*peer.home, target), host, peer)
        watcher.signal(ending(process, "noconnection"))
    for target, watcher in left.watched:
        watched = host.core.processes.get(target)
        if watched is not None:
            watched.signal(Unwatch(watcher))
