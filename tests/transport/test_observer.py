"""One who looks: what it makes of nodes that answer, refuse, are silent, old, or hostile."""

from types import SimpleNamespace

import pytest

from zanni.actors.address import CoreAddress
from zanni.transport import observer as observer_module
from zanni.transport.events import NO_NODE
from zanni.transport.frame import Kind, Source, control_frame, node_id, unpack_frames
from zanni.transport.handshake import Handshake, Identity, Refusal
from zanni.transport.observation import pack_part, pack_row, unpack_question
from zanni.transport.observer import FRESH, PATIENCE, HasEnded, NotSeen, Observer, Silent

URL = "ipc:///run/0c"
CORES = [
    {"row": "core", "index": 0, "state": "up", "incarnation": 5, "control": URL},
    {"row": "core", "index": 1, "state": "up", "incarnation": 6, "control": "ipc:///run/1c"},
]


class Network:
    """An endpoint whose other ends are cores of the test's own, on a clock of the test's own."""

    def __init__(self, monkeypatch):
        self.moment = 100.0
        monkeypatch.setattr(observer_module, "now", lambda: self.moment)
        self.inbox = []
        self.cores = {URL: Core(self, 0, 5), "ipc:///run/1c": Core(self, 1, 6)}
        self.connected = []
        self.receive = None

    def listen(self, url, receive):
        self.receive = receive
        return url

    def probe(self, url, key=None):
        return SimpleNamespace(reason=lambda: NO_NODE, close=lambda: None)

    def connect(self, url, key=None):
        self.connected.append(url)
        return Wire(self.cores.get(url))

    def wait(self, timeout):
        if self.inbox:
            self.receive(self.inbox.pop(0))
        else:
            self.moment += timeout


class Wire:
    def __init__(self, core):
        self.core = core
        self.closed = False

    def send(self, frames):
        if self.core is not None:
            self.core.take(*unpack_frames(frames))
        return self.core is not None

    def close(self):
        self.closed = True


class Core:
    def __init__(self, network, index, incarnation):
        self.network, self.index = network, index
        self.home = CoreAddress("bank", index, incarnation)
        self.handshake = Handshake()
        self.versions = (1, 1)
        self.refusal = self.error = None
        self.silent = ()
        self.rows = {"cores": CORES, "actors": [{"row": "total", "count": index}]}
        self.part = 1
        self.asked = []

    def take(self, header, body):
        if header.kind in self.silent:
            return
        me = Identity(self.home, f"ipc:///run/{self.index}c", "ipc:///d", versions=self.versions)
        if header.kind is Kind.HELLO and self.refusal is not None:
            self.answer(Kind.REJECT, header, self.handshake.reject(me, body, self.refusal))
        elif header.kind is Kind.HELLO:
            self.answer(Kind.WELCOME, header, self.handshake.welcome(me, body)[1])
        elif header.kind is Kind.CONFIRM:
            assert self.handshake.on_confirm(body) is not None
        elif header.destination_incarnation == self.home.incarnation:
            question = unpack_question(body)
            self.asked.append(question.what)
            rows = [pack_row(row) for row in self.rows[question.what]]
            part = pack_part(question.number, self.part, rows, is_last=True, error=self.error)
            self.answer(Kind.OBSERVE, header, part)

    def answer(self, kind, header, body, source=None):
        source = source or Source(node_id(self.home.node), self.index, self.home.incarnation)
        self.network.inbox.append(control_frame(kind, source, header.source_incarnation, body))


@pytest.fixture
def network(monkeypatch):
    return Network(monkeypatch)


@pytest.fixture
def observer(network):
    return Observer(network, "ipc:///me")


def look(observer):
    return observer.look(URL, everything=False)


def test_each_core_is_asked_where_core_0_says(network, observer):
    seen = look(observer)
    assert seen.name == "bank"
    assert [core.record for core in seen.cores] == CORES
    assert [core.rows for core in seen.cores] == [
        [{"row": "total", "count": index}] for index in (0, 1)
    ]


def test_hands_are_shaken_once_for_many_looks(network, observer):
    for _ in range(3):
        look(observer)
    assert network.connected == list(network.cores)
    assert network.cores[URL].asked == ["cores", "actors"] * 3


def test_after_a_pause_hands_are_shaken_anew(network, observer):
    look(observer)
    network.moment += FRESH + 1
    look(observer)
    assert network.connected == 2 * list(network.cores)


def test_a_core_of_another_incarnation_is_met_anew(network, observer):
    look(observer)
    second = network.cores["ipc:///run/1c"]
    second.home = CoreAddress("bank", 1, 7)
    network.cores[URL].rows = {
        **network.cores[URL].rows,
        "cores": [CORES[0], {**CORES[1], "incarnation": 7}],
    }
    assert look(observer).cores[1].problem is None
    assert network.connected.count("ipc:///run/1c") == 2


def test_a_core_that_is_silent_is_told_of_in_its_place(network, observer):
    network.cores["ipc:///run/1c"].silent = (Kind.HELLO,)
    seen = look(observer)
    assert seen.cores[0].problem is None
    assert "does not answer" in seen.cores[1].problem


