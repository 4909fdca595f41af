"""What comes from those who mean harm: nothing runs, nothing is believed, and peers are served."""

import contextlib
import ctypes
import gc
import logging
import os
import pickle
import random
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import msgpack
import pytest
from nodes import url_of
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew
from zanni_keys import QUICK, Keys, joined

import zanni
from zanni import ActorSystem
from zanni.actors.address import Address, CoreAddress
from zanni.actors.crash import Crash
from zanni.transport.endpoint import Frames
from zanni.transport.events import JoinRefused, NodeLost
from zanni.transport.frame import Header, Kind, Lane, node_id, pack_header
from zanni.transport.handshake import BadHandshake, Handshake, Identity, Refusal
from zanni.transport.reader import Reader
from zanni.transport.values import Tag
from zanni.transport.zeromq import ZeroMQEndpoint

DEADLINE = 20.0
PATIENT = {**QUICK, "down_after": 30.0}
"""None is lost because the machine is busy: a peer that is lost here is lost to a stranger."""
LISTEN = "tcp://127.0.0.1:0"
EVIL = "evil\n2026-01-01 00:00:00 ERROR forged\x1b[31m" + "x" * 1_000_000


@pytest.fixture
def bank():
    with ActorSystem("bank", listen=LISTEN, config=PATIENT) as system:
        system.spawn(crew.Counter, 7, name="ann")
        yield system


@pytest.fixture
def teller(bank):
    with ActorSystem("teller", join=url_of(bank), config=PATIENT) as system:
        wait_for(lambda: joined(system) and joined(bank))
        yield system


class Stranger:
    """A connection that says whatever it likes, as another node or as none."""

    def __init__(self) -> None:
        self.endpoint = ZeroMQEndpoint()
        self._links = {}

    def send(self, url: str, frames: Frames) -> None:
        link = self._links.get(url) or self._links.setdefault(url, self.endpoint.connect(url))

        def taken():
            return link.send(frames) or self.endpoint.wait(0.01)

        wait_for(taken)


@pytest.fixture
def stranger():
    made = Stranger()
    yield made
    made.endpoint.close()


def frame(kind, source, destination, body, *, seq=0, lane=None):
    lane = Lane.CONTROL if lane is None else lane
    fields = dict.fromkeys(Header._fields, 0)
    fields |= {
        "kind": kind,
        "lane": lane,
        "source_node": node_id(source.node),
        "source_core": source.core,
        "source_incarnation": source.incarnation,
        "destination_incarnation": destination,
        "seq": seq,
        "length": len(body),
    }
    return pack_header(Header(**fields)), body


# Nothing that comes is run


