"""A codec for messages with buffers, and the way from one side to the other without a link."""

from typing import Any

from zanni.actors.messages import find_message
from zanni.transport.buffers import Parcel
from zanni.transport.chunks import Assembly, chunks
from zanni.transport.codec import Codec, Envelope, EnvelopeKind


class Ref:
    pass


class Resolver:
    def there(self, address: Any) -> Any:
        return address

    def find_type(self, name: str) -> type:
        cls = find_message(name)
        assert cls is not None
        return cls

    def reply_id(self, reply: Any) -> int:
        return int(reply.address)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def make_codec(**settings: Any) -> Codec:
    return Codec(Resolver(), ref_type=Ref, **settings)


def tell(value: object) -> Envelope:
    return Envelope(1, None, EnvelopeKind.TELL, None, value, None)


def cross(encoded: bytes | Parcel, codec: Codec) -> Any:
    """Over a link, and what arrives."""
    if not isinstance(encoded, Parcel):
        (envelope,) = codec.decode(encoded)
        return envelope.message
    assembly = Assembly(1 << 40)
    seq = 0
    for head, piece in chunks(encoded.buffers):
        seq += 1
        assembly.add(seq, head, bytes(piece))
    (envelope,) = codec.decode_parcel(encoded.envelope, assembly.take(seq + 1))
    return envelope.message


def travel(value: object) -> Any:
    codec = make_codec()
    return cross(codec.encode(tell(value)), codec)
