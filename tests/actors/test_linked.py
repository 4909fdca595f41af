"""Links: the abnormal end of one is the end of all, and `trap_exit` makes a message of it."""

import itertools
import random

import pytest

from zanni import Actor, ActorDeadError, Exit, Future
from zanni.actors.process import Link, Unlink, Unlinked

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")

DEADLINE = 10.0


class Node(Actor):
    """Does what it is told by `(verb, ...)`, and keeps every other message."""

    def __init__(self, trap_exit=False):
        super().__init__()
        self.trap_exit = trap_exit
        self.seen = []

    def on_receive(self, message):
        match message:
            case ("link", *refs):
                for ref in refs:
                    self.link(ref)
            case ("unlink", ref):
                self.unlink(ref)
            case ("raise", error):
                raise error
            case ("exit", reason):
                self.exit(reason)
            case ("apply", function):
                return function(self)
            case "sync":
                return self.seen
            case _:
                self.seen.append(message)
        return None

    def on_failure(self, kind, value, traceback):
        self.seen.append(value)


@pytest.fixture
def pair(system):
    one, other = system.spawn(Node), system.spawn(Node)
    one.ask(("link", other))
    return one, other


def links(ref):
    ties = ref.process.ties
    return set() if ties is None else set(ties.links)


@pytest.mark.parametrize("dying", [0, 1])
@pytest.mark.parametrize("reason", ["shutdown", "odd", ("a", 1), None])
def test_an_abnormal_end_of_one_is_the_others(pair, dying, reason):
    ends = [ref.exited() for ref in pair]
    pair[dying].tell(("exit", "normal" if reason is None else reason))
    if reason is None:
        assert ends[dying].get(timeout=DEADLINE) == "normal"
        assert pair[1 - dying].ask("sync") == []
    else:
        assert [end.get(timeout=DEADLINE) for end in ends] == [reason, reason]


def test_an_error_is_the_reason_and_on_failure_runs_in_both(pair):
    error = KeyError("no such thing")
    one, other = pair
    seen = other.ask("sync")
    end = other.exited()
    one.tell(("raise", error))
    assert end.get(timeout=DEADLINE) is error
    assert seen == [error]


def test_a_killed_ones_reason_is_killed(pair):
    end = pair[1].exited()
    pair[0].kill()
    assert end.get(timeout=DEADLINE) == "killed"


def test_the_end_runs_along_a_chain(system):
    chain = [system.spawn(Node) for _ in range(50)]
    for one, other in itertools.pairwise(chain):
        one.ask(("link", other))
    ends = [ref.exited() for ref in chain]
    chain[25].tell(("exit", "all"))
    assert {end.get(timeout=DEADLINE) for end in ends} == {"all"}


def test_who_traps_exits_gets_a_message_and_lives(system, eventually):
    trapper = system.spawn(Node, trap_exit=True)
    linked = [system.spawn(Node) for _ in range(4)]
    trapper.ask(("link", *linked))
    linked[0].tell(("exit", "normal"))
    linked[1].tell(("exit", "odd"))
    error = ValueError("x")
    linked[2].tell(("raise", error))
    linked[3].kill()
    eventually(lambda: len(trapper.ask("sync")) == 4)
    expected = zip(linked, ["normal", "odd", error, "killed"], strict=True)
    assert {m.ref: m.reason for m in trapper.ask("sync")} == dict(expected)
    assert all(type(m) is Exit for m in trapper.ask("sync"))
    assert links(trapper) == set()


def test_trap_exit_may_be_set_by_the_class(system, eventually):
    class Traps(Node):
        trap_exit = True

        def __init__(self):
            Actor.__init__(self)
            self.seen = []

    trapper, linked = system.spawn(Traps), system.spawn(Node)
    trapper.ask(("link", linked))
    linked.stop()
    eventually(lambda: trapper.ask("sync") == [Exit(linked, "normal")])


def test_nothing_is_left_of_a_link_to_one_that_has_ended(pair, eventually):
    one, other = pair
    other.stop()
    eventually(lambda: links(one) == set())
    assert one.is_alive()


def test_linking_the_dead_is_noproc(system, eventually):
    gone = system.spawn(Node)
    gone.stop()
    one, trapper = system.spawn(Node), system.spawn(Node, trap_exit=True)
    end = one.exited()
    one.tell(("link", gone))
    assert end.get(timeout=DEADLINE) == "noproc"
    trapper.tell(("link", gone))
    eventually(lambda: trapper.ask("sync") == [Exit(gone, "noproc")])


def test_links_are_symmetric_and_linking_twice_is_linking_once(pair):
    one, other = pair
    one.ask(("link", other))
    other.ask(("link", one))
    assert (links(one), links(other)) == ({other.address}, {one.address})
    other.ask(("unlink", one))
    assert (links(one), links(other)) == (set(), set())
    assert (one.process.ties.unlinking, other.process.ties.unlinking) == ({}, {})