class Gadget:
    """Makes a file when it is unpickled."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.mkdir, (str(self.canary),)


def bodies_with(gadget):
    """Bodies of frames that bear the gadget in every place where bytes or a name may stand."""
    text = gadget.decode("latin-1")
    yield gadget
    for value in (gadget, text):
        yield msgpack.packb(value)
        yield msgpack.packb({"node": value, "core": 0, "incarnation": 1, "nonce": value})
        for place in range(6):
            envelope = [5, None, 0, None, "text", None]
            envelope[place] = value
            yield msgpack.packb(envelope)
        for tag in [*Tag, 0, 127]:
            for payload in (gadget, msgpack.packb(value), msgpack.packb([value] * 5)):
                yield msgpack.packb([5, None, 0, None, msgpack.ExtType(int(tag), payload), None])
    for name in ("os:system", "builtins:eval", "builtins:exec", "subprocess:Popen", "posix:system"):
        for tag in (Tag.MESSAGE, Tag.ENUM, Tag.EXCEPTION, Tag.ACTOR_CLASS):
            made = msgpack.ExtType(int(tag), msgpack.packb([name, f"touch {text[:10]}"]))
            yield msgpack.packb([5, None, 0, None, made, None])


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_nothing_is_ever_unpickled_imported_or_run(bank, teller, stranger, tmp_path, protocol):
    canary = tmp_path / "canary"
    gadget = pickle.dumps(Gadget(canary), protocol)
    pickle.loads(gadget)
    canary.rmdir()  # it works where it is let

    url, incarnation = url_of(bank), bank.home.incarnation
    modules = set(sys.modules)
    seq = 1000
    for body in bodies_with(gadget):
        stranger.send(url, [body])
        for kind in Kind:
            seq += 1
            lane = Lane.DATA if kind is Kind.DATA else Lane.CONTROL
            stranger.send(url, frame(kind, teller.home, incarnation, body, seq=seq, lane=lane))
    wait_for(lambda: bank.network.intake.statistics()["bad_frames"] >= 16)
    assert bank.whereis("ann").ask("total", timeout=DEADLINE) == 7
    assert not canary.exists()
    assert not {name for name in set(sys.modules) - modules if not name.startswith("encodings")}


# Nothing is believed twice


class Taped:
    """A link, and a tape of what it has sent, with where to."""

    def __init__(self, link, url, tape):
        self.link, self.url, self.tape = link, url, tape

    def send(self, frames):
        taken = self.link.send(frames)
        if taken:
            self.tape.append((self.url, [bytes(each) for each in frames]))
        return taken

    def close(self):
        self.link.close()


def test_a_session_that_is_played_again_has_no_effect(bank, stranger, monkeypatch):
    ann, tape = bank.whereis("ann"), []

    class Recorded(ZeroMQEndpoint):
        def connect(self, url, key=None, pause=0.1):
            return Taped(super().connect(url, key, pause), url, tape)

    monkeypatch.setattr("zanni.transport.network.ZeroMQEndpoint", Recorded)
    teller = ActorSystem("teller", join=url_of(bank), config=PATIENT).start()
    try:
        there = wait_for(lambda: teller.whereis("ann@bank"))
        for _ in range(10):
            there.tell(crew.Add(1))
        assert there.ask("total", timeout=DEADLINE) == 17

        def kinds():
            return {frames[0][6] for _, frames in tape}

        wait_for(lambda: {Kind.HELLO, Kind.DATA, Kind.HEARTBEAT} <= kinds())
        tape = [*tape]

        def play_again():
            strays = bank.network.intake.statistics()["strays"]
            for url, frames in tape:
                stranger.send(url, frames)
            last = frame(Kind.HEARTBEAT, CoreAddress("nobody", 0, 1), 0, b"\x80")
            for url in {url for url, _ in tape}:
                stranger.send(url, last)
            wait_for(lambda: bank.network.intake.statistics()["strays"] >= strays + 2)

        play_again()
        assert ann.ask("total", timeout=DEADLINE) == 17
        assert [event for event in bank.events.last if isinstance(event, NodeLost)] == []
        teller.stop()
        wait_for(lambda: [event for event in bank.events.last if isinstance(event, NodeLost)])
        play_again()
    finally:
        teller.stop()
    assert ann.ask("total", timeout=DEADLINE) == 17
    assert len(joined(bank)) == 1
    assert bank.nodes() == [record for record in bank.nodes() if record["name"] == "bank"]


# Nothing that comes writes the log


def assert_plain(text, limit=2000):
    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) < limit


@pytest.mark.parametrize("name", [EVIL, EVIL[:60], "a\nb", "\x1b[2J", "a@b", "a/b", "", "x" * 65])
def test_a_node_of_no_fit_name_is_no_node(name):
    home = CoreAddress(name, 0, 5)
    hello = Handshake().hello(Identity(home, "tcp://127.0.0.1:1", "tcp://127.0.0.1:2"), "url")
    me = Identity(CoreAddress("us", 0, 1), "tcp://127.0.0.1:3", "tcp://127.0.0.1:4")
    with pytest.raises(BadHandshake) as caught:
        Handshake().welcome(me, hello)
    assert_plain(str(caught.value))


def test_why_a_node_refuses_is_shown_in_one_line():
    us, them = Handshake(), Handshake()
    home = CoreAddress("us", 0, 1)
    me = Identity(home, "tcp://127.0.0.1:3", "tcp://127.0.0.1:4")
    hello = us.hello(me, "tcp://127.0.0.1:5")
    answer = them.reject(me, hello, Refusal("dead\n", EVIL[:900]))
    _, _, refusal = us.on_reject(answer)
    assert_plain(refusal.reason + refusal.detail, 4000)
    assert "evil\\n2026" in refusal.detail


def test_what_strangers_send_is_logged_in_one_line(bank, teller, stranger, caplog):
    url, incarnation = url_of(bank), bank.home.incarnation
    evil = msgpack.packb({"node": EVIL[:200], "core": 0, "incarnation": 1, "versions": [1, 0]})
    with caplog.at_level(logging.DEBUG, "zanni"):
        stranger.send(url, [EVIL[:1000].encode()])
        for kind in Kind:
            stranger.send(url, frame(kind, CoreAddress("x", 0, 1), incarnation, evil))
            stranger.send(url, frame(kind, teller.home, incarnation, EVIL[:500].encode()))
        wait_for(lambda: bank.network.intake.statistics()["bad_frames"] >= 3)
        wait_for(lambda: bank.network.intake.statistics()["bad_handshakes"] >= 3)
    texts = [record.getMessage() for record in caplog.records]
    assert texts
    for text in texts:
        assert_plain(text)
    assert not [event for event in teller.events.last if isinstance(event, JoinRefused)]


@pytest.mark.parametrize(
    "data",
    [
        [EVIL, 0, 1, 2, "shop:Till"],
        ["bank\n", 0, 1, 2, "shop:Till"],
        ["bank", 0, 1, 2, EVIL],
        ["bank", 0, 1, 2, "shop:Till\x1b[2J"],
    ],
)
def test_a_ref_of_no_fit_name_is_no_ref(data):
    reader = Reader.__new__(Reader)
    reader._resolver = SimpleNamespace(ref=lambda *_: pytest.fail("it was taken for a ref"))
    with pytest.raises((TypeError, ValueError)) as caught:
        Reader._ref(reader, data)
    assert_plain(str(caught.value))


def test_the_report_of_a_crash_elsewhere_looks_as_no_line_of_the_log():
    crash = Crash.from_data([EVIL, 1, EVIL, EVIL[:100] + '\n  File "x"'], ValueError("x"))
    assert_plain(crash.who)
    assert_plain(repr(crash.message))
    assert "\x1b" not in crash.trace
    assert len(crash.trace) < 20_000
    assert all(line.startswith("  ") for line in crash.trace.splitlines())
    assert re.search(r'^  File "x"$', crash.trace, re.MULTILINE)


def test_an_address_shows_no_more_than_it_may():
    assert_plain(str(Address("bank", 0, 1, 2)))


# Connections


GREETING = bytes.fromhex("ff00000000000000017f0301") + b"NULL".ljust(20, b"\0") + bytes(32)
READY = bytes.fromhex("0419055245414459") + bytes.fromhex("0b") + b"Socket-Type" + b"\0\0\0\6DEALER"


def hostile_bytes(chance):
    """Bytes of one hostile connection."""
    whole = GREETING + READY + bytes.fromhex("0200000000000000ff") + chance.randbytes(64)
    kind = chance.randrange(6)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 200))
    if kind == 1:
        return GREETING[: chance.randrange(1, len(GREETING))]
    if kind == 2:  # a giant length
        return GREETING + READY + b"\x02" + b"\x7f" + b"\xff" * 7 + b"x" * 100
    if kind == 3:
        return b"GET / HTTP/1.1\r\nHost: bank\r\n\r\n"
    if kind == 4:
        return b""
    flipped = bytearray(whole)
    for _ in range(chance.randrange(1, 5)):
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def attack(url, count, seed, *, at_once=50):
    """So many connections, a few at once; what they send is the seed's."""
    chance = random.Random(seed)
    host, port = url.removeprefix("tcp://").split(":")
    held = []
    for _ in range(count):
        connection = socket.create_connection((host, int(port)), timeout=DEADLINE)
        held.append(connection)
        try:
            connection.sendall(hostile_bytes(chance))
        except OSError:  # it was closed at once
            pass
        if len(held) >= at_once:
            held.pop(chance.randrange(len(held))).close()
    for connection in held:
        connection.close()


