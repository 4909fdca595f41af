"""Taking leave: on a clock of its own, and between two nodes."""

import dataclasses
import heapq
import os
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from peers import make_peer
from ports import free_url
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew

from zanni import ActorSystem, Config
from zanni.actors.address import CoreAddress
from zanni.actors.future import Future
from zanni.transport import farewell as farewell_module
from zanni.transport import patience as patience_module
from zanni.transport.credit import Limits
from zanni.transport.events import NodeJoined
from zanni.transport.farewell import AGAIN, LAST_CALL, LINGER, Farewell
from zanni.transport.frame import Kind, Lane, Route, Source, unpack_frames, unpack_header
from zanni.transport.peer import State

HOME = CoreAddress("b", 0, 3)
DEADLINE = 20.0
QUICK = Config(heartbeat=0.1, suspect_after=0.5, down_after=30.0)


class FakeLink:
    def __init__(self):
        self.taken = []
        self.open, self.closed = True, False

    def send(self, frames):
        if self.open:
            self.taken.append(unpack_frames(frames)[0])
        return self.open

    def close(self):
        self.closed = True


class Table:
    """One peer that is up, and timers that go off when `pass_` comes by."""

    def __init__(self, monkeypatch):
        self.moment, self.timers, self.order = 100.0, [], count()
        for module in (farewell_module, patience_module):
            monkeypatch.setattr(module, "now", lambda: self.moment)
        self.lost = []
        self.peer = make_peer(HOME, Source(1, 0, 1), own=False)
        self.peer.state = State.UP
        self.data, self.control = FakeLink(), FakeLink()
        self.peer.attach(Lane.DATA, self.data)
        self.peer.attach(Lane.CONTROL, self.control)
        core = SimpleNamespace(call_later=self._call_later)
        self.farewell = Farewell(self, SimpleNamespace(core=core))
        self.left = Future()

    def _call_later(self, seconds, function):
        heapq.heappush(self.timers, (self.moment + seconds, next(self.order), function))

    def lose(self, home, reason, *, in_order=False):
        assert in_order
        self.lost.append(home)
        self.peer.close()

    def pass_(self, seconds):
        end = self.moment + seconds
        while self.timers and self.timers[0][0] <= end:
            self.moment, _, function = heapq.heappop(self.timers)
            function()
        self.moment = end

    def stand_still(self, seconds):
        """All timers go off late."""
        self.moment += seconds
        while self.timers and self.timers[0][0] <= self.moment:
            heapq.heappop(self.timers)[-1]()

    def leave(self):
        self.farewell.leave([self.peer], self.left)

    def goodbyes(self):
        return [header for header in self.control.taken if header.kind is Kind.GOODBYE]

    def hear(self, after=0, answers=0):
        route = Route(Source(2, 0, 3), 1)
        header = route.header(Kind.GOODBYE, Lane.CONTROL, 1, seq=answers, after=after)
        self.farewell.take(self.peer, unpack_header(header))


@pytest.fixture
def table(monkeypatch):
    return Table(monkeypatch)


def test_goodbye_is_said_when_all_has_gone_and_waits_for_its_answer(table):
    done = []
    table.left.add_done_callback(lambda _: done.append(True))
    table.data.open = False
    table.peer.data.post(b"a message")
    table.peer.control.post(b"a system message")
    table.leave()
    table.pass_(1.0)
    assert table.goodbyes() == []
    table.data.open = True
    table.pass_(1.0)
    assert table.goodbyes() == []  # the system message is not acknowledged yet
    table.peer.control.acknowledged(1)
    table.pass_(AGAIN / 2)
    [goodbye] = table.goodbyes()
    assert goodbye.after == 1
    table.pass_(AGAIN)
    assert len(table.goodbyes()) == 2
    assert done == []
    table.hear()
    assert table.lost == [HOME]
    assert len(table.goodbyes()) == 2  # an answer is not answered
    table.pass_(1.0)
    assert done == [True]


def test_who_is_suspected_is_waited_for_no_longer(table):
    done = []
    table.left.add_done_callback(lambda _: done.append(True))
    table.data.open = False
    table.peer.data.post(b"a message")
    table.leave()
    table.pass_(10.0)
    assert done == []
    table.peer.state = State.SUSPECT
    table.pass_(0.1)
    assert done == [True]


