"""Plays a scenario on Zanni's own supervisors, in memory, on a clock that stands still.

The player is an actor on the same core: while it waits, the others go on. A supervisor that is to
hear of several things at once is held in a handler until they all wait in its mailbox.
"""

import contextlib
import logging
from dataclasses import astuple

from scenarios.cast import Journal, Others, Parent, Stranger, Subject, child_of, text
from scenarios.language import ENDS, PLANS, Outcome, counted, listed

from zanni import (
    Actor,
    ActorDeadError,
    ActorRef,
    ActorSystem,
    AlreadyPresent,
    AlreadyStarted,
    Future,
    NotFound,
    Restarting,
    Running,
    StartError,
    Timeout,
)
from zanni.supervisors import Supervisor

DEADLINE = 10.0
REFUSALS = {
    ActorDeadError: "dead",
    AlreadyPresent: "already_present",
    AlreadyStarted: "already_started",
    NotFound: "not_found",
    Restarting: "restarting",
    Running: "running",
}


class Play:
    """One scenario, from the start of its tree to its end; within the player's turn."""

    def __init__(self, player, tree):
        self.player, self.tree = player, tree
        self.journal = Journal()
        self.now = 0.0
        self.root = None
        self.refs = {}  # of all that run, by id
        self.above = {}  # the supervisor of each, by id
        self.ended = set()  # of these, those that the step in hand has ended
        self.calls = []  # of the step in hand, and the answers to come

    def run(self, script):
        system = self.player.system
        system.now = lambda: self.now
        system.events.subscribe(self.journal.hear)
        self.parent = self.player.spawn(Parent)
        try:
            return [self.outcome(step) for step in script]
        finally:
            self.parent.stop()
            system.events.unsubscribe(self.journal.hear)

    def outcome(self, step):
        self.journal.entries, self.calls, self.ended = [], [], set()
        self.do(step)
        answers = [f"-> {answer_of(*call)}" for call in self.calls]
        ran, trees = bool(self.refs), self.look()
        ends = [f"exit {self.tree.id}: {text(self.exited.get())}"] if ran and not trees else []
        return Outcome((*self.journal.entries, *answers, *ends), trees)

    # What a step does

    def do(self, step):
        match step:
            case ("start",):
                self.start()
            case (("fail" | "ignore") as plan, id, count):
                self.journal.plans[id] += [plan] * count
            case ("advance", seconds):
                self.now += seconds
            case ("parent", reason):
                if self.refs:
                    self.parent.tell(("exit", reason))
                    self.parent.wait()
            case ("stranger", tree, reason):
                if ref := self.refs.get(tree):
                    stranger = self.player.spawn(Stranger)
                    stranger.tell((ref, reason))
                    stranger.wait()
                    self.settle(tree)
            case ("meanwhile", tree, steps):
                if tree in self.refs:
                    self.hold(tree, steps)
            case ("stop", self.tree.id):
                if self.tree.id in self.refs:
                    self.root.stop()
            case (("crash" | "exit" | "kill" | "stop"), id, *_):
                if id in self.refs:
                    self.hold(self.above[id], (step,))
            case (_, tree, *_):
                self.call(step)
                self.settle(tree)

    def start(self):
        try:
            self.root = self.parent.ask(("start", self.journal, self.tree))
        except StartError as error:
            self.journal.note(f"exit {self.tree.id}: {text(error)}")
        else:
            self.exited = self.root.exited()

    def hold(self, tree, steps):
        """Hold a supervisor until all that comes of these steps waits for it."""
        ref = self.refs[tree]
        held, gate = Future(), Future()
        ref.cast(Subject.hold, held, gate)
        held.get()
        for step in steps:
            waiting = ref.mailbox().length
            if self.reaches(step):
                while ref.mailbox().length == waiting:
                    self.player.others.ask("go on")
        gate.set(None)
        self.settle(tree)

    def reaches(self, step):
        """Do a step; whether the supervisor above hears of it."""
        if step[0] in PLANS:
            self.do(step)
            return False
        if step[0] in ENDS:
            return self.end(step)
        self.call(step)
        return True

    def end(self, step):
        """Have a worker or a supervisor end; whether it ran."""
        match step:
            case (_, gone, *_) if gone not in self.refs or gone in self.ended:
                return False
            case ("kill", id):
                self.refs[id].kill()
            case ("stop", id):
                self.refs[id].stop(block=False)
            case ("crash", id):
                self.refs[id].tell(("crash",))
            case ("exit", id, reason):
                self.refs[id].tell(("exit", reason))
        self.ended.add(step[1])
        return True

    def call(self, step):
        """Call a supervisor, and go on."""
        method, tree, *args = step
        args = [each if isinstance(each, str) else child_of(self.journal, each) for each in args]
        ref = self.refs.get(tree)
        future = None if ref is None else ref.call(getattr(Supervisor, method), *args)
        self.calls.append((method, tree, future))

    # What is seen then

    def settle(self, tree):
        """Let a supervisor handle what it has, then those above it, who hear of what it does."""
        while tree is not None:
            if ref := self.refs.get(tree):
                with contextlib.suppress(ActorDeadError):
                    while "restarting" in [info[1] for info in children_of(ref)]:
                        pass
            tree = self.above.get(tree)

    def look(self):
        """Find all that run; the children of each supervisor, as outcomes have them."""
        self.refs, self.above = {}, {}
        if self.root is None:
            return ()
        try:
            return tuple(self.look_at(self.tree.id, self.root, None))
        except ActorDeadError:  # the uppermost one: no other ends by itself now
            return ()

    def look_at(self, tree, ref, above):
        infos = children_of(ref)
        self.refs[tree], self.above[tree] = ref, above
        yield listed(tree, states(infos))
        for child, child_ref, kind, restart in infos:
            spec = self.journal.specs[child]
            assert (kind, restart) == (spec.kind, spec.restart)
            if kind == "supervisor" and isinstance(child_ref, ActorRef):
                yield from self.look_at(child, child_ref, tree)
            elif isinstance(child_ref, ActorRef):
                self.refs[child], self.above[child] = child_ref, tree


