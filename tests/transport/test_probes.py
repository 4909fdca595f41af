"""Who wants the place of an earlier start waits until that has answered, or is declared down."""

from types import SimpleNamespace

import pytest
from peers import make_peer

from zanni.actors.address import CoreAddress
from zanni.transport import probes as probes_module
from zanni.transport.frame import Kind, Lane, Source, unpack_frames
from zanni.transport.peer import State
from zanni.transport.probes import PROBE, Probes

HOME = CoreAddress("b", 0, 3)


class FakeLink:
    def __init__(self):
        self.taken = []

    def send(self, frames):
        self.taken.append(unpack_frames(frames))
        return True

    def close(self):
        pass


class Table:
    """A peer that is up, a clock, and the timers that wait for it."""

    def __init__(self, monkeypatch):
        self.moment, self.timers, self.lost, self.silent = 100.0, [], [], False
        monkeypatch.setattr(probes_module, "now", lambda: self.moment)
        core = SimpleNamespace(call_later=lambda seconds, do: self.timers.append((seconds, do)))
        self.peer = make_peer(HOME, Source(1, 0, 1), own=False, due=lambda peer: peer.flush())
        self.peer.state = State.UP
        self.link = FakeLink()
        self.peer.attach(Lane.CONTROL, self.link)
        self.probes = Probes(self, SimpleNamespace(core=core))
        self.resolved = []

    def lose(self, home, reason):
        self.lost.append(home)
        self.peer.close()
        self.probes.forget(home)

    def is_silent(self, peer):
        return self.silent

    def ask(self, who):
        return self.probes.is_alive(self.peer, lambda: self.resolved.append(who))

    def pass_(self):
        self.moment += PROBE
        timers, self.timers = self.timers, []
        for seconds, do in timers:
            assert seconds == PROBE
            do()


@pytest.fixture
def table(monkeypatch):
    return Table(monkeypatch)


def test_who_answers_is_alive_and_that_holds_for_a_while(table):
    assert not table.ask("newcomer")
    [(header, batch)] = table.link.taken
    assert (header.kind, bytes(batch)) == (Kind.CONTROL, b"")
    table.peer.control.acknowledged(header.seq)
    assert table.resolved == []
    table.pass_()
    assert (table.resolved, table.lost) == (["newcomer"], [])
    assert table.ask("newcomer")
    table.pass_()
    assert not table.ask("newcomer")
    assert len(table.link.taken) == 2


def test_who_does_not_answer_is_declared_down_before_another_may_come(table):
    assert not table.ask("newcomer")
    table.probes._probes[HOME].again = lambda: table.resolved.append(list(table.lost))
    table.pass_()
    assert table.resolved == [[HOME]]


def test_an_earlier_answer_proves_nothing(table):
    table.peer.control.post(b"x")
    table.peer.flush()
    table.ask("newcomer")
    table.peer.control.acknowledged(1)
    table.pass_()
    assert table.lost == [HOME]


def test_however_many_want_the_place_it_is_asked_once_and_the_last_is_heard(table):
    for who in ("one", "two", "three"):
        assert not table.ask(who)
    assert len(table.link.taken) == len(table.timers) == 1
    table.pass_()
    assert table.resolved == ["three"]


@pytest.mark.parametrize("silent", [True, False])
def test_one_that_does_not_acknowledge_is_alive_unless_a_heartbeat_is_missing(table, silent):
    table.peer.control.is_acknowledged = False
    table.ask("newcomer")
    table.silent = silent
    table.pass_()
    assert table.lost == ([HOME] if silent else [])
    assert table.resolved == ["newcomer"]


def test_who_is_lost_meanwhile_is_not_waited_for_longer(table):
    table.ask("newcomer")
    table.lose(HOME, "it said goodbye")
    table.pass_()
    assert table.resolved == ["newcomer"]
