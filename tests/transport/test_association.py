"""Handshakes in progress on a clock of their own: what is complained of, and how often."""

from types import SimpleNamespace

import pytest

from zanni.actors.address import CoreAddress
from zanni.transport import association
from zanni.transport.association import LAST_RETRY, LOG_INTERVAL, Associations
from zanni.transport.events import KEY_REFUSED, NO_NODE, NOTHING_LISTENS
from zanni.transport.frame import Source, node_id, unpack_frames
from zanni.transport.handshake import Handshake, Identity, Refusal

URL = "tcp://127.0.0.1:7400"
US = Identity(CoreAddress("us", 0, 1), "tcp://127.0.0.1:1", "tcp://127.0.0.1:2")
THEM = Identity(CoreAddress("us", 0, 2), URL, "tcp://127.0.0.1:3")
IN_USE = Refusal("name_in_use", "the name is that of another node")


class Dialling:
    """One core that dials a URL, with a clock that goes by `pass_`."""

    def __init__(self, monkeypatch):
        self.moment, self.taken = 100.0, False
        self.sent, self.complaints, self.refusals = [], [], []
        self.links = self.probes = 0
        self.keys, self.reason, self.connected = set(), NO_NODE, True
        monkeypatch.setattr(association, "now", lambda: self.moment)
        endpoint = SimpleNamespace(
            connect=self.connect, is_taken=lambda _: self.taken, probe=self.probe
        )
        judge = SimpleNamespace(
            me=lambda own: US,
            unanswered=lambda url, reason: self.complaints.append((url, reason)),
            refused=lambda url, home, refusal: self.refusals.append((url, home, refusal)),
        )
        self.associations = Associations(endpoint, lambda: Source(1, 0, 1), judge)

    def connect(self, url, key):
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
    dialling.associations.dial(URL, own=False)
    dialling.pass_(LOG_INTERVAL)
    assert dialling.complaints == [(URL, NOTHING_LISTENS)]
    dialling.taken = True
    dialling.pass_(LOG_INTERVAL + 2 * LAST_RETRY)
    assert dialling.complaints == [(URL, NOTHING_LISTENS), (URL, NO_NODE)]


def test_who_refuses_is_not_complained_of_until_it_is_silent_for_a_minute(dialling):
    dialling.taken = True
    dialling.associations.dial(URL, own=False)
    dialling.pass_(3 * LOG_INTERVAL, answer=dialling.reject)
    assert dialling.complaints == []
    assert set(dialling.refusals) == {(URL, THEM.home, IN_USE)}
    dialling.pass_(LOG_INTERVAL + 2 * LAST_RETRY)
    assert dialling.complaints == [(URL, NO_NODE)]


def test_a_core_of_our_own_is_not_complained_of(dialling):
    dialling.associations.dial(URL, own=True)
    dialling.pass_(LOG_INTERVAL)
    assert dialling.complaints == []


def test_who_refuses_our_key_is_told_of_as_such_within_five_seconds(dialling):
    dialling.taken, dialling.reason = True, KEY_REFUSED
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


def test_nothing_is_left_open_at_the_end(dialling):
    dialling.taken = True
    dialling.associations.dial(URL, own=False)
    dialling.pass_(1.0)
    assert (dialling.links, dialling.probes) == (1, 1)
    dialling.associations.close()
    assert (dialling.links, dialling.probes) == (0, 0)
