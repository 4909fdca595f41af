"""The frame: a fixed binary header before each batch. No input or output happens here.

A message on a link is `header | batch | payload frames...`. The header, big-endian:

    bytes  field
    4      magic, b"ZANN"
    1 1    version, major and minor
    1 1    kind, lane
    2      flags: none are defined, senders write 0, receivers ignore what they do not know
    8      source node: `node_id` of its name
    2      source core: its index in its node
    8 8    incarnation of the source core, and name of the link: see `link_name`; in a handshake the
           incarnation of the destination core (0: not known yet)
    8 8    seq of this frame in its lane, and (after) how far the other lane had got: see peer.py;
           of a GOODBYE, how far the data lane has got with answers, and with messages
    4 8    credit, in messages and bytes: what a DATA spends of it; what a CREDIT grants beyond the
           data lane's frame `after`
    4      length of the batch in bytes
    8      ack: up to which seq of the control lane the source has taken in all (since 1.2); on the
           data lane (since 1.3): below it are the destination's asks that the source can have
           answered in the frames of this sequence before this one
    8 8    asks (since 1.3): below these are the source's asks that can be in the frames of this
           sequence before this one; and in those and this one

How to change it, so that a cluster can be upgraded node by node:
1. A new meaning that an old node may ignore: define a flag, or append a field at the END, and raise
   VERSION_MINOR. Receivers take the first `HEADER_SIZE` bytes that they know and ignore the rest;
   a receiver that knows the field takes a shorter header for one where the field is 0. So it is
   with a new kind, which goes only to those whose handshake tells of a version that has it.
2. Anything else (an order, a width, a meaning): raise VERSION_MAJOR. Nodes of different major
   versions refuse each other with both versions named; there is no translation. The magic and the
   two version bytes never move, and the body of a handshake stays a map with the same keys, so that
   this refusal always works.
3. Envelopes grow in the codec, by its own rules: see codec.py.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple

from ..actors.address import CoreAddress
from ..actors.config import FRAME_CAP
from .endpoint import Frames

MAGIC = b"ZANN"
VERSION_MAJOR = 1
VERSION_MINOR = 3
"""1: OBSERVE. 2: `ack`; CHUNK; CREDIT, PROBE, ANSWERS, ANSWER_CHUNK, and what a DATA spends.
3: what frames of data say of asks; ANSWER_PROBE, and how far data has come, in heartbeats; a core
that was lost comes back."""
ACKNOWLEDGING = (1, 2)
"""The first version whose nodes acknowledge system messages."""
CONFIRMING = (1, 3)
"""The first version whose nodes say how far the data lane has come."""
RETURNING = (1, 3)
"""The first version whose nodes count how often two cores have lost each other."""

CONTROL_CAP = 256 * 1024
"""The most bytes that a batch may have on the control lane."""

_LAYOUT = struct.Struct(">4sBBBBHQHQQQQIQIQQQ")
HEADER_SIZE = _LAYOUT.size
SHORTEST = HEADER_SIZE - 24
"""The header of version 1.0; the fields since then have 8 bytes each."""


class BadFrame(ValueError):
    """What came is no frame of ours; the text says what is wrong with it."""


class OtherVersion(BadFrame):
    """It is a frame of a node that speaks another major version of the protocol."""


class Kind(IntEnum):
    """What a frame is for."""

    DATA = 1
    """A batch of envelopes."""
    CONTROL = 2
    """A batch of system messages."""
    HELLO = 3
    WELCOME = 4
    CONFIRM = 5
    REJECT = 6
    HEARTBEAT = 7
    GOODBYE = 8
    OBSERVE = 9
    """A question of an observer, or a part of the answer: see observation.py."""
    CHUNK = 10
    """A part of a large buffer: see chunks.py."""
    CREDIT = 11
    """How much more may come on the data lane, and which actors do not keep up: see flow.py."""
    PROBE = 12
    """On the data lane: all up to its seq has come, or is lost; how much more may come?"""
    ANSWERS = 13
    """A batch of answers that do not wait for credit, in a sequence of their own."""
    ANSWER_CHUNK = 14
    """A part of a large buffer in that sequence."""
    ANSWER_PROBE = 15
    """As PROBE, of that sequence."""


class Lane(IntEnum):
    """Which of a peer's two connections a frame is on."""

    DATA = 0
    CONTROL = 1


HANDSHAKES = frozenset({Kind.HELLO, Kind.WELCOME, Kind.CONFIRM, Kind.REJECT})

ANSWER_KINDS = frozenset({Kind.ANSWERS, Kind.ANSWER_CHUNK, Kind.ANSWER_PROBE})
CHUNKS = frozenset({Kind.CHUNK, Kind.ANSWER_CHUNK})
PROBES = frozenset({Kind.PROBE, Kind.ANSWER_PROBE})
DATA_KINDS = frozenset({Kind.DATA, Kind.CHUNK, Kind.PROBE, *ANSWER_KINDS})
"""The kinds of the data lane; all others are of the control lane."""

