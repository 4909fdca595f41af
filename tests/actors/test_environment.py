"""The seams' own tools."""

import os
import socket
import sys
import threading
from types import ModuleType

import pytest

from zanni.actors import environment
from zanni.actors.environment import Alarm, Latch, Waker, now, random_bits, running_loop


def test_the_clock_does_not_go_back():
    moments = [now() for _ in range(1000)]
    assert moments == sorted(moments)


def test_random_bits_are_never_zero():
    assert all(0 < random_bits(2) < 4 for _ in range(200))


def test_while_another_thread_imports_asyncio_no_loop_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "asyncio", ModuleType("asyncio"))  # as it is at first
    assert running_loop() is None


def test_a_latch_lets_all_go_and_stays_open():
    latch = Latch()
    assert latch.wait(0) is False
    assert latch.wait(0.001) is False
    gone = []
    threads = [threading.Thread(target=lambda: gone.append(latch.wait(10))) for _ in range(5)]
    for thread in threads:
        thread.start()
    latch.release()
    latch.release()
    for thread in threads:
        thread.join(10)
    assert gone == [True] * 5
    assert latch.wait(0) is True


def test_an_alarm_keeps_a_wake_up_for_the_next_wait():
    alarm = Alarm()
    alarm.wake()
    alarm.wake()
    alarm.wait(None)
    moment = now()
    alarm.wait(0.01)
    assert now() - moment >= 0.01
    timer = threading.Timer(0.01, alarm.wake)
    timer.start()
    alarm.wait(10)
    assert now() - moment < 5
    timer.join()


def test_a_waker_wakes_until_it_is_drained_and_survives_its_end():
    waker = Waker()
    with pytest.raises(BlockingIOError):
        os.read(waker.fd, 1)
    for _ in range(100_000):  # more than the pipe holds
        waker.wake()
    waker.drain()
    with pytest.raises(BlockingIOError):
        os.read(waker.fd, 1)
    waker.close()
    waker.wake()
    waker.close()


def test_what_listens_is_heard(tmp_path):
    assert environment.first_words(str(tmp_path / "nobody")) is None
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
        assert environment.first_words(place) == b""
        assert environment.first_words(place, b"hello", 5, patience=0.01) == b""  # it is silent
        answering = threading.Thread(target=lambda: [_answer(server) for _ in range(3)])
        answering.start()
        assert environment.first_words(place, b"hello", 5, patience=10.0) == b"HELLO"
        answering.join()
    assert environment.first_words(place) is None


def _answer(server):
    connection, _ = server.accept()
    with connection:
        connection.sendall(connection.recv(5).upper())


def test_an_address_of_this_machine_towards_another():
    assert environment.address_towards("127.0.0.1") == "127.0.0.1"
    assert environment.number_of("127.0.0.1") == "127.0.0.1"
