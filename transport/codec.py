"""Waist 3: envelopes as bytes and back.

An envelope is a msgpack array `[target, sender, kind, ask, body]`, with the headers as a sixth when
any are set; a batch is envelopes one after another. `kind` has the `EnvelopeKind` in its low four
bits and above them the form of the body, which spares the commonest messages a typed value:

    0  the message as it is           2  a `@message`: [name, field, value...] or [id, value...]
    1  a tuple: [item, item...]       3  a ProxyCall: [path, args, kwargs]

How to change it: a receiver ignores what comes after the sixth item, unknown headers, and fields of
a `@message` that it does not know. New typed values get new codes (values.py), whose messages an
old receiver answers with an error. Anything else is a new major version of the frame.

Guarantees:
- `encode` either returns bytes that the other side takes, or raises and nothing was sent.
- Whatever the bytes are, `decode` raises `BadBatch` or yields envelopes, in bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from pykka.messages import ProxyCall

from ..actors.config import FRAME_CAP, MESSAGE_LIMIT
from ..actors.errors import MessageTooLarge
from ..actors.messages import type_name
from ..actors.process import Headers, Signal
from .bounds import MAX_ITEMS, SHORT, check, scan
from .buffers import LARGE, Parcel
from .envelope import Envelope, EnvelopeKind, Undecodable
from .explain import explain
from .headers import headers_from_data, headers_to_data
from .misfits import decode_error, path_in
from .msgpack_typed import UnpackException, make_unpacker
from .packer import CONTAINERS, LARGE_ERROR, LOOKED_INTO, Packer, check_keys, checked
from .reader import SCANNED, UNSEEN, BadBatch, Reader, call
from .signals import signal_from_data, signal_to_data, with_reason
from .type_ids import Offer, TypeIds, fingerprint
from .values import PLAIN, Data, Resolver, Tag, ToData, fields_of, shortened, way_to_data

__all__ = ["BadBatch", "Codec", "Envelope", "EnvelopeKind", "Resolver", "Undecodable"]

_new = tuple.__new__

_PLAIN_FORM, _TUPLE_FORM, _MESSAGE_FORM, _CALL_FORM = 0, 16, 32, 48
_PACKED = frozenset({type(None), bool, int, float, str})
_AS_THEY_ARE = _PACKED | {bytes}
_BODIES = {_TUPLE_FORM: Tag.TUPLE, _MESSAGE_FORM: Tag.MESSAGE, _CALL_FORM: Tag.PROXY_CALL}
_SIGNAL = int(EnvelopeKind.SIGNAL)
_LAST_PLAIN = int(EnvelopeKind.ERROR)
_KINDS = {kind | form: (kind, form) for kind in EnvelopeKind for form in (0, 16, 32, 48)}
_NONE = type(None)
# The types of target, sender, kind and ask.
_SHAPES = frozenset((int, sender, int, ask) for sender in (int, _NONE) for ask in (int, _NONE))
_LARGE = 1024 * 1024  # bytes: buffers that grew beyond are not kept


class Codec:
    """Makes bytes of envelopes and envelopes of bytes, for one peer.

    Args:
        resolver: how refs, processes, replies and types are found.
        ref_type: the class of refs.
        limit: the most bytes that an envelope may take, of those that are sent.
        message_limit: the most bytes that it may take with its large buffers.
        tracebacks: whether errors carry their traceback's text: within a node.
        typed: whether what fields hold is looked at: of what another node sends.
        type_ids: those that this core gives out, the same for all its peers.

    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        ref_type: type,
        limit: int = FRAME_CAP,
        message_limit: int = MESSAGE_LIMIT,
        tracebacks: bool = False,
        typed: bool = False,
        type_ids: TypeIds | None = None,
    ) -> None:
        self._resolver = resolver
        self._ref_type = ref_type
        self._limit, self.message_limit = limit, message_limit
        self._tracebacks = tracebacks
        self._ways: dict[type, tuple[int, ToData]] = {}
        self._named: dict[str, type] = {}
        self._learned = TypeIds()
        # Type of message -> the form of its body, and how it is made of it.
        self._forms: dict[type, tuple[int, ToData]] = {
            tuple: (_TUPLE_FORM, list),
            ProxyCall: (_CALL_FORM, PLAIN[ProxyCall][1]),
        }
        # Appending to a list and popping from it are safe from any thread.
        self._packers: list[Packer] = []
        self._unpackers: list[Any] = []
        self._reader = Reader(resolver, type_ids or TypeIds(), typed=typed)

    def way(self, cls: type) -> tuple[int, ToData]:
        """Any thread. The code of a class, and how its values become data.

        Raises:
            EncodeError: with the remedy, and no path yet.

        """
        way = self._ways.get(cls)
        if way is None:
            way = self._add_way(cls)
            if way[0] in (Tag.MESSAGE, Tag.ENUM):
                self._named[type_name(cls)] = cls
        return way

    def _add_way(self, cls: type, type_id: int | None = None) -> tuple[int, ToData]:
        resolver, tracebacks = self._resolver, self._tracebacks
        way = way_to_data(cls, self._ref_type, resolver, tracebacks=tracebacks, type_id=type_id)
        self._ways[cls] = way
        if way[0] == Tag.MESSAGE and not issubclass(cls, BaseException):
            self._forms[cls] = (_MESSAGE_FORM, way[1])
        return way

    def offers(self) -> list[Offer]:
        """Owner only. What to tell the peer of the types that it named lately."""
        return self._reader.offers()

    def learn(self, offer: Offer) -> None:
        """Owner only. From now on a type goes by the id that the peer has told.

        Raises:
            ValueError: the peer contradicts itself.

        """
        cls = self._named.get(offer.name)
        if cls is None:
            return
        if offer.fields == fingerprint(fields_of(cls)):
            self._learned.note(offer.name, offer.id)
            self._add_way(cls, offer.id)

    def let_go(self) -> None:
        """Any thread. Give the buffers back: the peer is lost, but refs may keep what is here."""
        self._packers.clear()
        self._unpackers.clear()

    def mirror(self) -> Codec:
        """Owner only. A codec that reads what this one has written."""
        return Codec(self._resolver, ref_type=self._ref_type, type_ids=self._learned)

    def encode(self, envelope: Envelope) -> bytes | Parcel:
        """Any thread. The bytes of one envelope, with its large buffers where it has any.

        Raises:
            EncodeError: its path names the part of the message that cannot travel.
            MessageTooLarge: it takes more than the limit.

        """
        return self.encode_parts(*envelope)

    def encode_parts(
        self,
        target: int,
        sender: int | None,
        kind: int,
        ask: int | None,
        message: object,
        headers: Headers | None,
    ) -> bytes | Parcel:
        """Any thread. As `encode`, for the hot path: an envelope less to make."""
        if kind == _SIGNAL:
            return self.encode_signal(target, sender, cast("Signal", message))
        body: Any = message
        form = 0
        cls = type(message)
        try:
            if cls is bytes:
                if len(body) >= LARGE:
                    body = checked(body)
            elif cls not in _PACKED:
                known = self._forms.get(cls)
                if known is not None:
                    form, to_data = known
                    body = to_data(message)
                    for value in body:  # a loop: with so few it is faster than a set's methods
                        cls = type(value)
                        if cls in LOOKED_INTO and (cls is not bytes or len(value) >= LARGE):
                            body = checked(body)
                            break
                elif cls in LOOKED_INTO:
                    body = checked(body)
            item = [target, sender, kind + form, ask, body]
            if headers and (data := headers_to_data(headers, self._resolver)):
                item.append(data)
            return self._pack(item)
        except MessageTooLarge:
            raise
        except Exception as error:
            raise explain(message, self.way, error) from None

    def _pack(self, item: Data) -> bytes | Parcel:
        try:
            packer = self._packers.pop()
        except IndexError:
            packer = Packer(self.way, tracebacks=self._tracebacks)
        packer.typed = False
        try:
            packed = packer.pack(item)
        except Exception:
            packer.lent.clear()  # no packer is freed before the collector looks
            raise
        if packer.lent:
            return self._parcel(packer, packed)
        size = len(packed)
        if size > SHORT:
            if size > self._limit:
                raise MessageTooLarge(size, self._limit)
            if packer.typed or size > MAX_ITEMS:  # otherwise `check_keys` has seen it all
                check(packed, size)
            if size > _LARGE:
                return packed
        self._packers.append(packer)
        return packed

    def _parcel(self, packer: Packer, packed: bytes) -> Parcel:
        parcel = Parcel(packed, tuple(packer.lent))
        packer.lent.clear()
        for size, limit in ((len(packed), self._limit), (len(parcel), self.message_limit)):
            if size > limit:
                raise MessageTooLarge(size, limit)
        check(packed, len(packed))
        return parcel

    def encode_signal(self, target: int, sender: int | None, signal: Signal) -> bytes:
        """Any thread. As `encode`, of a signal: a reason that cannot travel becomes its text."""
        data = signal_to_data(signal, self._resolver, tracebacks=self._tracebacks)
        item = [target, sender, _SIGNAL, None, data]
        try:
            item[4] = checked(data)
            packed = self._pack(item)
            if type(packed) is bytes and len(packed) <= LARGE_ERROR:
                return packed
        except Exception:  # noqa: S110  (whatever it is, the text can travel)
            pass
        item[4] = with_reason(data, shortened(data[-1]))
        return cast(bytes, self._pack(item))

    def decode(self, batch: bytes | memoryview) -> Iterator[Envelope]:
        """Owner only. The envelopes of a batch, each made when it is asked for.

        A message that cannot be made here is yielded as an `Undecodable`.

        Raises:
            BadBatch: the bytes are no envelopes, or out of bounds; from any step.

        """
        if len(batch) > FRAME_CAP:
            raise BadBatch(f"a batch of {len(batch)} bytes is over the limit of {FRAME_CAP}")
        return (self._decode_short if len(batch) <= MAX_ITEMS else self._decode_seen)(batch)

    def decode_parcel(
        self, batch: bytes | memoryview, buffers: Sequence[object] | Exception
    ) -> Iterator[Envelope]:
        """Owner only. As `decode`, of a batch whose envelope names large buffers.

        Args:
            batch: as for `decode`.
            buffers: what its names stand for; or why there is nothing.

        """
        self._reader.buffers = buffers
        try:
            yield from self.decode(batch)
        finally:
            self._reader.buffers = ()

    def decode_unsent(self, unsent: bytes | Parcel) -> Iterator[Envelope]:
        """Owner only. What was to be sent: the large buffers of a parcel are shown as they are."""
        if type(unsent) is Parcel:
            return self.decode_parcel(unsent.envelope, [lent.view for lent in unsent.buffers])
        return self.decode(unsent)

    def _decode_short(self, batch: bytes | memoryview) -> Iterator[Envelope]:
        """Decode within narrow limits; what does not keep to them, as `_decode_seen`."""
        reader = self._reader
        reader.begin(UNSEEN)
        unpacker = self._unpackers.pop() if self._unpackers else self._new_unpacker(UNSEEN)
        tell: Callable[[], int] = unpacker.tell
        start = before = tell()
        unpacker.feed(batch)
        try:
            for item in unpacker:
                here = tell()
                if here - before > SHORT:
                    self._check(item, batch[before - start : here - start])
                if type(item) is list and len(item) == 5:
                    # The commonest, a message as it is, without the detours of the others.
                    target, sender, kind, ask, _ = item
                    if (
                        type(kind) is int
                        and 0 <= kind <= _LAST_PLAIN
                        and type(target) is int
                        and (sender is None or type(sender) is int)
                        and (ask is None or type(ask) is int)
                        and reader.failure is None
                    ):
                        before = here
                        yield _new(Envelope, (*item, None))
                        continue
                envelope = self._envelope(item)
                before = here
                yield envelope
        except (ValueError, UnpackException):
            pass
        if before - start == len(batch):
            self._unpackers.append(unpacker)
        else:  # it was refused, or still waits for the rest
            yield from self._decode_seen(batch[before - start :])

    def _decode_seen(self, batch: bytes | memoryview) -> Iterator[Envelope]:
        """Decode what is too large to be trusted, or was refused, after a look at all of it."""
        try:
            scan(batch)
            self._reader.begin(SCANNED)
            unpacker = self._new_unpacker(SCANNED)
            unpacker.feed(batch)
            for item in unpacker:
                yield self._envelope(item)
        except BadBatch:
            raise
        except (ValueError, UnpackException) as error:
            raise BadBatch(str(error)) from error

    def _check(self, item: Any, data: bytes | memoryview) -> None:
        """Check the depth of an envelope that is long enough to be deep."""
        reader = self._reader
        made, reader.made = reader.made, False
        if type(item) is not list or (len(item) == 5 and type(item[4]) in _AS_THEY_ARE):
            return
        if made or len(data) < 1024:  # in what is short, counting bytes is cheaper than looking
            check(data, len(data))
        else:
            check_keys(item, 1, CONTAINERS)

    def _envelope(self, item: Any) -> Envelope:
        if type(item) is not list or len(item) < 5:
            raise BadBatch("an envelope has five or six items")
        target, sender, kind, ask, body = item[:5]
        if (type(target), type(sender), type(kind), type(ask)) not in _SHAPES:
            raise BadBatch("an envelope has a target, a sender, a kind and an ask")
        known = _KINDS.get(kind)
        if known is None:
            raise BadBatch(f"unknown kind of envelope: {kind}")
        kind, form = known
        if self._reader.failure is not None:
            body = self._failure(body, kind, form)
        elif form == _TUPLE_FORM and isinstance(body, list):
            items: list[Any] = body
            body = tuple(items)
        elif form or kind is EnvelopeKind.SIGNAL:
            body = self._body(body, kind, form)
        headers = headers_from_data(item[5], self._resolver) if len(item) > 5 else None
        return _new(Envelope, (target, sender, kind, ask, body, headers))

    def _failure(self, body: Any, kind: EnvelopeKind, form: int) -> object:
        """In place of a message with a typed value that could not be made; a signal's reason."""
        reader = self._reader
        error, reader.failure = reader.failure, None
        inner, reader.path = reader.path, ""
        if error is None or isinstance(error, BadBatch):
            raise error or BadBatch("no failure")
        path = path_in(body, _BODIES.get(form, 0), reader.fields) + inner
        unmade = decode_error(path, error)
        if kind is EnvelopeKind.SIGNAL:
            return self._body(with_reason(body, unmade), kind, form)
        return Undecodable(unmade)

    def _body(self, data: Any, kind: EnvelopeKind, form: int) -> object:
        """The message of a body that is more than the message itself."""
        if not isinstance(data, list):
            raise BadBatch("a body of this form is a list")
        body: list[Any] = data
        try:
            if kind is EnvelopeKind.SIGNAL:
                return signal_from_data(body, self._resolver)
            return self._reader.message(body) if form == _MESSAGE_FORM else call(body)
        except BaseException as error:
            return Undecodable(decode_error("", error))

    def _new_unpacker(self, limits: dict[str, Any]) -> Any:
        return make_unpacker(
            ext_hook=self._reader.hook,
            max_buffer_size=2 * FRAME_CAP,
            read_size=4096,  # what its buffer begins with: a codec per peer
            **limits,
        )
