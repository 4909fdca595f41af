"""What listens says first, and nobody is held up by who says nothing."""

import socket

import pytest

from zanni.transport import greeting
from zanni.transport.greeting import greeting_of
from zanni.transport.probe import GREETING, GREETING_SIZE

WORDS = GREETING.ljust(GREETING_SIZE, b"!")


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def url_of(listener):
    return f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def test_the_greeting_is_what_answers_the_half_of_ours_that_says_nothing_of_keys(
    listener, monkeypatch
):
    monkeypatch.setattr(greeting, "PATIENCE", 10.0)
    answer = greeting_of(url_of(listener))
    with listener.accept()[0] as connection:
        assert connection.recv(100) == GREETING
        connection.sendall(WORDS)
        assert answer.get(timeout=10) == WORDS


def test_who_says_nothing_is_waited_for_by_a_thread_alone(listener, monkeypatch):
    monkeypatch.setattr(greeting, "PATIENCE", 1.0)
    answers = [greeting_of(url_of(listener)) for _ in range(5)]
    assert not any(answer.done() for answer in answers)
    assert [answer.get(timeout=10) for answer in answers] == [b""] * 5


def test_where_nothing_listens_there_is_none(listener, tmp_path):
    url = url_of(listener)
    listener.close()
    assert greeting_of(url).get(timeout=10) is None
    assert greeting_of(f"ipc://{tmp_path}/nobody").get(timeout=10) is None


def test_where_no_thread_can_be_had_nothing_is_known(listener, monkeypatch):
    def no_thread(_target, _name):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(greeting, "start_thread", no_thread)
    assert greeting_of(url_of(listener)).get(timeout=0) == b""
