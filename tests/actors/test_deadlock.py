"""Cycles of waiting actors are found at once and broken, and nothing else is taken for one."""

import asyncio
import time
from dataclasses import replace

import pytest

from zanni import Actor, DeadlockError, Future, Mailbox, Timeout
from zanni.actors.deadlock import _follow, _step
from zanni.actors.state import PARKED
from zanni.actors.waits import next_in_line, wait_of

LONG = 30.0


class Member(Actor):
    """Does what it is told by a function of itself; counts what it handled."""

    def __init__(self, other=None):
        super().__init__()
        self.other = other
        self.handled = []

    def on_receive(self, message):
        if callable(message):
            return message(self)
        self.handled.append(message)
        return self.other.ask(message) if message == "on" else message

    def work(self):
        return "done"

    def work_for(self, other):
        return other.call(Member.work).get()


class Reentrant(Member):
    reentrant = True


@pytest.fixture
def member(system):
    return system.spawn(Member)


def ring(system, count, cls=Member):
    """Actors of which each knows the next, and the last the first."""
    first = last = system.spawn(cls)
    members = [first]
    for _ in range(count - 1):
        last = system.spawn(cls, last)
        members.insert(0, last)

    def close(self):
        self.other = last

    first.ask(close)
    return members


def deadlock(future):
    with pytest.raises(DeadlockError) as caught:
        future.get(timeout=LONG)
    return caught.value


def errors_of(futures):
    """The deadlocks among what came of these."""
    errors = []
    for future in futures:
        try:
            future.get(timeout=LONG)
        except DeadlockError as error:
            errors.append(error)
    return errors


# One


@pytest.mark.parametrize(
    "asks",
    [
        lambda self: self.actor_ref.ask("x"),
        lambda self: self.actor_ref.ask("x", timeout=LONG),
        lambda self: self.actor_ref.ask("x", block=False).get(),
        lambda self: self.actor_ref.ask("x", block=False).get(timeout=LONG),
        lambda self: self.actor_ref.call(Member.work).get(),
        lambda self: self.actor_ref.call(Member.work).get(timeout=LONG),
        lambda self: self.actor_ref.proxy().work().get(),
        lambda self: self.actor_ref.call(Member.work).map(str).get(),
        lambda self: self.actor_ref.stop(),
    ],
)
def test_an_actor_that_asks_itself_is_a_cycle_of_one(system, asks):
    member = system.spawn(Member, name="narcissus")
    error = deadlock(member.ask(asks, block=False))
    assert error.cycle == (member,)
    assert str(error) == "Member 'narcissus' -> Member 'narcissus'"
    assert member.ask("alive", timeout=LONG) == "alive"


def test_an_actor_may_ask_itself_and_not_wait(member):
    asked = member.ask(lambda self: self.actor_ref.ask("x", block=False), timeout=LONG)
    assert asked.get(timeout=LONG) == "x"


# Several


@pytest.mark.parametrize("count", [2, 3, 10, 2000])
def test_a_ring_of_asks_is_a_deadlock_in_the_one_that_closes_it(system, monkeypatch, count):
    # At once: it is not looked for again later.
    monkeypatch.setattr("zanni.actors.deadlock.PAUSE", 10 * LONG)
    members = ring(system, count)
    error = deadlock(members[0].ask("on", block=False))
    # The last one closed it: it heard the error, and passed it on to its asker as any other.
    assert error.cycle == (members[-1], *members[:-1])
    assert [member.ask("alive", timeout=LONG) for member in members] == ["alive"] * count


def test_the_ask_that_failed_is_never_handled(system):
    first, second = ring(system, 2)
    deadlock(first.ask("on", block=False))
    assert first.ask(lambda self: self.handled, timeout=LONG) == ["on"]
    assert second.ask(lambda self: self.handled, timeout=LONG) == ["on"]


def test_what_is_queued_behind_and_before_the_failed_ask_is_handled(system):
    member = system.spawn(Member)
    gate = Future()

    def closes(self):
        gate.get()
        with pytest.raises(DeadlockError):
            self.actor_ref.ask("lost")
        self.actor_ref.tell("last")

    asked = member.ask(closes, block=False)
    member.tell("first")
    member.tell("second")
    gate.set()
    asked.get(timeout=LONG)
    seen = member.ask(lambda self: self.handled, timeout=LONG)
    assert seen == ["first", "second", "last"]


def test_the_asker_may_catch_it_and_the_others_go_on(system, member):
    def careful(self):
        try:
            return member.ask("x")
        except DeadlockError:
            return "careful"

    second = system.spawn(Member)
    assert member.ask(lambda self: second.ask(careful), timeout=LONG) == "careful"


