"""A pool on one core: it behaves like one actor, and keeps its members in number."""

import functools
import threading
from collections import Counter
from contextlib import nullcontext
from contextvars import ContextVar

import pytest

import zanni.actors.pool
from zanni import (
    Actor,
    ActorDeadError,
    ActorRef,
    ActorSystem,
    Future,
    Mailbox,
    MailboxFull,
    MailboxHigh,
    Members,
    NameInUse,
    Resize,
    Timeout,
)
from zanni.actors import actor
from zanni.actors.mailbox import HIGH_WATER
from zanni.actors.pool import PoolCell
from zanni.actors.process import kill_for_good
from zanni.actors.routing import Answers, SmallestMailbox

DEADLINE = 10.0


class Worker(Actor):
    made = 0

    def __init__(self, base=0, *, name="worker"):
        super().__init__()
        type(self).made += 1
        self.base, self.label = base, name
        self.seen = []

    def on_receive(self, message):
        match message:
            case "me":
                return self.actor_ref
            case "sender":
                return self.sender
            case "seen":
                return self.seen
            case ("begin", begun, future):
                begun.set(1)
                return future.get()
            case ("apply", function):
                return function()
            case ("wait", future):
                return future.get()
            case ("end", "stop"):
                return self.stop()
            case ("end", reason):
                return self.exit(reason)
            case ("raise", error):
                raise error
            case _:
                self.seen.append(message)
                return message

    def double(self, number):
        return self.base + 2 * number


@pytest.fixture(params=["round_robin", "random", "smallest_mailbox"])
def router(request):
    return request.param


@pytest.fixture
def told(monkeypatch):
    """Of how many members a pool has told, each time that it did."""
    sizes, set_members = [], PoolCell.set_members

    def counted(cell, members):
        sizes.append(len(members))
        set_members(cell, members)

    monkeypatch.setattr(PoolCell, "set_members", counted)
    return sizes


def test_a_pool_of_many_does_not_tell_of_all_its_members_at_each_start(system, told):
    pool = system.pool(Worker, 1000)
    assert sum(told) < 20 * 1000
    told.clear()
    assert pool.ask(Resize(2000), timeout=DEADLINE) == 2000
    assert sum(told) < 20 * 2000
    answers = [pool.ask("me", block=False) for _ in range(2000)]
    assert len({each.get(timeout=DEADLINE) for each in answers}) == 2000


def test_of_a_small_pool_each_member_serves_as_soon_as_it_is_there(system, told):
    system.pool(Worker, 16)
    assert told[:16] == [*range(1, 17)]


def members_of(pool):
    return pool.ask(Members(), timeout=DEADLINE)


def test_it_behaves_like_one_actor(system, router):
    pool = system.pool(Worker, 3, 10, router=router, name="workers")
    assert pool.ask("hello") == "hello"
    assert pool.call(Worker.double, 4).get() == 18
    assert pool.proxy().double(5).get() == 20
    assert pool.proxy().base.get() == 10
    pool.tell("told")
    pool.cast(Worker.double, 1)
    assert pool.is_alive()
    assert system.whereis("workers") == pool
    assert pool.actor_class is Worker
    assert pool.ask("me") in members_of(pool)
    pool.stop()
    assert not pool.is_alive()
    with pytest.raises(ActorDeadError):
        pool.tell("late")
    with pytest.raises(ActorDeadError):
        pool.ask("late")
    assert system.whereis("workers") is None


def test_round_robin_takes_each_in_turn(system):
    pool = system.pool(Worker, 3)
    asked = [pool.ask("me") for _ in range(9)]
    assert asked[:3] == members_of(pool)
    assert asked == asked[:3] * 3


def test_random_takes_all_of_them(system):
    pool = system.pool(Worker, 3, router="random")
    assert Counter(pool.ask("me") for _ in range(300)).keys() == set(members_of(pool))


def test_broadcast_reaches_all_and_an_ask_gives_the_list_of_answers(system):
    pool = system.pool(Worker, 3, router="broadcast")
    members = members_of(pool)
    pool.tell(1)
    assert pool.ask("me") == members
    assert pool.ask("seen") == [[1]] * 3
    assert pool.call(Worker.double, 2).get() == [4] * 3
    assert pool.proxy().double(3).get() == [6] * 3


