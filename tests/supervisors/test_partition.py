"""`PartitionSupervisor`: equal children, and messages that find theirs by a key."""

import functools

import pytest

from zanni import Actor, ActorDeadError, Future, Mailbox, MailboxFull
from zanni.supervisors import (
    Backoff,
    Keyed,
    NotFound,
    PartitionSupervisor,
    Restarting,
    SpecError,
    Supervisor,
    SupervisorError,
    child,
)

SLOW = Backoff(min=3600, max=3600, jitter=0)
TWICE = Backoff(min=0.001, max=3600, factor=10**7, jitter=0)
"""The first attempt comes soon; a second one when it is made due."""


@pytest.fixture
def divide(world, tools):
    """Spawn a partition supervisor of three workers that are all called "p"."""

    def divide(partitions=3, settings=(), **options):
        cls = type("Subject", (PartitionSupervisor,), dict(settings))
        spec = child(tools.Worker, world, "p", id="p", **options)
        world.supervisor = world.system.spawn(cls, spec, partitions=partitions)
        world.journal.clear()
        return world.supervisor

    return divide


def route(world, key):
    return world.call(PartitionSupervisor.route, key)


def refs(world):
    """The children in their order."""
    return [line[1] for line in reversed(world.call(PartitionSupervisor.which_children))]


# --- the children


def test_there_are_as_many_as_asked_for_and_each_has_its_number(world, divide):
    divide(4)
    lines = world.call(PartitionSupervisor.which_children)
    assert [line[0] for line in lines] == ["3", "2", "1", "0"]
    assert {line[2:] for line in lines} == {("worker", "permanent")}


def test_there_is_one_for_each_core_by_default(world, divide):
    divide(None)
    assert [ref.core for ref in refs(world)] == [0]


def test_the_class_and_its_arguments_are_a_template_too(world, tools):
    settings = {"restart": "transient", "shutdown": 1.0}
    world.supervisor = world.system.spawn(
        PartitionSupervisor, tools.Worker, world, "p", partitions=2, **settings
    )
    assert world.journal == ["start p", "start p"]
    assert {line[3] for line in world.call(Supervisor.which_children)} == {"transient"}
    assert {report.shutdown for report in world.kinds("started")} == {1.0}


def test_a_subclass_may_say_it_all(world, tools):
    class Counters(PartitionSupervisor):
        partitions = 2

        def template(self):
            return child(tools.Worker, world, "p", id="any")

    world.supervisor = world.system.spawn(Counters)
    assert len(refs(world)) == 2


def test_they_stop_in_reverse_order_with_a_tree(world, tools):
    numbers = iter(range(9))
    numbered = functools.partial(numbered_worker, tools.Worker, world, numbers)
    inner = child(PartitionSupervisor, numbered(), id="inner", partitions=3)
    assert inner.kwargs == {"partitions": 3}
    world.supervise(inner)
    assert world.infos()["inner"][2] == "supervisor"
    world.supervisor.stop(timeout=10)
    assert world.journal == ["stop 2", "stop 1", "stop 0"]


def numbered_worker(worker, world, numbers):
    class Numbered(worker):
        def __init__(self):
            super().__init__(world, str(next(numbers)))

    return child(Numbered, id="n")


# --- where a key goes


def test_a_key_has_one_child_and_whole_numbers_go_by_turns(world, divide):
    divide()
    made = refs(world)
    assert [route(world, n) for n in range(6)] == made * 2
    assert route(world, "ann") == route(world, "ann")
    assert {route(world, f"user-{n}") for n in range(30)} == set(made)


def test_what_is_no_key_is_refused(world, divide):
    divide()
    with pytest.raises(TypeError, match="a key is text, bytes"):
        route(world, ["ann"])


class Asker(Actor):
    def put(self, ref, message):
        return ref.ask(message)


class Echo(Actor):
    def on_receive(self, message):
        if isinstance(message, Exception):
            raise message
        return message, self.sender, self.actor_ref


