"""`zanni tree` of real systems: how they are found, what is shown, and that none is disturbed."""

import contextlib
import itertools
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_url
from waiting import wait_for

from zanni.transport.events import NOTHING_LISTENS

ACTORS = """
from zanni import Actor, Future
from zanni.supervisors import Backoff, Supervisor, child

class Account(Actor):
    pass

class Last(Actor):
    def on_start(self):
        print("open", flush=True)

class Tellers(Supervisor):
    strategy = "rest_for_one"
    def children(self):
        return [child(Account, id="first"), child(Last, id="last")]

class Bank(Supervisor):
    intensity, period = 3, 60.0
    def children(self):
        other = len(self.system.cores()) - 1
        return [child(Account, id="ann", name="ann"), child(Tellers, id="tellers", core=other)]

class Failing(Actor):
    lives = 0
    def on_start(self):
        type(self).lives += 1
        print("life", type(self).lives, flush=True)
        if self.lives < 3:
            self.actor_ref.tell("crash")
    def on_receive(self, message):
        raise ValueError("insufficient \\x1b[31m funds")

class Hospital(Supervisor):
    intensity, period = 5, 60.0
    def children(self):
        patient = Backoff(min=1000, max=1000)
        return [
            child(Failing, id="failing"),
            child(Once, id="once", restart="transient"),
            child(Sick, id="sick", restart="transient", backoff=patient),
        ]

class Once(Actor):
    def on_start(self):
        self.stop()

class Sick(Actor):
    def on_start(self):
        self.actor_ref.tell("crash")
    def on_receive(self, message):
        raise LookupError("no cure")

class Busy(Actor):
    def on_start(self):
        self.after(0.2, "go")
    def on_receive(self, message):
        print("busy", flush=True)
        while True:
            pass

class Slow(Actor):
    def on_start(self):
        print("slow", flush=True)
        Future().get()

class Team(Supervisor):
    def children(self):
        return [child(Account, id="first"), child(Busy, id="busy")]

class Stuck(Supervisor):
    def children(self):
        return [child(Account, id="first"), child(Slow, id="slow"), child(Account, id="later")]

class Sender(Actor):
    def on_receive(self, other):
        for _ in range(200):
            other.tell(bytes(10_000))
        self.actor_ref.tell(other)

class Flood(Actor):
    def on_start(self):
        self.system.spawn(Sender).tell(self.spawn(Account, core=1))
        print("flowing", flush=True)

class Parent(Actor):
    def on_start(self):
        self.spawn(Account, name="child")
        print("open", flush=True)

class Listener(Actor):
    def on_start(self):
        self.system.events.subscribe(lambda event: print("event", event, flush=True))
        print("open", flush=True)
    def on_stop(self):
        print("nodes", *[node["name"] for node in self.system.nodes()], flush=True)
"""

SECONDS = 20.0


@pytest.fixture(autouse=True)
def actors(module: Any) -> None:
    module("acts", ACTORS)


