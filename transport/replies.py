"""The answers that this core owes to asks from elsewhere."""

from __future__ import annotations

from ..actors.address import KERNEL_ID, Address
from ..actors.cell import Cell
from ..actors.errors import ActorDeadError, EncodeError, MessageTooLarge, RemoteError
from ..actors.process import Died, Process
from ..actors.waits import Ask
from .codec import Codec
from .envelope import Envelope, EnvelopeKind
from .failures import Lost, no_room
from .host import Host
from .notes import notes_of
from .packer import LARGE_ERROR
from .peer import Peer
from .values import shortened

# Plain integers, as in `remote.py`.
_REPLY, _ERROR = int(EnvelopeKind.REPLY), int(EnvelopeKind.ERROR)


class RemoteReply:
    """The answer to an ask from elsewhere. The first call wins."""

    __slots__ = ("__weakref__", "_ask", "_asked", "_host", "_peer", "ask_number", "owed_by")

    ask_number: int | None
    owed_by: Process
    """Set when the ask is passed on: see `Passed` in `waits.py`."""

    def __init__(self, peer: Peer, ask: int, host: Host, asked: int | None = None) -> None:
        self._peer, self._host = peer, host
        self._ask: int | None = ask
        self._asked = asked

    @property
    def origin(self) -> Ask:
        """Any thread. The core that asked, and its number for the ask: see `waits.py`."""
        return self._peer.home, self._ask

    def resolve(self, value: object) -> bool:
        """Any thread. Answer with a value, or with the error that it cannot be encoded."""
        return self._send(_REPLY, value)

    def reject(self, error: BaseException) -> bool:
        """Any thread. Answer with an error."""
        if isinstance(error, ActorDeadError) and self._asked is not None:
            self._tell_end(self._asked)
        return self._send(_ERROR, error)

    def _tell_end(self, asked: int) -> None:
        """Any thread. Have the other side know before the answer that the actor asked is dead."""
        core = self._host.core
        process = core.processes.get(asked)
        if process is None or (isinstance(process, Cell) and not process.is_alive()):
            died = Died(self._host.process(Address(*core.home, asked)), "noproc")
            self._peer.control.post(self._peer.codec.encode_signal(KERNEL_ID, None, died))

    def _send(self, kind: int, value: object) -> bool:
        ask, self._ask = self._ask, None
        if ask is None:
            return False
        peer, host = self._peer, self._host
        encode = peer.codec.encode
        headers = notes_of(value) if kind == _ERROR else None
        try:
            envelope = encode(Envelope(ask, None, kind, None, value, headers))
        except (EncodeError, MessageTooLarge) as error:
            kind = _ERROR
            envelope = encode(Envelope(ask, None, kind, None, error, None))
        lost = peer.data.answer(envelope, is_error=kind == _ERROR)
        if lost is not None:
            host.dead_letters.count(lost.value, value, Address(*peer.home, ask))
        if lost is Lost.OVERFLOW:  # the asker has to hear of it
            envelope = encode(Envelope(ask, None, _ERROR, None, no_room(peer.home), None))
            lost = peer.data.answer(envelope, is_error=True)
        if lost is None:
            host.posted(peer)
        return True


class SignalReply(RemoteReply):
    """The answer to a system message. It goes the way that one came, and is no more lost than it.

    What is large, or cannot travel, is answered by its text.
    """

    __slots__ = ()

    def _send(self, kind: int, value: object) -> bool:
        ask, self._ask = self._ask, None
        if ask is None:
            return False
        peer = self._peer
        if peer.control.post(_small(peer.codec, ask, kind, value)):
            self._host.posted(peer)
        return True


def _small(codec: Codec, ask: int, kind: int, value: object) -> bytes:
    try:
        envelope = codec.encode(Envelope(ask, None, kind, None, value, None))
        if isinstance(envelope, bytes) and len(envelope) <= LARGE_ERROR:
            return envelope
    except Exception:  # noqa: S110  (whatever it is, the text can travel)
        pass
    text: object = shortened(value)
    if kind == _ERROR:
        text = RemoteError(type(value).__name__, shortened(value))
    packed = codec.encode(Envelope(ask, None, kind, None, text, None))
    assert isinstance(packed, bytes)
    return packed