def resident():
    """Bytes of memory of this process, without what malloc keeps for the next time."""
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def endure(bank, teller, count, seed):
    """Peers are served while strangers connect, and nothing of those is left."""
    there = teller.whereis("ann@bank")
    attack(url_of(bank), 100, seed)
    files, memory = open_files(), resident()
    for part in range(10):
        attack(url_of(bank), count // 10, f"{seed} {part}")
        there.tell(crew.Add(1))
        assert there.ask("total", timeout=DEADLINE) == 7 + part + 1
    wait_for(lambda: open_files() <= files + 5)
    assert resident() - memory < 50 * 1024 * 1024
    assert [event for event in bank.events.last if isinstance(event, NodeLost)] == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="counts what Linux shows")
def test_two_thousand_hostile_connections_leave_nothing(bank, teller):
    endure(bank, teller, 2_000, "quick")


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", ["a", "b"])
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="counts what Linux shows")
def test_ten_thousand_hostile_connections_leave_nothing(bank, teller, seed):
    endure(bank, teller, 10_000, seed)


NARROW = """
import resource, sys
sys.path.insert(0, sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160))
import zanni_crew as crew
from zanni import ActorSystem

if __name__ == "__main__":
    config = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 30.0}
    with ActorSystem("bank", listen="tcp://127.0.0.1:0", keys=sys.argv[2], config=config) as bank:
        bank.spawn(crew.Counter, 7, name="ann")
        print(bank.nodes()[0]["urls"][0], flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def narrow(tmp_path):
    """The URL of a node that may open few files, in a process of its own, and its keys."""
    keys = Keys(tmp_path)
    keys.link("bank", "teller")
    (tmp_path / "node.py").write_text(NARROW)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "node.py", Path(__file__).parent, tmp_path / "bank"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(zanni.__file__).parents[1])},
    )
    yield process.stdout.readline().strip(), keys, process
    process.kill()
    process.communicate()


def idle_strangers(url, _keys):
    """Connections that say nothing; as many as are taken, and some that wait."""
    host, port = url.removeprefix("tcp://").split(":")
    made = [socket.socket() for _ in range(300)]
    for each in made:
        each.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            each.connect((host, int(port)))

    def end():
        for each in made:
            each.close()

    return end


class Idle:
    """A guard that admits nobody, of one whose key is on the list."""

    def __init__(self, pair):
        self.pair = pair

    def admits(self, key, address):
        return False

    def failed(self, reason):
        pytest.fail(reason)


def idle_peers(url, keys):
    """Connections with a key that is on the list, and then nothing."""
    endpoint = ZeroMQEndpoint(Idle(keys.pair("teller")))
    for _ in range(300):
        endpoint.connect(url, keys.public("bank"))
    return endpoint.close


@pytest.mark.parametrize("flood", [idle_strangers, idle_peers])
def test_more_idle_connections_than_files_cost_the_peers_nothing(narrow, flood):
    """Those beyond the process's limit wait in the kernel; it is not ended by them."""
    url, keys, process = narrow
    with ActorSystem("teller", join=url, keys=keys.folder / "teller", config=PATIENT) as teller:
        there = wait_for(lambda: teller.whereis("ann@bank"))
        end = flood(url, keys)
        until = time.monotonic() + 1.0
        asked = 0
        while time.monotonic() < until or asked <= 10:
            assert there.ask("total", timeout=DEADLINE) == 7
            asked += 1
        end()
        assert process.poll() is None
        assert [event for event in teller.events.last if isinstance(event, NodeLost)] == []
    keys.make("carl")
    keys.allow("carl", "bank")
    keys.allow("bank", "carl")
    with ActorSystem("carl", join=url, keys=keys.folder / "carl", config=PATIENT) as carl:
        there = wait_for(lambda: carl.whereis("ann@bank"))
        assert there.ask("total", timeout=DEADLINE) == 7
