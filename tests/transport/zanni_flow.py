"""Actors for the tests of flow between cores: every core imports this module by name."""

from zanni_faults import Consumer

from zanni import Actor, MailboxFull


class Producer(Actor):
    """Tells another so many messages."""

    def produce(self, ref, count, size):
        for number in range(count):
            ref.tell((number, b"x" * size))
        return count

    async def produce_there(self, ref, count, size):
        full = 0
        for number in range(count):
            try:
                ref.tell((number, b"x" * size))
            except MailboxFull:
                full += 1
        return full

    def alive(self):
        return True


class Asker(Consumer):
    """Asks another, once it is told to, before it handles what has come meanwhile."""

    def ask(self, other):
        return other.ask("wait for it")


class Slow(Actor):
    """Answers when it is told to."""

    def __init__(self):
        super().__init__()
        self.owed = None

    def on_receive(self, message):
        if message == "wait for it":
            self.owed = self.reply_later()
        else:
            self.owed.set("answer")


class Large(Actor):
    """Answers with so many bytes."""

    def on_receive(self, size):
        return b"x" * size
