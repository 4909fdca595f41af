"""The oracle: it sees all that happens in a simulated world, and knows what was promised.

What a node may believe of another is judged by its own events; what befell an actor, by its end.
"""

from functools import partial
from itertools import combinations
from math import inf

from simulation.facts import Ask, PlayerFacts, Tie

from zanni import ConnectionLost, NodeDown, Timeout
from zanni.actors.address import CoreAddress
from zanni.transport.batches import BATCH_MESSAGES
from zanni.transport.events import NodeJoined, NodeLost

SLACK = 1.0
"""Seconds more than a bound that a message about it may take, where nothing is slow."""

TIES = ("watch", "link")

KINDS = ("note", "ask")
"""What players send one another and is numbered."""

ENDS = ("Died", "Broken")
"""Signals that tell of an end."""


class Oracle:
    def __init__(self, world):
        self.world = world
        self.trace = []
        self.violations = []
        self.players = {}
        self.by_address = {}
        self.lives = {}
        """By core address."""
        self.sent = {}
        """The last number of each (sender, receiver)."""
        self.seen = {}
        self.told_notes = {}
        """How often the two nodes had lost each other, as the sender knew, when it sent to the
        receiver that number; None: to a ref of one that it had lost."""
        self.handled = set()
        self.undelivered = set()
        """What an ask would have brought that was told that it cannot."""
        self.expired = set()
        """The same of asks whose time was over."""
        self.ties = {}
        self.asks = []
        self.greetings = set()
        """Who waits at the end for whose answer."""
        self.posted, self.taken = {}, {}
        self.broken_sequences = set()
        """Those that were reported: what follows means nothing."""
        self.pauses = {}
        self.may_lose = True
        """Whether the faults may have made one living node lose another."""
        self.is_calm = False
        """Whether there are no faults."""

    @property
    def now(self):
        return self.world.time.moment

    def note(self, *what):
        self.trace.append((self.now, *what))

    def violate(self, rule, *what):
        self.note("VIOLATION", rule, *what)
        self.violations.append(" ".join(map(str, (rule, *what))))

    # Nodes

    def begun(self, life):
        self.lives[life.home] = life

    def over(self, life, how):
        for label in life.players:
            player = self.players.get(label)
            if player is not None and player.ended is None:
                player.ended, player.reason = self.now, how

    def stopping(self, life):
        life.stopping = self.now

    def paused(self, machine):
        self.pauses.setdefault(machine, []).append([self.now, None])

    def resumed(self, machine):
        self.pauses[machine][-1][1] = self.now

    def seconds_paused(self, machine, since):
        """How long it stood still after that moment."""
        return sum(
            max((end or self.now) - max(begin, since), 0.0)
            for begin, end in self.pauses.get(machine, ())
        )

    def life_of(self, life, home):
        """Whose name that is to the one of the `life`."""
        return self.lives.get(life.aliases.itself(home))

    def name(self, life, home):
        other = self.life_of(life, home)
        if other is None:
            return f"{home}"
        return other.name + "'" * life.aliases.separations(other.home)

    def event(self, life, event):
        if isinstance(event, NodeJoined):
            home = CoreAddress(event.node, event.core, event.incarnation)
            self.note(life.name, "joined", self.name(life, home))
            if home in life.lost:
                self.violate("G5", life.name, "took back", self.name(life, home), "which was lost")
            self._check_order(life, home)
            life.joined[home] = self.now
        elif isinstance(event, NodeLost):
            home = CoreAddress(event.node, event.core, event.incarnation)
            self.note(life.name, "lost", self.name(life, home), event.reason)
            if home in life.lost:
                self.violate("G7", life.name, "lost twice", self.name(life, home))
            life.lost[home] = self.now
            self._check_loss(life, self.life_of(life, home), event.reason)

    def _check_loss(self, life, other, reason):
        if other is None or not (other.is_running and life.is_running):
            return
        if not self.may_lose and life.stopping is None and other.stopping is None:
            self.violate("G6", life.name, "lost", other.name, "for no reason:", reason)
        elif "another incarnation" in reason and other.is_the_last:
            self.violate("G5", life.name, "gave up", other.name, "for an earlier start of it")

    def _check_order(self, life, home):
        """No start of a core is adopted after a later one was."""
        number = self.life_of(life, home).number
        for other in life.joined:
            if other[:2] == home[:2] and self.life_of(life, other).number > number:
                self.violate("G5", life.name, "went back to", self.name(life, home))

    def delivered(self, receiver, there, message):
        """A message from an actor there was delivered to one here."""
        life = self.lives[receiver.home]
        name = self.name(life, there)
        if there in life.lost:
            self.violate("G7", life.name, "took a message of", name, "after its loss")
        elif there not in life.joined:
            self.violate("G7", life.name, "took a message of", name, "before it was up")
        peer = life.peer(there.node)
        if peer is not None and message[0] in KINDS:
            _, sender, number, _ = message
            sent_in = self.told_notes[sender, self.by_address[receiver].label, number]
            if sent_in != peer.separations:
                self.violate("G7", life.name, "took a message of", name, "from before its loss")
        if peer is not None and peer.data.window._left_messages < -BATCH_MESSAGES:
            self.violate("G11", life.name, "took more of", name, "than it had granted")

    # Players

    def born(self, life, label, address):
        self.note("born", label)
        player = self.players[label] = PlayerFacts(life, label, address)
        self.by_address[address] = player

    def ended(self, label, future):
        player = self.players[label]
        if player.ended is None:
            player.ended, player.reason = self.now, in_words(future._value)
            self.note("ended", label, player.reason)

    def dozed(self, label, began):
        player = self.players[label]
        if player.dozed is not None and player.dozed[1] == began:  # it dozes on
            began = player.dozed[0]
        player.dozed = began, self.now

    # Messages

    def next_number(self, sender, receiver, ref):
        number = self.sent[sender, receiver] = self.sent.get((sender, receiver), 0) + 1
        aliases, other = self.players[sender].life.aliases, self.players[receiver].life
        is_new = aliases.home(other.home) == ref.address.home
        separations = aliases.separations(other.home) if is_new else None
        self.told_notes[sender, receiver, number] = separations
        return number

    def noted(self, receiver, kind, sender, number):
        self.note(receiver, "got", kind, number, "from", sender)
        last = self.seen.get((sender, receiver), 0)
        if number == last or (sender, receiver, number) in self.handled:
            self.violate("G4", receiver, "got", number, "from", sender, "twice")
        elif number < last:
            self.violate("G3", receiver, "got", number, "from", sender, "after", last)
        self.seen[sender, receiver] = max(number, last)
        self.handled.add((sender, receiver, number))
        ties = [tie for each in TIES for tie in self.ties.get((each, receiver, sender), ())]
        if any(tie.last >= (self.told_notes[sender, receiver, number] or 0) for tie in ties):
            self.violate("G7", receiver, "got", number, "from", sender, "after its end was told")

    def asked(self, sender, receiver, number):
        ask = Ask(self.players[sender].life, self.now, sender, [receiver, number])
        self.asks.append(ask)
        return partial(self._answered, ask, f"{sender}'s ask {number} of {receiver}")

    def _answered(self, ask, which, future):
        ask.settled += 1
        if ask.settled > 1:
            self.violate("G9", which, "was settled twice")
        if future._error is not None:
            self.note(which, "failed:", type(future._error).__name__)
            if isinstance(future._error, NodeDown):
                self.undelivered.add((ask.sender, *ask.expected))
            if isinstance(future._error, Timeout):
                self.expired.add((ask.sender, *ask.expected))
            if type(future._error) is ConnectionLost:
                self._check_lost(which, ask)
        elif list(future._value) != ask.expected:
            self.violate("G9", which, "was answered", future._value)
        else:
            self.note(which, "was answered")

    def _check_lost(self, which, ask):
        """No ask is given up for a connection that had broken before it was made."""
        one, other = ask.life.machine, self.players[ask.expected[0]].life.machine
        ways = [self.world.network.way(*pair) for pair in ((one, other), (other, one))]
        if ask.made > max(way.last_loss for way in ways):
            self.violate("G9", which, "was given up, and made after all that was lost")

    def greets(self, one, other):
        self.greetings.add((one, other))

    def greeted(self, one, other, future):
        if future._error is None:
            self.greetings.discard((one, other))
        else:
            self.note(one, "cannot reach", other, type(future._error).__name__)

    # Watches and links

    def tie(self, kind, player, label, ref):
        """The player begins to watch that one, or to link with it; False if it does so already."""
        ties = self.ties.setdefault((kind, player.label, label), [])
        if ties and ties[-1].is_open:
            return False
        life, home = self.players[player.label].life, ref.address.home
        separations = life.aliases.separations(self.players[label].life.home)
        was_up = home in life.joined and home not in life.lost
        tie = Tie(self.now, ref.address, separations, was_up=was_up)
        # The other one's unlinking may be on its way.
        back = self.ties.get((kind, label, player.label), ())
        tie.may_be_undone = kind == "link" and any(each.undone is not None for each in back)
        ties.append(tie)
        return True

    def untie(self, kind, player, label):
        """The ref with which it is tied to that one, if it is: it is not to be so any more."""
        ties = self.ties.get((kind, player.label, label))
        if not ties or not ties[-1].is_open:
            return None
        ties[-1].undone = self.now
        back = self.ties.get((kind, label, player.label))
        if kind == "link" and back:
            back[-1].may_be_undone = True
        return player.system.ref_of(ties[-1].address, None)

    def told(self, label, kind, address, reason):
        """The player was told the end of one that it is tied to."""
        life = self.players[label].life
        reason, target = in_words(reason), self.by_address[life.aliases.there(address)]
        self.note(label, "heard:", kind, target.label, reason)
        ties = self.ties.get((kind, label, target.label), ())
        tie = ties[-1] if ties else None
        if tie is None or not tie.is_open:
            if kind == "link" and self.ties.get((kind, target.label, label)):
                return  # it was the other one that linked
            self.violate("G6", label, "heard", reason, "of", target.label, "with no open", kind)
            return
        tie.told = self.now
        if reason != "noconnection":
            tie.last = inf
        elif tie.was_up:
            tie.last = tie.separations
        self._check_reason(label, tie, target, reason)

    def _check_reason(self, label, tie, target, reason):
        life = self.players[label].life
        if reason == "noconnection":
            if tie.was_up and not life.has_lost(tie.address.home):
                self.violate("G6", label, "heard noconnection of", target.label, "not lost")
            self._check_bound(label, life, tie, target)
        elif target.ended is None:
            self.violate("G6", label, "heard", reason, "of", target.label, "which lives")
        elif reason not in ("noproc", target.reason):
            self.violate("G6", label, "heard", reason, "of", target.label, "not", target.reason)

    def _check_bound(self, label, life, tie, target):
        if target.life.is_running:
            return
        config = life.system.config
        arrival = self.world.network.last_arrival(target.life.endpoint, life.machine)
        begun = max(target.life.ended, tie.made, arrival)
        bound = config.down_after + 2 * config.heartbeat + SLACK
        came = self.now
        dozed = self.players[label].dozed
        if dozed is not None and dozed[1] == came:  # what it hears now may have come meanwhile
            came = dozed[0]
        heard = life.lost.get(tie.address.home, came)
        took = heard - begun - self.seconds_paused(life.machine, begun)
        if took > bound:
            self.violate("G6", label, "heard of", target.life.name, f"{took:.1f} s after its end")

    # Signals

    def signalled(self, source, peer, key):
        """One there signals one elsewhere. Ends are a sequence of their own: they may be held."""
        which = source, peer.itself, peer.separations, key[0] in ENDS
        earlier, _ = self.posted.get(which, (None, None))
        if earlier is not peer:  # it has never been up, so nothing of that was sent
            self.posted[which] = peer, []
        self.posted[which][1].append(key)

    def signal_taken(self, peer, target, key):
        which = peer.itself, target, peer.separations, key[0] in ENDS
        taken = self.taken.setdefault(which, [])
        _, posted = self.posted.get(which, (None, []))
        place = len(taken)
        taken.append(key)
        if posted[place : place + 1] != [key] and which not in self.broken_sequences:
            self.broken_sequences.add(which)
            wanted = posted[place] if place < len(posted) else "nothing"
            one, other = self.lives[peer.itself].name, self.lives[target].name
            self.violate("G5", other, "took", key, "of", one, "in place of", wanted)

    # At the end

    def is_settled(self):
        """Whether nothing is owed any more that would come by itself."""
        owed = [
            self._owed(),
            self._apart(),
            self._untaken(),
            self._unsent(),
            self._missing(),
        ]
        return not any(ask.is_owed for ask in self.asks) and not any(map(any, owed))

    def _owed(self):
        for (kind, label, target_label), ties in self.ties.items():
            watcher, target = self.players[label], self.players[target_label]
            tie = ties[-1]
            owed = tie.is_open and not tie.may_be_undone
            if owed and watcher.ended is None and watcher.life.is_running:
                lost = watcher.life.has_lost(tie.address.home)
                if lost or target.ended is not None:
                    yield kind, label, target

    def check_end(self):
        for kind, label, target in self._owed():
            self.violate("G6", label, "never heard of the end of", target.label, "by its", kind)
        for ask in self.asks:
            if ask.is_owed:
                self.violate("G9", "an ask of", ask.expected, "never ended")
        for one, other in self._apart():
            self.violate("F4", one.name, "and", other.name, "are not joined as one knows the other")
        for one, other, signal in self._untaken():
            self.violate("G5", other.name, "never took", signal, "of", one.name)
        for one, other in self.greetings:
            self.violate("F4", one, "cannot reach", other)
        for life, peer, queued in self._unsent():
            self.violate("G11", life.name, "keeps", queued, "bytes for", peer)
        for sender, receiver, number in self._missing():
            self.violate("F17", receiver, "never got", number, "from", sender)

    @property
    def staying(self):
        """The lives of machines that are there at the end."""
        return [each for each in self.lives.values() if each.is_running and each.stopping is None]

    def _apart(self):
        """Pairs of nodes that are not joined (again), or do not agree on what was lost (F4)."""
        for one, other in combinations(self.staying, 2):
            ours, theirs = one.peer(other.machine), other.peer(one.machine)
            seen = [each and (each.itself, each.separations) for each in (ours, theirs)]
            separations = one.aliases.separations(other.home)
            if seen != [(other.home, separations), (one.home, separations)]:
                yield one, other

    def _untaken(self):
        """Signals that are to be taken in, and were not (G5)."""
        for which, (peer, posted) in self.posted.items():
            one, other = self.lives[which[0]], self.lives[which[1]]
            taken = len(self.taken.get(which, ()))
            owed = taken < len(posted) and which not in self.broken_sequences
            if owed and one.is_running and other.is_running and not one.has_lost(peer.home):
                yield one, other, posted[taken]

    def _unsent(self):
        """Bytes that wait for a peer, or to be acknowledged (G11)."""
        for life in self.lives.values():
            if life.is_running:
                for peer in life.system.network.members.current.values():
                    queued = peer.statistics()["queued_bytes"]
                    if queued:
                        yield life, self.name(life, peer.home), queued

    def _missing(self):
        """What was told and has not come, where nothing fails, be it that a node stops (F17)."""
        if not self.is_calm:
            return
        for note in self.told_notes:
            if note in self.handled or note in self.undelivered:
                continue
            sender, receiver, _ = note
            player = self.players[receiver]
            stays = player.ended is None and player.life.number == 1
            # A node that stops waits for no longer than its time for one that dozes. Of an ask
            # whose own time was over by then nobody is left to be told.
            life = self.players[sender].life
            is_known = life.system.dead_letters.counts.get("noconnection") or (
                life.stopping is not None and note in self.expired
            )
            if stays and not is_known:
                yield note


def in_words(reason):
    """A reason, the same on both sides of a link."""
    if isinstance(reason, str):
        return reason
    return getattr(reason, "type", type(reason).__name__)
