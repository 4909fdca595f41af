"""Two nodes: joining, names, watches, loss and return, and what strangers do to a port."""

import errno
import logging
import os
import platform
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from nodes import has
from ports import free_url
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew

import zanni
from zanni import ActorSystem, EncodeError, NodeDown
from zanni.transport.events import (
    JoinFailing,
    JoinRefused,
    NodeJoined,
    NodeLost,
    NodeRecovered,
    NodeSuspected,
)

DEADLINE = 20.0
QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 2.0}


@pytest.fixture
def url():
    return free_url()


@pytest.fixture
def bank(url):
    with ActorSystem("bank", listen=url, config=QUICK) as system:
        yield system


@pytest.fixture
def teller(bank, url):
    with ActorSystem("teller", join=url, config=QUICK) as system:
        wait_for(lambda: has(system, NodeJoined) and has(bank, NodeJoined))
        yield system


def test_where_the_cores_of_a_node_listen_is_known_as_soon_as_it_is_up():
    with ActorSystem("bank", cores=3, listen="tcp://127.0.0.1:0") as system:
        places = {**system.network.members.siblings}
        assert sorted(places) == [1, 2]
        assert {place.core for place in places.values()} == {1, 2}
        assert all(place.control.startswith("tcp://127.0.0.1:") for place in places.values())


def test_actors_of_a_joined_node_are_found_and_asked(bank, teller):
    ann = bank.spawn(crew.Counter, 7, name="ann")
    found = teller.whereis("ann@bank")
    assert found == ann
    assert found.name == "ann"
    found.tell(crew.Add(1))
    assert found.ask("total", timeout=DEADLINE) == 8
    assert found.call(crew.Counter.double, 4).get(timeout=DEADLINE) == 8
    assert teller.whereis("nobody@bank") is None
    assert teller.whereis("ann@nowhere") is None


def test_refs_go_both_ways(bank, teller):
    here = teller.spawn(crew.Counter, 3)
    asker = bank.spawn(crew.Watcher, name="asker")
    assert teller.whereis("asker@bank").ask(("ask", here, "total"), timeout=DEADLINE) == 3
    assert asker.is_alive()


def test_nodes_are_listed(bank, teller, url):
    names = {record["name"]: record for record in teller.nodes()}
    assert set(names) == {"bank", "teller"}
    assert names["bank"]["state"] == "up"
    assert names["bank"]["urls"] == [url]
    assert {record["name"] for record in bank.nodes()} == {"bank", "teller"}


def test_a_node_may_ask_another_for_names_and_spawns_and_nothing_else(bank, teller):
    from zanni.actors.future import Future  # noqa: PLC0415
    from zanni.actors.kernel import ListActors  # noqa: PLC0415

    answer = Future()
    teller.network.kernel("bank", 0).deliver(ListActors(), None, answer, None)
    with pytest.raises(zanni.ZanniError, match="nothing else"):
        answer.get(timeout=DEADLINE)


def test_private_names_are_refused(bank, teller):
    bank.spawn(crew.Counter, name="ann")
    found = teller.whereis("ann@bank")
    with pytest.raises(Exception, match="_"):
        found.proxy()._mailbox.get(timeout=DEADLINE)


def test_nodes_that_end_in_order_warn_of_nothing(bank, teller, caplog):
    with caplog.at_level(logging.INFO, "zanni"):
        bank.stop()
        wait_for(lambda: has(teller, NodeLost))
        teller.stop()
    reasons = sorted(text.partition(" is lost: ")[2] for text in caplog.messages)
    assert reasons[-2:] == ["it said goodbye", "it said goodbye"]
    warned = [record for record in caplog.records if record.levelno > logging.INFO]
    # That it is tried on is said where the machine was slow enough for that.
    assert [each for each in warned if "trying on" not in each.getMessage()] == []


