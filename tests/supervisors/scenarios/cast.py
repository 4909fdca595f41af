"""The actors of a scenario on Zanni: workers and supervisors that do what the script says."""

from collections import defaultdict

from scenarios.language import Tree, is_orderly, words

from zanni import Actor, Future, Ignore, StartError
from zanni.supervisors import Supervisor, SupervisorReport, child


class Failure(Exception):
    """What a worker fails with."""


class Journal:
    """What happens, and what becomes of the next starts."""

    def __init__(self):
        self.entries = []
        self.specs = {}  # of all that were ever started, by id
        self.plans = defaultdict(list)  # by id

    def note(self, entry):
        self.entries.append(entry)

    def start(self, spec):
        """Note a start, and have it go as planned."""
        self.specs[spec.id] = spec
        plans = self.plans[spec.id]
        plan = plans.pop(0) if plans else "start"
        self.note(f"{plan} {spec.id}")
        if plan == "fail":
            raise Failure
        if plan == "ignore":
            raise Ignore

    def hear(self, event):
        """Note what a supervisor reports; not that a child has started, which it says itself."""
        if not isinstance(event, SupervisorReport) or event.kind == "started":
            return
        kind, reason = event.kind, text(event.reason)
        if kind == "gave_up":
            self.note(f"gave_up {event.id}")
            return
        if kind == "terminated" and event.restart != "permanent" and is_orderly(reason):
            kind = "ended"
        self.note(f"{kind} {event.id}: {reason}")


def text(reason):
    """A reason, as outcomes have it."""
    if isinstance(reason, StartError):
        return f"failed {reason.id}"
    return "error" if isinstance(reason, Exception) else words(reason)


class Hand(Actor):
    """A worker."""

    def __init__(self, journal, spec):
        super().__init__()
        self.journal, self.spec = journal, spec

    def on_start(self):
        self.journal.start(self.spec)

    def on_stop(self):
        if self.spec.hangs:
            Future().get()
        self.journal.note(f"stop {self.spec.id}")

    def on_receive(self, message):
        match message:
            case ("crash",):
                raise Failure
            case ("exit", reason):
                self.exit(reason)


class Subject(Supervisor):
    """A supervisor as a tree describes it."""

    def __init__(self, journal, tree):
        self.journal, self.tree = journal, tree
        self.strategy, self.auto_shutdown = tree.strategy, tree.auto_shutdown
        self.intensity, self.period = tree.intensity, tree.period
        super().__init__()

    def children(self):
        self.journal.start(self.tree)
        return [child_of(self.journal, spec) for spec in self.tree.children]

    def hold(self, held, gate):
        held.set()
        gate.get()


def child_of(journal, spec):
    return child(
        Subject if isinstance(spec, Tree) else Hand,
        journal,
        spec,
        id=spec.id,
        restart=spec.restart,
        shutdown=spec.shutdown,
        significant=spec.significant,
    )


class Parent(Actor):
    """Whose child the uppermost supervisor is."""

    def on_receive(self, message):
        match message:
            case ("start", journal, tree):
                return self.spawn(Subject, journal, tree)
            case ("exit", "error"):
                raise Failure
            case ("exit", reason):
                return self.exit(reason)


class Stranger(Actor):
    """Links itself to a supervisor that knows nothing of it, and ends."""

    def on_receive(self, message):
        ref, reason = message
        self.link(ref)
        self.exit(reason)


class Others(Actor):
    """Answers: so whoever asks lets all those go on that have something to do."""

    def on_receive(self, message):
        return message
