"""`zanni run`: a root's life, from its arguments to the exit code."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_url
from waiting import wait_for

PATIENCE = 40.0

ACTORS = """
import logging
import threading
import time
import pykka
from zanni import Actor, Future
from zanni.supervisors import Supervisor, child

class Echo(Actor):
    def __init__(self, *args, **kwargs):
        super().__init__()
        self.said = (args, kwargs)
    def on_start(self):
        print("got", *self.said, flush=True)
        self.stop()

class Named(Actor):
    def __init__(self, name, core):
        super().__init__()
        print("named", name, core, flush=True)
    def on_start(self):
        self.stop()

class Idle(Actor):
    def on_start(self):
        print("ready", len(self.system.cores()), flush=True)
    def on_stop(self):
        print("stopped", flush=True)

class Settings(Actor):
    def on_start(self):
        config = self.system.config
        print(config.peer_overflow, config.heartbeat, config.threads, flush=True)
        self.stop()

class Pair(Supervisor):
    def children(self):
        return [child(Idle, id="far", core=1), child(Idle, id="near")]

class Stuck(Actor):
    def on_start(self):
        self.actor_ref.tell("work")
    def on_receive(self, message):
        print("ready", flush=True)
        time.sleep(100)

class Silent(Actor):
    def on_start(self):
        self.actor_ref.tell("work")
    def on_receive(self, message):
        open("ready", "w").close()
        time.sleep(100)

class StuckTeam(Supervisor):
    def children(self):
        return [child(Stuck, id="stuck", core=1, shutdown="infinity")]

class Logs(Actor):
    def on_start(self):
        logger = logging.getLogger("acts")
        logger.debug("a word of core %s", self.actor_ref.core)
        logger.warning("a warning of core %s", self.actor_ref.core)
        self.stop()

class LogsThere(Logs):
    def on_start(self):
        self.spawn(Logs, core=1).wait()
        super().on_start()

class StopsAll(Actor):
    def on_start(self):
        assert self.system.actors() == [self.actor_ref]
        pykka.ActorRegistry.stop_all(block=False)

class StopsSystem(Idle):
    def on_start(self):
        threading.Thread(target=self.system.stop).start()

class StopsItsStart(StopsSystem):
    def on_start(self):
        super().on_start()
        Future().get()

class Unborn(Actor):
    def __init__(self):
        super().__init__()
        raise LookupError("no cradle")

class Stillborn(Actor):
    def on_start(self):
        raise LookupError("no breath")

class Refuses(Actor):
    def __init__(self):
        raise SystemExit("no config")

class Exits(Actor):
    def on_start(self):
        raise SystemExit("no home")

class Failing(Actor):
    def on_start(self):
        self.actor_ref.tell("go")
    def on_receive(self, message):
        raise LookupError("no way")

class Team(Supervisor):
    def children(self):
        return [child(Idle, id="idle", core=1)]

class Hopeless(Supervisor):
    intensity = 2
    def children(self):
        return [child(Failing, id="worker")]

class Parent(Supervisor):
    def children(self):
        return [child(Hopeless, id="inner")]

class Ending(Supervisor):
    auto_shutdown = "any_significant"
    def children(self):
        return [child(Echo, id="echo", restart="transient", significant=True)]

class _Hidden(Actor):
    pass