def test_a_broadcast_reaches_the_others_where_one_has_no_room(system):
    pool = system.pool(Worker, 3, router="broadcast", mailbox=Mailbox(capacity=2))
    first, *others = members_of(pool)
    begun, gate = Future(), Future()
    first.tell(("begin", begun, gate))
    begun.get(timeout=DEADLINE)
    for _ in range(2):
        first.tell("it is full")
    with pytest.raises(MailboxFull):
        pool.tell("to all")
    assert [other.ask("seen", timeout=DEADLINE) for other in others] == [["to all"]] * 2
    gate.set()


def test_the_context_and_the_time_of_the_asker_reach_the_member(system, tools):
    variable = ContextVar("variable", default="unset")

    class Tells(Actor):
        def on_receive(self, message):
            return variable.get(), self.deadline

    def asks(_):
        variable.set("travels")
        return system.pool(Tells, 2).ask("what came along?", timeout=1000)

    found, seconds = system.spawn(tools.Hooked, []).ask(("apply", asks))
    assert found == "travels"
    assert 0 < seconds <= 1000


def test_the_first_error_is_the_answer_of_a_broadcast(system):
    pool = system.pool(Worker, 3, router="broadcast")
    with pytest.raises(KeyError):
        pool.ask(("raise", KeyError("no")))
    assert pool.ask("hello") == ["hello"] * 3


def test_an_ask_of_a_broadcast_that_is_given_up_is_over(system):
    pool = system.pool(Worker, 2, router="broadcast")
    gate = Future()
    with pytest.raises(Timeout):
        pool.ask(("wait", gate), timeout=0.01)
    gate.set(1)
    assert pool.ask("hello") == ["hello"] * 2


def test_when_a_broadcasts_answer_is_known_no_member_is_waited_for():
    for settle in (Future.cancel, lambda reply: reply.reject(KeyError("first"))):
        reply = Future()
        parts = Answers(3, reply).parts
        parts[0].set("early")
        settle(reply)
        assert all(part.done() for part in parts)


def test_the_smallest_mailbox_forgets_members_that_are_gone():
    class Member:
        def is_alive(self):
            return True

        def deliver(self, *item):
            pass

    router = SmallestMailbox()
    for _ in range(100):
        assert router.send((Member(), Member()), ("it", None, None, None))
    assert len(router._backlogs) <= 6


def test_the_smallest_mailbox_is_chosen(system):
    pool = system.pool(Worker, 3, router="smallest_mailbox")
    gate = Future()
    waiting = [pool.ask(("wait", gate), block=False) for _ in range(2)]
    free = {pool.ask("me") for _ in range(20)}
    assert len(free) == 1
    gate.set("open")
    assert [each.get(timeout=DEADLINE) for each in waiting] == ["open"] * 2


def test_the_smallest_mailbox_counts_what_was_sent_and_not_yet_taken_in(system):
    pool = system.pool(Worker, 4, router="smallest_mailbox")
    gate = Future()
    waiting = [pool.ask(("wait", gate), block=False) for _ in range(4)]
    for number in range(40):
        pool.tell(number)
    gate.set("open")
    assert [each.get(timeout=DEADLINE) for each in waiting] == ["open"] * 4
    assert [len(ref.ask("seen")) for ref in members_of(pool)] == [10] * 4


def test_the_smallest_mailbox_counts_what_others_sent(system, in_core):
    pool = system.pool(Worker, 2, router="smallest_mailbox")
    first, second = members_of(pool)
    gate = Future()
    waiting = first.ask(("wait", gate), block=False)
    for number in range(3):
        first.tell(number)
    in_core(lambda: None)
    assert {pool.ask("me") for _ in range(5)} == {second}
    gate.set("open")
    assert waiting.get(timeout=DEADLINE) == "open"


def test_messages_of_one_sender_to_one_member_keep_their_order(system, router):
    pool = system.pool(Worker, 4, router=router)
    for number in range(400):
        pool.tell(number)
    seen = [ref.ask("seen") for ref in members_of(pool)]
    assert sorted(number for each in seen for number in each) == list(range(400))
    assert [sorted(each) for each in seen] == seen


def test_the_sender_is_known_to_the_member(system, tools):
    pool = system.pool(Worker, 2)
    asker = system.spawn(tools.Hooked, [])
    assert asker.ask(("apply", lambda actor: pool.ask("sender"))) == asker