@pytest.fixture(autouse=True)
def own_tmp(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A TMPDIR of the test's own: other systems run on this machine, too."""
    path = tempfile.mkdtemp(prefix="z-", dir="/tmp")
    monkeypatch.setenv("TMPDIR", path)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def run(start: Any) -> Callable[..., Any]:
    """Start a system and wait until it says a word."""

    def run(root: str, *options: str, says: str = "open") -> Any:
        command = start("run", f"acts:{root}", *options)
        command.expect(says)
        return command

    return run


@pytest.fixture
def tree(start: Any) -> Callable[..., Any]:
    """What `zanni tree --json` prints."""

    def tree(*arguments: str) -> Any:
        command = start("tree", "--json", *arguments)
        assert command.wait() == 0, command.err
        return json.loads(command.out)

    return tree


# What is shown


def test_a_tree_of_supervisors_on_two_cores(run: Any, tree: Any) -> None:
    run("Bank", "--cores", "2", "--name", "bank")
    seen = tree()
    pids = [core.pop("pid") for core in seen["cores"]]
    assert len(set(pids)) == 2

    def child(id: str, cls: str, ref: str, **more: Any) -> dict[str, Any]:
        fixed = {"kind": "worker", "restart": "permanent", "name": None, "state": "running"}
        fixed |= {"restarts": 0, "reason": None, "supervisor": None}
        return {"id": id, "class": f"acts:{cls}", "ref": ref, **fixed, **more}

    def supervisor(cls: str, ref: str, **more: Any) -> dict[str, Any]:
        fixed = {"kind": "supervisor", "name": None, "state": "idle", "recent_restarts": 0}
        return {"class": f"acts:{cls}", "ref": ref, **fixed, "more": {}, **more}

    def core(index: int, actors: int, supervisors: list[Any]) -> dict[str, Any]:
        none = {"restarts": 0, "problem": None, "unsupervised": {}, "unsupervised_actors": []}
        up = {"core": index, "state": "up", "actors": actors}
        return {**up, "supervisors": supervisors, **none}

    tellers = supervisor(
        "Tellers",
        "bank/1/1",
        strategy="rest_for_one",
        intensity=1,
        period=5.0,
        children=[child("first", "Account", "bank/1/2"), child("last", "Last", "bank/1/3")],
    )
    bank = supervisor(
        "Bank",
        "bank/0/2",
        strategy="one_for_one",
        intensity=3,
        period=60.0,
        children=[
            child("ann", "Account", "bank/0/3", name="ann"),
            child("tellers", "Tellers", "bank/1/1", kind="supervisor", supervisor=tellers),
        ],
    )
    assert seen == {"node": "bank", "cores": [core(0, 2, [bank]), core(1, 3, [])]}


def test_a_child_that_crashes_is_shown_with_its_restarts_and_the_reason(
    run: Any, tree: Any
) -> None:
    run("Hospital", says="life 3")

    def children() -> dict[str, Any]:
        (hospital,) = tree()["cores"][0]["supervisors"]
        return {child["id"]: child for child in hospital["children"]}

    def over() -> dict[str, Any] | None:
        seen = children()
        states = [child["state"] for child in seen.values()]
        return seen if states == ["running", "stopped", "restarting"] else None

    seen = wait_for(over)
    assert (seen["failing"]["restarts"], seen["failing"]["ref"]) == (2, seen["failing"]["ref"])
    assert "insufficient" in seen["failing"]["reason"]
    assert (seen["once"]["reason"], seen["once"]["ref"]) == ("normal", None)
    assert seen["sick"]["reason"] == "LookupError('no cure')"


def test_lines_for_people(run: Any, start: Any) -> None:
    run("Bank", "--name", "bank")
    command = start("tree")
    assert command.wait() == 0
    lines = command.out.splitlines()
    assert lines[0] == "bank  1 core"
    assert "core 0  up  process " in lines[1]
    assert lines[2].endswith("Bank  idle  one_for_one  0 of 3 restarts in 60 s  bank/0/2")
    assert lines[3].endswith("ann  Account 'ann'  running  bank/0/3")
    assert lines[4].endswith(
        "tellers  Tellers  running  rest_for_one  0 of 1 restarts in 5 s  bank/0/4"
    )
    assert lines[6].endswith("last  Last  running  bank/0/6")
    assert len(lines) == 7


def test_what_a_node_says_cannot_write_on_the_terminal(run: Any, start: Any) -> None:
    run("Hospital", says="life 3")
    command = start("tree")
    assert command.wait() == 0
    assert "insufficient" in command.out
    assert "\x1b" not in command.out


def test_actors_that_nobody_supervises_are_counted_or_listed(
    run: Any, tree: Any, start: Any
) -> None:
    run("Parent", "--name", "home")
    core = tree()["cores"][0]
    assert core["unsupervised"] == {"acts:Parent": 1, "acts:Account": 1}
    assert core["unsupervised_actors"] == []
    parent, child = tree("--all")["cores"][0]["unsupervised_actors"]
    assert parent == {
        "class": "acts:Parent",
        "name": None,
        "ref": "home/0/2",
        "state": "idle",
        "parent": None,
        "queued": 0,
    }
    assert (child["name"], child["parent"]) == ("child", "home/0/2")
    lines = start("tree", "--all")
    assert lines.wait() == 0
    assert lines.out.splitlines()[-1].endswith("    └── Account 'child'  idle  home/0/3")


# It does not disturb, and is not held up


def test_a_handler_that_computes_holds_nothing_up(run: Any, tree: Any) -> None:
    run("Team", says="busy")
    (team,) = tree()["cores"][0]["supervisors"]
    assert team["state"] == "idle"
    assert [child["state"] for child in team["children"]] == ["running", "running"]


def test_a_supervisor_that_waits_for_a_slow_child_holds_nothing_up(run: Any, tree: Any) -> None:
    run("Stuck", says="slow")
    (stuck,) = tree()["cores"][0]["supervisors"]
    assert stuck["state"] == "starting"
    assert [child["state"] for child in stuck["children"]] == ["running", "not started"]


def test_a_flood_of_messages_holds_nothing_up(run: Any, tree: Any) -> None:
    run("Flood", "--cores", "2", says="flowing")
    seen = tree()
    assert [core["problem"] for core in seen["cores"]] == [None, None]
    assert seen["cores"][0]["unsupervised"] == {"acts:Flood": 1, "acts:Sender": 1}


@pytest.mark.parametrize("options", [[], ["--listen", "tcp://127.0.0.1:0"]], ids=str)
def test_the_system_hears_of_no_node(run: Any, tree: Any, options: list[str]) -> None:
    listener = run("Listener", "--name", "quiet", *options)
    for _ in range(2):
        tree("quiet")
    listener.process.send_signal(signal.SIGTERM)
    assert listener.wait() == 0
    assert listener.out == "open\nnodes quiet\n"
    assert listener.err == ""


# Which system


def test_where_none_runs(start: Any, own_tmp: str) -> None:
    command = start("tree")
    assert command.wait() == 1
    assert f"no system runs here for this user (looked in {own_tmp}/zanni-" in command.err


def test_of_several_one_has_to_be_named(run: Any, start: Any, tree: Any) -> None:
    bank, shop = run("Bank", "--name", "bank"), run("Bank", "--name", "shop")
    command = start("tree")
    assert command.wait() == 2
    for name, each in (("bank", bank), ("shop", shop)):
        assert name in command.err
        assert f"(process {each.process.pid})" in command.err
        assert tree(name)["node"] == name


def test_of_several_with_one_name_the_url_tells(run: Any, start: Any, tree: Any) -> None:
    pids = {run("Bank", "--name", "twin").process.pid for _ in range(2)}
    command = start("tree", "twin")
    assert command.wait() == 2
    urls = [word for word in command.err.split() if word.startswith("ipc://")]
    assert {tree(url)["cores"][0]["pid"] for url in urls} == pids


def test_a_name_that_no_system_has(run: Any, start: Any) -> None:
    run("Bank", "--name", "bank")
    command = start("tree", "shop")
    assert command.wait() == 1
    assert "no system 'shop' runs here; there are: bank (process " in command.err


def test_a_system_that_listens_is_found_by_its_url_too(run: Any, tree: Any) -> None:
    url = free_url()
    run("Bank", "--cores", "2", "--name", "bank", "--listen", url)
    for target in (url, url.replace("127.0.0.1", "localhost"), "bank"):
        seen = tree(target)
        assert [core["problem"] for core in seen["cores"]] == [None, None]
        assert [core["actors"] for core in seen["cores"]] == [2, 3]


@pytest.mark.parametrize("url", ["tcp://1.1.1.1:7400", "tcp://127.0.0.1", "carrier://pigeon"])
def test_a_url_that_will_not_do_is_bad_usage(start: Any, url: str) -> None:
    command = start("tree", url)
    assert command.wait() == 2
    assert "Traceback" not in command.err


def test_a_port_where_nothing_or_something_else_listens(start: Any) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        nothing, wrong = (
            free_url(),
            f"tcp://127.0.0.1:{other.getsockname()[1]}",
        )
        other.listen()
        commands = [start("tree", url) for url in (nothing, wrong)]
        assert [command.wait() for command in commands] == [1, 1]
    assert f"{nothing} does not answer: {NOTHING_LISTENS}" in commands[0].err
    assert f"nothing answers at {wrong} within" in commands[1].err
    assert "Traceback" not in commands[0].err + commands[1].err


def test_a_system_that_is_stopped_by_a_signal_is_said_not_to_answer(run: Any, start: Any) -> None:
    bank = run("Bank", "--name", "bank")
    bank.process.send_signal(signal.SIGSTOP)
    try:
        command = start("tree")
        assert command.wait() == 1
    finally:
        bank.process.send_signal(signal.SIGCONT)
    assert f"bank (process {bank.process.pid}) runs, and does not answer" in command.err


def test_a_core_that_does_not_answer_is_shown_as_such(run: Any, tree: Any) -> None:
    run("Bank", "--cores", "2", "--name", "bank")
    pid = tree()["cores"][1]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        first, second = tree()["cores"]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert first["problem"] is None
    assert "answer" in second["problem"]
    assert second["actors"] is None
    (tellers,) = [each for each in first["supervisors"][0]["children"] if each["id"] == "tellers"]
    assert (tellers["state"], tellers["supervisor"]) == ("running", None)


# Again and again


@pytest.mark.parametrize(
    ("end", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -9)], ids=["stopped", "killed"]
)
def test_it_is_watched_until_it_has_ended(run: Any, start: Any, end: int, code: int) -> None:
    bank = run("Bank", "--name", "bank")
    command = start("tree", "--watch", "--json")
    for _ in range(2):
        seen = json.loads(command.expect(".*")[0])
        assert seen["node"] == "bank"
    bank.process.send_signal(end)
    assert bank.wait() == code
    assert command.wait() == 0
    assert f"bank (process {bank.process.pid}) has ended\n" in command.err