def test_the_watchers_of_a_node_that_is_lost_are_kept_no_longer(bank, teller):
    ann = bank.spawn(crew.Counter, name="ann")
    found = wait_for(lambda: teller.whereis("ann@bank"))
    for _ in range(3):
        teller.spawn(crew.Watcher).ask(crew.Watched(found), timeout=DEADLINE)
    wait_for(lambda: len(ann.process.need_ties().watchers) == 3)
    lost = bank.network.members.current["teller", 0].home
    bank.network.on_loop(lambda: bank.network.members.lose(lost, "it is so in a test"))
    wait_for(lambda: not ann.process.need_ties().watchers)


def test_goodbye_tells_watchers_at_once(bank, teller):
    watcher = teller.spawn(crew.Watcher)
    ann = bank.spawn(crew.Counter, name="ann")
    found = teller.whereis("ann@bank")
    watcher.ask(crew.Watched(found), timeout=DEADLINE)
    bank.stop()
    downs = wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
    assert [ref for ref, _ in downs] == [ann]
    wait_for(lambda: has(teller, NodeLost))
    with pytest.raises(NodeDown):
        found.ask("total", timeout=DEADLINE)
    assert teller.whereis("ann@bank") is None


NODE = """
import sys, time
sys.path.insert(0, sys.argv[1])
import zanni_crew as crew
from zanni import ActorSystem

if __name__ == "__main__":
    config = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 2.0}
    with ActorSystem("bank", listen=sys.argv[2], cores=int(sys.argv[3]), config=config) as system:
        system.spawn(crew.Counter, 5, name="ann", core=int(sys.argv[3]) - 1)
        system.spawn(crew.HeldUp, name="held up")
        print("up", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def start_bank(start_node, url, tmp_path):
    script = tmp_path / "bank.py"
    script.write_text(NODE)

    def start(cores=1):
        process = start_node(script, Path(__file__).parent, url, cores)
        assert process.stdout.readline() == b"up\n"
        return process

    return start


def test_a_killed_node_is_lost_once_and_joined_again_when_it_is_back(start_bank, url):
    first = start_bank()
    with ActorSystem("teller", join=url, config=QUICK) as teller:
        ann = wait_for(lambda: teller.whereis("ann@bank"))
        watcher = teller.spawn(crew.Watcher)
        watcher.ask(crew.Watched(ann), timeout=DEADLINE)
        first.send_signal(signal.SIGKILL)
        pending = ann.ask("total", block=False)
        with pytest.raises(NodeDown):
            pending.get(timeout=DEADLINE)
        downs = wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
        assert downs == [(ann, "noconnection")]
        start_bank()
        again = wait_for(lambda: teller.whereis("ann@bank"))
        assert again != ann
        assert again.ask("total", timeout=DEADLINE) == 5
        ann.tell("too late")
        assert teller.dead_letters.statistics().get("stale") == 1
        assert watcher.ask("downs", timeout=DEADLINE) == [(ann, "noconnection")]


def test_nobody_is_looked_for_where_only_a_killed_node_has_listened(start_bank, url):
    first = start_bank(cores=2)
    with ActorSystem("teller", join=url, config=QUICK) as teller:
        ann = wait_for(lambda: teller.whereis("ann@bank"))
        assert ann.core == 1
        assert ann.ask("total", timeout=DEADLINE) == 5
        associations = teller.network.members.associations
        wait_for(lambda: not associations.busy)
        first.send_signal(signal.SIGKILL)
        wait_for(lambda: len(has(teller, NodeLost)) == 2)
        start_bank(cores=2)
        wait_for(lambda: teller.whereis("ann@bank"))
        wait_for(lambda: not associations.busy)


def test_a_node_that_is_back_before_its_loss_was_noticed_is_taken(start_bank, url):
    slow = {**QUICK, "down_after": 60.0}
    first = start_bank()
    with ActorSystem("teller", join=url, config=slow) as teller:
        ann = wait_for(lambda: teller.whereis("ann@bank"))
        watcher = teller.spawn(crew.Watcher)
        watcher.ask(crew.Watched(ann), timeout=DEADLINE)
        first.kill()
        first.wait()
        start_bank()
        downs = wait_for(lambda: watcher.ask("downs", timeout=DEADLINE))
        assert downs == [(ann, "noconnection")]
        again = wait_for(lambda: teller.whereis("ann@bank"))
        assert again.ask("total", timeout=DEADLINE) == 5


@pytest.fixture
def held_up(tmp_path):
    """Have the actor of that name of a node hold its whole process up; how to let it go on."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    opened = os.open(fifo, os.O_RDWR)

    def held_up(teller):
        ref = wait_for(lambda: teller.whereis("held up@bank"))
        watcher = teller.spawn(crew.Watcher)
        watcher.ask(crew.Watched(ref), timeout=DEADLINE)
        answer = ref.ask(str(fifo), block=False)
        return ref, answer, watcher, lambda: os.write(opened, b"x")

    yield held_up
    os.close(opened)


