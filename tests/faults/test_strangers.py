"""What strangers send to a node's port: it serves its peers, and keeps nothing of it."""

import random
import socket
import sys
import threading
from pathlib import Path

import pytest
import zmq

sys.path.insert(0, str(Path(__file__).parent))

from zanni.transport.frame import Kind, Source, control_frame

SOAK = [pytest.mark.soak, pytest.mark.timeout(900)]
MIB = 1 << 20
GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
"""With which a peer of ZMTP 3.0 without encryption begins."""
READY = b"\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
HEADER, BODY = control_frame(Kind.HEARTBEAT, Source(1, 0, 1), 1, b"\x80")
FRAMES = b"".join(
    flags + len(part).to_bytes() + part for flags, part in ((b"\x01", HEADER), (b"\x00", BODY))
)
"""A message of a peer that nobody knows."""


def hostile(kind, chance):
    """What a stranger of this kind sends."""
    whole = GREETING + READY + FRAMES * 3
    match kind:
        case "garbage":
            return chance.randbytes(chance.randrange(1, 4096))
        case "a part of a greeting":
            return whole[: chance.randrange(1, len(GREETING) + len(READY))]
        case "a giant length":
            return GREETING + READY + b"\x02" + chance.randrange(1 << 32, 1 << 63).to_bytes(8)
        case "a length just under the limit":
            return GREETING + READY + b"\x02" + (19 * MIB).to_bytes(8) + bytes(64)
        case "bit flips":
            bits = int.from_bytes(whole)
            for _ in range(chance.randrange(1, 8)):
                bits ^= 1 << chance.randrange(8 * len(whole))
            return bits.to_bytes(len(whole))
    raise ValueError(kind)


KINDS = (
    "garbage",
    "a part of a greeting",
    "a giant length",
    "a length just under the limit",
    "bit flips",
)


@pytest.fixture
def pair(nodes, url):
    """A bank that listens, and a teller who tells it numbers all the while."""
    bank, teller = nodes("bank", listen=url), nodes("teller", join=url)
    bank("sink = system.spawn(Sink, name='sink')")
    teller.until("system.whereis('sink@bank')")
    teller("sink = system.whereis('sink@bank'); source = system.spawn(Source, sink, 'teller')")
    bank.until("sink.call(Sink.seen, 'teller').get()['count']")
    return bank, teller


def all_came(bank, teller):
    """The peer was served meanwhile, and lost nothing: how many messages those were."""
    assert bank("kinds()") == {"NodeJoined": 1}
    sent = teller("source.call(Source.finish).get(timeout=20)")
    bank.until(f"sink.call(Sink.seen, 'teller').get()['count'] >= {sent}")
    seen = bank("sink.call(Sink.seen, 'teller').get()")
    assert (seen["count"], seen["in order"]) == (sent, True)
    assert teller("losses()") == {}
    return sent


def visit(port, words, chance):
    """Connect, say it, and leave: at once, in order, or when the node has hung up."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(words)
            match chance.randrange(3):
                case 0:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1" + bytes(7))
                case 1:
                    connection.shutdown(socket.SHUT_WR)
                case 2:
                    connection.settimeout(0.05)
                    while connection.recv(4096):
                        pass
    except OSError:  # it has hung up: it may
        pass


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=SOAK)])
def test_hostile_connections_cost_nobody_anything(pair, url, count):  # N1
    bank, teller = pair
    fds, memory = bank("fds()"), bank("memory()")
    port = int(url.rpartition(":")[2])
    seed = random.randrange(1 << 32)
    print("seed", seed)

    def visits(chance):
        for number in range(count // 4):
            visit(port, hostile(KINDS[number % len(KINDS)], chance), chance)

    threads = [threading.Thread(target=visits, args=(random.Random(seed + n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bank.until(f"fds() <= {fds}")
    grown = bank("memory()") - memory
    sent = all_came(bank, teller)
    print(f"{count} strangers: {sent} messages of the peer came, memory {grown / MIB:+.1f} MiB")
    assert grown <= 50 * MIB
    assert bank.err.count("\n") <= 5


@pytest.fixture
def stranger(url):
    """A socket that speaks ZeroMQ as a peer does, and is none."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.connect(url)
        yield dealer


def test_a_frame_over_the_limit_ends_its_own_connection_alone(pair, stranger):  # N4
    bank, teller = pair
    memory = bank("memory()")
    with stranger.get_monitor_socket(zmq.EVENT_DISCONNECTED) as ended:
        stranger.send_multipart([b"ZNNI", bytes(32 * MIB)])
        assert ended.poll(20_000), "the connection goes on"
        stranger.disable_monitor()
    assert bank("memory()") - memory < 50 * MIB
    all_came(bank, teller)


JUNK = [[b""], [b"ZNNI"], [b"junk", b"junk"], [b""] * 1000, [bytes(15 * MIB)]]


def test_frames_of_a_stranger_are_counted_and_told_of_once(pair, stranger):  # N4
    bank, teller = pair
    before = bank("system.network.intake.statistics()['bad_frames']")
    for frames in JUNK * 5:
        stranger.send_multipart(frames)
    bank.until(f"system.network.intake.statistics()['bad_frames'] == {before + 5 * len(JUNK)}")
    all_came(bank, teller)
    assert bank.err.count("a frame of a stranger was ignored") == 1