def test_independent_asks_that_cross_are_a_cycle(system):
    first, second = system.spawn(Member), system.spawn(Member)
    gates = [Future(), Future()]
    asked = [
        first.ask(lambda self: (gates[0].get(), second.ask("x")), block=False),
        second.ask(lambda self: (gates[1].get(), first.ask("y")), block=False),
    ]
    for gate in gates:
        gate.set()
    assert [set(error.cycle) for error in errors_of(asked)] == [{first, second}]


def test_one_who_waits_for_a_cycle_hears_of_it_and_is_not_of_it(system):
    first, second = ring(system, 2)
    outside = system.spawn(Member, first)
    error = deadlock(outside.ask("on", block=False))
    assert set(error.cycle) == {first, second}


def test_a_stop_that_waits_for_one_who_waits_is_a_cycle(system, member):
    second = system.spawn(Member)
    asked = member.ask(lambda self: second.ask(lambda _: member.stop()), block=False)
    assert set(deadlock(asked).cycle) == {member, second}


def test_asks_in_on_start_are_waits_too(system, member):
    class Eager(Actor):
        def on_start(self):
            member.ask(lambda _: self.actor_ref.ask("hello"))

    # The one that closes the cycle is the member; the error ends the one that starts.
    assert system.spawn(Eager).wait(timeout=LONG).cycle[0] == member


def test_who_waits_for_an_actor_to_start_is_of_its_cycle(system, member):
    class Eager(Actor):
        wait_for_start = True

        def on_start(self):
            member.ask("hello")

    error = deadlock(member.ask(lambda self: self.spawn(Eager), block=False))
    assert len(error.cycle) == 2
    assert error.cycle[1] == member
    assert member.ask("alive", timeout=LONG) == "alive"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_cycle_of_turns_that_had_blocked(system, count):
    members = [system.spawn(Member) for _ in range(count)]

    def blocks(other):
        def ask(_):
            time.sleep(0.02)  # long enough for the core to be handed over
            return other.ask("x")

        return ask

    asked = [
        asker.ask(blocks(other), block=False)
        for asker, other in zip(members, [*members[1:], members[0]], strict=True)
    ]
    assert [set(error.cycle) for error in errors_of(asked)] == [set(members)]


def test_each_of_several_futures_counts(system, member):
    def joins(self):
        free = system.spawn(Member).ask("free", block=False)
        return free.join(self.actor_ref.ask("x", block=False)).get()

    assert deadlock(member.ask(joins, block=False)).cycle == (member,)


def test_a_forward_that_closes_a_cycle(system, member):
    second, third = system.spawn(Member), system.spawn(Member)

    def forwards(self):
        third.tell(lambda _: member.ask("x"))
        system.spawn(Member).ask("when this is answered, the third one waits")
        self.forward(third)

    def waits(self):
        return second.ask(forwards)

    error = deadlock(member.ask(waits, block=False))
    assert error.cycle == (member, third)


@pytest.mark.parametrize("router", ["round_robin", "random", "smallest_mailbox"])
def test_a_member_of_a_pool_that_asks_its_pool(system, router):
    pool = system.pool(Member, 1, router=router)
    error = deadlock(pool.ask(lambda _: pool.ask("x"), block=False))
    assert len(error.cycle) == 1
    assert pool.ask("alive", timeout=LONG) == "alive"
    roomy = system.pool(Member, 2)  # round robin: the other one answers
    assert roomy.ask(lambda _: roomy.ask("x"), timeout=LONG) == "x"


# What is set aside, and what waits for room

MAILBOXES = pytest.mark.parametrize("mailbox", [None, Mailbox(9), Mailbox(max_bytes=10_000)])


def unstash(self):
    self.unstash_all()


@MAILBOXES
def test_an_ask_that_is_set_aside_is_still_owed(system, member, mailbox, eventually):
    shelf = system.spawn(Member, mailbox=mailbox)
    errors = []

    def sets_aside(self):
        if errors:
            return "at last"
        self.stash()
        errors.extend(errors_of([member.ask("x", block=False)]))
        return None

    asked = member.ask(lambda _: shelf.ask(sets_aside), block=False)
    eventually(lambda: errors)
    assert errors[0].cycle == (shelf, member)
    shelf.tell(unstash)
    assert asked.get(timeout=LONG) == "at last"


