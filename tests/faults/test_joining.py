"""Joining what is no node, what was one a moment ago, and many at once."""

import itertools
import socket
import sys
from pathlib import Path

import pytest
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_servers
from zanni_node import Tally
from zanni_process import SLACK

SOAK = [pytest.mark.soak, pytest.mark.timeout(900)]
FULL = {"heartbeat": 1.0, "suspect_after": 5.0, "down_after": 15.0}
PATIENT = {"suspect_after": 30.0, "down_after": 60.0}
"""Where all that happens is told: none is suspected because the machine is busy."""


@pytest.mark.parametrize("lives", [3, pytest.param(50, marks=SOAK)])
def test_a_node_that_is_killed_and_back_at_once_is_another_each_time(nodes, url, tmp_path, lives):
    teller = nodes("teller", join=url, config=PATIENT)
    teller("source = system.spawn(Source, system.spawn(Sink), 'numbers', burst=0)")
    teller("watcher = system.spawn(Watcher)")
    files = [tmp_path / str(life) for life in range(lives)]
    following = nodes("bank", listen=url, held=True)
    for file in files:
        bank = following
        bank.go()
        bank(f"tally = system.spawn(Tally, {str(file)!r}, name='tally')")
        home = bank("list(system.home)")
        teller.until(f"(it := system.whereis('tally@bank')) and list(it.address[:3]) == {home}")
        teller("watcher.ask(it); source.call(Source.aim, it, 10).get()")
        wait_for(lambda file=file: Tally.read(file)[0] > 20)
        if file is not files[-1]:
            following = nodes("bank", listen=url, held=True)
            bank.kill()  # and the next one is there within a tenth of a second
    sent = teller("source.call(Source.finish).get(timeout=20)")
    wait_for(lambda: Tally.read(files[-1])[1] == sent)
    tallies = [Tally.read(file) for file in files]
    came, dead = sum(count for count, _, _ in tallies), sum(teller("losses()").values())
    unknown = sent - came - dead
    print(f"{lives} lives: sent {sent}, came {came}, dead letters {dead}, unknown {unknown}")
    assert [wrong for _, _, wrong in tallies] == [0] * lives
    assert unknown >= 0
    teller.until(f"len(watcher.ask('downs')) == {lives - 1}")
    assert {reason for _, reason, _ in teller("watcher.ask('downs')")} == {"noconnection"}
    kinds = [event[1] for event in teller("happened") if event[1] in ("NodeJoined", "NodeLost")]
    assert kinds == ["NodeJoined", *["NodeLost", "NodeJoined"] * (lives - 1)]


@pytest.mark.parametrize("config", [None, pytest.param(FULL, marks=SOAK)])
def test_a_name_is_free_soon_after_a_crash_that_nobody_has_noticed_yet(nodes, url, config):  # F8
    bank = nodes("bank", listen=url, config=config)
    bank("watcher = system.spawn(Watcher)")
    first, second = (nodes("teller", join=url, config=config, held=True) for _ in range(2))
    first.go()
    first("sink = system.spawn(Sink, name='sink')")
    bank.until("system.whereis('sink@teller')")
    bank("watcher.ask(system.whereis('sink@teller'))")
    first.kill()
    began = bank("time.monotonic()")
    second.go()
    bank.until("kinds().get('NodeJoined') == 2")
    lost, joined = bank.events("NodeLost")[0], bank.events("NodeJoined")[1]
    print(f"accepted after {joined[0] - began:.2f} s")
    assert lost[0] <= joined[0] < began + 1.0 + 2.0 + SLACK
    bank.until("watcher.ask('downs')")
    ((_, reason, _),) = bank("watcher.ask('downs')")
    assert reason == "noconnection"
    assert "JoinRefused" not in bank("kinds()")


def test_a_living_node_keeps_its_name(nodes, url):  # F7
    bank = nodes("bank", listen=url, config=PATIENT)
    teller = nodes("teller", join=url, config=PATIENT)
    teller("sink = system.spawn(Sink, name='sink')")
    bank.until("system.whereis('sink@teller')")
    other = nodes("teller", join=url)
    other.until("kinds().get('JoinRefused')")
    (refused,) = other.events("JoinRefused")
    assert refused[2:4] == [url, "name_in_use"]
    assert "'teller'" in refused[4]
    assert bank("system.whereis('sink@teller').ask('pid', timeout=20)") == teller.process.pid
    assert bank("kinds()") == {"NodeJoined": 1}
    assert "NodeLost" not in teller("kinds()")


def test_nodes_are_joined_over_ip_version_6(nodes):  # F11
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError as error:
        pytest.skip(f"this machine has no ::1: {error}")
    bank = nodes("bank", listen="tcp://[::1]:0")
    teller = nodes("teller", join=bank("system.nodes()[0]['urls'][0]"))
    bank("sink = system.spawn(Sink, name='sink')")
    teller.until("system.whereis('sink@bank')")
    assert teller("system.whereis('sink@bank').ask('pid', timeout=20)") == bank.process.pid


HTTP = b"HTTP/1.0 400 Bad Request\r\n\r\n"


def test_a_server_that_is_no_node_is_asked_ever_more_seldom_and_told_of_once(nodes):  # F10
    with zanni_servers.server(HTTP) as (url, times):
        node = nodes("bank", join=url)
        node.until("kinds().get('JoinFailing')")
        # They were a tenth of that apart, for ever.
        wait_for(
            lambda: any(later - earlier > 0.9 for earlier, later in itertools.pairwise([*times]))
        )
        (failing,) = node.events("JoinFailing")
        assert failing[2] == url
        assert "does not answer as a Zanni node" in failing[3]
        wait_for(lambda: url in node.err)  # another thread reads it
        assert node.err.count(url) == 1


@pytest.mark.parametrize(("ours", "theirs"), [(1, 2), pytest.param(2, 1, marks=SOAK)])
def test_another_version_of_the_protocol_is_refused_with_both_named(
    nodes, url, ours, theirs
):  # F10
    nodes("bank", listen=url, major=ours)
    teller = nodes("teller", join=url, major=theirs)
    teller.until("kinds().get('JoinRefused')")
    (refused,) = teller.events("JoinRefused")
    assert refused[2:4] == [url, "version"]
    assert str(ours) in refused[4]
    assert str(theirs) in refused[4]


@pytest.mark.parametrize("count", [6, pytest.param(16, marks=SOAK)])
def test_many_nodes_that_connect_at_once_all_know_each_other(nodes, count):  # F16
    settings = {"held": True, "listen": "tcp://127.0.0.1:0", "config": PATIENT}
    held = [nodes(f"n{number}", **settings) for number in range(count)]
    for node in held:
        node.go()
    urls = [node("system.nodes()[0]['urls'][0]") for node in held]
    for node in held:
        node.tell(f"[system.join(url) for url in {urls!r} if url not in system.nodes()[0]['urls']]")
    for node in held:
        node.answer()
        node("sink = system.spawn(Sink, name='sink')")
    for node in held:
        node.until(f"[each['state'] for each in system.nodes()] == ['up'] * {count}", timeout=60)
    everyone = sorted(f"n{number}" for number in range(count))
    for node in held:
        assert sorted(node("[each['name'] for each in system.nodes()]")) == everyone
        others = [f"sink@{name}" for name in everyone if name != node.name]
        refs = node(f"[system.whereis(name).ask('pid', timeout=20) for name in {others!r}]")
        assert len(set(refs)) == count - 1
        assert node("kinds()") == {"NodeJoined": count - 1}
        assert node("fds()") < 40 + 12 * count
    print("descriptors of one node:", held[0]("fds()"))
