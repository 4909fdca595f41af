"""The time of an ask holds for the asks that are made while it is served."""

import asyncio
import contextlib
import threading
from contextvars import ContextVar

import pytest

from zanni import Actor, Future, Timeout

LONG = 30.0
SHORT = 0.05

variable = ContextVar("variable", default="unset")


class Doer(Actor):
    """Runs `function(self)`, a plain one or a coroutine function."""

    def on_receive(self, message):
        return message(self)

    def left(self):
        return self.deadline

    async def left_later(self):
        await asyncio.sleep(0)
        return self.deadline

    async def ask_later(self, ref):
        return await ref.ask(Doer.left_later, block=False)


def left(actor):
    return actor.deadline


def asked(ref, message, *, block):
    answer = ref.ask(message, block=block)
    return answer if block else answer.get()


@pytest.fixture
def doers(system):
    return [system.spawn(Doer) for _ in range(3)]


@pytest.fixture
def stuck(system):
    """An actor that answers when the test is over."""
    gate = Future()
    ref = system.spawn(Doer)
    ref.tell(lambda _: gate.get())
    yield ref
    gate.set()


def test_an_ask_without_a_timeout_has_no_deadline(doers):
    assert doers[0].ask(left) is None
    assert doers[0].call(Doer.left).get() is None
    assert doers[0].ask(lambda _: doers[1].ask(left)) is None


def test_what_is_left_of_the_askers_time(doers):
    assert LONG - 5 < doers[0].ask(left, timeout=LONG) <= LONG
    assert LONG - 5 < doers[0].ask(left, timeout=LONG, block=False).get() <= LONG
    assert LONG - 5 < doers[0].ask(lambda self: self.left_later(), timeout=LONG) <= LONG
    assert doers[0].ask(left) is None  # the next one has none


def test_it_goes_on_to_the_asks_that_are_made_meanwhile(doers):
    one, two, three = doers
    ways = [
        lambda _: two.ask(left),
        lambda _: two.ask(left, timeout=1e6),
        lambda _: two.ask(left, block=False).get(),
        lambda _: two.call(Doer.left).get(),
        lambda _: two.call(Doer.left_later).get(),
        lambda _: two.proxy().left().get(),
        lambda _: two.ask(lambda _: three.ask(left)),
        lambda self: self.ask_later(two),
        lambda _: two.call(Doer.ask_later, three).get(),
    ]
    for way in ways:
        assert LONG - 5 < one.ask(way, timeout=LONG) <= LONG


def test_the_smaller_of_the_two_counts(doers):
    one, two, _ = doers
    assert one.ask(lambda _: two.ask(left, timeout=5), timeout=LONG) <= 5


def test_tells_and_what_they_lead_to_have_none(doers, eventually):
    one, two, three = doers
    seen = []

    def tells(_):
        variable.set("travels")
        two.tell(lambda self: seen.append((variable.get(), self.deadline, three.ask(left))))

    one.ask(tells, timeout=LONG)
    eventually(lambda: seen == [("travels", None, None)])


def test_context_variables_travel_beside_it(doers):
    one, two, _ = doers

    def asks(_):
        variable.set("travels")
        return two.ask(lambda self: (variable.get(), self.deadline))

    found, seconds = one.ask(asks, timeout=LONG)
    assert found == "travels"
    assert LONG - 5 < seconds <= LONG
    assert one.ask(lambda self: (variable.get(), self.deadline)) == ("unset", None)


@pytest.mark.parametrize(
    "wait",
    [
        lambda stuck: stuck.ask(left),
        lambda stuck: stuck.ask(left, timeout=LONG),
        lambda stuck: stuck.ask(left, block=False).get(),
        lambda stuck: stuck.call(Doer.left).get(timeout=LONG),
        lambda stuck: stuck.proxy().left().get(),
    ],
)
def test_a_nested_ask_ends_with_its_askers_time(doers, stuck, wait):
    ended = Future()

    def asks(_):
        try:
            wait(stuck)
        except BaseException as error:
            ended.set_exception(error)

    with contextlib.suppress(Timeout):  # or the handler is done in the same moment
        doers[0].ask(asks, timeout=SHORT)
    with pytest.raises(Timeout, match="the asker's own time"):
        ended.get(timeout=LONG)