def test_a_keyed_message_is_the_childs_and_its_sender_the_askers(world):
    world.supervisor = world.system.spawn(PartitionSupervisor, Echo, partitions=3)
    asker = world.system.spawn(Asker)
    for key in ("ann", "bob", b"x", 1.5, ("a", 1), asker):
        answer = asker.call(Asker.put, world.supervisor, Keyed(key, "hello")).get(timeout=10)
        assert answer == ("hello", asker, route(world, key))


def test_an_error_of_the_child_is_the_askers(world):
    world.supervisor = world.system.spawn(PartitionSupervisor, Echo, partitions=3)
    with pytest.raises(KeyError):
        world.supervisor.ask(Keyed("ann", KeyError("no")), timeout=10)
    assert world.kinds("terminated") == []


def test_keyed_messages_of_one_sender_arrive_in_order(world, divide):
    supervisor = divide()
    for n in range(300):
        supervisor.tell(Keyed(n, n))
    seen = [supervisor.ask(Keyed(key, "seen"), timeout=10) for key in range(3)]
    assert seen == [list(range(key, 300, 3)) for key in range(3)]


# --- restarts


def test_only_the_child_that_failed_is_restarted_behind_its_ref(world, divide, crash):
    divide()
    made = refs(world)
    crash(made[1])
    world.until_noted("start p")
    assert refs(world) == made


def test_the_queue_of_a_child_keeps_what_comes_while_it_restarts(world, divide, crash):
    supervisor = divide(backoff=Backoff(min=0.05, max=0.05))
    made = refs(world)
    crash(made[1])
    world.until(lambda: world.kinds("terminated"))
    for n in (1, 4, 7):
        supervisor.tell(Keyed(n, n))
    assert supervisor.ask(Keyed(1, "seen"), timeout=10) == [1, 4, 7]
    assert route(world, 1) == made[1]


@pytest.fixture
def bereft(world, divide, crash):
    """Nothing is left of child 1, and an attempt to start it once more is an hour away."""
    supervisor = divide(settings={"intensity": 9}, backoff=TWICE, queue="fresh")
    supervisor.before = refs(world)
    world.fail_start["p"] = [ValueError("no")]
    crash(supervisor.before[1])
    world.until(lambda: world.kinds("start_error"))
    return supervisor


def until_held(world, count):
    """Wait until the supervisor has set so many messages aside."""
    world.settle()
    assert world.supervisor.mailbox().stashed == count


def test_what_comes_while_nothing_of_a_child_is_left_waits_for_the_next_life(world, bereft):
    bereft.tell(Keyed(1, "one"))
    bereft.tell(Keyed(4, "two"))
    asked = bereft.ask(Keyed(7, "seen"), block=False)
    assert bereft.ask(Keyed(0, "seen"), timeout=10) == []  # the others are there
    until_held(world, 3)
    with pytest.raises(Restarting):
        route(world, 1)
    world.make_due()
    assert asked.get(timeout=10) == ["one", "two"]
    assert world.journal == ["fail p", "start p"]
    assert route(world, 1) not in bereft.before
    until_held(world, 0)


def test_one_that_was_stopped_is_not_waited_for(world, bereft):
    world.call(Supervisor.terminate_child, "0")
    with pytest.raises(SupervisorError, match="partition 0 does not run"):
        bereft.ask(Keyed(0, "seen"), timeout=10)
    asked = bereft.ask(Keyed(1, "seen"), block=False)
    until_held(world, 1)
    world.make_due()
    assert asked.get(timeout=10) == []


def test_what_waits_is_refused_when_the_child_is_stopped(world, bereft):
    asked = bereft.ask(Keyed(1, "seen"), block=False)
    bereft.tell(Keyed(1, "lost"))
    until_held(world, 2)
    world.call(Supervisor.terminate_child, "1")
    with pytest.raises(SupervisorError, match=r"partition 1 does not run: restart_child\('1'\)"):
        asked.get(timeout=10)
    until_held(world, 0)
    letter = world.system.dead_letters.last[-1]
    assert (letter.message, letter.reason) == ("lost", "SupervisorError")


def test_what_waits_ends_with_the_supervisor(world, bereft):
    asked = bereft.ask(Keyed(1, "seen"), block=False)
    until_held(world, 1)
    bereft.stop(timeout=10)
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)


