"""A node that ends in order: what it had accepted goes out, and nobody holds it up for long."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

from zanni_process import SLACK

ENDING = {"drain_timeout": 1.0, "kill_timeout": 0.5}


@pytest.fixture
def pair(nodes, url):
    """Make a bank that listens, and a teller of two cores who has found its sink."""

    def pair(config):
        bank, teller = nodes("bank", listen=url), nodes("teller", join=url, cores=2, config=config)
        bank("sink, watcher = system.spawn(Sink, name='sink'), system.spawn(Watcher)")
        teller("mine = system.spawn(Sink, name='mine'); far = system.spawn(Sink, core=1)")
        teller.until("system.whereis('sink@bank')")
        teller("sink = system.whereis('sink@bank')")
        bank("watcher.ask(system.whereis('mine@teller'))")
        return bank, teller

    return pair


LAST_WORDS = """
there = actor.system.whereis("sink@bank")
for number in range(10_000):
    there.tell(Number("far", number, bytes(100)))
"""


def test_what_was_told_before_the_stop_arrives(pair):  # F17
    bank, teller = pair({**ENDING, "drain_timeout": 30.0})
    teller("for n in range(10_000): sink.tell(Number('near', n, bytes(1000)))")
    teller(f"far.tell(('do', {LAST_WORDS!r}))")
    assert teller.stop()[1] == 0
    for stream in ("near", "far"):
        bank.until(f"sink.call(Sink.seen, {stream!r}).get()['count'] == 10_000")
        assert bank(f"sink.call(Sink.seen, {stream!r}).get()['in order']")
    bank.until("watcher.ask('downs')")
    assert {lost[-1] for lost in bank.events("NodeLost")} == {"it said goodbye"}


def test_a_peer_that_stands_still_holds_up_the_end_no_longer_than_the_drain(pair):  # F17
    bank, teller = pair(ENDING)
    bank.signal(signal.SIGSTOP)
    teller("for n in range(20_000): sink.tell(Number('unread', n, bytes(1000)))")
    began = time.monotonic()
    _, code = teller.stop()
    seconds = time.monotonic() - began
    print(f"ended after {seconds:.2f} s")
    assert code == 0
    assert seconds < ENDING["drain_timeout"] + ENDING["kill_timeout"] + SLACK
    bank.signal(signal.SIGCONT)
    seen = bank("sink.call(Sink.seen, 'unread').get()")
    assert seen["in order"]


def test_a_peer_that_is_gone_holds_up_nothing(pair):  # F17
    bank, teller = pair(ENDING)
    bank.kill()
    teller("for n in range(20_000): sink.tell(Number('to nobody', n, bytes(1000)))")
    began = time.monotonic()
    assert teller.stop()[1] == 0
    assert time.monotonic() - began < ENDING["drain_timeout"] + ENDING["kill_timeout"] + SLACK


def test_a_node_that_ends_leaves_no_process_file_or_lock(nodes, tmp_path, url):  # G12
    env = {"TMPDIR": str(tmp_path)}
    bank = nodes("bank", cores=2, listen=url, env=env)
    teller = nodes("teller", cores=2, join=url, env=env)
    teller.until("kinds().get('NodeJoined')")
    for node in (teller, bank):
        assert node.stop()[1] == 0
        with pytest.raises(ProcessLookupError):
            os.killpg(node.process.pid, 0)
    wait_for(lambda: [each.name for each in next(tmp_path.iterdir()).iterdir()] == ["lock"])
