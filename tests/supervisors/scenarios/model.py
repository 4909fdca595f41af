"""What supervisors do, in plain lists: no actors, no messages, one thing after the other.

Written from the rules alone, so that the engine can be compared with it.
"""

from collections import defaultdict

from scenarios.language import Outcome, Tree, counted, is_orderly, listed, words


class Process:
    """A worker that runs, or has run: then `dead` says why it ended."""

    def __init__(self, spec, parent):
        self.spec, self.parent = spec, parent
        self.dead = None

    def family(self):
        yield self


class Child:
    """What a supervisor knows of a child."""

    def __init__(self, spec):
        self.spec = spec
        self.process = None
        self.last = None  # the supervisor that ran before
        self.restarting = False

    @property
    def state(self):
        if self.restarting:
            return "restarting"
        return "running" if self.process else "stopped"


class Supervisor(Process):
    """One supervisor, from its start to its end."""

    def __init__(self, world, spec, parent):
        super().__init__(spec, parent)
        self.world = world
        self.children = []  # in the order of their start
        self.restarts = []  # the seconds of those that count
        self.queue = []

    def family(self):
        """Itself and all below it that run."""
        yield self
        for child in reversed(self.children):
            if child.process is not None and child.process.dead is None:
                yield from child.process.family()

    def find(self, id):
        return next((each for each in self.children if each.spec.id == id), None)

    # Starting and stopping

    def start(self):
        """Start the children in order; why that failed, or None."""
        self.children = [Child(spec) for spec in self.spec.children]
        failed = self.start_all(self.children)
        if failed is None:
            return None
        self.stop_all()
        return f"failed {failed.spec.id}"

    def start_all(self, children):
        """Start them until one fails, which is returned."""
        for child in [*children]:
            if error := self.start_one(child):
                self.world.note(f"start_error {child.spec.id}: {error}")
                return child
        return None

    def start_one(self, child):
        """Start a child; why that failed, or None. One that is ignored is left out."""
        spec, world = child.spec, self.world
        child.restarting = False
        child.process = None
        planned = world.planned[spec.id]
        outcome = planned.pop(0) if planned else "start"
        world.note(f"{outcome} {spec.id}")
        if outcome == "fail":
            return "error"
        if outcome == "ignore":
            if spec.restart == "temporary" and child in self.children:
                self.children.remove(child)
            return None
        if not isinstance(spec, Tree):
            child.process = Process(spec, self)
            return None
        made = Supervisor(world, spec, self)
        if error := made.start():
            return error
        if child.last is not None:
            world.is_open |= any(item[0] == "call" for item in child.last.queue)
        child.process = child.last = made
        return None

    def stop_all(self):
        self.stop_these(self.children)

    def stop_these(self, children):
        """Stop them in reverse order; temporary ones are forgotten."""
        for child in [*reversed(children)]:
            self.stop_one(child)
            if child.spec.restart == "temporary":
                self.children.remove(child)

    def stop_one(self, child):
        process, child.process, child.restarting = child.process, None, False
        if process is None:
            return
        spec = child.spec
        if process.dead is None:
            process.dead = self.ask_to_stop(process)
        asked = "killed" if spec.shutdown == "kill" else "shutdown"
        by_itself = spec.restart != "permanent" and is_orderly(process.dead)
        if process.dead != asked and not by_itself:
            self.world.note(f"shutdown_error {spec.id}: {process.dead}")

    def ask_to_stop(self, process):
        """Stop what runs; the reason for which it ends."""
        if isinstance(process, Supervisor):
            process.stop_all()
        elif process.spec.shutdown == "kill" or process.spec.hangs:
            return "killed"
        else:
            self.world.note(f"stop {process.spec.id}")
        return "shutdown"

    def exit(self, reason):
        """End by itself, or as its parent ends."""
        self.stop_all()
        self.dead = reason
        if self.parent is not None:
            self.parent.queue.append(("end", self))

    # When a child has ended

    def on_end(self, process):
        child = next((each for each in self.children if each.process is process), None)
        if child is None:
            return  # it was stopped meanwhile
        child.process = None
        restart, orderly = child.spec.restart, is_orderly(process.dead)
        to_restart = restart == "permanent" or (restart == "transient" and not orderly)
        word = "ended" if orderly and not to_restart else "terminated"
        self.world.note(f"{word} {child.spec.id}: {process.dead}")
        if to_restart:
            self.restart(child)
            return
        child.last = None
        if restart == "temporary":
            self.children.remove(child)
        if child.spec.significant and self.is_over():
            self.exit("shutdown")

    def is_over(self):
        """Whether the end of a significant child is that of the supervisor."""
        if self.spec.auto_shutdown == "any_significant":
            return True
        left = [each for each in self.children if each.spec.significant]
        return all(each.state == "stopped" for each in left)

    def restart(self, child):
        """Restart what the strategy says, unless that was too often."""
        second = int(self.world.now)
        within = [each for each in self.restarts if each >= second - self.spec.period]
        self.restarts = [*within, second]
        if len(self.restarts) > self.spec.intensity:
            child.restarting = False
            self.world.note(f"gave_up {child.spec.id}")
            self.exit("shutdown")
            return
        failed = self.restart_group(child)
        if failed is not None:
            failed.restarting = True
            self.queue.append(("again", failed.spec.id))

    def restart_group(self, child):
        """Stop and start all that go with this child; which one failed to start, or None."""
        if self.spec.strategy == "one_for_one":
            return self.start_all([child])
        first = 0 if self.spec.strategy == "one_for_all" else self.children.index(child)
        self.stop_these(self.children[first:])
        return self.start_all(self.children[first:])

    def on_again(self, id):
        child = self.find(id)
        if child is not None and child.restarting:
            self.restart(child)

    # What it is asked for

    def start_child(self, spec):
        if child := self.find(spec.id):
            return "already_started" if child.process else "already_present"
        child = Child(spec)
        if error := self.start_one(child):
            self.world.note(f"start_error {spec.id}: {error}")
            return f"failed {spec.id}: {error}"
        if child.process is not None or spec.restart != "temporary":
            self.children.append(child)
        return "started" if child.process else "none"

    def terminate_child(self, id):
        child = self.find(id)
        if child is None:
            return "not_found"
        self.stop_these([child])
        return "ok"

    def restart_child(self, id):
        child = self.find(id)
        if child is None or child.state != "stopped":
            return "not_found" if child is None else child.state
        if error := self.start_one(child):
            self.world.note(f"start_error {id}: {error}")
            return f"failed {id}: {error}"
        return "started" if child.process else "none"

    def delete_child(self, id):
        child = self.find(id)
        if child is None or child.state != "stopped":
            return "not_found" if child is None else child.state
        self.children.remove(child)
        return "ok"

    def which_children(self):
        return listed(self.spec.id, [(c.spec.id, c.state) for c in reversed(self.children)])

    def count_children(self):
        trees = sum(isinstance(each.spec, Tree) for each in self.children)
        active = sum(each.state == "running" for each in self.children)
        specs = len(self.children)
        return counted(specs, active, trees, specs - trees)

    # One thing after the other

    def handle(self, item):
        match item:
            case ("end", process):
                self.on_end(process)
            case ("again", id):
                self.on_again(id)
            case ("call", answers, index, method, args):
                answers[index] = getattr(self, method)(*args)


