"""Frames of a peer that means harm: recorded ones of every kind, each damaged somewhere.

A node takes them in while another one, a good one, works with it. They come from a third that is
joined, with a header that is right but where the damage is: so what is behind it is reached.
"""

import datetime as dt
import enum
import logging
import random
import resource
import time
import traceback
import uuid
from collections import Counter
from decimal import Decimal
from itertools import count
from typing import get_args

import msgpack
import pytest
import zmq
from nodes import has
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop
from waiting import DEADLINE, wait_for

from zanni import Actor, ActorDeadError, ActorSystem
from zanni.actors.actor import Actor as AnyActor
from zanni.actors.address import Address, CoreAddress
from zanni.actors.config import FRAME_CAP
from zanni.actors.errors import ZanniError
from zanni.actors.messages import is_registered, message, type_name
from zanni.actors.process import Signal
from zanni.actors.ref import ActorRef
from zanni.transport.bounds import OutOfBounds
from zanni.transport.chunks import BadChunk
from zanni.transport.codec import BadBatch, Envelope, EnvelopeKind, Undecodable
from zanni.transport.data_lane import DataLane
from zanni.transport.declared import find_declared
from zanni.transport.endpoint import PAUSE
from zanni.transport.events import NodeJoined, NodeLost
from zanni.transport.frame import (
    ANSWER_KINDS,
    BadFrame,
    Kind,
    Lane,
    node_id,
    pack_header,
    unpack_frames,
)
from zanni.transport.gossip import BadHeartbeat
from zanni.transport.handshake import Identity
from zanni.transport.intake import Intake
from zanni.transport.observer import observing
from zanni.transport.peer import State

QUICK = {"heartbeat": 0.1, "suspect_after": 5.0, "down_after": 30.0}
TYPED = (BadFrame, BadBatch, BadChunk, BadHeartbeat, OutOfBounds)
"""All that may be wrong with a frame."""
MEMORY = 200_000
"""KiB that the process may grow by."""
MALLORY = node_id("mallory")
SEED = 20_261_127
AT_ONCE = 500
"""Frames between two looks at the good peer."""


class Color(enum.Enum):
    RED = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@message
class Item:
    name: str
    color: Color | None = None
    access: Access = Access(0)


@message
class Order:
    items: list[Item]
    counts: dict[str, tuple[int, ...]]
    more: object = None


@message
class Refused(Exception):
    item: Item


class Undeclared:
    def __init__(self, *args, **kwargs):
        pass


class Desk(Actor):
    """Takes everything, and has an answer of each kind."""

    def on_receive(self, message):
        match message:
            case ("raise", Exception() as error):
                raise error
        return message

    def work(self, *args, **kwargs):
        return [args, kwargs]


VALUES = [
    None,
    7,
    "text" * 10,
    b"bytes",
    bytearray(b"array"),
    (1, ("two", [3.5, True])),
    {"a": {1, 2}, "b": frozenset({3})},
    [dt.datetime(2024, 1, 2, tzinfo=dt.UTC), dt.date(2024, 1, 2), dt.time(1), dt.timedelta(1)],
    [Decimal("1.5"), uuid.UUID(int=7), Color.RED, Access.READ | Access.WRITE],
    Item("bolt"),
    Order([Item("bolt", Color.RED), Item("nut")], {"a": (1, 2)}, Item("x", None, Access.READ)),
    [ValueError("no", 3), Refused(Item("bolt"))],
    list(range(100)),
]


# Recorded frames


def converse(bank, teller):
    """Have each kind of frame go from the teller to the bank."""
    desk, here = bank.spawn(Desk, name="desk"), teller.spawn(Desk, name="here")
    there, back = teller.whereis("desk@bank"), bank.whereis("here@teller")
    peer = teller.network.members.current["bank", 0]
    codec = peer.codec
    for _ in range(2):  # types by their names, and then by ids
        for value in [*VALUES, here]:
            there.tell(value)
            there.ask(value, timeout=DEADLINE)
            back.ask(value, timeout=DEADLINE)
        with pytest.raises(Refused):
            back.ask(("raise", Refused(Item("bolt"))), timeout=DEADLINE)
        there.call(Desk.work, 1, Item("bolt"), key=(2,)).get(timeout=DEADLINE)
        wait_for(lambda: type_name(Order).encode() not in codec.encode(tell(VALUES[-3])))
    there.ask(b"x" * 100_000, timeout=DEADLINE)
    with pytest.MonkeyPatch.context() as patch:  # as if messages had no credit
        patch.setattr(DataLane, "_can_send_all", lambda *_: False)
        back.ask(Order([], {}), timeout=DEADLINE)
        back.ask(b"x" * 100_000, timeout=DEADLINE)
    peer.data.confirmed = 0, 0  # or no probes would be sent
    teller.network.on_loop(peer.data.probe)
    with pytest.raises(ZanniError, match="allow"):
        teller.spawn(Desk, node="bank")
    teller.spawn(Linker).call(Linker.tie, there).get(timeout=DEADLINE)
    there.stop()
    wait_for(lambda: not desk.is_alive())
    url = bank.nodes()[0]["urls"][0]
    with observing(url) as observer:
        observer.look(url, everything=True)