@pytest.mark.parametrize(
    "end", [("raise", ValueError("bad")), ("end", "normal"), ("end", "enough")], ids=str
)
def test_a_member_that_ends_is_started_again_with_its_queue(system, eventually, end):
    pool = system.pool(Worker, 2, 5)
    first, second = members_of(pool)
    first.tell("before")
    gate = Future()
    waiting = first.ask(("wait", gate), block=False)
    first.tell(end)
    later = first.ask("seen", block=False)
    gate.set(1)
    assert waiting.get(timeout=DEADLINE) == 1
    assert later.get(timeout=DEADLINE) == []  # a new life of the same member
    assert members_of(pool) == [first, second]
    assert {pool.ask("me") for _ in range(4)} == {first, second}
    assert first.call(Worker.double, 1).get() == 7


def test_a_killed_member_is_started_again(system, eventually):
    pool = system.pool(Worker, 2)
    first, _ = members_of(pool)
    assert first.ask("before") == "before"
    first.kill()
    eventually(lambda: first.ask("seen", timeout=DEADLINE) == [])
    first.stop()
    assert first.ask("hello", timeout=DEADLINE) == "hello"
    assert len(members_of(pool)) == 2


class Moody(Worker):
    refuses = 0
    error = RuntimeError

    def on_start(self):
        if type(self).refuses:
            type(self).refuses -= 1
            raise self.error("not today")


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_a_member_that_cannot_be_started_again_is_replaced_later(
    system, eventually, monkeypatch, error
):
    monkeypatch.setattr(Moody, "error", error)
    pool = system.pool(Moody, 2)
    first, second = members_of(pool)
    Moody.refuses = 2  # its restart, and the first replacement
    first.tell(("raise", ValueError()))
    eventually(lambda: first not in members_of(pool) and len(members_of(pool)) == 2)
    assert Moody.refuses == 0
    assert second in members_of(pool)
    assert pool.ask("hello") == "hello"


def test_members_that_are_lost_at_once_are_tried_together(system, eventually, monkeypatch, caplog):
    monkeypatch.setattr(zanni.actors.pool, "FIRST_DELAY", 60.0)
    pool = system.pool(Moody, 8)
    monkeypatch.setattr(Moody, "refuses", 1000)
    for member in members_of(pool):
        member.tell(("raise", ValueError()))
    eventually(lambda: members_of(pool) == [])
    (told,) = [record for record in caplog.records if "did not start" in record.getMessage()]
    assert "RuntimeError('not today'); the next try in 10.0 seconds" in told.getMessage()
    assert told.exc_info is not None


def test_what_is_sent_while_no_member_lives_waits_for_the_next_one(system, eventually):
    pool = system.pool(Moody, 1)
    (first,) = members_of(pool)
    Moody.refuses = 2
    first.tell(("raise", ValueError()))
    eventually(lambda: not first.is_alive())
    for number in range(3):
        pool.tell(number)
    assert pool.ask("seen", timeout=DEADLINE) == [0, 1, 2]


class Interrupted:
    """A router to which something happens before it sends a certain message."""

    def __init__(self, router, message, happens):
        self.router, self.message, self.happens = router, message, happens

    def send(self, members, item):
        if item[0] == self.message and any(member.is_alive() for member in members):
            self.message = None
            if self.happens() is False:
                return False
        return self.router.send(members, item)


def test_what_comes_while_the_held_messages_are_passed_on_comes_behind_them(
    without_members, eventually
):
    pool = without_members()
    router = pool.process._router
    pool.process._router = Interrupted(router, "held", lambda: pool.tell("new"))
    pool.tell("held")
    pool.tell("held, too")
    Moody.refuses = 0
    eventually(lambda: pool.process._router.message is None)  # "held" is being passed on
    assert pool.ask("seen", timeout=DEADLINE) == ["held", "held, too", "new"]


def test_nothing_is_held_for_a_member_that_has_come_meanwhile(system):
    pool = system.pool(Worker, 1)
    pool.process._router = Interrupted(pool.process._router, "hello", lambda: False)
    assert pool.ask("hello", timeout=DEADLINE) == "hello"


@pytest.fixture
def without_members(system, eventually):
    """A pool of one member, which has died, and none is started until `Moody.refuses` is 0."""

    def without_members(**options):
        pool = system.pool(Moody, 1, **options)
        (first,) = members_of(pool)
        Moody.refuses = 1000
        first.tell(("raise", ValueError()))
        eventually(lambda: not first.is_alive())
        return pool

    yield without_members
    Moody.refuses = 0


