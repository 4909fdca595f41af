"""Handshakes in progress on a clock of their own: what is complained of, and how often."""

from types import SimpleNamespace

import msgpack
import pytest

from zanni.actors.address import CoreAddress
from zanni.transport import association
from zanni.transport.association import LAST_RETRY, LOG_INTERVAL, Associations
from zanni.transport.events import KEY_REFUSED, NO_NODE, NOTHING_LISTENS
from zanni.transport.frame import (
    VERSION_MAJOR,
    Kind,
    Source,
    control_frame,
    node_id,
    unpack_frames,
)
from zanni.transport.handshake import CorePlace, Handshake, Identity, Refusal

URL = "tcp://127.0.0.1:7400"
US = Identity(CoreAddress("us", 0, 1), "tcp://127.0.0.1:1", "tcp://127.0.0.1:2")
THEM = Identity(CoreAddress("us", 0, 2), URL, "tcp://127.0.0.1:3")
IN_USE = Refusal("name_in_use", "the name is that of another node")


class Dialling:
    """One core that dials a URL, with a clock that goes by `pass_`."""

    def __init__(self, monkeypatch):
        self.moment = 100.0
        self.sent, self.complaints, self.refusals = [], [], []
        self.links = self.probes = 0
        self.keys, self.reason, self.connected = set(), NO_NODE, True
        self.is_joined = False
        monkeypatch.setattr(association, "now", lambda: self.moment)
        endpoint = SimpleNamespace(connect=self.connect, probe=self.probe)
        judge = SimpleNamespace(
            me=lambda own, to=None: US,
            is_joined=lambda url: self.is_joined,
            unanswered=lambda *said: self.complaints.append(said),
            refused=lambda url, home, refusal: self.refusals.append((url, home, refusal)),
        )
        self.associations = Associations(endpoint, lambda: Source(1, 0, 1), judge)

    def connect(self, url, key, pause):
        self.links += 1
        self.keys.add(key)
        return SimpleNamespace(send=self.send, close=self.close_link)

    def close_link(self):
        self.links -= 1

    def probe(self, url, key):
        self.probes += 1
        self.keys.add(key)
        return SimpleNamespace(reason=lambda: self.reason, close=self.close_probe)

    def close_probe(self):
        self.probes -= 1

    def send(self, frames):
        if self.connected:
            self.sent.append(frames)
        return self.connected

    def pass_(self, seconds, answer=None):
        end = self.moment + seconds
        while self.moment < end:
            self.moment += min(self.associations.step(), end - self.moment)
            while answer is not None and self.sent:
                header, hello = unpack_frames(self.sent.pop())
                self.associations.receive(*answer(header, hello), own=False)

    @staticmethod
    def reject(header, hello):
        home = THEM.home
        theirs = header._replace(
            kind=association.Kind.REJECT,
            source_node=node_id(home.node),
            source_core=home.core,
            source_incarnation=home.incarnation,
        )
        return theirs, Handshake().reject(THEM, hello, IN_USE)


@pytest.fixture
def dialling(monkeypatch):
    return Dialling(monkeypatch)


def test_who_does_not_answer_is_complained_of_once_a_minute_with_the_reason_then(dialling):
    dialling.reason = NOTHING_LISTENS
    dialling.associations.dial(URL, own=False)
    dialling.pass_(LOG_INTERVAL)
    assert dialling.complaints == [(URL, NOTHING_LISTENS)]
    dialling.reason = NO_NODE
    dialling.pass_(LOG_INTERVAL)  # the next but one is due 5 seconds later at the earliest
    assert dialling.complaints == [(URL, NOTHING_LISTENS), (URL, NO_NODE)]


def test_who_refuses_is_not_complained_of_until_it_is_silent_for_a_minute(dialling):
    dialling.associations.dial(URL, own=False)
    dialling.pass_(3 * LOG_INTERVAL, answer=dialling.reject)
    assert dialling.complaints == []
    assert set(dialling.refusals) == {(URL, THEM.home, IN_USE)}
    dialling.pass_(LOG_INTERVAL + 3 * LAST_RETRY)
    assert dialling.complaints == [(URL, NO_NODE)]