class Model:
    """Plays a script on a tree.

    `is_open`: a supervisor was restarted while calls were waiting for it. With Zanni they wait for
    its next incarnation, and are handled whenever that comes to it; with OTP they fail.
    """

    def __init__(self, tree):
        self.tree = tree
        self.now = 0.0
        self.planned = defaultdict(list)  # id -> what becomes of its next starts
        self.entries = []
        self.is_open = False
        self.root = None

    def note(self, entry):
        self.entries.append(entry)

    def play(self, script):
        """Return the outcomes, that of each step."""
        return [self.outcome(step) for step in script]

    def outcome(self, step):
        self.entries, answers, was_over = [], [], self.is_over()
        self.do(step, answers)
        while busy := next((each for each in self.supervisors() if each.queue), None):
            busy.handle(busy.queue.pop(0))
        self.entries += [f"-> {answer}" for answer in answers]
        if self.is_over() and not was_over:
            self.note(f"exit {self.tree.id}: {self.root.dead}")
        trees = tuple(each.which_children() for each in self.supervisors())
        return Outcome(tuple(self.entries), trees)

    def is_over(self):
        return self.root is not None and self.root.dead is not None

    def running(self):
        """All that run, from the root down."""
        return [] if self.root is None or self.is_over() else [*self.root.family()]

    def supervisors(self):
        return [each for each in self.running() if isinstance(each, Supervisor)]

    def find(self, id):
        return next((each for each in self.running() if each.spec.id == id), None)

    def do(self, step, answers):
        match step:
            case ("start",):
                self.note(f"start {self.tree.id}")
                self.root = Supervisor(self, self.tree, None)
                self.root.dead = self.root.start()
            case ("fail" | "ignore" as outcome, id, count):
                self.planned[id] += [outcome] * count
            case ("advance", seconds):
                self.now += seconds
            case ("parent", reason):
                if not self.is_over():
                    self.root.exit(words(reason))
            case ("stranger", _, _):
                pass
            case ("meanwhile", id, steps):
                if self.find(id):
                    for each in steps:
                        self.do(each, answers)
            case ("crash" | "exit" | "kill" | "stop", id, *reason):
                if process := self.find(id):
                    self.end(process, step[0], *reason)
            case (method, id, *args):
                answers.append("dead")
                if tree := self.find(id):
                    tree.queue.append(("call", answers, len(answers) - 1, method, args))

    def end(self, process, how, reason=None):
        """A worker or a supervisor ends by itself, or is ended by somebody."""
        if how == "stop":
            process.exit("normal")
            return
        process.dead = {"crash": "error", "kill": "killed"}.get(how) or words(reason)
        if how == "exit":
            self.note(f"stop {process.spec.id}")
        process.parent.queue.append(("end", process))