@pytest.fixture
def held_by(system, eventually, tools, without_members):
    """A pool whose member comes when each of these messages was sent, by a sender of its own."""

    def held_by(*messages, **options):
        pool = without_members(**options)
        answers = []
        for message in messages:
            ask = functools.partial(lambda message, _: pool.ask(message), message)
            answers.append(system.spawn(tools.Hooked, []).ask(("apply", ask), block=False))
            eventually(lambda: pool.mailbox().length + pool.mailbox().waiting == len(answers))
        Moody.refuses = 0
        eventually(lambda: members_of(pool))
        return pool, answers

    return held_by


@pytest.mark.parametrize(
    ("overflow", "kept"), [("fail", [0, 1]), ("drop_new", [0, 1]), ("drop_old", [1, 2])]
)
def test_what_waits_for_a_member_is_bounded_as_its_mailbox(
    system, eventually, without_members, overflow, kept
):
    pool = without_members(mailbox=Mailbox(capacity=2, overflow=overflow))
    pool.tell(0)
    pool.tell(1)
    refused = pytest.raises(MailboxFull, match="2 of 2 messages")
    with refused if overflow == "fail" else nullcontext():
        pool.tell(2)
    if overflow != "drop_old":
        with pytest.raises(MailboxFull):
            pool.ask("seen")
    record = pool.mailbox()
    lost = 1 + (overflow != "drop_old")
    assert (record.length, record.overflowed, system.dead_letters.counts["overflow"]) == (
        2,
        lost,
        1,
    )
    Moody.refuses = 0
    eventually(lambda: members_of(pool))
    assert pool.ask("seen", timeout=DEADLINE) == kept


def test_events_tell_of_a_pool_for_whose_member_very_much_waits(system, without_members):
    pool = without_members()
    for number in range(HIGH_WATER):
        pool.tell(number)
    assert MailboxHigh(pool, HIGH_WATER) in system.events.last


def test_who_waits_for_room_until_a_member_comes_is_told_of_the_end_of_the_pool(
    system, without_members, tools, eventually
):
    pool = without_members(mailbox=Mailbox(capacity=1, overflow="wait"))
    pool.tell("held")
    sender = system.spawn(tools.Hooked, [])
    told = sender.ask(("apply", lambda _: pool.tell("waits")), block=False)
    eventually(lambda: pool.mailbox().waiting == 1)
    pool.stop()
    with pytest.raises(ActorDeadError):
        told.get(timeout=DEADLINE)


FULL_SOON = {"mailbox": Mailbox(capacity=2, overflow="wait")}


def test_what_was_held_finds_room_and_neither_the_pool_nor_its_core_waits(
    system, held_by, tools, router
):
    gate = Future()
    pool, answers = held_by(("wait", gate), *range(20), router=router, **FULL_SOON)
    sender = system.spawn(tools.Hooked, [])
    told = sender.ask(("apply", lambda _: pool.tell("last")), block=False)  # waits for room itself
    assert len(members_of(pool)) == 1
    assert system.spawn(Worker).ask("hello", timeout=DEADLINE) == "hello"
    assert not told.done()
    gate.set()
    assert [each.get(timeout=DEADLINE) for each in answers] == [None, *range(20)]
    told.get(timeout=DEADLINE)
    assert pool.ask("seen", timeout=DEADLINE) == [*range(20), "last"]


def test_a_member_that_fails_before_it_has_handled_what_was_held_is_started_again(held_by):
    fails = ("end", "enough")
    _, answers = held_by(fails, *range(5), fails, *range(5, 10), **FULL_SOON)
    answered = [each.get(timeout=DEADLINE) for each in answers]
    assert answered == [None, *range(5), None, *range(5, 10)]


def test_a_stop_comes_after_what_was_held(held_by):
    gate = Future()
    pool, answers = held_by(("wait", gate), *range(5), **FULL_SOON)
    stopped = pool.stop(block=False)
    gate.set()
    assert stopped.get(timeout=DEADLINE)
    assert [each.get(timeout=DEADLINE) for each in answers] == [None, *range(5)]


def test_what_waits_for_a_member_is_lost_with_the_pool(system, eventually):
    pool = system.pool(Moody, 1)
    (first,) = members_of(pool)
    Moody.refuses = 100
    first.tell(("raise", ValueError()))
    eventually(lambda: not first.is_alive())
    pool.tell("lost")
    waiting = pool.ask("never", block=False)
    pool.stop()
    Moody.refuses = 0
    with pytest.raises(ActorDeadError):
        waiting.get(timeout=DEADLINE)
    assert "lost" in [letter.message for letter in system.dead_letters.last]


