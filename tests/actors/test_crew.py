"""A core's threads outlive what goes wrong in them."""

import logging
import threading

from zanni import Actor


class Pinned(Actor):
    dispatcher = "pinned"

    def on_receive(self, message):
        return threading.current_thread()


def test_a_mistake_of_ours_in_a_late_turn_is_logged_and_takes_no_thread_along(system, caplog):
    def fails():
        raise KeyError("a mistake")

    pinned = system.spawn(Pinned)
    thread = pinned.ask("before", timeout=10)
    worker = pinned.process._worker
    worker.give(lambda: worker.begin(fails))
    assert pinned.ask("after", timeout=10) is thread
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "a mistake" in caplog.text