"""


@pytest.fixture(autouse=True)
def actors(module: Any) -> None:
    module("acts", ACTORS)


@pytest.mark.parametrize("root", ["StopsAll", "StopsSystem", "StopsItsStart"])
def test_a_program_that_shuts_itself_down_ends_the_command(start: Any, root: str) -> None:
    command = start("run", f"acts:{root}", "--config", "drain_timeout=0.5")
    assert command.wait() == 0, command.err
    assert command.err == ""


def test_a_root_that_stops_ends_the_command(start: Any) -> None:
    command = start("run", "acts:Echo")
    assert command.wait() == 0
    assert command.out == "got () {}\n"
    assert command.err == ""


@contextlib.contextmanager
def in_shell(folder: Path, arguments: str, before: str = ":") -> Iterator["subprocess.Popen[str]"]:
    """A command whose streams a shell redirects, or whose signals it sets `before`."""
    command = ["sh", "-c", f'{before}; exec "$0" -m zanni.cli.main {arguments}', sys.executable]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_command_whose_stderr_is_closed_runs(tmp_path: Path) -> None:
    with in_shell(tmp_path, "run acts:Echo --cores 2 2>&-") as command:
        printed, _ = command.communicate(timeout=PATIENCE)
    assert (command.returncode, printed) == (0, "got () {}\n")


def test_a_command_whose_streams_are_closed_ends_though_it_does_not_drain(tmp_path: Path) -> None:
    times = "--config drain_timeout=0.2 --config kill_timeout=0.2"
    with in_shell(tmp_path, f"run acts:Silent {times} <&- >&- 2>&-") as command:
        wait_for((tmp_path / "ready").exists, PATIENCE)
        command.terminate()
        assert command.wait(PATIENCE) == 143


ARGUMENTS = [
    (["--", "a", "b=1", "c d", "=x", "--y"], "got ('a', 'c d', '=x', '--y') {'b': '1'}\n"),
    (["--path", "here", "--deep-down=yes"], "got () {'path': 'here', 'deep_down': 'yes'}\n"),
    (["--path", "here", "--cores", "1", "--", "path=there"], "got () {'path': 'there'}\n"),
    (["--", "a=b=c", "1a=2"], "got ('1a=2',) {'a': 'b=c'}\n"),
]


@pytest.mark.parametrize(("arguments", "printed"), ARGUMENTS)
def test_arguments_reach_the_root(start: Any, arguments: list[str], printed: str) -> None:
    command = start("run", "acts:Echo", *arguments)
    assert command.wait() == 0, command.err
    assert command.out == printed


def test_settings_are_numbers_and_words(start: Any) -> None:
    pairs = ("peer_overflow=wait", "heartbeat=0.5", "threads=2e1")
    command = start("run", "acts:Settings", *(f"--config={pair}" for pair in pairs))
    assert command.wait() == 0, command.err
    assert command.out == "wait 0.5 20\n"


def test_arguments_may_be_named_like_those_of_spawn(start: Any) -> None:
    command = start("run", "acts:Named", "--", "name=ann", "core=7")
    assert command.wait() == 0, command.err
    assert command.out == "named ann 7\n"


@pytest.mark.parametrize(
    ("root", "text"),
    [("Unborn", "no cradle"), ("Stillborn", "no breath"), ("Failing", "no way")],
)
def test_a_root_that_fails_is_reported(start: Any, root: str, text: str) -> None:
    command = start("run", f"acts:{root}")
    assert command.wait() == 1
    assert f"Error: the root actor failed: LookupError: {text}\n" in command.err


@pytest.mark.parametrize(("root", "text"), [("Refuses", "no config"), ("Exits", "no home")])
def test_a_root_that_exits_as_it_starts_ends_the_command(start: Any, root: str, text: str) -> None:
    command = start("run", f"acts:{root}")
    assert command.wait() == 1
    assert f"Error: the root actor failed: SystemExit: {text}\n" in command.err


def test_a_failure_in_the_constructor_shows_no_traceback_unless_asked(start: Any) -> None:
    plain, debug = start("run", "acts:Unborn"), start("run", "--debug", "acts:Unborn")
    assert (plain.wait(), debug.wait()) == (1, 1)
    assert "Traceback" not in plain.err
    assert "Traceback" in debug.err


@pytest.mark.parametrize("cores", ["1", "2"])
def test_ctrl_c_drains(start: Any, cores: str) -> None:
    command = start("run", "acts:Idle", "--cores", cores)
    command.expect(f"ready {cores}")
    command.interrupt()
    assert command.wait() == 130
    assert command.out.endswith("stopped\n")
    assert "Traceback" not in command.err


@pytest.mark.parametrize("cores", ["1", "2"])
def test_sigterm_drains(start: Any, cores: str) -> None:
    command = start("run", "acts:Idle", "--cores", cores)
    command.expect(f"ready {cores}")
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0
    assert command.out.endswith("stopped\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_a_signal_to_all_processes_drains_as_well(start: Any, number: int) -> None:
    command = start("run", "acts:Pair", "--config", "drain_timeout=100", "--cores", "2")
    command.expect("ready")
    os.killpg(command.process.pid, number)  # as a process manager sends it, or a closed terminal
    assert command.wait() == 0
    assert command.out.count("stopped") == 2


def test_a_hang_up_that_is_ignored_stays_so_on_all_cores(tmp_path: Path, module: Any) -> None:
    module("asks", HANG_UP)
    with in_shell(tmp_path, "run asks:Both --cores 2", before="trap '' HUP") as command:
        printed, _ = command.communicate(timeout=PATIENCE)
    assert (command.returncode, printed) == (0, "0 True\n1 True\n")


HANG_UP = """
import signal
from zanni import Actor

