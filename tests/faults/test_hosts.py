"""Two hosts and the cable between them: cut, pulled, deaf on one side. What was lost is counted."""

import contextlib
import functools
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import zanni_wire
from zanni_process import SLACK

SOAK = [pytest.mark.soak, pytest.mark.timeout(900)]
QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 1.5}
PATIENT = {**QUICK, "down_after": 20.0}
"""TCP tries again after twice as long each time: a cut of a second may be a silence of three."""
FULL = {"heartbeat": 1.0, "suspect_after": 5.0, "down_after": 15.0}


@pytest.fixture
def pair(hosts, pair_on):
    return functools.partial(pair_on, hosts)


def send(*nodes, pause=0.01, burst=10):
    """Have each tell the sink of the other one numbers, from now on."""
    for node in nodes:
        node(f"source = system.spawn(Source, there, {node.name!r}, {pause}, {burst})")


def tally(source, sink):
    """What was sent, and what of it has come, is a dead letter, or is lost without a trace."""
    sent = source("source.call(Source.finish).get(timeout=20)")
    seen = sink(f"sink.call(Sink.seen, {source.name!r}).get(timeout=20)")
    assert seen["in order"]  # and so nothing twice
    dead = sum(source("losses()").values())
    print(f"{source.name}: sent {sent}, came {seen['count']}, dead letters {dead}")
    return sent, seen["count"], dead


def downs(node):
    return node("watcher.ask('downs', timeout=20)")


def is_lost_once(node, since, config):
    """It gets one Down, in time: `down_after` after it heard the other one for the last time."""
    node.until("watcher.ask('downs')", timeout=config["down_after"] + 20)
    ((_, reason, moment),) = downs(node)
    assert reason == "noconnection"
    earliest = config["down_after"] - config["heartbeat"]
    latest = config["down_after"] + 2 * config["heartbeat"] + SLACK
    print(f"{node.name}: down after {moment - since:.2f} s")
    assert earliest - 0.01 <= moment - since <= latest
    (lost,) = node.events("NodeLost")
    assert lost[0] <= moment


@pytest.mark.parametrize("config", [QUICK, pytest.param(FULL, marks=SOAK)])
def test_a_half_open_link_is_lost_in_time_by_who_sends_and_who_is_idle(hosts, pair, config):  # F1
    bank, teller = pair(config)
    send(teller)
    bank.until("sink.call(Sink.seen, 'teller').get()['count']")
    began = time.monotonic()
    for host in hosts:
        host.deafen()
    for node in (bank, teller):
        is_lost_once(node, began, config)
    sent, came, dead = tally(teller, bank)
    assert came + dead <= sent


@pytest.mark.parametrize("config", [QUICK, pytest.param(FULL, marks=SOAK)])
def test_a_link_that_is_deaf_one_way_is_lost_on_both_sides(hosts, pair, config):  # F4
    pair = pair(config)
    send(*pair)
    began = time.monotonic()
    hosts[0].deafen()
    for node in pair:
        node.until("watcher.ask('downs')", timeout=config["down_after"] + 20)
        ((_, reason, moment),) = downs(node)
        assert reason == "noconnection"
        assert moment - began < config["down_after"] + config["suspect_after"] + SLACK
    for source, sink in (pair, reversed(pair)):
        sent, came, dead = tally(source, sink)
        assert came + dead <= sent


@contextlib.contextmanager
def parted(hosts, how):
    """While it is entered, nothing goes between the two."""
    for host in hosts:
        host.deafen() if how == "silent" else host.pull()
    yield
    for host in hosts:
        host.heal() if how == "silent" else host.plug()


@pytest.mark.parametrize("how", ["silent", pytest.param("pulled", marks=SOAK)])
@pytest.mark.parametrize("config", [PATIENT, pytest.param(FULL, marks=SOAK)])
def test_a_short_partition_is_suspected_and_loses_nothing(hosts, pair, how, config):  # F2
    pair = pair(config)
    send(*pair)
    pair[0]("brief = [system.spawn(Sink, name=f'brief{n}') for n in range(50)]")
    pair[1]("[watcher.ask(system.whereis(f'brief{n}@bank')) for n in range(50)]")
    for node in pair:
        node("happened.clear()")
    with parted(hosts, how):
        pair[0]("[ref.kill() for ref in brief]")
        for node in pair:
            node.until("'NodeSuspected' in kinds()")
    for node in pair:
        node.until("'NodeRecovered' in kinds()")
        kinds = node("kinds()")
        assert kinds["NodeSuspected"] == kinds["NodeRecovered"]
        assert "NodeLost" not in kinds
    pair[1].until("len(watcher.ask('downs')) >= 50")
    for source, sink in (pair, reversed(pair)):
        sent = source("source.call(Source.finish).get(timeout=20)")
        sink.until(f"sink.call(Sink.seen, {source.name!r}).get()['count'] >= {sent}")
        assert tally(source, sink) == (sent, sent, 0)
    said = [(ref, reason) for ref, reason, _ in downs(pair[1])]
    assert sorted({ref for ref, _ in said}) == sorted(ref for ref, _ in said)
    assert [reason for _, reason in said] == ["killed"] * 50
    assert downs(pair[0]) == []


