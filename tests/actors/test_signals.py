"""A signal handler runs in the main thread, wherever that is; it may use the runtime."""

import pytest

PROGRAM = """
import signal
import sys
import time

from zanni import Actor, ActorSystem, Future, Timeout

class Echo(Actor):
    def on_receive(self, message):
        return message

def main(cores, seconds):
    handled, inside = 0, False

    def handle(*_):
        nonlocal handled, inside
        if inside:
            return
        inside = True
        try:
            handled += 1
            near.tell(1)
            far.tell(1)
            assert near.ask(handled, timeout=20) == handled
            assert far.ask(handled, timeout=20) == handled
            if handled % 10 == 0:
                system.spawn(Echo, name="ann").stop(timeout=20)
        finally:
            inside = False

    with ActorSystem("main", cores=cores) as system:
        near, far = system.spawn(Echo), system.spawn(Echo, core=cores - 1)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
        end, asked = time.monotonic() + seconds, 0
        try:
            while time.monotonic() < end or handled <= 10:
                asked += 1
                assert near.ask(asked, timeout=20) == asked
                assert far.ask(asked, timeout=20) == asked
                try:
                    near.ask(asked, block=False).get(timeout=1e-5)
                except Timeout:
                    pass
                if asked % 10 == 0:
                    system.spawn(Echo, name="bob").stop(timeout=20)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

if __name__ == "__main__":
    main(int({cores}), float({seconds}))
"""


def run(script, cores, seconds):
    source = PROGRAM.replace("{cores}", str(cores)).replace("{seconds}", str(seconds))
    done = script(source, timeout=seconds + 40)
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("cores", [1, 2])
def test_a_signal_handler_may_tell_ask_and_spawn_whatever_it_interrupts(script, cores):
    run(script, cores, 1.5)


@pytest.mark.soak
@pytest.mark.timeout(180)
@pytest.mark.parametrize("cores", [1, 2])
def test_a_signal_handler_may_use_the_runtime_for_long(script, cores):
    run(script, cores, 60)


@pytest.mark.parametrize("cores", [1, 2])
def test_a_handler_that_interrupts_a_wake_up_is_answered(script, cores):
    """Whoever was about to wake the loop cannot before the handler ends, which waits for it."""
    done = script(
        """
import time
from zanni import Actor, ActorSystem

class Echo(Actor):
    def on_receive(self, message):
        return message

def interrupt(owner, name, handler):
    wake = getattr(owner, name)
    def interrupted():
        setattr(owner, name, wake)
        handler()
        wake()
    setattr(owner, name, interrupted)

if __name__ == "__main__":
    with ActorSystem("main", cores=CORES, config={"heartbeat": 100}) as system:
        ref = system.spawn(Echo, core=CORES - 1)
        assert ref.ask(0, timeout=20) == 0
        while not system.core.asleep:
            time.sleep(0.001)
        owner, name = (system.core, "_wake") if CORES == 1 else (system.network._endpoint, "wake")
        interrupt(owner, name, lambda: print(ref.ask(1, timeout=20)))
        print(ref.ask(2, timeout=20))
""".replace("CORES", str(cores))
    )
    assert (done.code, done.out, done.err) == (0, "1\n2\n", "")


def test_a_wait_in_the_main_thread_can_be_interrupted(script):
    """As by Ctrl-C: the error of the handler leaves `get`; the future may be asked again."""
    done = script(
        """
import signal
from zanni import Actor, ActorSystem, Future

class Waits(Actor):
    def on_receive(self, future):
        return future.get()

def interrupt(*_):
    raise KeyboardInterrupt

if __name__ == "__main__":
    with ActorSystem("main") as system:
        gate = Future()
        answer = system.spawn(Waits).ask(gate, block=False)
        signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            answer.get(timeout=20)
        except KeyboardInterrupt:
            assert answer._waiters == []
            gate.set("late")
        print(answer.get(timeout=20))
"""
    )
    assert (done.code, done.out, done.err) == (0, "late\n", "")


STOPPING = """
import os, signal, threading, time
from zanni import Actor, ActorSystem, Future

asked, heard = [], []

def interrupted(*_):
    if len(heard) < len(asked):
        heard.append(True)
        raise KeyboardInterrupt

def interrupt_when(condition):
    while not condition():
        time.sleep(0.001)
    asked.append(True)
    while len(heard) < len(asked):  # a signal just before a wait is in vain
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.01)

def has_begun(name):
    return any(each.name == name and each.ident for each in threading.enumerate())

def is_stopping():
    return system._phase.value == "stopping"

class Last(Actor):
    def on_receive(self, gate):
        interrupt_when(is_stopping)
        if GATED:
            interrupt_when(lambda: has_begun("zanni-hurry"))
            gate.wait()
        Future().get()

if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupted)
    system = ActorSystem("main", cores=CORES, config={"drain_timeout": 1000})
    gate = threading.Event()
    try:
        with system:
            children = [each["pid"] for each in system.cores() if each["pid"] != os.getpid()]
            system.spawn(Last).tell(gate)
    except KeyboardInterrupt:
        print(system._phase.value)
    gate.set()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and threading.active_count() + len(children) > 1:
        children = [pid for pid in children if os.path.exists(f"/proc/{pid}")]
        time.sleep(0.001)
    print(system._phase.value, threading.active_count(), children)
"""


@pytest.mark.parametrize("cores", [1, 2])
def test_an_end_that_ctrl_c_breaks_off_is_hurried_to_its_end(script, cores):
    done = script(STOPPING.replace("CORES", str(cores)).replace("GATED", "False"))
    assert (done.code, done.err) == (0, "")
    assert done.out == "stopped\nstopped 1 []\n"


@pytest.mark.parametrize("cores", [1, 2])
def test_a_second_ctrl_c_leaves_the_end_to_itself(script, cores):
    done = script(STOPPING.replace("CORES", str(cores)).replace("GATED", "True"))
    assert (done.code, done.err) == (0, "")
    assert done.out == "stopping\nstopped 1 []\n"