class Core(Actor):
    def ignores(self):
        return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

class Both(Actor):
    def on_start(self):
        for core in (0, 1):
            print(core, self.spawn(Core, core=core).call(Core.ignores).get(), flush=True)
        self.stop()
"""


CLERK = """
import time
from zanni import Actor, ShuttingDown

class Worker(Actor):
    def work(self):  # until the stop has begun
        for _ in range(2000):
            try:
                self.system.spawn(Actor).stop(block=False)
            except ShuttingDown:
                break
            time.sleep(0.01)
        return "all of it"

class Clerk(Actor):
    def on_start(self):
        self.worker = self.spawn(Worker)
        self.actor_ref.tell("work")
    def on_receive(self, message):
        print("asks", flush=True)
        print("got", self.worker.call(Worker.work).get(), flush=True)
        try:
            self.system.spawn(Worker)
        except ShuttingDown:
            print("no more", flush=True)
"""


def test_an_ask_in_flight_is_answered_after_sigterm_and_nothing_new_begins(
    start: Any, module: Any
) -> None:
    module("clerks", CLERK)
    command = start("run", "clerks:Clerk")
    command.expect("asks")
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0
    assert command.out == "asks\ngot all of it\nno more\n"


def test_ctrl_c_while_the_module_is_imported(start: Any, module: Any) -> None:
    module("slow", "print('importing', flush=True)\nimport time\ntime.sleep(100)\n")
    command = start("run", "slow:Root")
    command.expect("importing")
    command.interrupt()
    assert command.wait() == 130
    assert "Traceback" not in command.err


def test_a_supervisor_may_be_the_root(start: Any) -> None:
    command = start("run", "acts:Team", "--cores", "2")
    command.expect("ready")
    command.interrupt()
    assert command.wait() == 130
    assert "stopped" in command.out


GUEST = """
from zanni import Actor, SpawnError
import acts

class Guest(Actor):
    def on_start(self):
        self.actor_ref.tell("look")
    def on_receive(self, message):
        if len(self.system.nodes()) < 2:
            self.after(0.05, "look")
            return
        print("spawned at", self.spawn(acts.Idle, node="host", core=1).address)
        for cls in (acts._Hidden, acts.Supervisor, Guest):
            try:
                self.spawn(cls, node="host")
            except SpawnError as error:
                print(cls.__name__, error.type)
        self.stop()
"""


def test_joined_nodes_may_spawn_what_the_module_defines_and_nothing_else(
    start: Any, module: Any
) -> None:
    module("guest", GUEST)
    url = free_url()
    host = start("run", "acts:Idle", "--cores", "2", "--name", "host", "--listen", url)
    host.expect("ready 2")
    guest = start("run", "guest:Guest", "--name", "guest", "--join", url)
    assert guest.wait() == 0, guest.err
    where, *refused = guest.out.splitlines()
    assert where.startswith("spawned at host/1/")
    assert refused == [f"{name} PermissionError" for name in ("_Hidden", "Supervisor", "Guest")]
    host.expect("ready")  # on a core that may not have heard of the others
    host.expect("stopped")  # with its parent


JOINS = """
import time
from zanni import Actor
class Joins(Actor):
    def on_start(self):
        while len([each for each in self.system.nodes() if each["state"] == "up"]) < 2:
            time.sleep(0.01)
        print("joined", flush=True)
