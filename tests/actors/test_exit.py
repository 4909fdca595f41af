"""E15: a program that ends without `stop()` ends soon, with its own exit code and one warning."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")

BEGIN = """
import atexit, time
if __name__ == "__main__":  # the first to register is the last to go
    atexit.register(lambda: print(time.monotonic() - began))
import os
import sys
import threading

from zanni import Actor, ActorSystem

class Stuck(Actor):
    async def sleep_for_ever(self):
        import asyncio
        await asyncio.sleep(1000)

    def on_receive(self, message):
        match message:
            case "pid":
                return os.getpid()
            case "sleep":
                time.sleep(1000)
            case "spin":
                while True:
                    pass
            case "lock":
                threading.Lock().acquire() and threading.Event().wait()
            case "ask":
                return self.spawn(Stuck).ask("for ever")
            case "for ever":
                from zanni import Future
                return Future().get()
            case "await":
                return self.sleep_for_ever()
        return message

    def on_stop(self):
        if STUBBORN:
            time.sleep(1000)

STUBBORN = False
CORES = %d

if __name__ == "__main__":
    system = ActorSystem("left", cores=CORES, config={"drain_timeout": 60}).start()
    refs = [system.spawn(Stuck, core=core) for core in range(CORES)]
    print(*[ref.ask("pid", timeout=20) for ref in refs], flush=True)
    began = time.monotonic()
"""

DEADLINE = 15.0
"""Seconds that the end of the interpreter may take: a second and a half, and a busy machine."""

ENDS = {
    "falls off the end": ("", 0),
    "sys.exit": ("    sys.exit(3)\n", 3),
    "an exception": ("    raise LookupError('mine')\n", 1),
}


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(params=[1, 2], ids=["one core", "two cores"])
def leaving(script, request, eventually):
    """Run a program that has begun a system, does `body` and leaves it to the interpreter."""

    def leaving(body, code):
        done = script(BEGIN % request.param + body, timeout=50, code=code)
        *pids, seconds = done.out.split()
        assert float(seconds) < DEADLINE
        for pid in map(int, pids):
            eventually(lambda pid=pid: not is_running(pid))
        assert done.err.count("was not stopped") == 1, done.err
        assert "the system 'left' was not stopped: use 'with' or stop()" in done.err
        return done

    return leaving


@pytest.mark.parametrize("way", ENDS)
def test_a_program_that_does_not_stop_its_system_ends_with_its_own_code(leaving, way):
    body, code = ENDS[way]
    done = leaving(body, code)
    if way == "an exception":
        assert "LookupError: mine" in done.err
    else:
        assert not re.search("Error|Traceback", done.err)


LONG = [pytest.param(verb, marks=pytest.mark.soak) for verb in ("sleep", "lock", "await")]


@pytest.mark.parametrize("verb", ["spin", "ask", *LONG])
def test_actors_that_are_stuck_do_not_hold_up_the_exit(leaving, verb):
    leaving(f"    [ref.tell({verb!r}) for ref in refs]\n    sys.exit(3)\n", 3)


def test_an_on_stop_that_hangs_does_not_hold_up_the_exit(leaving):
    leaving("    STUBBORN = True\n    sys.exit(3)\n", 3)


def test_several_systems_are_named_each(script):
    done = script(
        """
from zanni import ActorSystem

if __name__ == "__main__":
    systems = [ActorSystem(name).start() for name in ("one", "two")]
""",
        code=0,
    )
    assert done.err.count("was not stopped") == 2
    assert "'one'" in done.err
    assert "'two'" in done.err


def test_a_system_that_is_being_stopped_still_is_told_so(script):
    done = script(
        BEGIN % 1
        + """
    refs[0].tell("for ever")
    threading.Thread(target=system.stop, daemon=True).start()
    while system._phase.value != "stopping":
        time.sleep(0.001)
"""
    )
    assert done.err.count("the program ends before the system 'left' has stopped") == 1
    assert "was not stopped" not in done.err


def test_several_systems_that_are_stuck_end_in_one_time(script):
    done = script(
        BEGIN % 1
        + """
    for number in range(12):
        other = ActorSystem(f"left{number}").start()
        other.spawn(Stuck).tell("for ever")
    sys.exit(3)
""",
        code=3,
    )
    assert float(done.out.split()[-1]) < DEADLINE


def test_a_thread_that_asks_while_the_interpreter_ends_hears_of_it(script):
    done = script(
        """
import threading
from zanni import Actor, ActorSystem, ActorDeadError, ShuttingDown

class Echo(Actor):
    def on_receive(self, message):
        return message

def ask(ref):
    try:
        while True:
            assert ref.ask(1, timeout=20) == 1
    except (ActorDeadError, ShuttingDown):
        print("over", flush=True)

if __name__ == "__main__":
    ref = ActorSystem("left").start().spawn(Echo)
    threading.Thread(target=ask, args=(ref,), daemon=True).start()
    ref.ask(1)
""",
        code=0,
    )
    assert "Traceback" not in done.err


STARTS = """
from zanni import Actor

ref = Actor.start()
"""


@pytest.mark.parametrize(("end", "told"), [("", 1), ("ref.stop()", 0)])
def test_a_program_that_ends_while_actors_of_its_default_system_live_says_so(script, end, told):
    done = script(STARTS + end, code=0)
    assert done.err.count("1 of the default system's actors end with the program") == told, done.err
    assert "was not stopped" not in done.err