def test_ctrl_c_ends_the_watching(run: Any, start: Any) -> None:
    run("Bank", "--name", "bank")
    command = start("tree", "--watch")
    for _ in range(2):
        command.expect("bank  1 core")
    command.interrupt()
    assert command.wait() == 130
    assert command.err == ""


def test_on_a_terminal_one_tree_changes(run: Any, own_tmp: str) -> None:
    run("Bank", "--name", "bank")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zanni.cli.main", "tree", "--watch"],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TERM": "xterm", "TMPDIR": own_tmp, "COLUMNS": "120"},
    )
    os.close(theirs)
    try:
        shown = b""
        while shown.count(b"tellers") < 2:
            shown += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert b"\x1b[1A" in shown  # up a line: it is drawn over
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            os.close(ours)


NOT_PRINTED = {
    "{} > /dev/full": (1, "Error: cannot print: "),
    "{} >&-": (0, ""),
    "{} --watch | head -n 1 > /dev/null": (0, ""),  # the code is that of head
}


def test_what_cannot_be_printed_is_told_and_is_no_fault_of_the_system(run: Any) -> None:
    run("Bank")
    command = f"timeout -s KILL 60 {sys.executable} -m zanni.cli.main tree"
    with contextlib.ExitStack() as stack:
        shells = {
            case: stack.enter_context(
                subprocess.Popen(
                    ["sh", "-c", case[0].format(f"{command} {case[1]}")], stderr=subprocess.PIPE
                )
            )
            for case in itertools.product(NOT_PRINTED, ["", "--json"])
        }
        for case, shell in shells.items():
            said = shell.communicate()[1].decode()
            code, start = NOT_PRINTED[case[0]]
            assert (shell.returncode, said.startswith(start)) == (code, True), (case, said)
            assert said.count("\n") == bool(start), case


def test_nothing_is_left_of_an_observer(run: Any, tree: Any, own_tmp: str) -> None:
    run("Bank", "--name", "bank")
    tree()
    (base,) = Path(own_tmp).iterdir()
    assert len([each for each in base.iterdir() if each.is_dir()]) == 1


def test_the_help_shows_examples_and_exit_codes(start: Any) -> None:
    command = start("tree", "--help")
    assert command.wait() == 0
    assert "zanni tree bank --watch\n" in command.out
    assert "130  Ctrl-C" in command.out