def children_of(ref):
    return ref.call(Supervisor.which_children).get()


def states(infos):
    return [(info[0], state_of(info[1])) for info in infos]


def state_of(ref):
    if ref is None:
        return "stopped"
    return "restarting" if ref == "restarting" else "running"


def answer_of(method, tree, future):
    """What a supervisor answered to a call, as outcomes have it."""
    if future is None:
        return "dead"
    try:
        answer = future.get()
    except StartError as error:
        return f"failed {error.id}: {text(error.reason)}"
    except tuple(REFUSALS) as error:
        return REFUSALS[type(error)]
    match method:
        case "which_children":
            return listed(tree, states(answer))
        case "count_children":
            return counted(*astuple(answer))
        case "start_child" | "restart_child":
            return "none" if answer is None else "started"
    return "ok"


class Player(Actor):
    """Plays one scenario."""

    def on_start(self):
        self.others = self.spawn(Others)

    def play(self, tree, script):
        return Play(self, tree).run(script)


class Stage:
    """A system on which scenarios are played, one after the other. What they log is not shown."""

    def __enter__(self):
        self.logger = logging.getLogger("zanni")
        self.level = self.logger.level
        self.logger.setLevel(logging.CRITICAL + 1)
        self.system = ActorSystem("stage").start()
        return self

    def __exit__(self, *exc_info):
        self.system.stop()
        self.logger.setLevel(self.level)

    def play(self, tree, script):
        """Return the outcomes, that of each step, and leave nothing behind."""
        player = self.system.spawn(Player)
        try:
            outcomes = player.call(Player.play, tree, script).get(timeout=DEADLINE)
        except Timeout:
            print(f"does not end: {tree}\n{script}")
            self.system.stop(timeout=0)
            self.system = ActorSystem("stage").start()
            raise
        player.stop()
        assert self.system.actors() == []
        return outcomes