def tell(message):
    return Envelope(1, None, EnvelopeKind.TELL, None, message, None)


class Linker(Actor):
    def __init__(self):
        super().__init__()
        self.trap_exit = True

    def on_receive(self, message):
        pass

    def tie(self, other):
        self.watch(other)
        self.link(other)
        other.ask(1)
        self.unlink(other)
        self.unwatch(other)
        self.watch(other)


@pytest.fixture(scope="module")
def recorded():
    """Frames of every kind, as they came to a node."""
    heard = {}
    receive = Intake.receive

    def record(intake, frames, own, *more):
        copies = [bytes(each) for each in frames]
        try:
            header = unpack_frames(copies)[0]
        except BadFrame:
            pass
        else:
            of_kind = heard.setdefault(header.kind, {})
            if len(of_kind) < 200:
                of_kind[header.kind, len(copies[1]), copies[1][:40]] = (header, copies)
        receive(intake, frames, own, *more)

    patch = pytest.MonkeyPatch()
    patch.setattr(Intake, "receive", record)
    try:
        with ActorSystem("bank", listen="tcp://127.0.0.1:0", config=QUICK) as bank:
            url = bank.nodes()[0]["urls"][0]
            with ActorSystem("teller", join=url, config=QUICK) as teller:
                wait_for(lambda: has(teller, NodeJoined) and has(bank, NodeJoined))
                with ActorSystem("teller", join=url, config=QUICK):
                    wait_for(lambda: Kind.REJECT in heard)
                converse(bank, teller)
                type_ids = bank.network.members._type_ids
            wait_for(lambda: Kind.GOODBYE in heard)
    finally:
        patch.undo()
    missing = {kind.name for kind in Kind} - {kind.name for kind in heard}
    assert not missing, f"not recorded, have `converse` send some: {missing}"
    return {kind: list(found.values()) for kind, found in heard.items()}, type_ids


# Damage


def pick(rng, values):
    """As `rng.choice`, which takes three times as long."""
    return values[int(rng.random() * len(values))]


def damaged(rng, packed, others):
    """Bytes that are not quite what they were."""
    data = bytearray(packed)
    for _ in range(pick(rng, (1, 1, 1, 2, 5))):
        at = int(rng.random() * (len(data) + 1))
        match int(rng.random() * 8):
            case 0 if at < len(data):
                data[at] = rng.randrange(256)
            case 1 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at : at + rng.randrange(1, 9)]
            case 3:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
            case 4 if at < len(data):
                data[at] = pick(rng, b"\x80\x90\xc0\xc1\xc6\xc7\xc9\xd4\xdc\xdd\xde\xdf\xff")
            case 5:
                del data[at:]
            case 6:
                data[at:at] = data[at : at + rng.randrange(1, 60)]
            case _:
                other = pick(rng, others)
                data[at : at + rng.randrange(30)] = other[rng.randrange(len(other) + 1) :][:60]
    return bytes(data)


NONSENSE = [
    None,
    True,
    0,
    -1,
    2**63,
    1.5,
    float("inf"),
    "",
    "x",
    "\0",
    b"",
    [],
    {},
    [[]],
    "_x",
    10**6,
]
UNDECLARED = ["os:system", "builtins:eval", f"{__name__}:Undeclared", f"{__name__}:Desk"]


def garbled(rng, packed):
    """Sound msgpack, of which one part is another than it was."""
    unpacker = msgpack.Unpacker(strict_map_key=False)
    unpacker.feed(packed)
    try:
        values = list(unpacker)
        return b"".join(map(msgpack.packb, change(rng, values)))
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException):
        return packed


def change(rng, value):
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = int(rng.random() * len(value))
        changed = [*value]
        match int(rng.random() * 12):
            case 0:
                del changed[at]
            case 1:
                changed.insert(at, pick(rng, NONSENSE))
            case _:
                changed[at] = change(rng, value[at])
        return changed
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = pick(rng, list(value))
        return {**value, key: change(rng, value[key])}
    if isinstance(value, msgpack.ExtType) and rng.random() < 0.9:
        if rng.random() < 0.2:
            return msgpack.ExtType(rng.randrange(40), value.data)
        return msgpack.ExtType(value.code, garbled(rng, value.data))
    if isinstance(value, str) and ":" in value and rng.random() < 0.9:  # the name of a type
        return pick(rng, UNDECLARED)
    if type(value) is int and rng.random() < 0.5:
        return max(value + pick(rng, (-1, 1, 7, 256, -(2**40))), -(2**63))
    return pick(rng, NONSENSE)