def test_a_coroutines_ask_ends_with_its_askers_time(doers, stuck):
    ended = Future()

    async def asks():
        try:
            await stuck.ask(left, block=False)
        except BaseException as error:
            ended.set_exception(error)

    with contextlib.suppress(Timeout):
        doers[0].ask(lambda _: asks(), timeout=SHORT)
    with pytest.raises(Timeout, match="the asker's own time"):
        ended.get(timeout=LONG)


def test_an_ask_when_the_time_is_over_is_not_sent(doers):
    one, two, _ = doers
    ended, handled = Future(), []

    def asks(self):
        with pytest.raises(Timeout):
            Future().get(timeout=2 * SHORT)
        seen = [self.deadline]
        for block in (True, False):
            with pytest.raises(Timeout, match="the asker's own time"):
                asked(two, handled.append, block=block)
        ended.set(seen)

    with pytest.raises(Timeout):
        one.ask(asks, timeout=SHORT)
    assert ended.get(timeout=LONG) == [0.0]
    two.ask(left)
    assert handled == []


def test_the_timeout_of_the_outermost_says_its_seconds(stuck):
    with pytest.raises(Timeout, match=r"^0\.01 seconds$"):
        stuck.ask(left, timeout=0.01)
    with pytest.raises(Timeout, match=r"^0\.01 seconds$"):
        stuck.ask(left, timeout=0.01, block=False).get()


def test_one_that_the_nested_ask_runs_into_is_the_outermosts(doers, stuck):
    with pytest.raises(Timeout, match=r"^0\.05 seconds$"):
        doers[0].ask(lambda _: stuck.ask(left), timeout=SHORT)


def test_a_timeout_that_the_handler_raises_is_its_own(doers):
    def fails(_):
        raise Timeout("of the handler's")

    with pytest.raises(Timeout, match="of the handler's"):
        doers[0].ask(fails, timeout=LONG)


def test_it_stays_with_a_message_that_is_forwarded_answered_later_or_stashed(doers):
    one, two, _ = doers

    def forwards(self):
        if self.actor_ref == one:
            self.forward(two)
            return None
        return self.deadline

    assert LONG - 5 < one.ask(forwards, timeout=LONG) <= LONG

    def later(self):
        answer = self.reply_later()
        threading.Thread(target=answer.set, args=(two.ask(left),)).start()

    assert LONG - 5 < one.ask(later, timeout=LONG) <= LONG

    def stashes(self):
        if not hasattr(self, "stashed"):
            self.stashed = True
            self.stash()
            self.unstash_all()
            return None
        return two.ask(left)

    assert LONG - 5 < one.ask(stashes, timeout=LONG) <= LONG


def test_forwards_with_a_context_may_be_handled_at_once(doers):
    """One context is in use while its handler waits: what is forwarded has its own."""
    one, two, _ = doers
    gate = Future()

    def forwards(self):
        if self.actor_ref == one:
            self.forward(two)
            gate.get(timeout=LONG)
            return None
        gate.set()
        return variable.get()

    token = variable.set("travels")
    try:
        assert one.ask(forwards, timeout=LONG) == "travels"
    finally:
        variable.reset(token)


def test_what_a_handler_leaves_running_has_no_deadline_once_it_has_ended(doers):
    one, two, _ = doers
    tasks, gate, meanwhile, later = [], Future(), Future(), Future()

    async def begins(actor):
        async def task():
            meanwhile.set(await two.ask(left, block=False))
            await gate
            later.set((actor.deadline, await two.ask(left, block=False)))

        tasks.append(asyncio.create_task(task()))
        await meanwhile

    one.ask(begins, timeout=LONG)
    gate.set()
    assert LONG - 5 < meanwhile.get(timeout=LONG) <= LONG
    assert later.get(timeout=LONG) == (None, None)
