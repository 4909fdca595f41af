"""A process that is stopped and goes on (SIGSTOP, SIGCONT): a node, or one core of it."""

import os
import signal
import time

import pytest

SOAK = [pytest.mark.soak, pytest.mark.timeout(900)]
QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 10.0}
FULL = {"heartbeat": 1.0, "suspect_after": 5.0, "down_after": 15.0}


@pytest.fixture
def pair(nodes, url):
    def pair(config):
        bank = nodes("bank", listen=url, config=config)
        teller = nodes("teller", join=url, config=config)
        for node in (bank, teller):
            node("sink = system.spawn(Sink, name='sink'); watcher = system.spawn(Watcher)")
        for node, other in ((bank, "teller"), (teller, "bank")):
            node.until(f"system.whereis('sink@{other}')")
            node(f"there = system.whereis('sink@{other}'); watcher.ask(there)")
            node(f"source = system.spawn(Source, there, {node.name!r})")
        for node, other in ((bank, "teller"), (teller, "bank")):
            node.until(f"sink.call(Sink.seen, {other!r}).get()['count']")
        return bank, teller

    return pair


def stop(pid, seconds):
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)  # its length is what is tried
    os.kill(pid, signal.SIGCONT)


def stop_until(pid, node, kind, meanwhile="None"):
    """As long as it takes another node to tell of it: a busy one gives it more time."""
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
    try:
        node(meanwhile)
        node.until(f"{kind!r} in kinds()")
    finally:
        os.kill(pid, signal.SIGCONT)


def finish(source, sink):
    """What was sent and what came of it, when all of that is there."""
    sent = source("source.call(Source.finish).get(timeout=20)")
    sink.until(f"sink.call(Sink.seen, {source.name!r}).get()['count'] >= {sent}")
    seen = sink(f"sink.call(Sink.seen, {source.name!r}).get()")
    assert seen["in order"]  # and so nothing twice
    dead = source("losses()")
    print(f"{source.name}: sent {sent}, came {seen['count']}, dead letters {dead}")
    return sent, seen["count"], dead


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({**QUICK, "suspect_after": 5.0}, 0.3),
        (QUICK, None),
        pytest.param(FULL, 3.0, marks=SOAK),
        pytest.param(FULL, None, marks=SOAK),
    ],
)
def test_a_node_that_is_stopped_for_a_while_loses_nothing(pair, config, seconds):  # E3
    """For so many seconds, or until it is suspected."""
    bank, teller = pair(config)
    if seconds is None:
        stop_until(bank.process.pid, teller, "NodeSuspected")
        teller.until("'NodeRecovered' in kinds()")
    else:
        stop(bank.process.pid, seconds)
    for source, sink in ((bank, teller), (teller, bank)):
        sent, came, dead = finish(source, sink)
        assert (came, dead) == (sent, {})
    for node in (bank, teller):
        assert node("watcher.ask('downs')") == []
        assert "NodeLost" not in node("kinds()")
    assert ("NodeSuspected" in teller("kinds()")) is (seconds is None)


@pytest.mark.parametrize(
    "config", [{**QUICK, "down_after": 2.0}, pytest.param(FULL, marks=SOAK)], ids=["quick", "full"]
)
def test_a_node_that_is_stopped_for_too_long_is_lost_and_comes_back(pair, config):
    bank, teller = pair(config)
    began = time.monotonic()
    meanwhile = "there.tell(Number('stopped', 1)); asked = there.ask('pid', block=False)"
    stop_until(bank.process.pid, teller, "NodeLost", meanwhile)
    for node in (bank, teller):
        node.until("kinds().get('NodeJoined') == 2", timeout=30)
    assert teller("type(asked.error).__name__") == "NodeDown"
    for source, sink in ((bank, teller), (teller, bank)):
        source.until("watcher.ask('downs')")
        ((_, reason, moment),) = source("watcher.ask('downs')")
        assert reason == "noconnection"
        sent = source("source.call(Source.finish).get(timeout=20)")
        seen = sink(f"sink.call(Sink.seen, {source.name!r}).get()")
        dead = sum(source("losses()").values())
        print(f"{source.name}: down after {moment - began:.2f} s")
        print(f"{source.name}: sent {sent}, came {seen['count']}, dead letters {dead}")
        assert seen["in order"]
        assert seen["count"] + dead <= sent
        assert source("kinds()['NodeLost']") == 1
        assert "JoinRefused" not in source("kinds()")
        # What it had is dead, and its actors live: so they are there, under another ref.
        source("there.tell(Number('late', 1))")
        assert not source("there.is_alive()")
        source.until(f"system.whereis('sink@{sink.name}')")
        source(f"back = system.whereis('sink@{sink.name}'); watcher.ask(back)")
        source("back.tell(Number('new', 1))")
        for stream, count in (
            ("new", 1),
            ("late", 0),
            ("stopped", 0),
            (source.name, seen["count"]),
        ):
            assert source(f"back.call(Sink.seen, {stream!r}).get(timeout=20)")["count"] == count
    for node in (bank, teller):
        node("sink.stop()")
    for node in (bank, teller):
        node.until("len(watcher.ask('downs')) == 2")
        assert [reason for _, reason, _ in node("watcher.ask('downs')")][1] == "normal"


@pytest.mark.parametrize(
    ("config", "seconds"),
    [({**QUICK, "down_after": 1.0}, 1.4), pytest.param(FULL, 30.0, marks=SOAK)],
)
def test_a_core_of_the_same_node_is_waited_for_and_loses_nothing(nodes, config, seconds):  # E3
    node = nodes("bank", cores=2, config=config)
    node("sink = system.spawn(Sink, core=1); watcher = system.spawn(Watcher)")
    node("watcher.ask(sink); source = system.spawn(Source, sink, 's')")
    stop(node("sink.ask('pid')"), seconds)
    sent = node("source.call(Source.finish).get(timeout=20)")
    node.until(f"sink.call(Sink.seen, 's').get()['count'] >= {sent}")
    assert node("sink.call(Sink.seen, 's').get()") == {
        "count": sent,
        "in order": True,
        "last": sent - 1,
    }
    assert node("losses()") == {}
    assert node("watcher.ask('downs')") == []
    assert node("[core['restarts'] for core in system.cores()]") == [0, 0]