def test_who_is_joined_and_silent_is_not_looked_at_before_it_is_lost(dialling):
    dialling.is_joined = True
    dialling.associations.dial(URL, own=False)
    dialling.pass_(LOG_INTERVAL)
    assert (dialling.complaints, dialling.probes) == ([], 0)
    dialling.is_joined = False
    dialling.pass_(LOG_INTERVAL)
    assert dialling.complaints == [(URL, NO_NODE)]


def test_nothing_is_said_before_the_reason_is_known(dialling):
    dialling.reason = None
    dialling.associations.dial(URL, own=False)
    dialling.pass_(LOG_INTERVAL)
    assert (dialling.complaints, dialling.probes) == ([], 1)
    dialling.reason = NO_NODE
    dialling.pass_(LAST_RETRY * 2)
    assert dialling.complaints == [(URL, NO_NODE)]


def test_a_core_of_our_own_is_not_complained_of(dialling):
    dialling.associations.dial(URL, own=True)
    dialling.pass_(LOG_INTERVAL)
    assert dialling.complaints == []


def test_who_refuses_our_key_is_told_of_as_such_within_five_seconds(dialling):
    dialling.reason = KEY_REFUSED
    dialling.associations.dial(URL, own=False, key="theirs")
    dialling.pass_(5.0)
    assert dialling.complaints == [(URL, KEY_REFUSED)]
    assert dialling.keys == {"theirs"}
    assert (dialling.links, dialling.probes) == (1, 0)


def test_a_link_that_was_never_taken_is_made_anew(dialling):
    dialling.connected = False
    dialling.associations.dial(URL, own=False)
    dialling.pass_(LAST_RETRY)
    assert dialling.links == 1
    dialling.connected = True
    dialling.associations.pump()
    assert len(dialling.sent) == 1


def test_a_url_whose_key_is_another_by_now_is_dialled_anew(dialling):
    dialling.associations.dial(URL, own=False, key="old")
    dialling.associations.dial(URL, own=False, key="new")
    assert dialling.keys == {"old", "new"}
    assert dialling.links == 1


def test_who_writes_in_the_name_of_another_ends_no_association(dialling):
    dialling.associations.dial(URL, own=False)
    dialling.pass_(0.4)
    header, hello = unpack_frames(dialling.sent.pop())
    _, reject = dialling.reject(header, hello)
    forged = header._replace(kind=association.Kind.REJECT)
    dialling.associations.receive(forged, reject, own=False)
    assert dialling.refusals == []
    assert dialling.associations.bad == 1


def test_what_nobody_wants_to_reach_any_more_is_hung_up_on(dialling):
    for _ in range(3):  # once a heartbeat
        dialling.associations.dial(URL, own=False)
        dialling.associations.end_unwanted()
        assert dialling.links == 1
    dialling.associations.end_unwanted()
    assert (dialling.links, dialling.associations.busy) == (0, False)


def test_a_core_of_our_own_is_dialled_until_it_answers(dialling):
    dialling.associations.dial(URL, own=True)
    for _ in range(3):
        dialling.associations.end_unwanted()
    assert dialling.links == 1


def test_nothing_is_left_open_at_the_end(dialling):
    dialling.associations.dial(URL, own=False)
    dialling.pass_(1.0)
    assert (dialling.links, dialling.probes) == (1, 1)
    dialling.associations.close()
    assert (dialling.links, dialling.probes) == (0, 0)