# The node that takes them in


class FakeLink:
    def send(self, frames):
        return True

    def close(self):
        pass


class Recorder:
    """Stands for an actor of the bank: looks at what arrives, and hears no signal."""

    def __init__(self, address, target):
        self.address, self._target = address, target

    def is_alive(self):
        return True

    def deliver(self, message, sender, reply, headers):
        self._target.take(message)
        if reply is not None:
            reply.resolve(message)

    def signal(self, signal):
        """It hears none of them."""


PLAIN = (
    *(type(None), bool, int, float, str, bytes, bytearray, Decimal, uuid.UUID),
    *(dt.datetime, dt.date, dt.time, dt.timedelta, Address, CoreAddress, ActorRef, Exception),
    *get_args(Signal),  # one that was forged is counted
)


class Target:
    """A bank that a good peer uses, and what its loop is fed from `mallory`."""

    def __init__(self, bank, recorded, seed):
        self.bank, self.rng = bank, random.Random(seed)
        self.node = bank.network
        self.recorded, self.node.members._type_ids = recorded
        self.others = [frames[1] for found in self.recorded.values() for _, frames in found]
        self.kinds = [kind for kind in Kind for _ in range(20 if kind is Kind.DATA else 1)]
        self.delivered = self.number = 0
        self.frames = []
        """What is taken in, which is that number since the beginning."""
        self.errors = Counter()
        self.undeclared, self.unexpected = [], []
        self.slowest = 0.0
        self.incarnations = count(10**6)
        members = self.node.members
        for owner in (members, members.associations):  # it is to connect to nobody
            owner._endpoint = self
        bad_frame = self.node.intake._bad_frame

        def note(peer, error):
            self.errors[type(error)] += 1
            if not isinstance(error, TYPED):
                self.note_unexpected(error)
            bad_frame(peer, error)

        self.node.intake._bad_frame = note
        bank.dead_letters.count = lambda reason, message, *more: self.take(message)
        for identity in range(1, 6):
            address = Address(*bank.home, identity)
            bank.core.processes.setdefault(identity, Recorder(address, self))

    def note_unexpected(self, error):
        """An error that is no verdict on the frame: all that is needed to have it once more."""
        shown = [bytes(each).hex() for each in self.frames]
        trace = "".join(traceback.format_exception(error))
        self.unexpected.append(f"seed {SEED}, frame {self.number}: {shown}\n{trace}")

    def connect(self, url, key=None, pause=PAUSE):
        return FakeLink()

    def take(self, message):
        """A message that arrived, or that would have but for its target."""
        self.delivered += 1
        if not isinstance(message, Undecodable):
            self.look(message)

    def look(self, value):
        """Nothing is made but what is declared."""
        cls = type(value)
        if cls in (list, tuple, set, frozenset):
            for item in value:
                self.look(item)
        elif cls is dict:
            assert all(type(key) is str for key in value)
            self.look(list(value.values()))
        elif isinstance(value, (ProxyCall, ProxyGetAttr, ProxySetAttr)):
            self.look(list(value))
            assert not any(name.startswith("_") for name in value.attr_path)
        elif isinstance(value, type):
            if not issubclass(value, AnyActor):
                self.undeclared.append(value)
        elif not isinstance(value, (*PLAIN, _ActorStop)):
            declared = is_registered(cls) or find_declared(type_name(cls)) is cls
            if not declared:
                self.undeclared.append(value)

    def mallory(self):
        """The peer that means harm; a new start of it where the last one was given up."""
        peer = self.node.members.current.get(("mallory", 0))
        if peer is None or peer.state is State.DOWN:
            home = CoreAddress("mallory", 0, next(self.incarnations))
            identity = Identity(home, "tcp://127.0.0.1:1", "tcp://127.0.0.1:1")
            self.node.members.adopt(identity, FakeLink(), own=False, confirm=None)
            peer = self.node.members.current["mallory", 0]
        return peer

    def make(self):
        rng = self.rng
        header, frames = pick(rng, self.recorded[pick(rng, self.kinds)])
        _, batch, *rest = frames
        if len(batch) > 2000 and rng.random() < 0.95:
            batch = batch[:2000]
        for _ in range(pick(rng, (1, 1, 2))):
            batch = damaged(rng, batch, self.others) if rng.random() < 0.3 else garbled(rng, batch)
        peer = self.mallory()
        if header.kind in ANSWER_KINDS:
            before = peer.arrivals.answers_in
        else:
            before = (peer.arrivals if header.lane is Lane.DATA else peer.control).seq_in
        header = header._replace(
            source_node=MALLORY,
            source_core=0,
            source_incarnation=peer.home.incarnation,
            destination_incarnation=self.bank.home.incarnation,
            seq=before + pick(rng, (1, 1, 1, 1, 2)) if header.seq else 0,
            after=header.after if rng.random() < 0.02 else 0,  # all that follows waits for it
            ack=pick(rng, (0, 0, header.ack)),
            length=len(batch),
        )
        packed = pack_header(header)
        if rng.random() < 0.1:
            packed = damaged(rng, packed, [packed])
        if rest:
            rest = [damaged(rng, each, [batch]) for each in rest if rng.random() < 0.9]
        return [packed, batch, *rest]

    def feed(self, number):
        """Owner only. Take in so many damaged frames."""
        before = time.process_time()
        for _ in range(number):
            self.frames = self.make()
            self.number += 1
            try:
                self.node.intake.receive(self.frames, False)
            except BaseException as error:
                self.note_unexpected(error)
        self.slowest = max(self.slowest, time.process_time() - before)