def test_a_core_that_is_down_is_not_asked(network, observer):
    network.cores[URL].rows["cores"] = [CORES[0], {**CORES[1], "state": "down"}]
    assert "it is down" in look(observer).cores[1].problem
    assert network.connected == [URL]


@pytest.mark.parametrize("kind", [Kind.HELLO, Kind.OBSERVE], ids=lambda kind: kind.name)
def test_silence_of_core_0_ends_after_a_while(network, observer, kind):
    network.cores[URL].silent = (kind,)
    begun = network.moment
    with pytest.raises(Silent, match="took the connection and does not answer"):
        look(observer)
    assert network.moment == pytest.approx(begun + PATIENCE)


def test_where_nothing_listens(network, observer):
    del network.cores[URL]
    with pytest.raises(Silent, match="nothing listens there"):
        look(observer)


def test_an_answer_may_take_its_time_as_long_as_parts_come(network, observer):
    core = network.cores[URL]

    def slowly(header, body):
        if header.kind is not Kind.OBSERVE:
            return Core.take(core, header, body)
        number = unpack_question(body).number
        rows = [pack_row(row) for row in core.rows[unpack_question(body).what]]
        for part in range(1, 11):
            frame = pack_part(number, part, rows if part == 1 else [], is_last=part == 10)
            core.answer(Kind.OBSERVE, header, frame)
        return None

    core.take = slowly
    network.wait = lambda timeout: (
        setattr(network, "moment", network.moment + PATIENCE * 0.9),
        network.receive(network.inbox.pop(0)),
    )
    assert look(observer).name == "bank"


def test_a_refusal_is_told(network, observer):
    network.cores[URL].refusal = Refusal("role", "no role of that name")
    with pytest.raises(NotSeen, match="no role of that name"):
        look(observer)


def test_a_node_of_before_there_were_observers_is_not_joined(network, observer):
    """It would take our CONFIRM for that of a node."""
    core = network.cores[URL]
    core.versions = (1, 0)
    with pytest.raises(NotSeen, match=r"version 1\.0 .* newer Zanni"):
        look(observer)
    assert core.asked == []
    assert core.handshake._welcomed  # still waits for a CONFIRM


def test_what_cannot_be_said_is_told(network, observer):
    network.cores[URL].error = "no"
    with pytest.raises(NotSeen, match="cannot say: no"):
        look(observer)


def test_a_part_that_is_lost_is_noticed(network, observer):
    network.cores[URL].part = 2
    with pytest.raises(NotSeen, match="is lost"):
        look(observer)


def test_after_a_failure_the_next_look_begins_anew(network, observer):
    network.cores[URL].part = 2
    with pytest.raises(NotSeen):
        look(observer)
    network.cores[URL].part = 1
    assert look(observer).name == "bank"


def test_a_goodbye_is_heard_while_it_rests_and_ends_all(network, observer):
    look(observer)
    source = Source(node_id("bank"), 0, 5)
    network.inbox.append(control_frame(Kind.GOODBYE, source, observer._source.incarnation, b"\x80"))
    with pytest.raises(HasEnded):
        observer.rest(10)
    with pytest.raises(HasEnded):
        look(observer)


def test_it_rests_as_long_as_it_was_told(network, observer):
    begun = network.moment
    observer.rest(2.5)
    assert network.moment == pytest.approx(begun + 2.5)


def test_what_strangers_send_changes_nothing(network, observer):
    look(observer)
    me = observer._source.incarnation
    part = pack_part(99, 1, [], is_last=True)
    for frame in (
        (b"GET / HTTP/1.1", b""),
        control_frame(Kind.WELCOME, Source(1, 0, 1), me, b"\xc1"),
        control_frame(Kind.REJECT, Source(1, 0, 1), me, b"\x80"),
        control_frame(Kind.OBSERVE, Source(1, 0, 1), me, part),
        control_frame(Kind.OBSERVE, Source(node_id("bank"), 0, 5), me, b"\xc1"),
        control_frame(Kind.OBSERVE, Source(node_id("bank"), 0, 5), me, part),
        control_frame(Kind.GOODBYE, Source(1, 0, 1), me, b"\x80"),
        control_frame(Kind.GOODBYE, Source(node_id("bank"), 0, 5), me + 1, b"\x80"),
        control_frame(Kind.HEARTBEAT, Source(node_id("bank"), 0, 5), me, b"\x80"),
    ):
        network.inbox.append(frame)
    assert [core.problem for core in look(observer).cores] == [None, None]


@pytest.mark.parametrize(
    "record",
    [
        {"row": "core"},
        {"row": "core", "index": "one"},
        {"row": "core", "index": 1},
        {"row": "core", "index": 1, "state": "up", "control": None},
        {"row": "core", "index": 1, "state": "up", "control": "tcp://8.8.8.8:53"},
        {"row": "core", "index": 1, "state": ["up"], "control": 7},
    ],
    ids=str,
)
def test_a_core_that_is_told_of_in_no_usable_way_is_not_asked(network, observer, record):
    network.cores[URL].rows["cores"] = [CORES[0], record]
    seen = look(observer)
    assert seen.cores[0].problem is None
    assert all(core.problem for core in seen.cores[1:])
    assert network.connected == [URL]