@MAILBOXES
def test_an_ask_that_failed_is_set_aside_no_more(system, member, mailbox, eventually):
    shelf = system.spawn(Member, mailbox=mailbox)
    gate = Future()

    def sets_aside(self):
        self.handled.append("begun")
        self.stash()
        self.other.ask("x")

    def waits(self):
        asked = shelf.ask(sets_aside, block=False)
        gate.get()
        return asked.get()

    shelf.ask(lambda self: setattr(self, "other", member), timeout=LONG)
    asked = member.ask(waits, block=False)
    eventually(lambda: member.mailbox().length == 1)
    gate.set()
    assert deadlock(asked).cycle == (member, shelf)
    shelf.ask(unstash, timeout=LONG)
    assert shelf.ask(lambda self: self.handled, timeout=LONG) == ["begun"]
    assert shelf.mailbox().stashed == 0


def narrow(system, *args):
    return system.spawn(Member, *args, mailbox=Mailbox(1, "wait"))


def test_who_waits_for_room_waits_for_the_actor(system, member, eventually):
    full = narrow(system)
    began, gate = Future(), Future()

    def fills(self):
        began.get()
        full.tell("first")
        full.tell("second")  # no room
        return "told"

    def asks_back(self):
        began.set()
        gate.get()
        with pytest.raises(DeadlockError) as caught:
            member.ask("x")
        return caught.value.cycle

    asked = full.ask(asks_back, block=False)
    told = member.ask(fills, block=False)
    eventually(lambda: full.mailbox().waiting == 1)
    gate.set()
    assert asked.get(timeout=LONG) == (full, member)
    assert told.get(timeout=LONG) == "told"
    assert full.ask(lambda self: self.handled, timeout=LONG) == ["first", "second"]


@pytest.mark.parametrize("verb", ["tell", "ask", "ask later"])
def test_actors_that_wait_for_room_in_one_another_are_a_cycle(system, verb):
    members = narrow(system), narrow(system)
    gates = Future(), Future()
    outcomes = []

    def sends(gate, other):
        def send(self):
            gate.get()
            other.tell("first")
            try:
                if verb == "tell":
                    other.tell("second")
                else:
                    other.ask("second", block=verb == "ask")
            except DeadlockError as error:
                outcomes.append(error)

        return send

    asked = [
        one.ask(sends(gate, other), block=False)
        for one, gate, other in zip(members, gates, reversed(members), strict=True)
    ]
    for gate in gates:
        gate.set()
    for future in asked:
        future.get(timeout=LONG)
    assert [set(error.cycle) for error in outcomes] == [set(members)]
    handled = [each.ask(lambda self: self.handled, timeout=LONG) for each in members]
    assert sorted(handled) == [["first"], ["first", "second"]]


def test_a_stash_of_who_does_not_wait_is_no_cycle(system, member):
    shelf = system.spawn(Member)
    began = Future()

    def sets_aside(self):
        if began.done():
            return "at last"
        began.set()
        return self.stash()

    asked = member.ask(lambda _: shelf.ask(sets_aside), block=False)
    began.get(timeout=LONG)
    shelf.ask(unstash, timeout=LONG)
    assert asked.get(timeout=LONG) == "at last"


def test_room_that_comes_is_no_cycle(system, member, eventually):
    full = narrow(system)
    gate, began = Future(), Future()
    full.tell(lambda _: (began.set(), gate.get(timeout=LONG)))
    began.get(timeout=LONG)
    told = member.ask(lambda _: [full.tell(number) for number in range(5)], block=False)
    eventually(lambda: full.mailbox().waiting == 1)
    gate.set()
    assert told.get(timeout=LONG) == [None] * 5
    assert full.ask(lambda self: self.handled, timeout=LONG) == [0, 1, 2, 3, 4]


# No cycles


def test_an_answer_put_off_is_no_edge(system, member):
    put_off = Future()

    def later(self):
        put_off.set(self.reply_later())
        return member.ask("x")  # which waits for the one who waits, and is answered by another

    def waits(self):
        return system.spawn(Member).ask(later)

    asked = member.ask(waits, block=False)
    put_off.get(timeout=LONG).set("by another")
    assert asked.get(timeout=LONG) == "by another"


def test_an_answer_put_off_by_an_actor_that_goes_on_is_no_edge(system, member):
    put_off = Future()
    second = system.spawn(Member)
    asked = member.ask(
        lambda _: second.ask(lambda self: put_off.set(self.reply_later())), block=False
    )
    answer = put_off.get(timeout=LONG)
    second.ask(lambda _: answer.set("now"), timeout=LONG)
    assert asked.get(timeout=LONG) == "now"