@pytest.mark.parametrize("how", ["silent", pytest.param("pulled", marks=SOAK)])
def test_after_a_long_partition_both_were_lost_and_are_joined_again(hosts, pair, how):
    pair = pair(QUICK)
    with parted(hosts, how):
        for node in pair:
            node.until("watcher.ask('downs')")
    for node in pair:
        node.until("kinds().get('NodeJoined') == 2")
    for node, other in zip(pair, reversed(pair), strict=True):
        ((_, reason, _),) = downs(node)
        assert reason == "noconnection"
        node("there.tell(Number('late', 1))")
        assert node("losses()") == {"stale": 1}
        node.until(f"system.whereis('sink@{other.name}')")
        node(f"back = system.whereis('sink@{other.name}')")
        node("back.tell(Number('new', 1))")
        for stream, count in (("new", 1), ("late", 0)):
            assert node(f"back.call(Sink.seen, {stream!r}).get(timeout=20)")["count"] == count
        assert node("kinds()['NodeLost']") == 1
        assert "JoinRefused" not in node("kinds()")


@pytest.mark.parametrize(
    ("config", "uneven", "seconds"),
    [
        (PATIENT, {"delay": 0.03, "jitter": 0.04, "loss": 0.05}, 2),
        pytest.param(FULL, {"delay": 0.3, "jitter": 0.4, "loss": 0.05}, 600, marks=SOAK),
    ],
)
def test_a_wire_that_is_slow_and_loses_packets_ends_no_node(
    connected, pair_on, config, uneven, seconds
):  # F6
    with connected(zanni_wire.wire(**uneven)) as (hosts, wire):
        pair = pair_on(hosts, config)
        send(*pair, pause=config["heartbeat"] / 4, burst=1)  # such a wire carries little
        time.sleep(seconds)  # nothing is to happen meanwhile
        for source, sink in (pair, reversed(pair)):
            sent = source("source.call(Source.finish).get(timeout=20)")
            name = repr(source.name)
            sink.until(f"sink.call(Sink.seen, {name}).get()['count'] >= {sent}", timeout=60)
            assert tally(source, sink) == (sent, sent, 0)
        for node in pair:
            assert "NodeLost" not in node("kinds()")
            assert downs(node) == []
        print(f"packets: {wire.carried} carried, {wire.lost} lost")
        assert wire.lost


@pytest.mark.parametrize("ends", [1, 2], ids=["for its sender alone", "at both ends"])
def test_no_ask_is_left_over_by_connections_that_break_and_are_made_again(connected, pair_on, ends):
    """Whoever asks without a timeout hears in the end, on both sides, though no node is lost."""
    with connected(zanni_wire.wire(delay=0.002, jitter=0.0, loss=0.0)) as (hosts, wire):
        pair = pair_on(hosts, PATIENT)
        for node, other in zip(pair, reversed(pair), strict=True):
            node("asker = system.spawn(Asker, there)")
            node("found = []")
            node(f"look = lambda: found.append(system.whereis('sink@{other.name}'))")
            node("looking = threading.Thread(target=lambda: [look() for _ in range(40)])")
            node("looking.start()")
            node.until("asker.call(Asker.outcome).get()[1].get('answered', 0) > 20")

        def answered(node):
            return node("asker.call(Asker.outcome).get()")[1]["answered"]

        def lost():
            found = [node("asker.call(Asker.outcome).get()")[1] for node in pair]
            return sum(ended.get("ConnectionLost", 0) for ended in found)

        deadline = time.monotonic() + 30
        while not lost() and time.monotonic() < deadline:  # a break may come between two asks
            wire.breaks = ends
            time.sleep(0.3)  # its length is what is tried
            wire.breaks = 0
            for node in pair:
                goal = answered(node) + 20
                node.until(f"asker.call(Asker.outcome).get()[1]['answered'] > {goal}")
        assert wire.broken
        for node in pair:
            node("asker.call(Asker.finish).get()")
            node.until("asker.call(Asker.outcome).get()[0] == 0")
            _, ended = node("asker.call(Asker.outcome).get()")
            print(f"{node.name}: {ended}")
            assert set(ended) <= {"answered", "ConnectionLost"}
            node("looking.join(20)")
            assert node("len(found), None in found") == [40, False]
            assert "NodeLost" not in node("kinds()")
        assert lost()