class Met:
    """One core that is dialled: what it answers, and what its judge was asked."""

    def __init__(self):
        self.sent, self.waiting, self.adopted = [], [], []
        self.must_wait = True
        link = SimpleNamespace(send=self.send, close=lambda: None)
        endpoint = SimpleNamespace(connect=lambda *_: link)
        judge = SimpleNamespace(
            me=lambda own, to=None: US,
            judge=lambda identity, own: None,
            must_wait=self.wait,
            adopt=lambda identity, link, own, confirm: self.adopted.append(identity.home),
            refused=lambda url, home, refusal: self.refusals.append((url, home, refusal)),
        )
        self.refusals = []
        self.associations = Associations(endpoint, lambda: Source(node_id("us"), 0, 1), judge)

    def send(self, frames):
        self.sent.append(unpack_frames(frames))
        return True

    def wait(self, identity, again, own):
        if self.must_wait:
            self.waiting.append(again)
        return self.must_wait

    def take(self, kind, body):
        source = Source(node_id("us"), 0, THEM.home.incarnation)
        self.associations.receive(*unpack_frames(control_frame(kind, source, 1, body)), own=False)


def test_who_wants_the_place_of_another_is_answered_once_that_is_judged():
    met, them = Met(), Handshake()
    met.take(Kind.HELLO, them.hello(THEM, US.control))
    assert met.sent == []
    met.must_wait = False
    met.waiting.pop()()
    [(header, welcome)] = met.sent
    assert header.kind is Kind.WELCOME
    met.must_wait = True
    met.take(Kind.CONFIRM, them.on_welcome(THEM, welcome).confirm)
    assert met.adopted == []
    met.must_wait = False
    met.waiting.pop()()
    assert met.adopted == [THEM.home]


def test_so_is_who_is_met_where_another_was_dialled():
    met, them = Met(), Handshake()
    met.associations.dial(URL, own=False)
    met.take(Kind.WELCOME, them.welcome(THEM, met.sent.pop()[1])[1])
    assert (met.adopted, met.sent) == ([], [])
    met.must_wait = False
    met.waiting.pop()()
    assert met.adopted == [THEM.home]


FAR = "tcp://10.1.2.3:99"


@pytest.mark.parametrize(
    "unfit",
    [
        THEM._replace(control=FAR),
        THEM._replace(data=FAR),
        THEM._replace(cores=(CorePlace(5, 9, FAR, URL),)),
        THEM._replace(cores=(CorePlace(4, 8, URL, URL), CorePlace(5, 9, URL, FAR))),
    ],
)
def test_who_names_an_address_that_may_not_be_dialled_for_any_of_its_cores_is_not_met(unfit):
    met, them = Met(), Handshake()
    met.must_wait = False
    met.associations.dial(URL, own=False)
    met.take(Kind.WELCOME, them.welcome(unfit, met.sent.pop()[1])[1])
    met.take(Kind.HELLO, them.hello(unfit, US.control))
    assert (met.adopted, met.sent) == ([], [])
    assert met.associations.bad == 2


OTHER_VERSION = f"one node speaks version {VERSION_MAJOR + 1}.0 of the protocol, the other "


def of_another_version(body):
    return msgpack.packb(msgpack.unpackb(bytes(body)) | {"versions": [VERSION_MAJOR + 1, 0]})


def test_who_dials_with_another_major_version_is_refused_with_both_named():
    met, them = Met(), Handshake()
    hello = of_another_version(them.hello(THEM, US.control))
    met.associations.receive_other_version(hello, own=False)
    [(header, reject)] = met.sent
    assert header.kind is Kind.REJECT
    url, home, refusal = them.on_reject(reject)
    assert (url, home, refusal.reason) == (US.control, US.home, "version")
    assert OTHER_VERSION in refusal.detail


def test_whoever_is_dialled_and_has_another_major_version_refuses_us():
    met, them = Met(), Handshake()
    met.associations.dial(URL, own=False)
    answer = them.reject(THEM, met.sent[0][1], Refusal("version", "in its own words"))
    met.associations.receive_other_version(of_another_version(answer), own=False)
    [(url, home, refusal)] = met.refusals
    assert (url, home, refusal.reason) == (URL, THEM.home, "version")
    assert OTHER_VERSION in refusal.detail
    met.associations.receive_other_version(of_another_version(answer) + b"x", own=False)
    met.associations.receive_other_version(answer, own=False)
    assert met.associations.bad == 2
    stale = of_another_version(them.reject(THEM, None, Refusal("version", "no answer")))
    met.associations.receive_other_version(stale, own=False)
    assert len(met.refusals) == 1