def test_who_leaves_is_answered_when_its_last_data_has_come(table):
    table.hear(after=2)
    table.peer.arrivals.seq_in = 1
    table.farewell.look(table.peer)
    assert (table.lost, table.goodbyes()) == ([], [])
    table.peer.arrivals.seq_in = 2
    table.farewell.look(table.peer)
    assert table.lost == [HOME]
    assert len(table.goodbyes()) == 1
    table.pass_(LAST_CALL)
    assert table.lost == [HOME]


def test_who_leaves_is_answered_when_its_last_answers_have_come(table):
    table.hear(after=0, answers=1)
    table.farewell.look(table.peer)
    assert (table.lost, table.goodbyes()) == ([], [])
    table.peer.arrivals.answers_in = 1
    table.farewell.look(table.peer)
    assert table.lost == [HOME]


def test_goodbye_says_how_far_the_answers_have_got(table):
    table.peer.data.account.open(Limits(1, 1000))
    table.peer.data.post(b"a message")
    table.peer.flush()
    for _ in range(2):  # there is no credit left, so each has a frame of its own
        table.peer.data.answer(b"an answer", is_error=False)
        table.peer.flush()
    table.leave()
    table.pass_(0.1)
    [goodbye] = table.goodbyes()
    assert (goodbye.seq, goodbye.after) == (2, 1)


@pytest.mark.parametrize("sequence", ["seq_in", "answers_in"])
def test_who_leaves_is_heard_while_its_last_data_comes(table, sequence):
    table.hear(after=5, answers=5)
    for seq in range(1, 5):
        setattr(table.peer.arrivals, sequence, seq)
        table.pass_(LAST_CALL)
        assert table.lost == []
    table.pass_(LAST_CALL)
    assert table.lost == [HOME]


def test_a_core_that_stood_still_looks_once_more_for_the_last_data(table):
    table.hear(after=1)
    table.stand_still(3 * LAST_CALL)
    assert table.lost == []
    table.pass_(LAST_CALL)
    assert table.lost == [HOME]


def test_data_that_is_lost_is_waited_for_a_little_only(table):
    table.hear(after=2)
    table.hear(after=2)
    table.pass_(LAST_CALL - 0.1)
    assert table.lost == []
    table.pass_(0.1)
    assert table.lost == [HOME]


def test_the_link_of_an_answer_stays_open_for_a_moment(table):
    table.hear()
    assert table.data.closed
    assert not table.control.closed
    table.pass_(LINGER)
    assert table.control.closed


def is_joined(system):
    return any(isinstance(event, NodeJoined) for event in list(system.events.last))


def test_a_node_that_stops_has_sent_all_that_it_had_accepted():  # F17
    url = free_url()
    with ActorSystem("bank", listen=url) as bank:
        ann = bank.spawn(crew.Counter, name="ann")
        with ActorSystem("teller", join=url) as teller:
            wait_for(lambda: is_joined(teller) and is_joined(bank))
            found = teller.whereis("ann@bank")
            for _ in range(20_000):
                found.tell(crew.Add(1))
        assert ann.ask("total", timeout=DEADLINE) == 20_000
        lost = bank.network.members.dead
        assert [in_order for home, in_order in lost.items() if home.node == "teller"] == [True]


BANK = """
import sys, time
sys.path.insert(0, sys.argv[2])
import zanni_crew as crew
from zanni import ActorSystem
config = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 30.0}
with ActorSystem("bank", listen=sys.argv[1], config=config) as bank:
    bank.spawn(crew.Counter, name="ann")
    print("up", flush=True)
    time.sleep(600)
"""


def test_a_node_that_does_not_answer_holds_up_no_stop():  # F17
    url = free_url()
    command = [sys.executable, "-c", BANK, url, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as bank:
        try:
            assert bank.stdout.readline() == b"up\n"
            config = dataclasses.replace(QUICK, drain_timeout=60.0)
            teller = ActorSystem("teller", join=url, config=config)
            teller.start()
            ann = wait_for(lambda: is_joined(teller) and teller.whereis("ann@bank"))
            os.kill(bank.pid, signal.SIGSTOP)
            for _ in range(1000):
                ann.tell(crew.Add(1))
            begun = time.monotonic()
            teller.stop()
            assert time.monotonic() - begun < DEADLINE  # of the 60 that it had
        finally:
            bank.kill()
