"""Actors for the tests of faults across cores: every core imports this module by name."""

import os
import threading
import time

from zanni import Actor, Future


class NeedsMuch(Exception):
    """Cannot be made from its `args`."""

    def __init__(self, first, *, second):
        super().__init__(first)
        self.second = second


class Locked(Exception):
    """Holds what cannot be sent."""

    def __init__(self):
        super().__init__(threading.Lock())
        self.lock = threading.Lock()


class Mute(Exception):
    """Its text cannot be made."""

    def __str__(self):
        raise KeyError("no text")


def chained(depth):
    error = ValueError("the last")
    for number in range(depth):
        before, error = error, ValueError(number)
        error.__cause__ = before
    return error


class Faulty(Actor):
    def __init__(self):
        super().__init__()
        self.kept = []

    def on_receive(self, message):
        match message:
            case "needs much":
                raise NeedsMuch("a", second="b")
            case "locked":
                raise Locked
            case "chained":
                raise chained(3000)
            case "group":
                raise ExceptionGroup("several", [ValueError(1), ExceptionGroup("in", [Locked()])])
            case "noted" | "noted of ours":
                error = ValueError() if message == "noted" else Locked()
                error.add_note("how it came about")
                error.add_note("in\ntwo lines, with a lone \ud800")
                raise error
            case "exit":
                raise SystemExit(3)
            case "interrupt":
                raise KeyboardInterrupt
            case ("keep", value):
                self.kept.append(value)
                return None
            case "kept":
                return self.kept
        return message


class Consumer(Actor):
    """Takes so many seconds for each message; keeps their numbers."""

    def __init__(self, seconds=0.0):
        super().__init__()
        self.seconds = seconds
        self.seen = []

    def on_receive(self, message):
        number, _ = message
        self.seen.append(number)
        if self.seconds:
            time.sleep(self.seconds)

    def numbers(self):
        return self.seen

    def pid(self):
        return os.getpid()


class BadStart(Faulty):
    def __init__(self, where):
        super().__init__()
        self.where = where
        if where == "__init__":
            raise Locked
        if where == "mute":
            raise Mute
        if where == "exit":
            raise SystemExit(4)
        if where == "interrupt":
            raise KeyboardInterrupt

    def on_start(self):
        if self.where == "on_start":
            raise NeedsMuch("a", second="b")


class Waits(Actor):
    """Waits for an answer that never comes."""

    def on_receive(self, message):
        return Future().get()
