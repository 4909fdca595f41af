"""Faults on demand: each does what it says to what is under way, and nothing else."""

from random import Random

import pytest

from zanni.transport.clock import VirtualClock
from zanni.transport.connection import CAPACITY
from zanni.transport.events import NO_NODE
from zanni.transport.faulty import AGAIN, FaultyNetwork

URL = "tcp://127.0.0.1:7400"


class Line:
    """Machine a, which sends numbers to machine b, and what b takes in."""

    def __init__(self, seed=1):
        self.clock = VirtualClock()
        self.network = FaultyNetwork(self.clock, Random(seed))
        self.a, self.b = self.network.endpoint("a"), self.network.endpoint("b")
        self.got = []
        self.b.listen(URL, self.take)
        self.link = self.a.connect(URL)

    def take(self, frames):
        self.got.append(int(frames[0]))

    def send(self, *numbers):
        return [self.link.send([str(number).encode()]) for number in numbers]

    def pass_(self, seconds):
        """Let time go on, and b take in what comes."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.b.wait(end - self.clock.now())


@pytest.fixture
def line():
    return Line()


def test_what_is_sent_takes_as_long_as_the_way_and_keeps_its_order(line):
    line.network.way("a", "b").delay = (0.5, 2.0)
    assert all(line.send(*range(50)))
    line.pass_(0.4)
    assert line.got == []
    line.pass_(2.0)
    assert line.got == list(range(50))


def test_on_a_way_that_is_cut_what_was_taken_waits(line):
    line.send(0)
    line.pass_(1.0)
    line.network.cut("a", "b")
    assert all(line.send(*range(1, CAPACITY + 1)))
    assert line.send(-1) == [False]
    line.pass_(1000.0)
    assert line.got == [0]
    line.network.mend("a", "b")
    line.pass_(1.0)
    assert line.got == list(range(CAPACITY + 1))


def test_a_cut_is_one_way(line):
    got = []
    line.a.listen("tcp://127.0.0.1:1", lambda frames: got.append(bytes(frames[0])))
    back = line.b.connect("tcp://127.0.0.1:1")
    assert back.send([b"0"])
    line.network.cut("a", "b")
    assert back.send([b"1"])
    line.a.wait(1.0)
    line.a.wait(1.0)
    assert got == [b"0", b"1"]


@pytest.mark.parametrize("way", [("a", "b"), ("b", "a")])
def test_no_connection_is_made_while_one_way_is_cut(line, way):
    line.network.cut(*way)
    assert line.send(1) == [False]
    line.network.mend(*way)
    assert line.send(1) == [True]


def test_a_clogged_link_refuses_and_delivers_what_it_has_taken(line):
    line.send(1)
    line.network.clog("a", "b")
    assert line.send(2) == [False]
    line.pass_(1.0)
    assert line.got == [1]


@pytest.mark.parametrize("fault", ["cut", "clog"])
def test_who_was_refused_is_woken_when_the_way_is_mended(line, fault):
    getattr(line.network, fault)("a", "b")
    assert line.send(1) == [False]
    line.clock.at(3.0, lambda: line.network.mend("a", "b"))
    line.a.wait(100.0)
    assert line.clock.now() == 3.0
    assert line.send(1) == [True]


def test_a_connection_that_breaks_loses_a_suffix():
    lengths = set()
    for seed in range(30):
        line = Line(seed)
        line.send(*range(10))
        line.network.reset("a", "b")
        assert line.send(10) == [False]
        line.pass_(2 * AGAIN)
        assert line.send(11) == [True]
        line.pass_(1.0)
        assert line.got == [*range(len(line.got) - 1), 11]
        lengths.add(len(line.got))
    assert min(lengths) == 1
    assert max(lengths) == 11


def test_what_is_left_of_a_broken_connection_may_come_after_what_its_successor_brings():
    line = Line(3)
    line.network.way("a", "b").delay = (1.0, 1.0)
    line.send(*range(10))
    line.network.way("a", "b").delay = (0.01, 0.01)
    line.network.reset("a", "b")
    line.send(10)
    line.pass_(2 * AGAIN)
    line.send(11)
    line.pass_(2.0)
    assert line.got == [11, *range(len(line.got) - 1)]
    assert len(line.got) > 1


def test_an_echo_brings_the_last_ones_once_more(line):
    line.send(*range(20))
    line.pass_(1.0)
    line.network.reset("a", "b", echo=True)
    line.pass_(1.0)
    assert line.got == [*range(20), *range(12, 20)]


def test_what_a_crashed_machine_had_not_taken_in_is_lost_and_links_to_it_find_the_next(line):
    line.send(1)
    line.b.crash()
    assert line.send(2) == [False]
    line.b = line.network.endpoint("b")
    line.b.listen(URL, line.take)
    assert line.send(3) == [False]
    line.pass_(2 * AGAIN)
    assert line.send(4) == [True]
    line.pass_(1.0)
    assert line.got == [4]


def test_of_what_a_crashed_machine_had_sent_some_arrives():
    lengths = set()
    for seed in range(30):
        line = Line(seed)
        line.send(*range(10))
        line.a.crash()
        line.pass_(1.0)
        assert line.got == list(range(len(line.got)))
        lengths.add(len(line.got))
    assert min(lengths) == 0
    assert max(lengths) == 10


@pytest.mark.parametrize("is_cut", [True, False])
def test_what_was_sent_before_the_end_arrives_where_there_is_a_way(line, is_cut):
    line.send(0)
    line.pass_(1.0)
    if is_cut:
        line.network.cut("a", "b")
    line.send(1)
    line.a.close()
    line.pass_(1.0)
    assert line.got == ([0] if is_cut else [0, 1])


def test_a_machine_that_takes_nothing_in_is_sent_a_bounded_number(line):
    taken = 0
    while line.send(taken) == [True]:
        taken += 1
        line.a.wait(0.01)
    assert taken == 2 * CAPACITY
    line.pass_(1.0)
    assert line.got == list(range(taken))


def test_the_last_arrival_from_an_endpoint_is_known(line):
    assert line.network.last_arrival(line.a, "b") == 0.0
    line.network.way("a", "b").delay = (1.5, 1.5)
    line.send(1)
    line.pass_(10.0)
    assert line.network.last_arrival(line.a, "b") == 1.5


def test_one_seed_gives_the_same_arrivals():
    def play(seed):
        line = Line(seed)
        line.network.way("a", "b").delay = (0.0, 1.0)
        for number in range(100):
            line.send(number)
            line.pass_(0.05)
            if number % 10 == 9:
                line.network.reset("a", "b", echo=True)
        line.pass_(5.0)
        return line.got

    assert play(7) == play(7) != play(8)


def test_descriptors_cannot_be_watched_on_a_virtual_clock(line):
    with pytest.raises(NotImplementedError, match="virtual clock"):
        line.a.watch_fd(0, print)
    line.a.unwatch_fd(0)


def test_keys_are_for_sockets(line):
    with pytest.raises(OSError, match="with keys"):
        line.a.listen_guarded(URL, print)


def test_of_why_nobody_answers_nothing_is_known(line):
    probe = line.a.probe(URL)
    assert probe.reason() == NO_NODE
    probe.close()