def test_a_node_held_up_in_c_is_suspected_and_recovers(start_bank, url, held_up):  # H10
    start_bank()
    with ActorSystem("teller", join=url, config={**QUICK, "down_after": 60.0}) as teller:
        ref, answer, watcher, let_go = held_up(teller)
        wait_for(lambda: has(teller, NodeSuspected))
        assert not has(teller, NodeRecovered)
        let_go()
        assert answer.get(timeout=DEADLINE) == "goes on"
        wait_for(lambda: has(teller, NodeRecovered))
        assert has(teller, NodeLost) == []
        assert watcher.ask("downs", timeout=DEADLINE) == []
        assert ref.is_alive()


def test_a_node_held_up_for_too_long_is_lost_and_comes_back(start_bank, url, held_up):  # H10
    start_bank()
    with ActorSystem("teller", join=url, config=QUICK) as teller:
        ref, answer, watcher, let_go = held_up(teller)
        with pytest.raises(NodeDown):
            answer.get(timeout=DEADLINE)
        assert wait_for(lambda: watcher.ask("downs", timeout=DEADLINE)) == [(ref, "noconnection")]
        let_go()
        wait_for(lambda: len(has(teller, NodeJoined)) == 2)
        assert wait_for(lambda: teller.whereis("held up@bank")) != ref
        assert not ref.is_alive()
        assert has(teller, JoinRefused) == []
        assert len(has(teller, NodeLost)) == 1
        assert watcher.ask("downs", timeout=DEADLINE) == [(ref, "noconnection")]


def test_all_cores_of_a_joined_node_are_reached_from_all_cores(start_bank, url):
    start_bank(cores=2)
    with ActorSystem("teller", join=url, cores=2, config=QUICK) as teller:
        ann = wait_for(lambda: teller.whereis("ann@bank"))
        assert ann.core == 1
        assert ann.ask("total", timeout=DEADLINE) == 5
        asker = teller.spawn(crew.Watcher, core=1)
        assert asker.ask(("ask", ann, "total"), timeout=DEADLINE) == 5


def test_a_second_node_of_the_same_name_is_refused(bank, teller, url):
    with ActorSystem("teller", join=url, config=QUICK) as second:
        refused = wait_for(lambda: has(second, JoinRefused))
        assert refused[0].reason == "name_in_use"
        assert refused[0].url == url
        assert (refused[0].host, refused[0].pid) == (platform.node(), os.getpid())
        assert f"process {os.getpid()} on {platform.node()}" in refused[0].detail
    ann = bank.spawn(crew.Counter, name="ann")
    assert teller.whereis("ann@bank") == ann


def test_a_port_that_is_taken_is_named_once_with_its_holder_and_the_remedy(bank, url):  # F12
    with pytest.raises(OSError, match="choose another port, or 0") as caught:
        ActorSystem("other", listen=url).start()
    assert caught.value.errno == errno.EADDRINUSE
    assert f"cannot listen on {url}: in use by process {os.getpid()}; " in str(caught.value)
    assert str(caught.value).count(url) == 1


