"""A schedule: what players do and what befalls them, drawn from a seed, played, and judged."""

from functools import partial
from itertools import accumulate, permutations
from random import Random
from typing import NamedTuple

from simulation.players import payload_of
from simulation.virtual import BEGINNING
from simulation.world import NAMES, World

LENGTH, NIGHT_LENGTH = 8.0, 18.0
"""Seconds in which things happen."""
USUAL = (0.0002, 0.001)
"""Seconds that a message takes."""
PATIENCE = 30.0
"""Seconds until all is settled, after the last fault was mended."""
QUIET = 2
"""For how many seconds it has to be so, since something may still come that must not."""

GREETING = 8.0
"""Seconds that each has to answer at the end; one that dozes lets others wait."""

CALM, BREEZE, STORM, CHURN, NIGHT = "calm", "breeze", "storm", "churn", "night"
"""No faults, but a node that stops, perhaps; short ones, for which nobody loses anybody; any;
starts upon starts; and long silences, after which those that live are joined again."""
WEATHERS = {CALM: 1, BREEZE: 3, STORM: 5, CHURN: 2, NIGHT: 2}
"""How often each comes."""

SHORT = ("cut", "cut both", "clog", "pause", "reset", "echo", "slow")
LONG = (*SHORT, "crash", "stop")
SILENT = ("cut", "cut both", "clog", "pause")

ACTS = {
    "tell": 10,
    "ask": 4,
    "watch": 5,
    "unwatch": 2,
    "link": 2,
    "unlink": 1,
    "exit": 3,
    "kill": 1,
    "doze": 1,
    "introduce": 2,
    "flood": 0.1,
}
"""What players do, and how often."""
ACT_NAMES, ACT_WEIGHTS = [*ACTS], [*accumulate(ACTS.values())]

SIZES = (*[0] * 12, 1_000, 70_000, 300_000)
"""Bytes that go with a message: none mostly; those in one frame of their own, and in several."""
FLOOD = 600
"""How many messages are more than a peer grants at once."""


class Outcome(NamedTuple):
    seed: int
    weather: str
    violations: list
    trace: list

    def __str__(self):
        lines = [f"seed {self.seed}, {self.weather}"]
        for moment, *what in self.trace:
            lines.append(f"{moment - BEGINNING:10.4f} {' '.join(map(str, what))}")
        return "\n".join([*lines, *self.violations])


