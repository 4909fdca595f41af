"""Processes that end by force: a core, or a node. What was lost with them is counted."""

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

from zanni_node import Tally
from zanni_process import SLACK, is_running

SOAK = [pytest.mark.soak, pytest.mark.timeout(900)]

WAYS = {
    "exit:7": "os._exit(7)",
    "signal:6": "os.abort()",
    "signal:9": "import signal; os.kill(os.getpid(), signal.SIGKILL)",
    "signal:11": "import ctypes; ctypes.string_at(0)",
}


def test_a_core_that_ends_says_how_and_is_started_again(nodes):  # E4, E5
    node = nodes("bank", cores=3, config={"restart_period": 60}, env={"PYTHONFAULTHANDLER": "1"})
    node("far = system.spawn(Sink, core=2)")
    for count, (reason, way) in enumerate(WAYS.items(), 1):
        node("sink, watcher = system.spawn(Sink, core=1), system.spawn(Watcher)")
        node("watcher.ask(sink)")
        began = time.monotonic()
        node(f"sink.tell(('do', {way!r}))")
        node.until(f"kinds().get('CoreDied') == {count}")
        moment, *told = node.events("CoreDied")[-1]
        assert told == ["CoreDied", 1, reason]
        assert moment - began < 1.0 + SLACK
        node.until("watcher.ask('downs')")
        ((_, why, _),) = node("watcher.ask('downs')")
        assert why == "noconnection"
        if count <= 3:  # the intensity of restarts; the fourth is one too many
            node.until(f"system.cores()[1]['state'] == 'up' and kinds()['CoreDied'] == {count}")
    assert node("kinds()['CoreGivenUp']") == 1
    assert node("system.cores()[1]['state']") == "given up"
    assert node("system.cores()[2]['restarts']") == 0
    assert isinstance(node("far.ask('pid', timeout=20)"), int)
    assert "Segmentation fault" in node.err


@pytest.mark.parametrize(("kills", "pause"), [(2, 0.3), pytest.param(30, 2.0, marks=SOAK)])
def test_cores_are_killed_under_load_and_every_message_is_accounted_for(
    nodes, tmp_path, kills, pause
):  # E1
    node = nodes("bank", cores=3, config={"restart_intensity": 100})
    node("source = system.spawn(Source, system.spawn(Sink), 'numbers', burst=0)")
    files = []
    for number in range(kills + 1):
        core = 1 + number % 2
        node.until(f"system.cores()[{core}]['state'] == 'up'")
        files.append(tmp_path / str(number))
        node(f"tally = system.spawn(Tally, {str(files[-1])!r}, core={core})")
        node("watcher = system.spawn(Watcher); watcher.ask(tally)")
        node("source.call(Source.aim, tally, 200).get()")
        wait_for(lambda: Tally.read(files[-1])[0] > 100)
        if number == kills:
            break
        time.sleep(pause)  # under load
        began = node("time.monotonic()")
        os.kill(node("tally.call(Tally.pid).get()"), signal.SIGKILL)
        assert node.until("watcher.ask('downs')")[0][1] == "noconnection"
        node.until(f"[e for e in happened if e[1] == 'CoreStarted' and e[0] > {began}]")
    sent = node("source.call(Source.finish).get(timeout=20)")
    wait_for(lambda: Tally.read(files[-1])[1] == sent)
    tallies = [Tally.read(file) for file in files]
    came = sum(count for count, _, _ in tallies)
    dead = sum(node("losses()").values())
    print(f"sent {sent}, came {came}, dead letters {dead}, unknown {sent - came - dead}")
    assert [wrong for _, _, wrong in tallies] == [0] * len(tallies)
    assert 0 <= sent - came - dead <= kills * node("system.config.peer_messages")


@pytest.fixture
def own_tmp():
    """A directory for temporary files, of a path that sockets can have."""
    path = Path(tempfile.mkdtemp(prefix="z-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("scheme", ["ipc", pytest.param("tcp", marks=SOAK)])
def test_a_killed_node_takes_its_cores_along_and_hinders_no_next_one(
    nodes, url, own_tmp, scheme
):  # E10
    env = {"TMPDIR": str(own_tmp)}
    settings = {"cores": 2, "listen": url if scheme == "tcp" else f"ipc://{own_tmp}/bank"}
    first = nodes("bank", env=env, **settings)
    (core,) = first("[core['pid'] for core in system.cores()[1:]]")
    left = Path(first("system.run_directory"))
    first.kill()
    wait_for(lambda: not is_running(core), 3.0 + SLACK)
    assert left.is_dir()
    second = nodes("bank", env=env, **settings)
    assert not left.exists()
    assert isinstance(second("system.spawn(Sink, core=1).ask('pid', timeout=20)"), int)
    _, code = second.stop()
    assert (code, second.err) == (0, "")
    base = own_tmp / f"zanni-{os.getuid()}"
    assert [each.name for each in base.iterdir()] == ["lock"]
    assert [each for each in own_tmp.iterdir() if each != base] == []


def test_a_program_that_an_actor_starts_inherits_nothing_of_ours(nodes, url):  # E12
    node = nodes("bank", cores=2, listen=url)
    look = "import os; print(*[fd for fd in os.listdir('/proc/self/fd') if fd > '2'])"
    for core in (0, 1):
        node(f"sink = system.spawn(Sink, core={core})")
        run = f"subprocess.run([sys.executable, '-c', {look!r}], close_fds=False, **options)"
        do = (
            "import subprocess; options = {'stdout': subprocess.PIPE, 'text': True}; "
            f"actor.streams['fds'] = [{run}.stdout.split()]"
        )
        node(f"sink.tell(('do', {do!r}))")
        # The one that is left is that of the directory which is being read.
        assert len(node.until("sink.call(Sink.seen, 'fds').get()['last']")) == 1


def test_a_core_dies_though_the_host_program_reaps_all_children(nodes):  # E13
    node = nodes("bank", cores=2)
    node("import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)")  # so the kernel does
    node("sink, watcher = system.spawn(Sink, core=1), system.spawn(Watcher)")
    node("watcher.ask(sink)")
    os.kill(pid := node("sink.ask('pid')"), signal.SIGKILL)
    assert node.until("watcher.ask('downs')")[0][1] == "noconnection"
    node.until("system.cores()[1]['restarts'] == 1 and system.cores()[1]['state'] == 'up'")
    assert node("system.spawn(Sink, core=1).ask('pid', timeout=20)") != pid
    assert node.stop()[1] == 0


LEAVES = {
    "a forked child": "os.fork() or __import__('signal').pause()",
    "a program": "os.system('sleep 60 &')",
}


@pytest.mark.parametrize("what", LEAVES)
def test_a_core_dies_though_what_it_started_lives_on(nodes, what):  # E12
    node = nodes("bank", cores=2)
    node("sink, watcher = system.spawn(Sink, core=1), system.spawn(Watcher)")
    node("watcher.ask(sink)")
    node(f"sink.tell(('do', {LEAVES[what]!r}))")
    os.kill(node("sink.ask('pid')"), signal.SIGKILL)
    assert node.until("watcher.ask('downs')")[0][1] == "noconnection"
