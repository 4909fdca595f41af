"""Actors for the tests that use several processes: every core imports this module by name."""

import ctypes
import os
import threading
import time
import weakref
from pathlib import Path

from zanni import Actor, DeadlockError, Down, Future, Timeout, message
from zanni.actors.oversight import Judge
from zanni.supervisors import Supervisor, child


@message
class Add:
    amount: int


@message
class Watched:
    ref: object


@message
class Overdrawn(Exception):
    missing: int


class Unknown(Exception):
    pass


class HeldUp(Actor):
    def on_receive(self, fifo):
        """Read a byte in C code that keeps the interpreter's lock."""
        opened = os.open(fifo, os.O_RDWR)
        ctypes.PyDLL(None).read(opened, ctypes.create_string_buffer(1), 1)
        os.close(opened)
        return "goes on"


class Counter(Actor):
    def __init__(self, start=0):
        super().__init__()
        self.total = start
        self.seen = []

    def on_receive(self, message):
        match message:
            case Add(amount):
                self.total += amount
                return None
            case "total":
                return self.total
            case "pid":
                return os.getpid()
            case "seen":
                return self.seen
            case "sender":
                return self.sender
            case ("slow", _):
                time.sleep(0.002)
                return message
            case "deadline":
                return self.deadline
            case ("see", item):
                self.seen.append(item)
                return None
            case _:
                return message

    def double(self, number):
        return 2 * number

    def fail(self, kind):
        if kind == "built-in":
            raise ValueError("no", 7)
        if kind == "declared":
            raise Overdrawn(7)
        if kind == "unknown":
            raise Unknown("what")
        return lambda: None

    def work(self, seconds):
        """Use the CPU for so long."""
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass

    def block(self, seconds=0.2):
        time.sleep(seconds)

    def work_until(self, path):
        """Use the CPU until there is such a file."""
        while not Path(path).exists():
            for _ in range(100_000):
                pass

    def block_until(self, path):
        while not Path(path).exists():
            time.sleep(0.1)

    def cores(self):
        return self.system.cores()

    def spawn_on(self, core):
        return self.system.spawn(Counter, core=core)

    def spawn_many(self, count):
        for _ in range(count):
            self.system.spawn(Counter)

    def spawn_child(self):
        return self.spawn(Counter)

    def resize(self, cores):
        self.system.resize(cores=cores)

    def make_pool(self, n):
        return self.system.pool(Counter, n)

    def cpus(self):
        return sorted(os.sched_getaffinity(0))

    def wait_for_ever(self):
        Future().get()

    async def later(self, number):
        return number + 1


class Keeper(Supervisor):
    def children(self):
        return [child(Counter, 1, id="kept")]


class Watcher(Actor):
    def __init__(self):
        super().__init__()
        self.downs = []

    def on_receive(self, message):
        match message:
            case Watched(ref):
                self.watch(ref)
                return "watching"
            case Down(ref, reason):
                self.downs.append((ref, reason))
                return None
            case "downs":
                return self.downs
            case ("ask", ref, question):
                return ref.ask(question)
            case ("end", ref):
                return ref.stop()
            case ("flood", ref, count):
                for number in range(count):
                    ref.tell(("see", number))
                return ref.ask("seen")
            case _:
                return None


class Desk(Actor):
    def __init__(self, target):
        super().__init__()
        self.target = target

    def on_receive(self, message):
        self.forward(self.target)
        return "of the desk"

    def fail(self, kind):
        self.forward(self.target)


class Later(Actor):
    def __init__(self):
        super().__init__()
        self.owed = []

    def on_receive(self, message):
        if message == "answer two":
            for number, future in enumerate(self.owed[:2]):
                future.set(number)
            return None
        if message == "count":
            return len(self._cell.need_ties().owed)
        self.owed.append(self.reply_later())
        return None


class Linker(Actor):
    def __init__(self, trap_exit=False):
        super().__init__()
        self.trap_exit = trap_exit
        self.seen = []

    def on_receive(self, message):
        match message:
            case ("link", ref):
                self.link(ref)
            case ("unlink", ref):
                self.unlink(ref)
            case ("exit", reason):
                self.exit(reason)
            case ("raise", error):
                raise error
            case ("say and exit", ref, count):
                for number in range(count):
                    ref.tell(number)
                self.exit("odd")
            case "pid":
                return os.getpid()
            case "links":
                return len(self._cell.need_ties().links)
            case "sync":
                return self.seen
            case _:
                self.seen.append(message)
        return None


class Broken(Actor):
    def __init__(self):
        super().__init__()
        raise Overdrawn(3)


class BadStart(Actor):
    def on_start(self):
        raise Overdrawn(4)


class SlowStart(Actor):
    def on_start(self):
        Future().get()