_KINDS = {int(kind): kind for kind in Kind}
_LANES = {int(lane): lane for lane in Lane}
_CAPS = {Lane.DATA: FRAME_CAP, Lane.CONTROL: CONTROL_CAP}


class Source(NamedTuple):
    """What stands in the header of everything that a core sends."""

    node_id: int
    core: int
    incarnation: int


class Header(NamedTuple):
    """The header's fields; the order differs from the wire's nowhere."""

    kind: Kind
    lane: Lane
    flags: int
    source_node: int
    source_core: int
    source_incarnation: int
    destination_incarnation: int
    seq: int
    after: int
    credit_messages: int
    credit_bytes: int
    length: int
    ack: int = 0
    asked_before: int = 0
    asked: int = 0

    @property
    def source(self) -> Source:
        """Which core claims to have sent it."""
        return Source(self.source_node, self.source_core, self.source_incarnation)


class Route(NamedTuple):
    """From which start of which core to which start of another: the same in all headers."""

    source: Source
    destination: int
    """The name of the link, there; in a handshake the incarnation that it is for, or 0."""

    def header(
        self,
        kind: Kind,
        lane: Lane,
        length: int,
        seq: int = 0,
        after: int = 0,
        credit: tuple[int, int] = (0, 0),
        ack: int = 0,
        asks: tuple[int, int] = (0, 0),
    ) -> bytes:
        """Any thread. The header of a batch of `length` bytes; seq 0: not part of a sequence."""
        source, destination = self.source, self.destination
        return pack_header(
            Header(kind, lane, 0, *source, destination, seq, after, *credit, length, ack, *asks)
        )


def link_name(incarnation: int, separations: int) -> int:
    """Any thread. What stands in all headers for that start of a core from one and the same other.

    So what was sent before the two have lost each other is not taken in after it.

    Args:
        incarnation: that of who is written to.
        separations: how often the two have lost each other: see aliases.py.

    """
    return (incarnation + separations) % (1 << 64)


def node_id(name: str) -> int:
    """Any thread. The 64 bits that stand for a node's name in headers."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


def source_of(home: CoreAddress) -> Source:
    """Any thread. What stands in the headers of that core."""
    return Source(node_id(home.node), home.core, home.incarnation)


def pack_header(header: Header) -> bytes:
    """Any thread. The header as bytes.

    Raises:
        struct.error: a field does not fit its width.

    """
    return _LAYOUT.pack(MAGIC, VERSION_MAJOR, VERSION_MINOR, *header)


def control_frame(kind: Kind, source: Source, destination: int, body: bytes) -> tuple[bytes, bytes]:
    """Any thread. A frame of the control lane that is not part of the lane's sequence."""
    return Route(source, destination).header(kind, Lane.CONTROL, len(body)), body


def unpack_header(frame: bytes | memoryview) -> Header:
    """Any thread. Read a header.

    Raises:
        BadFrame: it is none, or none of a version that is spoken here.

    """
    if bytes(frame[:4]) != MAGIC:
        raise BadFrame(f"not a Zanni frame: it begins with {bytes(frame[:4])!r}, not {MAGIC!r}")
    if len(frame) < 6 or frame[4] != VERSION_MAJOR:
        theirs = f"{frame[4]}.{frame[5]}" if len(frame) >= 6 else "an unreadable version"
        raise OtherVersion(
            f"the peer speaks version {theirs} of the protocol, this node "
            f"{VERSION_MAJOR}.{VERSION_MINOR}: run the same major version on both"
        )
    if len(frame) < SHORTEST:
        raise BadFrame(f"the header is short: {len(frame)} bytes instead of {HEADER_SIZE}")
    if len(frame) < HEADER_SIZE:  # of an earlier minor version: what it lacks is 0
        whole = len(frame) - (len(frame) - SHORTEST) % 8
        frame = bytes(frame[:whole]).ljust(HEADER_SIZE, b"\0")
    fields = _LAYOUT.unpack_from(frame)
    kind, lane = _KINDS.get(fields[3]), _LANES.get(fields[4])
    if kind is None:
        raise BadFrame(f"unknown kind of frame: {fields[3]}")
    if lane is None:
        raise BadFrame(f"unknown lane: {fields[4]}")
    header = Header(kind, lane, *fields[5:])
    if header.length > _CAPS[lane]:
        raise BadFrame(f"a batch of {header.length} bytes is over the cap of {_CAPS[lane]}")
    return header


def unpack_frames(frames: Frames) -> tuple[Header, bytes | memoryview]:
    """Any thread. The header and the batch of a whole message, whose length is checked.

    Raises:
        BadFrame: as `unpack_header`, or the batch is not as long as the header says.

    """
    header = unpack_header(frames[0] if frames else b"")
    batch = frames[1] if len(frames) > 1 else b""
    if len(batch) != header.length:
        raise BadFrame(f"length mismatch: {len(batch)} bytes came, the header says {header.length}")
    return header, batch