def test_a_reentrant_actor_is_no_cycle(system):
    first, *_ = ring(system, 3, Reentrant)

    def ask_round(self):
        return self.other.ask(
            lambda other: other.other.ask(lambda last: last.other.ask("x", timeout=LONG))
        )

    assert first.ask(ask_round, timeout=LONG) == "x"


def test_a_wait_that_is_over_is_no_edge(system, member):
    second = system.spawn(Member)

    def gives_up(self):
        with pytest.raises(Timeout):
            second.ask(lambda _: Future().get(timeout=0.2), timeout=0.01)
        return second.ask(lambda _: member.ask("x", block=False))

    assert member.ask(gives_up, timeout=LONG).get(timeout=LONG) == "x"


@pytest.mark.parametrize("is_over", [False, True])
def test_a_cycle_is_one_only_if_every_wait_of_it_is_met_twice(
    system, member, in_core, eventually, is_over
):
    gate, second = Future(), system.spawn(Member)
    waits = lambda _: gate.get(timeout=LONG)  # noqa: E731
    asked = member.ask(lambda _: second.ask(waits), block=False)
    first, last = member.process, second.process
    eventually(lambda: first.state is last.state is PARKED)
    one, other = [_step(cell, wait_of(cell)) for cell in (first, last)]
    path = replace(one, number=one.number + is_over), replace(other, since=one.since + 1)
    in_core(lambda: _follow(system.core, first, path))
    if is_over:  # what a probe met was an earlier wait
        gate.set("on")
        assert asked.get(timeout=LONG) == "on"
    else:
        assert deadlock(asked).cycle == (second, member)


def test_a_thousand_that_wait_for_one_another_are_no_cycle(system):
    gate = Future()
    last = system.spawn(Member)
    asked = [last.ask(lambda _: gate.get(), block=False)]
    for _ in range(1000):  # each one begins to wait for one that waits
        earlier, last = last, system.spawn(Member)
        asked.append(last.ask(lambda _, earlier=earlier: earlier.ask("x"), block=False))
        last.ask(lambda _: None, block=False)
    gate.set("open")
    assert [future.get(timeout=LONG) for future in asked] == ["open"] + ["x"] * 1000


def test_a_line_that_grows_is_not_followed_to_its_end_by_each_that_joins(
    system, monkeypatch, in_core
):
    steps, count = [], 300

    def counted(cell):
        steps.append(cell)
        return next_in_line(cell)

    monkeypatch.setattr("zanni.actors.deadlock.next_in_line", counted)
    monkeypatch.setattr("zanni.actors.deadlock.PAUSE", 10 * LONG)
    monkeypatch.setattr("zanni.actors.deadlock.NEAR", 4)
    monkeypatch.setattr("zanni.actors.deadlock.SAVED", 100)
    gate = Future()
    last = system.spawn(Member)
    asked = [last.ask(lambda _: gate.get(), block=False)]
    for _ in range(count):
        earlier, last = last, system.spawn(Member)
        asked.append(last.ask(lambda _, earlier=earlier: earlier.ask("x"), block=False))
    system.spawn(Member).ask("all wait")
    core = system.core
    assert 0 < len(steps) <= 100 + 4 * (in_core(lambda: core.turns) + count)
    for _ in range(3):  # nor when those that last are followed again
        steps.clear()
        in_core(lambda: max(core._timers, key=lambda timer: timer.when).function())
        assert 0 < len(steps) <= 2 * count
    gate.set("open")
    assert [future.get(timeout=LONG) for future in asked] == ["open"] + ["x"] * count


def test_a_thousand_that_wait_for_the_same_are_no_cycle(system, member):
    gate = Future()
    first = member.ask(lambda _: gate.get(), block=False)
    asked = [system.spawn(Member).ask(lambda _: member.ask("x"), block=False) for _ in range(1000)]
    gate.set("open")
    assert first.get(timeout=LONG) == "open"
    assert [future.get(timeout=LONG) for future in asked] == ["x"] * 1000


# Times


def asks(other, timeout=None, then="x"):
    """A handler that asks, and gives what came of it."""

    def ask(self):
        try:
            return other.ask(then, timeout=timeout)
        except (DeadlockError, Timeout) as error:
            return type(error)

    return ask


def test_a_ring_with_the_same_timeout_fails_in_the_one_that_closes_it(system, member):
    second = system.spawn(Member)
    closing = asks(member, LONG)
    assert member.ask(asks(second, LONG, then=closing), timeout=LONG) is DeadlockError


def test_an_ask_with_a_timeout_that_closes_a_cycle_fails(system, member):
    second = system.spawn(Member)
    closing = asks(member, LONG)
    assert member.ask(asks(second, None, then=closing), timeout=LONG) is DeadlockError


