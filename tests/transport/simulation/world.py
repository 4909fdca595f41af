"""A simulated world: machines on a faulty network, in virtual time, all from one seed."""

from functools import partial
from random import Random

from simulation.oracle import Oracle
from simulation.players import Do, Player
from simulation.virtual import VirtualTime, current

from zanni import ActorSystem, ShuttingDown
from zanni.actors import system as system_module
from zanni.actors.config import Config
from zanni.transport.faulty import FaultyNetwork
from zanni.transport.node import Node

CONFIG = Config(
    heartbeat=1.0,
    suspect_after=2.5,
    down_after=5.0,
    drain_timeout=2.0,
    kill_timeout=1.0,
    peer_messages=256,
)
NAMES = "abc"
PLAYERS = 2
"""How many there are on each machine, at its start."""


class Life:
    """One start of a machine, until its process ends."""

    def __init__(self, world, name, number):
        self.world, self.name, self.number = world, f"{name}{number}", number
        self.machine = name
        self.stopping = self.ended = None
        self.joined, self.lost = {}, {}
        """When which core was up, and was lost, as this one's events told."""
        self.players = []
        self.endpoint = None
        self.system = ActorSystem(
            name,
            listen=url_of(name),
            join=[url_of(other) for other in NAMES[: world.count] if other != name],
            config=CONFIG,
        )
        self.system.run_directory = f"/run/{name}"
        self.system.oracle = world.oracle
        self.home = self.system.home
        world.oracle.begun(self)
        self.system.events.subscribe(partial(world.oracle.event, self))

    @property
    def is_running(self):
        return self.ended is None

    @property
    def is_the_last(self):
        """Whether the machine was not started again since."""
        return self.world.by_machine[self.machine] is self

    @property
    def aliases(self):
        return self.system.network.members.aliases

    def peer(self, machine):
        """The peer that is joined from there, if one is."""
        return self.system.network.members.current.get((machine, 0))

    def has_lost(self, home):
        """Whether that core is down for this one. No event tells of one that never was up."""
        return home in self.lost or home in self.system.network.members.dead

    def network(self, system):
        self.endpoint = self.world.network.endpoint(self.machine)
        return Node(system, self.endpoint)


def url_of(name):
    return f"tcp://127.0.0.1:{7400 + NAMES.index(name)}"


class World:
    """Machines, the network between them, and the oracle that sees all."""

    def __init__(self, seed, count):
        self.count = count
        self.time = current.time = VirtualTime(seed)
        self.network = FaultyNetwork(self.time, Random(f"{seed} network"))
        self.oracle = Oracle(self)
        self.lives = []
        self.by_machine = {}
        """The last life of each."""
        system_module.network_of.fill(self._network_of)

    def _network_of(self, system):
        return next(life for life in self.lives if life.system is system).network(system)

    # Machines

    def boot(self, name):
        """Start a machine, again where it had ended."""
        number = sum(life.machine == name for life in self.lives) + 1
        life = Life(self, name, number)
        self.lives.append(life)
        self.by_machine[name] = life
        self.note("boot", life.name)

        def start():
            life.system.start()
            for _ in range(PLAYERS):
                self._spawn(life)

        self.time.start(start, name)

    def crash(self, name):
        """SIGKILL."""
        life = self.by_machine[name]
        self.note("crash", life.name)
        self._end(life, "crash")

    def _end(self, life, how):
        life.ended = self.time.moment
        self.oracle.over(life, how)
        if life.endpoint is not None:
            life.endpoint.crash()
        core = getattr(life.system, "core", None)
        if core is not None:
            core._stopping = core.over = True  # so that none of its threads looks for more to do
        self.time.kill(life.machine)
        system_module.systems.pop(life.home, None)

    def stop(self, name):
        """Stop the system in order; then its process ends."""
        life = self.by_machine[name]
        self.note("stop", life.name)
        self.oracle.stopping(life)

        def stop():
            life.system.stop()
            self.time.at(self.time.moment, end)

        def end():
            if life.is_running:
                self.note("stopped", life.name)
                self._end(life, "stop")

        self.time.start(stop, name)

    def pause(self, name):
        """SIGSTOP."""
        self.note("pause", name)
        self.time.paused.setdefault(name, [])
        self.oracle.paused(name)

    def resume(self, name):
        """SIGCONT."""
        backlog = self.time.paused.pop(name, None)
        if backlog is not None:
            self.note("resume", name)
            self.oracle.resumed(name)
            self.time.go_on(backlog)

    def end(self):
        """Let go of everything."""
        for life in self.lives:
            if life.is_running:
                self._end(life, "the end")

    # Players

    def spawn(self, life):
        """Spawn one more player there."""
        self.time.start(partial(self._spawn, life), life.machine)

    def _spawn(self, life):
        label = f"{life.name}.{len(life.players)}"
        life.players.append(label)
        try:
            ref = life.system.spawn(Player, label)
        except ShuttingDown:
            return
        self.oracle.born(life, label, ref.address)
        ref.exited().add_done_callback(partial(self.oracle.ended, label))

    def do(self, label, function):
        """Have that player call it with itself, if it lives."""
        player = self.oracle.players.get(label)
        if player is not None and player.life.is_running:
            cell = player.life.system.core.processes.get(player.address.id)
            if cell is not None:
                cell.deliver(Do(function), None, None, None)

    def ref(self, player, label):
        """The ref of another one, as that player is given it now."""
        life = self.oracle.players[player.label].life
        return player.system.ref_of(life.aliases.here(self.oracle.players[label].address), None)

    # What happened

    def note(self, *what):
        self.oracle.trace.append((self.time.moment, *what))