def test_the_siblings_of_a_group_wait_too(world, divide, crash):
    supervisor = divide(settings={"strategy": "one_for_all"}, backoff=SLOW, queue="fresh")
    crash(refs(world)[1])
    world.until(lambda: world.journal[:2] == ["stop p", "stop p"])
    asked = [supervisor.ask(Keyed(n, "seen"), block=False) for n in (0, 2)]
    until_held(world, 2)
    world.make_due()
    assert [future.get(timeout=10) for future in asked] == [[], []]


# --- a child that does not run


def test_a_child_that_was_stopped_is_named_with_the_remedy(world, divide):
    supervisor = divide()
    world.call(Supervisor.terminate_child, "1")
    for ask in (lambda: route(world, 1), lambda: supervisor.ask(Keyed(4, "seen"), timeout=10)):
        with pytest.raises(SupervisorError, match="partition 1 does not run"):
            ask()
    supervisor.tell(Keyed(1, "lost"))
    world.settle()
    assert world.system.dead_letters.counts["SupervisorError"] == 1
    world.call(Supervisor.restart_child, "1")
    assert supervisor.ask(Keyed(4, "seen"), timeout=10) == []


def test_a_child_that_was_deleted_is_not_found(world, divide):
    supervisor = divide()
    world.call(Supervisor.terminate_child, "1")
    world.call(Supervisor.delete_child, "1")
    with pytest.raises(NotFound):
        supervisor.ask(Keyed(1, "seen"), timeout=10)
    assert supervisor.ask(Keyed(2, "seen"), timeout=10) == []


def test_a_full_mailbox_is_the_senders_and_never_a_failure_of_the_supervisor(world, divide):
    supervisor = divide(1, mailbox=Mailbox(capacity=1))
    gate = Future()
    world.make_wait(refs(world)[0], gate)
    for n in range(3):
        supervisor.tell(Keyed("k", n))
    with pytest.raises(MailboxFull):
        supervisor.ask(Keyed("k", "seen"), timeout=10)
    assert world.system.dead_letters.counts["MailboxFull"] == 2
    gate.set()
    assert refs(world)[0].ask("seen", timeout=10) == [0]


def test_other_messages_are_a_supervisors(world, divide, caplog):
    divide()
    world.supervisor.tell("what?")
    world.settle()
    assert "unknown message 'what?'" in caplog.text


# --- what is wrong is refused


@pytest.mark.parametrize("partitions", [0, -1, 1.5, True, "2"])
def test_a_wrong_number_of_partitions_is_refused(world, divide, partitions):
    with pytest.raises(SpecError, match="partitions: use a whole number, 1 or more"):
        divide(partitions)
    assert world.journal == []


def test_a_template_is_needed(world):
    with pytest.raises(SpecError, match="supervisor PartitionSupervisor: template: there is none"):
        world.system.spawn(PartitionSupervisor)


def test_what_is_no_class_is_refused(world):
    with pytest.raises(SpecError, match="cls: <class 'int'>: use a subclass"):
        world.system.spawn(PartitionSupervisor, int)


def test_arguments_beside_a_spec_are_refused(world, tools):
    spec = child(tools.Worker, world, "p", id="p")
    with pytest.raises(TypeError, match="put them into the child"):
        world.system.spawn(PartitionSupervisor, spec, "more")


def test_a_name_is_for_one_partition_only(world, divide):
    with pytest.raises(SpecError, match="name: two children claim 'ann'"):
        divide(2, name="ann")
    divide(1, name="ann")
    assert world.system.whereis("ann") == refs(world)[0]


class Bounded(Actor):
    mailbox = Mailbox(capacity=1, overflow="wait")


def test_a_mailbox_for_which_the_supervisor_would_wait_is_refused(world, divide):
    wait = Mailbox(capacity=1, overflow="wait")
    with pytest.raises(SpecError, match='overflow="wait"'):
        divide(1, mailbox=wait)
    with pytest.raises(SpecError, match='overflow="wait"'):
        world.system.spawn(PartitionSupervisor, Bounded)
