"""H4, H5: where the system gives no more files or threads, errors say so and all else goes on."""

import threading

import pytest

from zanni import Actor, ActorSystem
from zanni.actors.system import systems

LIMITED = """
import os
import resource

from zanni import Actor, ActorSystem, StartError

class Echo(Actor):
    def on_receive(self, message):
        return message

    async def later(self, number):
        return number

def take_all():
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with ActorSystem("first") as first:
        echo, other = first.spawn(Echo), first.spawn(Echo)
        taken = []
        take_all()
        for options in ({"cores": 2}, {"listen": "tcp://127.0.0.1:0"}):
            for room in (0, 2, 6, 12, 20):
                for fd in taken[:room]:
                    os.close(fd)
                try:
                    with ActorSystem("second", **options):
                        print("unexpected", options, room)
                except (OSError, StartError) as error:
                    assert "open files" in str(error), (options, room, error)
                del taken[:room]
                take_all()
                assert echo.ask(1, timeout=10) == 1
        second = ActorSystem("second", cores=2)
        try:
            second.start()
        except OSError:
            assert second.stop()
        try:
            echo.call(Echo.later, 1).get(timeout=10)
        except OSError as error:
            print("coroutine", error.errno)
        assert echo.ask(1, timeout=10) == 1
        assert first.spawn(Echo).ask(2, timeout=10) == 2
        for fd in taken:
            os.close(fd)
        assert other.call(Echo.later, 3).get(timeout=10) == 3
        with ActorSystem("second", cores=2) as second:
            assert second.spawn(Echo, core=1).ask(4, timeout=10) == 4
    print("over")
"""


def test_no_more_files_is_a_clear_error_and_all_goes_on(script):  # H4
    done = script(LIMITED, timeout=60)
    assert (done.code, done.err) == (0, ""), done.out
    assert done.out == "coroutine 24\nover\n"


class Echo(Actor):
    def on_receive(self, message):
        return message

    async def later(self, number):
        return number


@pytest.fixture
def no_threads(monkeypatch):
    """As where the limit on threads is reached: `no_threads()` until `no_threads(False)`."""
    start = threading.Thread.start

    def no_threads(refused=True):
        def refuse(thread):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse if refused else start)

    return no_threads


def test_a_system_without_a_thread_is_not_started(no_threads):  # H5
    no_threads()
    system = ActorSystem("late")
    with pytest.raises(RuntimeError, match="can't start new thread"):
        system.start()
    no_threads(False)
    assert system.home not in systems
    system.stop()
    with ActorSystem("late") as again:
        assert again.spawn(Echo).ask(1, timeout=10) == 1


def test_no_thread_for_coroutines_is_an_error_of_the_asker(system, no_threads):  # H5
    echo = system.spawn(Echo)
    no_threads()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        echo.call(Echo.later, 1).get(timeout=10)
    assert echo.ask(1, timeout=10) == 1
    no_threads(False)
    assert echo.call(Echo.later, 2).get(timeout=10) == 2