class Schedule:
    def __init__(self, seed, weather=None):
        self.seed = seed
        self.random = random = Random(f"{seed} schedule")
        self.world = World(seed, random.choice((2, 2, 3)))
        self.names = NAMES[: self.world.count]
        drawn = random.choices([*WEATHERS], WEATHERS.values())[0]
        self.weather = weather or drawn
        self.world.oracle.is_calm = self.weather == CALM
        self.world.oracle.may_lose = self.weather in (STORM, CHURN, NIGHT)
        self.length = NIGHT_LENGTH if self.weather == NIGHT else LENGTH
        kinds = {CALM: (), BREEZE: SHORT, NIGHT: SILENT}.get(self.weather, LONG)
        self.kinds = [kind for kind in kinds if random.random() < 0.5] or list(kinds)

    def play(self):
        world, random = self.world, self.random
        try:
            for name in self.names:
                self._boot(name)
            world.time.run(world.time.moment + 2.0)
            begun = world.time.moment
            for _ in range(random.randrange(20, 60)):
                world.time.at(begun + self.length * random.random(), self._act)
            self._plan_faults(begun)
            world.time.run(begun + self.length)
            self._settle()
            return Outcome(self.seed, self.weather, world.oracle.violations, world.oracle.trace)
        finally:
            world.end()

    def _boot(self, name):
        self.world.boot(name)

    # Faults

    def _plan_faults(self, begun):
        random, at = self.random, self.world.time.at
        if self.weather == BREEZE:  # one after the other, since silence adds up
            moment = begun + random.random()
            while moment < begun + LENGTH - 3:
                seconds = 0.2 + 1.3 * random.random()
                at(moment, partial(self._fault, random.choice(self.kinds), seconds))
                moment += seconds + 2.5
        elif self.weather == STORM:
            for _ in range(random.randrange(1, 7)):
                seconds = random.choice((0.1, 1.0, 4.0, 8.0)) * (0.5 + random.random())
                moment = begun + LENGTH * random.random()
                at(moment, partial(self._fault, random.choice(self.kinds), seconds))

        elif self.weather == NIGHT:
            self._plan_silences(begun)
        elif self.weather == CHURN:
            self._churn(begun)
        elif random.random() < 0.5:
            at(begun + LENGTH * random.random(), partial(self._fault, "stop", 1.0))

    def _plan_silences(self, begun):
        """One after the other, or two at once, most of them long enough for a loss."""
        random, at = self.random, self.world.time.at
        moment = begun + random.random()
        while moment < begun + self.length:
            seconds = 3.0 + 6.0 * random.random()
            at(moment, partial(self._fault, random.choice(self.kinds), seconds))
            moment += (seconds + 3.0) * random.random()
            if random.random() < 0.3:
                short = random.choice(("reset", "echo", "slow"))
                at(moment, partial(self._fault, short, 1.0 + random.random()))

    def _churn(self, begun):
        """A machine starts again and again: what an earlier start has sent comes late.

        The next start is quick, and then silent for as long as it takes for another to be believed.
        """
        random, at = self.random, self.world.time.at
        name = random.choice(self.names)
        others = [other for other in self.names if other != name]
        moment = begun
        while moment < begun + LENGTH:
            for delay in ((1.0, 4.0), USUAL):
                for other in others:
                    at(moment, partial(self._set_delay, (name, other), delay))
                moment += 1.5 * random.random()
                at(moment, partial(self._fault, "crash", 0.1 * random.random(), name))
                moment += 0.1 + 0.5 * random.random()
            seconds = 1.5 + 2.5 * random.random()
            at(moment, partial(self._fault, random.choice(("pause", "cut")), seconds, name))
            moment += seconds

    def _set_delay(self, way, delay):
        self.world.network.way(*way).delay = delay

    def _fault(self, kind, seconds, one=None):
        world, network, random = self.world, self.world.network, self.random
        one = one or random.choice(self.names)
        other = random.choice([name for name in self.names if name != one])
        world.note("fault", kind, one, other, f"{seconds:.1f} s")
        until = world.time.moment + seconds
        if kind in ("crash", "stop"):
            self._end(kind, one, until)
        elif kind == "pause":
            world.pause(one)
            world.time.at(until, partial(world.resume, one))
        elif kind == "slow":
            way = network.way(one, other)
            usual, way.delay = way.delay, (0.001, min(seconds, 1.0))
            world.time.at(until, partial(setattr, way, "delay", usual))
        elif kind in ("reset", "echo"):
            self._shake(one, other, until, echo=kind == "echo")
        else:
            ways = [(one, other), (other, one)] if kind == "cut both" else [(one, other)]
            for way in ways:
                (network.clog if kind == "clog" else network.cut)(*way)
                world.time.at(until, partial(self._mend, way))

    def _shake(self, one, other, until, *, echo):
        """Break the connections that way now and then, while much is under way on them."""
        world, way = self.world, self.world.network.way(one, other)
        usual, way.delay = way.delay, (0.001, 0.3)
        moment = world.time.moment
        while moment < until:
            moment += 0.05 + 0.3 * self.random.random()
            world.time.at(moment, partial(world.network.reset, one, other, echo=echo))
        world.time.at(until, partial(setattr, way, "delay", usual))

    def _mend(self, way):
        self.world.note("mend", *way)
        self.world.network.mend(*way)

    def _end(self, kind, name, until):
        world = self.world
        life = world.by_machine[name]
        if not life.is_running or life.stopping is not None:
            return
        if kind == "crash":
            world.resume(name)
            world.crash(name)
            world.time.at(until, partial(self._boot, name))
        else:
            world.stop(name)
            world.time.at(until, partial(self._boot_when_ended, name))

    def _boot_when_ended(self, name):
        if self.world.by_machine[name].is_running:
            self.world.time.at(self.world.time.moment + 0.5, partial(self._boot_when_ended, name))
        else:
            self._boot(name)

    # Acts

    def _act(self):
        """Have some player do something to another one, elsewhere mostly."""
        random, players = self.random, self.world.oracle.players
        labels = [label for label, player in players.items() if player.ended is None]
        if not labels:
            return
        label = random.choice(labels)
        others = [
            other
            for other, player in players.items()
            if other[0] != label[0] and (player.life.is_running or random.random() < 0.1)
        ]
        if others:
            (act,) = random.choices(ACT_NAMES, cum_weights=ACT_WEIGHTS)
            self.world.do(label, partial(getattr(self, f"_{act}"), random.choice(others)))

    def _tell(self, other, player):
        world, ref = self.world, self._ref(player, other)
        count = self.random.choice((1, 1, 3, 10))
        for _ in range(count):
            number = world.oracle.next_number(player.label, other, ref)
            world.note(player.label, "tells", other, number)
            size = self.random.choice(SIZES)
            ref.tell(("note", player.label, number, payload_of(number, size)))

    def _flood(self, other, player):
        """More than may wait there, while that one keeps it waiting."""
        self.world.note(player.label, "floods", other)
        self.world.do(other, lambda dozing: dozing.doze(4.0))
        ref = self._ref(player, other)
        for _ in range(FLOOD):
            number = self.world.oracle.next_number(player.label, other, ref)
            ref.tell(("note", player.label, number, b""))

    def _introduce(self, other, player):
        """Give it the ref of one that lives on a third machine, or here."""
        players = self.world.oracle.players
        labels = [label for label in players if label[0] != other[0]]
        label = self.random.choice(labels)
        self.world.note(player.label, "introduces", label, "to", other)
        ref = self.world.ref(player, label)
        self._ref(player, other).tell(("meet", label, ref))

    def _ref(self, player, label):
        """The ref of that one that the player has had for long, or another."""
        new = self.world.ref(player, label)
        kept = player.kept.setdefault(label, new.address)
        if self.random.random() < 0.2:
            return player.system.ref_of(kept, None)
        if self.random.random() < 0.2:
            player.kept[label] = new.address
        return new

    def _doze(self, _other, player):
        self.world.note(player.label, "dozes")
        player.doze(self.random.choice((0.1, 1.0, 3.0)))

    def _ask(self, other, player):
        self._ask_by(self._ref(player, other), other, player)

    def _ask_by(self, ref, other, player):
        world = self.world
        number = world.oracle.next_number(player.label, other, ref)
        timeout = self.random.choice((0.5, 3.0, 20.0, None, None, None))
        world.note(player.label, "asks", other, number, timeout)
        heard = world.oracle.asked(player.label, other, number)
        message = ("ask", player.label, number, payload_of(number, self.random.choice(SIZES)))
        future = ref.ask(message, block=False, timeout=timeout)
        future.add_done_callback(heard)

    def _watch(self, other, player):
        ref = self._ref(player, other)
        if self.world.oracle.tie("watch", player, other, ref):
            self.world.note(player.label, "watches", other)
            player.watch(ref)

    def _unwatch(self, other, player):
        ref = self.world.oracle.untie("watch", player, other)
        if ref is not None:
            self.world.note(player.label, "unwatches", other)
            player.unwatch(ref)

    def _link(self, other, player):
        ref = self._ref(player, other)
        if self.world.oracle.tie("link", player, other, ref):
            self.world.note(player.label, "links", other)
            player.link(ref)

    def _unlink(self, other, player):
        ref = self.world.oracle.untie("link", player, other)
        if ref is not None:
            self.world.note(player.label, "unlinks", other)
            player.unlink(ref)

    def _exit(self, other, player):
        """Write to one more, and end."""
        self._tell(other, player)
        reason = self.random.choice(("normal", "tired"))
        self.world.note(player.label, "exits", reason)
        player.exit(reason)
        self._replace(player)

    def _kill(self, other, player):
        self.world.note(player.label, "kills", other)
        self._ref(player, other).kill()

    def _replace(self, player):
        life = self.world.oracle.players[player.label].life
        self.world.spawn(life)

    # The end

    def _settle(self):
        world = self.world
        for name in self.names:
            world.resume(name)
        for one in self.names:
            for other in self.names:
                if one != other:
                    world.network.way(one, other).delay = USUAL
                    world.network.mend(one, other)
        world.note("all is mended")
        ends = world.time.moment + PATIENCE
        quiet = 0
        while quiet < QUIET and world.time.moment < ends:
            world.time.run(world.time.moment + 1.0)
            quiet = quiet + 1 if world.oracle.is_settled() else 0
        self._greet()
        world.oracle.check_end()

    def _greet(self):
        """Have one on each machine ask one on each other: what is joined can be reached."""
        oracle, time = self.world.oracle, self.world.time
        somebody = {}
        for label, player in oracle.players.items():
            if player.life in oracle.staying and player.ended is None:
                somebody[player.life.machine] = label
        for one, other in permutations(somebody.values(), 2):
            self.world.do(one, partial(self._greet_one, other))
        ends = time.moment + GREETING
        while oracle.greetings and time.moment < ends:
            time.run(time.moment + 0.5)

    def _greet_one(self, other, player):
        ref = self.world.ref(player, other)
        self.world.oracle.greets(player.label, other)
        future = ref.ask(("hello", player.label), block=False, timeout=GREETING)
        future.add_done_callback(partial(self.world.oracle.greeted, player.label, other))