def test_a_pool_can_be_resized(system, eventually):
    pool = system.pool(Worker, 2)
    before = members_of(pool)
    assert pool.ask(Resize(4)) == 4
    assert members_of(pool)[:2] == before
    assert len({pool.ask("me") for _ in range(8)}) == 4
    leaving = members_of(pool)[1:]
    gate = Future()
    waiting = [ref.ask(("wait", gate), block=False) for ref in leaving]
    assert pool.ask(Resize(1)) == 1
    assert {pool.ask("me") for _ in range(4)} == {before[0]}
    gate.set("done")  # those that go finish what they have
    assert [each.get(timeout=DEADLINE) for each in waiting] == ["done"] * 3
    eventually(lambda: not any(ref.is_alive() for ref in leaving))
    assert members_of(pool) == before[:1]
    pool.tell(Resize(2))
    assert len(members_of(pool)) == 2


def test_a_member_that_fails_after_it_had_to_go_is_gone(system):
    pool = system.pool(Worker, 2)
    _, last = members_of(pool)
    begun, gate, gone = Future(), Future(), last.exited()
    last.tell(("begin", begun, gate))
    last.tell(("raise", ValueError("the last one")))
    begun.get(timeout=DEADLINE)
    pool.ask(Resize(1), timeout=DEADLINE)
    gate.set()
    assert isinstance(gone.get(timeout=DEADLINE), ValueError)


def test_stop_keeps_its_place_behind_what_was_sent(system):
    pool = system.pool(Worker, 3)
    answers = [pool.ask(number, block=False) for number in range(300)]
    pool.stop()
    assert [each.get(timeout=DEADLINE) for each in answers] == list(range(300))
    assert system.actors() == []


def test_a_member_that_waits_for_the_end_of_its_pool_is_killed_as_any_child_would_be(
    system, monkeypatch
):
    monkeypatch.setattr(actor, "CHILD_SHUTDOWN", 0.05)
    pool, gate = system.pool(Worker, 3), Future()
    stopping = pool.ask(("apply", lambda: (gate.get(), pool.stop())), block=False)
    finished = [pool.ask(number, block=False) for number in range(3)]
    gate.set()
    with pytest.raises(ActorDeadError, match="killed"):
        stopping.get(timeout=DEADLINE)
    assert pool.wait(timeout=DEADLINE) in ("normal", "noproc")
    assert [each.get(timeout=DEADLINE) for each in finished[:2]] == [0, 1]
    assert system.actors() == []


def test_a_kill_takes_the_members_along(system, eventually, tools):
    seen = []
    watcher = system.spawn(tools.Watcher, seen)
    pool = system.pool(Worker, 2)
    watcher.tell(("watch", pool))
    pool.kill()
    eventually(lambda: [(down.ref, down.reason) for down in seen] == [(pool, "killed")])
    watcher.stop()
    eventually(lambda: system.actors() == [])


def test_arguments_called_like_those_of_a_pool(system):
    pool = system.pool(functools.partial(Worker, name="inner"), 1, name="outer")
    assert pool.proxy().label.get() == "inner"
    with pytest.raises(NameInUse):
        system.pool(Worker, 1, name="outer")


@pytest.mark.parametrize("n", [0, -1, True, 1.5, "3", None])
def test_a_size_that_cannot_be_is_refused(system, n):
    with pytest.raises(ValueError, match="at least one member"):
        system.pool(Worker, n)
    with pytest.raises(ValueError, match="at least one member"):
        Resize(n)
    assert system.actors() == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"router": "roundrobin"}, "'round_robin', 'random', 'smallest_mailbox', 'broadcast'"),
        ({"router": None}, "router="),
        ({"core": 7}, "no core 7"),
        ({"core": "near"}, "core="),
        ({"name": ""}, "name"),
    ],
)
def test_an_option_that_cannot_be_is_refused(system, options, text):
    with pytest.raises(ValueError, match=text):
        system.pool(Worker, 2, **options)
    assert system.actors() == []


@pytest.mark.parametrize("kind", [int, "Worker", None, print])
def test_what_is_no_actor_class_is_refused(system, kind):
    with pytest.raises(TypeError, match=r"subclass of zanni\.Actor"):
        system.pool(kind, 2)


