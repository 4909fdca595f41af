"""Actors for `test_mailboxes.py`: every core imports this module by name."""

from zanni import Actor, Mailbox


class Gated(Actor):
    """Handles nothing else while it waits in `hold` for a `Gate`."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_receive(self, message):
        if message == "seen":
            return self.seen
        self.seen.append(message)
        return message

    def hold(self, gate):
        return gate.ask("wait")


class Gate(Actor):
    """Answers when it was opened."""

    is_open = False

    def on_receive(self, message):
        if message == "open":
            self.is_open = True
            self.unstash_all()
        elif not self.is_open:
            self.stash()


def _exits_at_bad(message):
    if message == "bad":
        raise SystemExit(3)
    return 0


class Exiting(Gated):
    mailbox = Mailbox(priority=_exits_at_bad)


class Ranked(Gated):
    mailbox = Mailbox(priority=lambda message: message if isinstance(message, int) else 0)
