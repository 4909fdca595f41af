"""A forked child process: it may not use its parent's systems, and harms them in no way."""

import pytest

PROGRAM = """
import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings

import zanni
from zanni import Actor, ActorSystem, ForkedError

warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on: threads and fork do not mix
signal.alarm(25)  # a child that hangs ends, too

class Echo(Actor):
    def on_receive(self, message):
        if message == "fork":
            return in_child(lambda: refused(lambda: self.actor_ref.tell(1)))
        if message == "sleep":
            time.sleep(1000)
        if isinstance(message, (list, tuple)):
            time.sleep(message[1])
        return message

    def wait(self, seconds):
        time.sleep(seconds)
        return "wait", seconds

def in_child(function):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(20)
            function()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def refused(*uses):
    for use in uses:
        try:
            use()
        except ForkedError as error:
            assert "'mine'" in str(error) and "make an ActorSystem here" in str(error)
            assert "'spawn'" in str(error)
        else:
            raise AssertionError(f"{use} was not refused")

def use_all(system, refs):
    for ref in refs:
        refused(
            lambda: ref.tell(1), lambda: ref.ask(1), lambda: ref.ask(1, timeout=5),
            lambda: ref.ask(1, block=False), lambda: ref.call(Echo.on_receive, 1),
            lambda: ref.cast(Echo.on_receive, 1), ref.stop, ref.kill, ref.wait, ref.exited,
        )
    refused(
        lambda: system.spawn(Echo), lambda: system.spawn(Echo, name="ann"), system.stop,
        lambda: system.whereis("ann"), system.actors, system.cores, lambda: system.stop(timeout=0),
    )

CORES = %d

if __name__ == "__main__":
    with ActorSystem("mine", cores=CORES) as system:
        refs = [system.spawn(Echo, core=core) for core in range(CORES)]
        assert [ref.ask("here") for ref in refs] == ["here"] * CORES
        names = {thread.name for thread in threading.enumerate()}
        main(system, refs)
        assert [ref.ask("here") for ref in refs] == ["here"] * CORES
        assert names <= {thread.name for thread in threading.enumerate()}
        assert system.spawn(Echo, name="after").ask(1) == 1
    print("over")
"""


@pytest.fixture(params=[1, 2], ids=["alone", "with a network"])
def forking(script, request):
    """Run a program that begins a system, does `body` with it, and looks whether it is well."""

    def forking(body):
        main = "\ndef main(system, refs):\n" + "".join(f"    {line}\n" for line in body.split("\n"))
        source = (PROGRAM % request.param).replace("\nCORES =", f"{main}\nCORES =")
        return script(source, timeout=40)

    return forking


def test_every_use_in_a_forked_child_is_refused(forking):
    done = forking("assert in_child(lambda: use_all(system, refs)) == 0")
    assert (done.code, done.out, done.err) == (0, "over\n", "")


def test_an_answer_that_is_open_at_the_fork_is_refused_in_the_child(forking):
    done = forking("""
answers = [ref.ask(("wait", 0.5), block=False) for ref in refs]
answers += [ref.call(Echo.wait, 0.1) for ref in refs]
async def awaits(answer):
    await answer
def uses():
    for answer in answers:
        refused(
            answer.get, lambda: answer.get(timeout=5), lambda: answer.join(answers[0]).get(),
            lambda: asyncio.run(awaits(answer)),
        )
assert in_child(uses) == 0
assert [answer.get(timeout=20)[0] for answer in answers] == ["wait"] * len(answers)
""")
    assert (done.code, done.out, done.err) == (0, "over\n", "")


def test_what_is_only_read_is_in_a_forked_child_as_it_was(forking):
    done = forking("""
known = refs[0].ask("known", block=False)
known.get()
def reads():
    assert known.get() == "known"
    assert [ref.is_alive() for ref in refs] == [True] * CORES
    assert refs[0].mailbox().length == 0
assert in_child(reads) == 0
""")
    assert (done.code, done.out, done.err) == (0, "over\n", "")


def test_a_fork_of_multiprocessing(forking):
    done = forking("""
child = multiprocessing.get_context("fork").Process(target=use_all, args=(system, refs))
child.start()
child.join(20)
assert child.exitcode == 0
""")
    assert (done.code, done.out, done.err) == (0, "over\n", "")


def test_a_forked_child_leaves_the_body_and_ends_with_its_own_code(forking):
    """It runs all of the exit: `__exit__`, `atexit`, the interpreter's end."""
    done = forking("""
if (pid := os.fork()) == 0:
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
""")
    assert (done.code, done.out, done.err) == (0, "over\n", "")


def test_a_fork_in_a_turn(forking):
    done = forking("assert refs[0].ask('fork') == 0")
    assert (done.code, done.out, done.err) == (0, "over\n", "")


def test_a_forked_child_may_have_systems_of_its_own(forking):
    done = forking("""
def own():
    with ActorSystem("mine", config={"drain_timeout": 0.1, "kill_timeout": 0.1}) as mine:
        assert mine.spawn(Echo, name="ann").ask("hello") == "hello"
        mine.spawn(Echo).tell("sleep")  # it is handed over: what watches the core runs here, too
        assert mine.spawn(Echo).ask("meanwhile", timeout=10) == "meanwhile"
    assert Echo.start().ask("hello") == "hello"
assert in_child(own) == 0
""")
    assert (done.code, done.out, done.err) == (0, "over\n", "")


def test_forks_while_other_threads_ask(forking):
    """Locks that another thread held at the fork hold up nobody in the child."""
    done = forking("""
ending = threading.Event()
def ask():
    while not ending.is_set():
        for ref in refs:
            ref.ask(1)
            system.spawn(Echo, name=f"{threading.get_ident()}").stop()
threads = [threading.Thread(target=ask, name="MainThread") for _ in range(3)]
sys.setswitchinterval(1e-5)
for thread in threads:
    thread.start()
def own():
    use_all(system, refs)
    with ActorSystem("own") as own:
        assert own.spawn(Echo, name="ann").ask("hello") == "hello"
try:
    assert [in_child(own) for _ in range(20)] == [0] * 20
finally:
    ending.set()
    for thread in threads:
        thread.join()
""")
    assert (done.code, done.out, done.err) == (0, "over\n", "")