def test_an_error_of_a_member_at_its_start_is_raised_and_nothing_is_left(system):
    class Third(Worker):
        left = 2

        def __init__(self):
            if not Third.left:
                raise KeyError("third")
            Third.left -= 1
            super().__init__()

    with pytest.raises(KeyError, match="third"):
        system.pool(Third, 3, name="free")
    assert system.whereis("free") is None
    assert system.pool(Worker, 1, name="free").ask(1) == 1


def test_wrong_arguments_of_the_class_are_its_own_error(system):
    with pytest.raises(TypeError, match="nonsense"):
        system.pool(Worker, 2, nonsense=1)


class Thread(Actor):
    def which(self):
        return threading.current_thread().name


def test_the_dispatcher_is_that_of_the_members(system):
    here, there = system.pool(Thread, 1), system.pool(Thread, 1, dispatcher="asyncio")
    assert here.call(Thread.which).get() != there.call(Thread.which).get()
    with pytest.raises(ValueError, match="dispatcher="):
        system.pool(Thread, 2, dispatcher="somewhere")


@pytest.mark.parametrize("router", ["round_robin", "smallest_mailbox"])
def test_bounded_mailboxes_are_full_with_what_was_sent_and_nothing_else(system, router):
    pool = system.pool(Worker, 2, router=router, mailbox=Mailbox(capacity=3))
    gate, begun = Future(), [Future(), Future()]
    waiting = [pool.ask(("begin", each, gate), block=False) for each in begun]
    for each in begun:
        each.get(timeout=DEADLINE)
    for number in range(6):
        pool.tell(number)
    with pytest.raises(MailboxFull):
        pool.tell(6)
    gate.set("open")
    assert [each.get(timeout=DEADLINE) for each in waiting] == ["open"] * 2
    seen = [ref.ask("seen") for ref in members_of(pool)]
    assert sorted(number for each in seen for number in each) == list(range(6))


def test_a_pool_within_an_actor(system, tools):
    owner = system.spawn(tools.Hooked, [])
    pool = owner.ask(("apply", lambda actor: actor.system.pool(Worker, 2)))
    assert owner.ask(("apply", lambda actor: pool.ask("hello"))) == "hello"


def test_many_threads_send_while_members_die(system, in_threads, switching):
    pool = system.pool(Worker, 4)
    count = 200

    def send():
        for number in range(count):
            if number % 20 == 0:
                pool.tell(("end", "enough"))
            assert pool.ask(number, timeout=DEADLINE) == number

    in_threads(*[send] * 4)
    assert len(members_of(pool)) == 4


def test_a_system_that_stops_stops_its_pools():
    with ActorSystem("pools") as system:
        pool = system.pool(Worker, 3)
        answers = [pool.ask(number, block=False) for number in range(30)]
    assert [each.get(timeout=DEADLINE) for each in answers] == list(range(30))
    assert not pool.is_alive()


def test_a_sender_that_waits_for_room_while_no_member_lives_is_of_the_cycle(
    system, eventually, caplog
):
    """It waits for the pool, the pool for its new member's start, and that for the sender."""
    members, asked = [], []

    class Member(Actor):
        mailbox = Mailbox(1, "wait")

        def on_start(self):
            if members:
                asked.append(self.actor_ref)
                sender.ask("hi")

    class Sender(Actor):
        def on_receive(self, pool):
            for member in members:
                kill_for_good(member.process)
            for member in members:
                member.wait()
            for number in range(3):
                pool.tell(number)

    sender = system.spawn(Sender)
    pool = system.pool(Member, 1)
    members += members_of(pool)
    sender.tell(pool)
    eventually(lambda: "DeadlockError" in caplog.text)
    assert asked
    pool.kill()


def test_no_member_of_a_large_pool_is_looked_for_among_all(system, monkeypatch):
    looks = 0

    def counted(look):
        def counts(*args):
            nonlocal looks
            looks += 1
            return look(*args)

        return counts

    monkeypatch.setattr(ActorRef, "core", property(counted(ActorRef.core.fget)))
    monkeypatch.setattr(ActorRef, "__eq__", counted(ActorRef.__eq__))
    many = 300
    pool = system.pool(Worker, many)
    pool.ask(Resize(many // 2))
    pool.ask(Resize(many))
    members = members_of(pool)
    for member in members:
        member.tell(("end", "enough"))
    assert [member.ask("me") for member in members] == members
    assert looks < 20 * many
