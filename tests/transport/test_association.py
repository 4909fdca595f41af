"""Handshakes in progress on a clock of their own: what is complained of, and how often."""

from types import SimpleNamespace

import pytest

from zanni.actors.address import CoreAddress
from zanni.transport import association
from zanni.transport.association import LAST_RETRY, LOG_INTERVAL, Associations
from zanni.transport.events import NO_NODE, NOTHING_LISTENS
from zanni.transport.frame import Source, unpack_frames
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
        monkeypatch.setattr(association, "now", lambda: self.moment)
        link = SimpleNamespace(send=self.send, close=lambda: None)
        endpoint = SimpleNamespace(connect=lambda _: link, is_taken=lambda _: self.taken)
        judge = SimpleNamespace(
            me=lambda own: US,
            unanswered=lambda url, reason: self.complaints.append((url, reason)),
            refused=lambda url, home, refusal: self.refusals.append((url, home, refusal)),
        )
        self.associations = Associations(endpoint, lambda: Source(1, 0, 1), judge)

    def send(self, frames):
        self.sent.append(frames)
        return True

    def pass_(self, seconds, answer=None):
        end = self.moment + seconds
        while self.moment < end:
            self.moment += min(self.associations.step(), end - self.moment)
            while answer is not None and self.sent:
                header, hello = unpack_frames(self.sent.pop())
                self.associations.receive(*answer(header, hello), own=False)

    @staticmethod
    def reject(header, hello):
        return header._replace(kind=association.Kind.REJECT), Handshake().reject(
            THEM, hello, IN_USE
        )


@pytest.fixture
def dialling(monkeypatch):
    return Dialling(monkeypatch)


def test_who_does_not_answer_is_complained_of_once_a_minute_with_the_reason_then(dialling):
    dialling.associations.dial(URL, own=False)
    dialling.pass_(LOG_INTERVAL)
    assert dialling.complaints == [(URL, NOTHING_LISTENS)]
    dialling.taken = True
    dialling.pass_(LOG_INTERVAL)
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
