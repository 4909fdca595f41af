"""Actors whose mailboxes fill: one that waits at a gate, and one that tells it."""

from zanni import Actor, Future


class Busy(Actor):
    """Keeps what it gets in `seen`; waits for a future that it is told."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def on_receive(self, message):
        match message:
            case Future():
                return message.get()
            case ("raise", error):
                raise error
            case ("apply", function):
                return function(self)
            case _:
                self.seen.append(message)
                return message


class Tells(Actor):
    """Tells `ref` all that it is asked to, and says how many it could tell."""

    def on_receive(self, message):
        ref, told = message
        for each in told:
            ref.tell(each)
        return len(told)


def finish(ref, gate):
    """Let the actor handle what waits, and stop."""
    gate.set()
    assert ref.stop(timeout=20)
