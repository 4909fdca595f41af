"""What the oracle knows of each player, of each watch or link, and of each ask."""


class PlayerFacts:
    def __init__(self, life, label, address):
        self.life, self.label, self.address = life, label, address
        self.ended, self.reason = None, None
        self.dozed = None
        """When its last doze began and ended."""


class Tie:
    """A watch or a link that a player of ours has begun."""

    def __init__(self, moment, address, separations, *, was_up):
        self.made, self.was_up = moment, was_up
        self.address, self.separations = address, separations
        self.undone = self.told = None
        self.may_be_undone = False
        """Whether the other side has undone it: so it may be told, or not."""
        self.last = -1
        """Nothing may come any more that was sent when the two nodes had lost each other as often
        as this, or less."""

    @property
    def is_open(self):
        return self.undone is None and self.told is None


class Ask:
    def __init__(self, life, moment, sender, expected):
        self.life, self.made = life, moment
        self.sender, self.expected = sender, expected
        self.settled = 0

    @property
    def is_owed(self):
        return not self.settled and self.life.is_running