def test_the_unlinked_and_those_linked_with_themselves_go_on(pair):
    one, other = pair
    one.ask(("link", one))
    assert links(one) == {other.address}
    one.ask(("unlink", other))
    end = other.exited()
    other.kill()
    end.get(timeout=DEADLINE)
    assert one.ask("sync") == []
    one.ask(("unlink", one))
    one.ask(("unlink", other))


def test_no_exit_of_an_unlinked_one_is_handled_though_it_is_queued(system):
    trapper, linked = system.spawn(Node, trap_exit=True), system.spawn(Node)

    def during(actor):
        end = linked.exited()
        linked.kill()
        end.get()  # the Exit is in the mailbox now
        actor.unlink(linked)

    trapper.ask(("link", linked))
    trapper.ask(("apply", during))
    assert trapper.ask("sync") == []


def test_the_end_takes_effect_after_the_message_in_hand(system):
    one, other = system.spawn(Node), system.spawn(Node)
    one.ask(("link", other))
    end, seen = one.exited(), one.ask("sync")

    def during(actor):
        gone = other.exited()
        other.kill()
        gone.get()
        actor.seen.append("done")

    one.tell(("apply", during))
    one.tell("never handled")
    assert end.get(timeout=DEADLINE) == "killed"
    assert seen == ["done"]


def test_an_idle_actor_and_one_that_waits_hear_of_it(pair, system):
    one, other = pair
    waiting = system.spawn(Node)
    waiting.ask(("link", other))
    gate = Future()

    def wait(actor):
        with pytest.raises(ActorDeadError):
            other.ask(("apply", lambda _: gate.get()))
        actor.seen.append("waited")

    seen, ends = waiting.ask("sync"), [one.exited(), waiting.exited()]
    waiting.tell(("apply", wait))
    other.kill()
    assert [end.get(timeout=DEADLINE) for end in ends] == ["killed", "killed"]
    assert seen == ["waited"]


def test_a_linked_child_takes_its_parent_along_and_an_unlinked_does_not(system):
    class Parent(Node):
        def on_start(self):
            self.child = self.spawn(Node)
            self.link(self.child)

    parent = system.spawn(Parent)
    child = parent.ask(("apply", lambda actor: actor.child))
    end = parent.exited()
    child.tell(("exit", "odd"))
    assert end.get(timeout=DEADLINE) == "odd"


def test_a_link_in_init_and_from_a_coroutine(system):
    class Early(Actor):
        def __init__(self, ref):
            super().__init__()
            self.link(ref)

        async def on_receive(self, message):
            self.link(message)

    other, third = system.spawn(Node), system.spawn(Node)
    early = system.spawn(Early, other)
    early.ask(third)
    ends = [early.exited(), other.exited()]
    third.kill()
    assert [end.get(timeout=DEADLINE) for end in ends] == ["killed", "killed"]


@pytest.mark.parametrize("verb", ["link", "unlink", "watch", "unwatch"])
def test_what_is_no_ref_is_refused_by_name(system, verb):
    node = system.spawn(Node)
    with pytest.raises(TypeError, match=rf"{verb}\(\) takes a zanni.ActorRef, not str: 'ann'"):
        node.ask(("apply", lambda actor: getattr(actor, verb)("ann")))


def test_however_link_and_unlink_cross_both_sides_agree(system):
    """Two cells whose signals to one another wait, as across cores, and arrive in order."""
    rng = random.Random(7)
    for _ in range(300):
        one, other = Late(system), Late(system)
        one.peer, other.peer = other, one
        for _ in range(12):
            side = rng.choice([one, other])
            act = rng.choice([side.link, side.unlink, side.take, side.take])
            act()
        while one.queue or other.queue:
            one.take()
            other.take()
        assert one.is_linked() == other.is_linked()
        assert one.ref.process.ties.unlinking == other.ref.process.ties.unlinking == {}


class Late:
    """One side: a cell, and the signals that are on their way to it."""

    def __init__(self, system):
        self.ref = system.spawn(Node)
        self.ref.ask(("apply", lambda actor: actor._cell.need_ties()))
        self.core = system.core
        self.address = self.ref.address
        self.queue = []

    def signal(self, signal):
        mine = self.peer  # what the other cell sends here names it, and its answers go to its queue
        self.queue.append(type(signal)(mine))

    def on_core(self, function, argument):
        done = []
        self.core.post(lambda: done.append(function(argument)))
        self.ref.ask("sync")
        assert done

    def link(self):
        self.on_core(self.ref.process._link, self.peer)

    def unlink(self):
        self.on_core(self.ref.process._unlink, self.peer)

    def take(self):
        if self.queue:
            self.on_core(self.ref.process._obey, self.queue.pop(0))

    def is_linked(self):
        return self.peer.address in links(self.ref)


def test_the_signals_of_a_link_are_no_messages(system):
    node, other = system.spawn(Node), system.spawn(Node)
    for signal in (Link(other.process), Unlink(other.process), Unlinked(other.process)):
        node.process.signal(signal)
    assert node.ask("sync") == []
    assert links(node) == set()
