"""The actors of a simulated world: they do what they are told, and the oracle sees it."""

from typing import NamedTuple

from zanni import Actor, Down, Exit, Future, Timeout
from zanni.actors.cell import Cell


class Do(NamedTuple):
    """To a player, from the world: call that with yourself."""

    function: object


class TappedCell(Cell):
    """A cell that tells the oracle what is delivered from elsewhere, when it is delivered."""

    __slots__ = ()

    def deliver(self, message, sender, reply, headers):
        if sender is not None and sender.address.home != self.core.home:
            self.core.owner.oracle.delivered(self.address, sender.address.home, message)
        super().deliver(message, sender, reply, headers)


class Player(Actor):
    """Sends notes and asks, watches and links, and ends, as it is told."""

    trap_exit = True
    _cell_class = TappedCell

    def __init__(self, label):
        self.label = label
        self.kept = {}
        """Addresses of others that it has had for long, or was given, by their labels."""

    @property
    def oracle(self):
        return self.system.oracle

    def on_receive(self, message):
        if type(message) is Do:
            return message.function(self)
        if isinstance(message, Down):
            return self.oracle.told(self.label, "watch", message.ref.address, message.reason)
        if isinstance(message, Exit):
            return self.oracle.told(self.label, "link", message.ref.address, message.reason)
        if message[0] == "meet":
            _, label, ref = message
            self.kept[label] = ref.address
            return None
        if message[0] == "hello":
            return self.label
        kind, sender, number, payload = message
        if payload and payload != payload_of(number, len(payload)):
            self.oracle.violate("G2", self.label, "got", number, "of", sender, "in parts")
        self.oracle.noted(self.label, kind, sender, number)
        return (self.label, number)

    def doze(self, seconds):
        """Keep all that comes waiting for so long."""
        began = self.oracle.now
        try:
            Future().get(timeout=seconds)
        except Timeout:
            pass
        self.oracle.dozed(self.label, began)


def payload_of(number, size):
    """What goes with a note of that number."""
    return (number % 251).to_bytes(1, "big") * size