"""


def test_a_second_node_of_a_name_ends_and_says_whose_it_is(start: Any, module: Any) -> None:  # F7
    url = free_url()
    host = start("run", "acts:Idle", "--name", "host", "--listen", url)
    host.expect("ready 1")
    module("joins", JOINS)
    first = start("run", "joins:Joins", "--name", "guest", "--join", url)
    first.expect("joined")
    for name, holder in (("host", host), ("guest", first)):
        second = start("run", "acts:Idle", "--name", name, "--join", url)
        assert second.wait() == 1
        assert f"the name {name!r} is that of" in second.err
        assert f"(process {holder.process.pid} on " in second.err
    assert first.process.poll() is None


def test_a_class_that_other_nodes_cannot_name_may_still_be_run(start: Any, module: Any) -> None:
    module("made", "import acts\ndef make():\n    class Made(acts.Echo): pass\n    return Made\n")
    module("maker", "from made import make\nMade = make()\n")
    command = start("run", "maker:Made")
    assert command.wait() == 0, command.err


@pytest.mark.parametrize("root", ["Stuck", "StuckTeam"])
def test_a_second_ctrl_c_ends_at_once(start: Any, root: str) -> None:
    command = start("run", f"acts:{root}", "--cores", "2", "--config", "drain_timeout=100")
    command.expect("ready")
    command.interrupt()
    with pytest.raises(subprocess.TimeoutExpired):  # a drain shows by nothing but going on
        command.process.wait(0.5)
    command.interrupt()
    assert command.wait() == 130


@pytest.mark.parametrize("debug", [True, False])
def test_child_cores_log_as_the_command_does(start: Any, debug: bool) -> None:
    command = start("run", *["--debug"][: int(debug)], "acts:LogsThere", "--cores", "2")
    assert command.wait() == 0, command.err
    for core in (0, 1):
        for level, text in (("DEBUG", "a word"), ("WARNING", "a warning")):
            line = rf"(?m)^[-\d]+ [:,\d]+ {level} acts: {text} of core {core}$"
            assert bool(re.search(line, command.err)) is (debug or level == "WARNING"), command.err


@pytest.mark.parametrize("root", ["Stuck", "StuckTeam"])
def test_a_drain_that_expires_after_sigterm_says_so(start: Any, root: str) -> None:
    config = ("--config", "drain_timeout=0.3", "--config", "kill_timeout=0.3")
    command = start("run", f"acts:{root}", "--cores", "2", *config)
    command.expect("ready")
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 143


def test_a_taken_port_is_named(start: Any) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        command = start("run", "acts:Idle", "--listen", f"tcp://127.0.0.1:{port}")
        assert command.wait() == 2
    assert str(port) in command.err
    assert f"in use by process {os.getpid()}; choose another port" in command.err
    assert "Traceback" not in command.err


@pytest.mark.parametrize("url", ["tcp://0.0.0.0:7499", "tcp://127.0.0.1", "carrier://pigeon"])
def test_a_url_that_will_not_do_is_refused(start: Any, url: str) -> None:
    command = start("run", "acts:Idle", "--listen", url)
    assert command.wait() == 2
    assert "Traceback" not in command.err


# --- a root that is a supervisor


def test_a_root_supervisor_that_gives_up_is_a_failure_and_told(start: Any) -> None:
    run = start("run", "acts:Hopeless")
    assert run.wait() == 1
    report = run.err[run.err.index("Error: the root supervisor gave up") :]
    assert "child 'worker' failed, and 3 restarts within 5 seconds" in report
    assert report.count("worker: LookupError('no way')") == 3
    assert run.err.count("crashed in its incarnation") == 3  # in the log, once each


def test_what_made_supervisors_below_the_root_give_up_is_told_too(start: Any) -> None:
    run = start("run", "acts:Parent")
    assert run.wait() == 1
    assert "Error: the root supervisor gave up: child 'inner' failed" in run.err
    assert re.search(r"Hopeless at \S+ gave up, too: child 'worker' failed", run.err)
    assert "  worker: LookupError('no way')" in run.err


def test_a_root_supervisor_that_ends_with_its_significant_child_is_no_failure(start: Any) -> None:
    run = start("run", "acts:Ending")
    assert run.wait() == 0
    assert run.err == ""
