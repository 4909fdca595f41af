"""What comes in on one core's sockets: from whom it is, whether it is new, and to whom it goes.

Guarantees:
- Nothing is delivered from a core that is not adopted, or is down, or writes to an earlier
  incarnation of this one, or has written before the two have lost each other. So what has come
  while this core stood still for so long that it was declared down is not delivered.
- With keys, nothing is taken in of one whose key is not allowed any more, or that writes as another
  node than its key's, and no more than the role of its key may: see limits.py.
- Whatever comes, no exception leaves `receive`: bad frames are counted, and a peer that sends many
  is given up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from ..actors.address import Address
from ..actors.environment import now
from ..actors.process import Broken, Died
from ..actors.system import ActorSystem
from .codec import Envelope
from .control_lane import ACK_DELAY, ACK_EVERY, ControlLane, Held
from .endpoint import Frames
from .failures import too_late
from .frame import (
    CHUNKS,
    DATA_KINDS,
    HANDSHAKES,
    PROBES,
    BadFrame,
    Header,
    Kind,
    Lane,
    OtherVersion,
    unpack_frames,
)
from .gate import Gate
from .gossip import Gossip
from .handshake import OBSERVER, role_of
from .host import Host
from .keyring import Role
from .limits import within
from .members import Members
from .observation import BadObservation
from .patience import wait_for_data
from .peer import Peer, State
from .remote import RemoteProcess, receive
from .replies import RemoteReply

logger = logging.getLogger("zanni")

HOLD = 0.2
"""Seconds that what came waits at most for what was sent before it on the other lane."""
BAD_LIMIT = 16
"""After how many undecodable frames a peer is given up."""
LOG_INTERVAL = 60.0
"""Seconds between two log lines about bad frames."""


class Intake:
    """Takes in the frames of one core. Owner only, all of it."""

    def __init__(self, system: ActorSystem, host: Host, members: Members, gossip: Gossip) -> None:
        self._system, self._host = system, host
        self._members, self._gossip = members, gossip
        self._logged = -LOG_INTERVAL
        self._bad_frames = self._strays = self._turned_away = 0

    def statistics(self) -> dict[str, int]:
        """Any thread. How many frames were not taken in, and why.

        `strays` are those of no peer, `turned_away` those of connections that have outlived the
        revocation of their keys.
        """
        return {
            "bad_frames": self._bad_frames,
            "bad_handshakes": self._members.associations.bad,
            "strays": self._strays,
            "turned_away": self._turned_away,
        }

    def receive(self, frames: Frames, own: bool, key: str | None = None) -> None:
        """Owner only. Take in a message of any peer, or of anyone.

        Args:
            frames: the message.
            own: whether it came on the node's own sockets.
            key: what its connection has shown, where keys are used.

        """
        try:
            header, batch = unpack_frames(frames)
        except BadFrame as error:
            if isinstance(error, OtherVersion) and len(frames) > 1:
                self._members.associations.receive_other_version(frames[1], own=own, key=key)
            self._complain(f"a frame of a stranger was ignored: {error}")
            return
        if key is not None and not self._may_say(key, header, batch):
            return
        moment = now()
        if moment >= self._members.liveness.overdue_at:
            self._members.step()  # before its timer comes: who has lost us is lost before this
        if header.kind in HANDSHAKES:
            self._members.associations.receive(header, batch, own=own, key=key)
            return
        peer = self._members.by_header(header)
        if peer is None or peer.own is not own or header.destination_incarnation != peer.link_name:
            self._receive_from_outside(header, batch, own=own)
            return
        self._members.liveness.heard(peer.home, moment)
        if peer.state is State.CONNECTING:
            self._members.open(peer)
        try:
            piece = frames[2] if header.kind in CHUNKS and len(frames) > 2 else b""
            self._receive_from(peer, header, batch, piece)
        except Exception as error:  # hostile bytes, most of all; the loop outlives them all
            self._bad_frame(peer, error)

    def _may_say(self, key: str, header: Header, body: bytes | memoryview) -> bool:
        """Whether the holder of that key speaks for itself, and as one that its role may be."""
        gate = self._members.gate
        assert isinstance(gate, Gate)
        holder = gate.holder(key)
        if holder is None:
            self._turned_away += 1
            return False
        (name, role, _), node = holder
        looks = header.kind is Kind.OBSERVE
        if header.kind in (Kind.HELLO, Kind.CONFIRM):
            looks = role_of(body) == OBSERVER
        if looks:  # an observer bears any name
            if role is Role.CLIENT:
                gate.note_misuse(name, "look at this node")
            return role is not Role.CLIENT
        if header.source_node != node:
            gate.note_misuse(name, "send as another node")
            self._members.lose_node(name, "it sent as another node", for_good=True)
        return header.source_node == node

    def _envelopes(
        self, peer: Peer, batch: bytes | memoryview, buffers: Sequence[object] | Exception = ()
    ) -> Iterable[Envelope]:
        decode, role = peer.codec.decode, peer.role
        envelopes = peer.codec.decode_parcel(batch, buffers) if buffers else decode(batch)
        if role is None or role is Role.NODE:
            return envelopes
        return within(role, self._host, peer, envelopes, self._members.gate.note_misuse)

    def _receive_from_outside(self, header: Header, body: bytes | memoryview, *, own: bool) -> None:
        """Of no peer: an observer's question, or nothing for us."""
        try:
            if not self._members.observers.take(header, body, own=own):
                self._strays += 1
        except BadObservation as error:
            self._complain(f"an observer's frame was ignored: {error}")

    def _receive_from(
        self, peer: Peer, header: Header, batch: bytes | memoryview, piece: bytes | memoryview
    ) -> None:
        if header.ack and header.lane is Lane.CONTROL:
            peer.control.acknowledged(header.ack)
        if header.kind is Kind.HEARTBEAT:
            self._gossip.take(peer, batch)
        elif header.kind is Kind.GOODBYE:
            self._members.farewell.take(peer, header)
        elif header.kind is Kind.OBSERVE:
            raise BadFrame("a node that asks what observers may")
        elif (header.kind in DATA_KINDS) is not (header.lane is Lane.DATA):
            raise BadFrame("a kind of frame on the wrong lane")
        elif header.kind is Kind.CONTROL:
            self._receive_control(peer, header, batch)
        elif header.kind is Kind.CREDIT:
            self._members.flow.take(peer, header, batch)
        elif header.kind in PROBES:
            self._members.losses.probed(peer, header)
            self._advanced(peer)
            self._members.flow.probed(peer)
        elif peer.arrivals.early or header.after > max(peer.control.seq_in, peer.arrivals.waived):
            peer.arrivals.early.append((header, batch, piece))
            self._system.core.call_later(HOLD, lambda: self._admit(peer, header.after))
        else:
            self._receive_data(peer, header, batch, piece)

    def _receive_data(
        self, peer: Peer, header: Header, batch: bytes | memoryview, piece: bytes | memoryview
    ) -> None:
        if peer.arrivals.accept(header):
            try:
                self._deliver(peer, header, batch, piece)
            finally:  # what has come is no more to be missed
                self._advanced(peer)

    def _advanced(self, peer: Peer) -> None:
        """The data lane has got further: those go on who have waited for that."""
        arrivals = peer.arrivals
        if arrivals.lost_frames != arrivals.told_frames:
            self._members.losses.look(peer)
        if peer.control.held:
            self._release(peer, arrivals.seq_in)
        if peer.leaves_after is not None:
            self._members.farewell.look(peer)

    def _deliver(
        self, peer: Peer, header: Header, batch: bytes | memoryview, piece: bytes | memoryview
    ) -> None:
        assembly = peer.assembly_of(header.kind)
        if header.kind in CHUNKS:
            assembly.add(header.seq, batch, piece)
            return
        buffers = assembly.take(header.seq) if assembly.is_begun else ()
        envelopes = iter(self._envelopes(peer, batch, buffers))
        if peer.arrivals.ended:
            envelopes = self._without_the_dead(peer, envelopes)
        if header.credit_messages:
            self._receive_sample(peer, header, envelopes)
        receive(self._host, peer, envelopes)
        if header.credit_messages:
            self._members.flow.took(peer)

    def _receive_sample(self, peer: Peer, header: Header, envelopes: Iterator[Envelope]) -> None:
        """Deliver what comes up to the message that gets a receipt; nothing, where none does."""
        window = peer.data.window
        number = window.take(header.credit_messages, header.credit_bytes)
        if number is None:
            return
        receive(self._host, peer, islice(envelopes, number))
        for envelope in islice(envelopes, 1):
            headers = envelope.headers or {}
            headers["receipt"] = window.receipt(envelope.target)
            receive(self._host, peer, [envelope._replace(headers=headers)])

    def _without_the_dead(self, peer: Peer, envelopes: Iterator[Envelope]) -> Iterator[Envelope]:
        """All but what comes after the end of its sender was told, which is counted."""
        for envelope in envelopes:
            if envelope.sender in peer.arrivals.ended:
                target = Address(*self._system.home, envelope.target)
                sender = RemoteProcess(Address(*peer.home, envelope.sender or 0), self._host)
                letters = self._host.dead_letters
                letters.count("after its end", envelope.message, target, sender)
                if envelope.ask is not None:  # others than the dead may wait for it
                    reply = RemoteReply(peer, envelope.ask, self._host)
                    reply.reject(too_late(sender.address, target))
            else:
                yield envelope
        peer.arrivals.forget_ended()

    def _receive_control(self, peer: Peer, header: Header, batch: bytes | memoryview) -> None:
        is_next = peer.control.accept(header)
        self._acknowledge(peer.control)
        if is_next:
            for envelope in self._envelopes(peer, batch):
                end = envelope.message
                if isinstance(end, Died | Broken) and header.after > peer.arrivals.seq_in:
                    held = Held(header.after, end.process.address.id, envelope)
                    peer.control.held.append(held)
                    self._hold(peer, header.after)
                else:
                    receive(self._host, peer, [envelope])
            if peer.arrivals.early:
                self._admit(peer, peer.control.seq_in)

    def _admit(self, peer: Peer, seq: int) -> None:
        """Take in each frame whose watches and links have come (or are waited for no more)."""
        arrivals = peer.arrivals
        arrivals.waived = max(arrivals.waived, seq)
        while arrivals.early and arrivals.early[0][0].after <= seq:
            header, batch, piece = arrivals.early.popleft()
            try:
                self._receive_data(peer, header, batch, piece)
            except Exception as error:  # as in `receive`
                self._bad_frame(peer, error)

    def _release(self, peer: Peer, seq: int) -> None:
        """Deliver each end whose actor's data has come, up to `seq` (or is waited for no more)."""
        control = peer.control
        ready = [each for each in control.held if each.after <= seq]
        control.held = [each for each in control.held if each.after > seq]
        for after, actor, envelope in ready:
            peer.arrivals.note_end(actor, after)
            receive(self._host, peer, [envelope])

    def _hold(self, peer: Peer, seq: int) -> None:
        """Wait for the data up to there: the dead may have sent some of it."""
        until = now() + self._system.config.down_after
        core, done = self._system.core, partial(self._release, peer, seq)
        wait_for_data(core, peer, (seq, 0), HOLD, until, done)

    def _acknowledge(self, control: ControlLane) -> None:
        """Answer for the frames that came: for several at once, but soon."""
        if control.unanswered >= ACK_EVERY:
            control.acknowledge()
        elif control.unanswered == 1:
            self._system.core.call_later(ACK_DELAY, control.acknowledge)

    def _bad_frame(self, peer: Peer, error: Exception) -> None:
        logger.debug("a frame of %s could not be taken", peer.home, exc_info=error)
        self._complain(f"a frame of {peer.home} was bad: {error}")
        peer.bad_frames += 1
        if peer.bad_frames >= BAD_LIMIT and peer.state is not State.DOWN:
            self._members.lose(peer.home, "too many bad frames", for_good=True)

    def _complain(self, text: str) -> None:
        self._bad_frames += 1
        if now() - self._logged >= LOG_INTERVAL:
            self._logged = now()
            logger.warning("%.400s", ascii(text))
