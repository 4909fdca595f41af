"""The protocol with one rule left out: what the schedules have to notice."""

from contextlib import contextmanager

from zanni.transport.aliases import Aliases
from zanni.transport.arrivals import Arrivals
from zanni.transport.control_lane import ControlLane
from zanni.transport.credit import Account
from zanni.transport.handshake import Handshake, _identity, _unpack
from zanni.transport.losses import Losses
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
        self.asked = max(self.asked, header.asked)
        return True

    return [(Arrivals, "accept", accept)]


def _acks_lost():
    """No acknowledgement of a system message is heard."""
    return [(ControlLane, "acknowledged", lambda self, seq: None)]


def _tombstones_forgotten():
    """Who was declared down is forgotten at once."""
    lose = Members.lose

    def forgetting(self, *args, **kwargs):
        lose(self, *args, **kwargs)
        self.dead.clear()

    return [(Members, "lose", forgetting), (Aliases, "renew", lambda self, *_: None)]


def _separations_not_counted():
    """Who comes back is known by another name, and nobody knows that it was lost."""
    renew = Aliases.renew
    return [
        (Aliases, "renew", lambda self, itself, separations: renew(self, itself, 0)),
        (Aliases, "agree", lambda self, itself, separations: None),
    ]


def _down_not_held():
    """An end does not say which messages it comes after."""
    frame = ControlLane.frame
    return [(ControlLane, "frame", lambda self, made, after: frame(self, made, 0))]


def _credit_ignored():
    """Whatever was granted, messages are sent."""
    return [(Account, "may_send", lambda self: True)]


def _lost_asks_forgotten():
    """What a gap shows to be lost is counted, and nobody who asked hears of it."""
    return [(Losses, "_end_asks", lambda self, peer, below: None)]


def _last_frames_not_asked_for():
    """Nobody asks how far all has come, so that what is lost is seen as a later frame comes."""
    return [(Losses, "step", lambda self: None)]


def _new_asks_given_up():
    """Whatever shows to be lost, all asks end, and not those alone that may be."""
    end = Losses._end_asks
    return [(Losses, "_end_asks", lambda self, peer, below: end(self, peer, below and 2**62))]


MUTANTS = {
    "no nonce check": _no_nonce_check,
    "seq not checked": _seq_not_checked,
    "acks lost": _acks_lost,
    "tombstones forgotten": _tombstones_forgotten,
    "separations not counted": _separations_not_counted,
    "Down not held": _down_not_held,
    "credit ignored": _credit_ignored,
    "lost asks forgotten": _lost_asks_forgotten,
    "last frames not asked for": _last_frames_not_asked_for,
    "new asks given up": _new_asks_given_up,
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
