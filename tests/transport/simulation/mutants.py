"""The protocol with one rule left out: what the schedules have to notice."""

from contextlib import contextmanager

from zanni.transport.control_lane import ControlLane
from zanni.transport.credit import Account
from zanni.transport.data_lane import DataLane
from zanni.transport.handshake import Handshake, _identity, _unpack
from zanni.transport.members import Members


def _no_nonce_check():
    """Any WELCOME and CONFIRM is believed, whenever it was asked for."""

    def answered(self, body):
        return _identity(body).control

    def on_confirm(self, confirm):
        identity = _identity(_unpack(confirm))
        return identity if identity.home[:2] in self._welcomed else None

    return [(Handshake, "_answered", answered), (Handshake, "on_confirm", on_confirm)]


def _seq_not_checked():
    """A frame of data is taken in whenever it comes."""

    def accept(self, header):
        self.seq_in = max(self.seq_in, header.seq)
        return True

    return [(DataLane, "accept", accept)]


def _acks_lost():
    """No acknowledgement of a system message is heard."""
    return [(ControlLane, "acknowledged", lambda self, seq: None)]


def _tombstones_forgotten():
    """Who was declared down is forgotten at once."""
    lose = Members.lose

    def forgetting(self, *args, **kwargs):
        lose(self, *args, **kwargs)
        self.dead.clear()

    return [(Members, "lose", forgetting)]


def _down_not_held():
    """An end does not say which messages it comes after."""
    frame = ControlLane.frame
    return [(ControlLane, "frame", lambda self, made, after: frame(self, made, 0))]


def _credit_ignored():
    """Whatever was granted, messages are sent."""
    return [(Account, "may_send", lambda self: True)]


MUTANTS = {
    "no nonce check": _no_nonce_check,
    "seq not checked": _seq_not_checked,
    "acks lost": _acks_lost,
    "tombstones forgotten": _tombstones_forgotten,
    "Down not held": _down_not_held,
    "credit ignored": _credit_ignored,
}
"""What each leaves out: a list of class, attribute and what is there in its place."""


@contextmanager
def mutated(name):
    """While it is entered, that rule is left out. None: none is."""
    changes = MUTANTS[name]() if name else []
    before = [(owner, attribute, getattr(owner, attribute)) for owner, attribute, _ in changes]
    try:
        for change in changes:
            setattr(*change)
        yield
    finally:
        for original in before:
            setattr(*original)