def test_an_ipc_path_that_is_taken_is_named_with_its_holder_and_the_remedy(tmp_path):
    url = f"ipc://{tmp_path}/bank"
    with (
        ActorSystem("first", listen=url),
        pytest.raises(OSError, match=f"in use by process {os.getpid()}; choose another path"),
    ):
        ActorSystem("other", listen=url).start()


def test_nodes_join_over_ipc(tmp_path):
    url = f"ipc://{tmp_path}/bank"
    with (
        ActorSystem("first", listen=url, config=QUICK) as first,
        ActorSystem("other", join=url, config=QUICK) as other,
    ):
        ann = first.spawn(crew.Counter, 2, name="ann")
        assert wait_for(lambda: other.whereis("ann@first")) == ann


@pytest.mark.parametrize("bad", ["tcp://0.0.0.0:7400", "tcp://*:7400", "http://127.0.0.1:7400"])
def test_addresses_that_others_could_reach_are_refused(bad):
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        ActorSystem("open", listen=bad).start()
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        ActorSystem("open", join=bad).start()


def test_strangers_on_the_port_are_ignored(bank, teller, url):
    host, port = url.removeprefix("tcp://").split(":")
    for words in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 10_000, b"\x00", b""):
        with socket.create_connection((host, int(port)), timeout=5) as stranger:
            stranger.sendall(words)
    ann = bank.spawn(crew.Counter, 7, name="ann")
    assert teller.whereis("ann@bank").ask("total", timeout=DEADLINE) == 7
    assert ann.is_alive()


def no_node(kind, tmp_path):
    """A server that is no node, or a socket that does not listen; and the URL to join it at."""
    if kind == "web":
        server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server, f"tcp://127.0.0.1:{server.server_port}"
    family = socket.AF_UNIX if kind.startswith("ipc") else socket.AF_INET
    made = socket.socket(family)
    made.bind(str(tmp_path / kind) if family == socket.AF_UNIX else ("127.0.0.1", 0))
    if kind.endswith("silent"):
        made.listen()
    if family == socket.AF_UNIX:
        return made, f"ipc://{tmp_path}/{kind}"
    return made, f"tcp://127.0.0.1:{made.getsockname()[1]}"


def test_joining_what_is_no_node_goes_on_and_an_event_says_why(caplog, tmp_path):  # F10
    closed = "nothing listens there (connection refused)"
    silent = "does not answer as a Zanni node of this version"
    kinds = {"closed": closed, "silent": silent, "web": silent}
    kinds |= {"ipc closed": closed, "ipc silent": silent}
    with ExitStack() as others, caplog.at_level(logging.WARNING, "zanni"):
        made = {kind: no_node(kind, tmp_path) for kind in kinds}
        for kind, (other, _) in made.items():
            others.enter_context(other)
            if kind == "web":
                others.callback(other.shutdown)
        reasons = {made[kind][1]: reason for kind, reason in kinds.items()}
        with ActorSystem("lonely", join=[*reasons]) as lonely:
            wait_for(lambda: len(has(lonely, JoinFailing)) == len(reasons))
            told = {event.url: event.reason for event in has(lonely, JoinFailing)}
    assert told.keys() == reasons.keys()
    assert all(reason in told[url] for url, reason in reasons.items())
    logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == len(reasons)
    for url, reason in reasons.items():
        assert [reason in text for text in logged if f"{url} yet" in text] == [True]


def test_a_type_that_is_not_declared_there_is_refused(bank, teller):
    bank.spawn(crew.Counter, name="ann")
    found = teller.whereis("ann@bank")
    with pytest.raises(EncodeError):
        found.tell(object())


def test_every_core_knows_of_a_node_long_before_the_next_heartbeat(bank, url):
    bank.spawn(crew.Counter, name="ann")
    slow = {"heartbeat": 60.0, "suspect_after": 300.0, "down_after": 900.0}
    with ActorSystem("teller", join=url, cores=2, config=slow) as teller:
        far = teller.spawn(crew.Finder, core=1)
        wait_for(lambda: has(teller, NodeJoined))
        wait_for(lambda: far.call(crew.Finder.find, "ann@bank").get(timeout=DEADLINE))