@pytest.fixture
def bank():
    with ActorSystem("bank", listen="tcp://127.0.0.1:0", config=QUICK) as system:
        yield system


@pytest.fixture
def good(bank):
    """A peer that works with the bank all the while, and where it does."""
    url = bank.nodes()[0]["urls"][0]
    with ActorSystem("teller", join=url, config=QUICK) as system:
        wait_for(lambda: has(system, NodeJoined) and has(bank, NodeJoined))
        yield system


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(100_000, marks=pytest.mark.timeout(600)),
        pytest.param(10_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(100_000)]),
    ],
)
def test_damaged_frames_raise_nothing_make_nothing_undeclared_and_harm_no_good_peer(
    recorded, bank, good, number, caplog
):  # N4, N9
    caplog.set_level(logging.CRITICAL, "zanni")
    for _ in range(5):  # their ids are those of the recorded targets
        bank.spawn(Desk).stop()
    bank.spawn(Desk, name="service")
    wait_for(lambda: len(bank.actors()) == 1)
    target = Target(bank, recorded, SEED)
    found = good.whereis("service@bank")
    target.node.on_loop(lambda: target.feed(1000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for turn in range(number // AT_ONCE):
        target.node.on_loop(lambda: target.feed(AT_ONCE))
        assert not target.unexpected, target.unexpected[0]
        try:
            assert found.ask(turn, timeout=DEADLINE) == turn
        except ActorDeadError:  # as a peer may kill, and its id may be hit
            bank.spawn(Desk, name="service")
            found = wait_for(lambda: good.whereis("service@bank"))
    lose = target.node.members.lose  # so that no goodbye is awaited
    target.node.on_loop(lambda: lose(target.mallory().home, "the end"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY
    assert target.undeclared == []
    assert target.slowest < 10.0  # seconds, for 500: that of one is bounded, and far below that
    assert target.delivered > number / 10  # else little was reached
    assert len(target.errors) > 2
    assert "teller" not in {event.node for event in has(bank, NodeLost)}
    assert has(good, NodeLost) == []


def test_a_stranger_on_the_sockets_that_sends_anything_at_any_size_harms_no_good_peer(
    recorded, bank, good
):  # N4
    bank.spawn(Desk, name="service")
    found = wait_for(lambda: good.whereis("service@bank"))
    rng = random.Random(7)
    place = bank.network.listeners.outside
    frames = [frames for of_kind in recorded[0].values() for _, frames in of_kind]
    others = [each for message in frames for each in message]
    with zmq.Context() as context:
        for url in (place.control, place.data):
            with context.socket(zmq.DEALER) as stranger:
                stranger.linger = 0
                stranger.connect(url)
                for turn in range(500):
                    message = pick(rng, frames)
                    stranger.send_multipart([damaged(rng, each, others) for each in message])
                    if turn % 100 == 0:
                        assert found.ask(turn, timeout=DEADLINE) == turn
                for size in (FRAME_CAP + 1, 2 * FRAME_CAP):
                    stranger.send(bytes(size))
                assert found.ask(b"x" * 100_000, timeout=DEADLINE) == b"x" * 100_000
    assert bank.network.intake.statistics()["bad_frames"] > 0
    assert has(bank, NodeLost) == has(good, NodeLost) == []