def crossing(system, first, closing):
    """What came of the asks of two that ask one another, by `ask(other)` each."""
    one, two = system.spawn(Member), system.spawn(Member)
    queued = Future()

    def closes(self):
        queued.get(timeout=LONG)
        return closing(one)

    def waits(self):
        queued.set()  # which is heard of when this waits
        return first(two)

    outcomes = [two.ask(closes, block=False), one.ask(waits, block=False)]
    return [future.get(timeout=LONG) for future in reversed(outcomes)]


@pytest.mark.parametrize("block", [True, False])
def test_a_cycle_that_a_timeout_ends_soon_is_left_alone(system, block):
    def first(other):
        with pytest.raises(Timeout):
            other.ask("x", timeout=0.1) if block else other.ask("x", timeout=0.1, block=False).get()

    assert crossing(system, first, lambda other: other.ask("x")) == [None, "x"]


@pytest.mark.parametrize("timeout", [None, 10 * LONG])
def test_a_cycle_that_a_timeout_ends_later_is_broken_as_it_closes(system, timeout):
    outcomes = crossing(
        system,
        lambda other: other.ask("x", timeout=LONG),
        lambda other: asks(other, timeout)(None),
    )
    assert outcomes == ["x", DeadlockError]


def test_a_get_with_a_timeout_fails_and_the_ask_goes_on(system, member):
    kept = []

    def polls(self):
        kept.append(self.actor_ref.ask("x", block=False))
        with pytest.raises(DeadlockError):
            kept[0].get(timeout=LONG)

    member.ask(polls)
    assert kept[0].get(timeout=LONG) == "x"


# Ends of members


def test_an_actor_killed_in_a_wait_leaves_no_edge(system, member):
    second = system.spawn(Member)
    began = Future()

    def waits(self):
        began.set()
        second.ask(lambda _: Future().get(timeout=0.3))

    member.tell(waits)
    began.get(timeout=LONG)
    member.kill()
    assert member.wait(timeout=LONG) in ("killed", "noproc")
    assert second.ask("alive", timeout=LONG) == "alive"


# Coroutines


class Awaiting(Member):
    async def on_receive(self, message):
        if callable(message):
            return await message(self)
        return await self.other.ask(message, block=False) if message == "on" else message


def test_coroutines_that_await_one_another_are_a_cycle(system):
    first, second = system.spawn(Awaiting), system.spawn(Member)

    async def awaits(self):
        return await second.ask(lambda _: first.ask("x"), block=False)

    error = deadlock(first.ask(awaits, block=False))
    assert set(error.cycle) == {first, second}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_ring_of_awaits_is_a_deadlock(system, count):
    first = last = system.spawn(Awaiting)
    members = [first]
    for _ in range(count - 1):
        last = system.spawn(Awaiting, last)
        members.append(last)

    async def close(self):
        self.other = last

    first.ask(close, timeout=LONG)
    assert set(deadlock(last.ask("on", block=False)).cycle) == set(members)
    assert [each.ask("alive", timeout=LONG) for each in members] == ["alive"] * count


@pytest.mark.parametrize("count", [1, 2])
def test_a_ring_of_awaits_is_found_as_it_closes(system, monkeypatch, count):
    """Whichever comes last of the ask, the coroutine's wait and the turn's: it is not looked for
    again later."""
    monkeypatch.setattr("zanni.actors.deadlock.PAUSE", 10 * LONG)
    for _ in range(100):
        test_a_ring_of_awaits_is_a_deadlock(system, count)


def test_what_another_task_of_the_actor_awaits_is_no_edge(system):
    first, second = system.spawn(Awaiting), system.spawn(Member)

    async def does_not_need_it(self):
        asking = asyncio.ensure_future(second.call(Member.work_for, first))
        await asyncio.wait([asking], timeout=0.2)
        asking.cancel()
        return "done"

    assert first.ask(does_not_need_it, timeout=LONG) == "done"


def test_an_await_that_was_cancelled_is_no_edge(system, member):
    first = system.spawn(Awaiting)

    async def gives_up(self):
        try:
            async with asyncio.timeout(0.05):
                await member.ask(lambda _: Future().get(timeout=0.3), block=False)
        except TimeoutError:
            return await system.spawn(Member).ask("x", block=False)

    asked = first.ask(gives_up, block=False)
    assert asked.get(timeout=LONG) == "x"
    assert member.ask(lambda _: first.ask("y"), timeout=LONG) == "y"