class Head(Judge, Actor):
    """Has children elsewhere, and says what becomes of them."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def have(self, cls, node, **options):
        child = self.spawn(cls, node=node, **options)
        self.watch(child)
        return child

    def have_soon(self, seconds, cls, **options):
        return self.system.spawn_child(self._cell, cls, (), options, seconds)

    def have_counter(self, node, core):
        return self.spawn(Counter, 5, node=node, core=core)

    def children(self):
        return list(self._cell.need_ties().children.values())

    def allow_counters(self):
        self.system.allow(Counter)

    def on_receive(self, message):
        if message == "heard":
            return self.heard
        self.heard.append(message)
        return None


class Brief(Actor):
    def on_start(self):
        self.exit()


class LastWords(Actor):
    """Takes its whole core along when it ends, or outlasts any end."""

    def __init__(self, words):
        super().__init__()
        self.words = words

    def on_stop(self):
        if self.words == "exit":
            os._exit(1)
        Future().get()


class Farewell(Actor):
    """Tells its friend a number of things, and ends."""

    def on_receive(self, message):
        friend, count = message
        for number in range(count):
            friend.tell(("see", number))
        self.stop()


class Caller(Actor):
    """Asks the one that it knows, in several ways, and passes on what it was asked."""

    def __init__(self):
        super().__init__()
        self.following = None
        self.own_errors = self.heard = 0
        self.arrived = set()

    def on_receive(self, message):
        match message:
            case ("know", following):
                self.following = following
            case ("slow", seconds):
                return self.following.ask(("slow here", seconds))
            case ("slow here", seconds):
                try:
                    Future().get(timeout=seconds)
                except Timeout:
                    return "slow"
            case ("ask for", seconds, question):
                return self.following.ask(question, timeout=seconds)
            case ("cross", meeting):
                while meeting.ask(("arrived", self.actor_ref)) < 2:
                    pass
                return self.following.ask("crossed")
            case ("arrived", ref):
                self.arrived.add(ref)
                return len(self.arrived)
            case ("ask" | "ask for long" | "call", _):
                return self.pass_on(message)
            case "heard":
                return self.heard
            case "own errors":
                return self.own_errors
        return message

    def pass_on(self, message):
        self.heard += 1
        try:
            match message:
                case ("ask", "alive"):
                    return self.following.ask("alive")
                case ("ask", _):
                    return self.following.ask(message)
                case ("ask for long", _):
                    return self.following.ask(message, timeout=30)
                case ("call", _):
                    return self.following.call(Caller.pass_on, message).get()
        except DeadlockError as error:
            self.own_errors += error.cycle[0] == self.actor_ref
            raise


class Passer(Caller):
    """Forwards what it is asked to pass on."""

    def pass_on(self, message):
        self.forward(self.following)


class Stasher(Caller):
    """Sets aside what it is asked, and asks on."""

    def pass_on(self, message):
        self.stash()
        self.following.ask(message)


class Settler(Actor):
    """Gives an answer that was put off, a while later."""

    def on_receive(self, message):
        answer, value, seconds = message
        if seconds:
            self.after(seconds, (answer, value, 0))
        else:
            answer.set(value)


class Debtor(Caller):
    """Puts its answer off, which another one gives, and asks on."""

    def pass_on(self, message):
        self.spawn(Settler).tell((self.reply_later(), "by another", 0.8))
        return self.following.ask("alive")


class Threads(Actor):
    def on_receive(self, message):
        return threading.current_thread().name


class Rambler(Actor):
    """Follows plans of `(verb, target, plan)`: asks others, who follow theirs, or waits a while.

    Counts the deadlocks that it closed.
    """

    def __init__(self):
        super().__init__()
        self.peers = []
        self.found = 0

    def on_start(self):
        self.settler = self.spawn(Settler)

    def on_receive(self, message):
        match message:
            case ("peers", peers):
                self.peers = peers
            case ("follow", plan):
                self.follow(plan)
            case "found":
                return self.found
        return None

    def follow(self, plan):
        for verb, target, following in plan:
            if verb == "forward":
                self._cell.current = (("follow", following), *self._cell.current[1:])
                self.forward(self.peers[target])
                break
            self.move(verb, self.peers[target], ("follow", following))

    def move(self, verb, peer, message):
        try:
            match verb:
                case "ask":
                    peer.ask(message)
                case "ask for a while":
                    peer.ask(message, timeout=0.4)
                case "call":
                    peer.call(Rambler.follow, message[1]).get()
                case "do not wait":
                    peer.ask(message, block=False)
                case "put off":
                    self.settler.tell((self.reply_later(), None, 0))
                case "pause":
                    Future().get(timeout=0.3)
        except Timeout:
            pass
        except DeadlockError as error:
            self.found += error.cycle[0] == self.actor_ref


class Finder(Actor):
    """Looks names up on its own core."""

    def find(self, name):
        return self.system.whereis(name)


class Viewer(Actor):
    """Looks at its senders by proxies."""

    def __init__(self):
        super().__init__()
        self.kinds = []

    def view(self):
        self.kinds.append(type(self.sender.proxy().shown).__name__)


class Plain(Actor):
    shown = 7

    def show_to(self, viewer):
        viewer.cast(Viewer.view)


class Callable(Actor):
    def shown(self):
        return 7

    def show_to(self, viewer):
        viewer.cast(Viewer.view)


class Fatal(Actor):
    """Its core ends while it is made."""

    def __init__(self):
        super().__init__()
        os._exit(1)


class Namer(Actor):
    """Spawns by name; or tells its friend more than may wait for it, and ends."""

    def name(self, cls, name, core):
        return self.spawn(cls, name=name, core=core)

    def name_free(self, cls, name, core, *args):
        return self.system.spawn(cls, *args, name=name, core=core)

    def flood(self, friend, count):
        for _ in range(count):
            friend.tell(bytes(10_000))
        self.stop()


class StartsLater(Actor):
    """Has started once a gate has answered."""

    wait_for_start = True

    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def on_start(self):
        self.gate.ask("wait")


class Joiner(Actor):
    """Has its node join another."""

    def join(self, url):
        self.system.join(url)

    def nodes(self):
        return self.system.nodes()


class Lender(Actor):
    def __init__(self, lent):
        super().__init__()
        self.lent = weakref.ref(lent)

    def on_receive(self, message):
        return self.lent() is None
