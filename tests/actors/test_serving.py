"""The message in hand: passed on, answered later, and results that arrive as messages."""

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pykka
import pytest

from zanni import Actor, ActorDeadError, Failure, Future, RemoteError, Timeout

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")

DEADLINE = 10.0


class Doer(Actor):
    """Runs `function(self)` on `("do", function)`, and keeps every other message."""

    def __init__(self, seen=None):
        super().__init__()
        self.seen = [] if seen is None else seen

    def on_receive(self, message):
        match message:
            case ("do", function):
                return function(self)
            case "sync":
                return list(self.seen)
            case _:
                self.seen.append(message)
                return None


class Desk(Actor):
    """Sends everything on to `target`; what it returns itself is never an answer."""

    def __init__(self, target):
        super().__init__()
        self.target = target

    def on_receive(self, message):
        self.forward(self.target)
        return "of the desk"

    def who(self):
        self.forward(self.target)

    async def who_later(self):
        await asyncio.sleep(0)
        self.forward(self.target)
        return "of the desk"


class Clerk(Actor):
    """Answers with the message and its sender."""

    def on_receive(self, message):
        if isinstance(message, Exception):
            raise message
        return message, self.sender

    def who(self):
        return self.sender

    who_later = who


class Asker(Actor):
    def on_receive(self, message):
        ref, question = message
        return ref.ask(question)


@pytest.fixture
def doer(system):
    return system.spawn(Doer)


@pytest.fixture
def desk(system):
    return system.spawn(Desk, system.spawn(Clerk))


# --- forward


def test_a_forwarded_ask_is_answered_by_whom_it_went_to(system, desk):
    asker = system.spawn(Asker)
    assert asker.ask((desk, "hello"), timeout=DEADLINE) == ("hello", asker)
    assert desk.ask("hello", timeout=DEADLINE) == ("hello", None)


class Unwrapping(Desk):
    def on_receive(self, message):
        self.forward(self.target, message[0])


@pytest.mark.parametrize("inner", ["hello", None, KeyError("x")], ids=str)
def test_another_message_may_be_forwarded_in_its_place(system, inner):
    desk = system.spawn(Unwrapping, system.spawn(Clerk))
    asker = system.spawn(Asker)
    if isinstance(inner, KeyError):
        with pytest.raises(KeyError):
            asker.ask((desk, [inner]), timeout=DEADLINE)
    else:
        assert asker.ask((desk, [inner]), timeout=DEADLINE) == (inner, asker)


def test_its_errors_are_the_askers(desk):
    with pytest.raises(KeyError):
        desk.ask(KeyError("x"), timeout=DEADLINE)
    assert desk.ask("alive", timeout=DEADLINE) == ("alive", None)


def test_a_forwarded_tell_has_its_first_sender(system):
    seen, done = [], threading.Event()

    class Sink(Actor):
        def on_receive(self, message):
            seen.append((message, self.sender))
            done.set()

    sink = system.spawn(Sink)
    desk = system.spawn(Desk, system.spawn(Desk, sink))
    teller = system.spawn(Doer)
    teller.tell(("do", lambda _: desk.tell("hello")))
    assert done.wait(DEADLINE)
    assert seen == [("hello", teller)]


def test_calls_are_forwarded_from_plain_and_async_methods(system, desk):
    assert desk.call(Desk.who).get(timeout=DEADLINE) is None
    caller = system.spawn(Doer)
    for method in (Desk.who, Desk.who_later):
        found = caller.ask(("do", lambda _, m=method: desk.call(m).get()), timeout=DEADLINE)
        assert found == caller


def test_forwarding_to_the_dead(system, desk):
    gone = system.spawn(Clerk)
    gone.stop()
    lost = system.spawn(Desk, gone)
    with pytest.raises(ActorDeadError):
        lost.ask("hello", timeout=DEADLINE)
    assert lost.is_alive()
    end = lost.exited()
    lost.tell("hello")
    assert isinstance(end.get(timeout=DEADLINE), ActorDeadError)


def test_only_the_first_to_whom_an_ask_is_forwarded_answers(system, doer):
    clerk = system.spawn(Clerk)

    class Both(Actor):
        def on_receive(self, message):
            self.forward(clerk)
            self.forward(doer)
            return "of both"

    both = system.spawn(Both)
    assert both.ask("hello", timeout=DEADLINE) == ("hello", None)
    assert doer.ask("sync", timeout=DEADLINE) == ["hello"]


def test_an_error_after_a_forward_has_nobody_to_go_to_and_fails_the_actor(system):
    clerk = system.spawn(Clerk)

    class Clumsy(Actor):
        def on_receive(self, message):
            self.forward(clerk)
            raise KeyError("x")

    clumsy = system.spawn(Clumsy)
    end = clumsy.exited()
    assert clumsy.ask("hello", timeout=DEADLINE) == ("hello", None)
    assert isinstance(end.get(timeout=DEADLINE), KeyError)


def test_a_down_is_forwarded_as_users_see_it(system, doer, eventually):
    class Watches(Actor):
        def on_receive(self, message):
            if message == "watch":
                self.watch(other)
            else:
                self.forward(doer)

    other = system.spawn(Clerk)
    system.spawn(Watches).ask("watch")
    other.stop()
    seen = eventually(lambda: doer.ask("sync"))
    assert [(each.ref, each.reason) for each in seen] == [(other, "normal")]


# --- reply_later


class Later(Actor):
    """Hands its future out; raises when told."""

    def __init__(self, given):
        super().__init__()
        self.given = given

    def on_receive(self, message):
        if message == "count":
            return len(self._cell.need_ties().owed)
        if message == "stop":
            return self.stop()
        self.given.append(self.reply_later())
        assert self.reply_later() is self.given[-1] or message == "tell"
        if isinstance(message, Exception):
            raise message
        return "not the answer"


@pytest.fixture
def given():
    return []


@pytest.fixture
def later(system, given):
    return system.spawn(Later, given)


def test_an_answer_is_given_later_in_any_thread(later, given, in_threads):
    answers = [later.ask(number, block=False) for number in range(3)]
    assert later.ask("count") == 3
    assert not any(answer.done() for answer in answers)
    in_threads(*[lambda f=f, n=n: f.set(n * 10) for n, f in enumerate(given)])
    assert [answer.get(timeout=DEADLINE) for answer in answers] == [0, 10, 20]
    assert later.ask("count") == 0


def test_an_error_is_an_answer_too(later, given):
    answers = [later.ask(number, block=False) for number in range(2)]
    later.ask("count")
    given[0].set_exception(KeyError("x"))
    given[1].set_exception(KeyboardInterrupt("x"))
    with pytest.raises(KeyError):
        answers[0].get(timeout=DEADLINE)
    with pytest.raises(RemoteError, match="KeyboardInterrupt"):
        answers[1].get(timeout=DEADLINE)


def test_an_error_whose_text_cannot_be_made_is_an_answer_too(later, given):
    class Mute(BaseException):
        def __str__(self):
            raise KeyError("no text")

    answer = later.ask(1, block=False)
    later.ask("count")
    given[0].set_exception(Mute())
    with pytest.raises(RemoteError, match="Mute: <its text cannot be made: KeyError>"):
        answer.get(timeout=DEADLINE)


def test_an_error_of_the_handler_is_the_answer(later, given):
    with pytest.raises(KeyError):
        later.ask(KeyError("x"), timeout=DEADLINE)
    assert later.ask("count") == 0
    given[0].set("late")


def test_an_actor_ends_while_its_answers_are_given(system, in_threads, switching):
    for _ in range(100):
        given = []
        later = system.spawn(Later, given)
        answers = [later.ask(number, block=False) for number in range(30)]
        later.ask("count")
        in_threads(lambda f=tuple(given): [each.set("answer") for each in f], later.kill)
        assert later.wait(timeout=DEADLINE) in ("killed", "noproc")
        for answer in answers:
            with suppress(ActorDeadError):
                assert answer.get(timeout=DEADLINE) == "answer"


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_an_end_before_the_answer_is_actor_dead(later, given, ending):
    answer = later.ask("hello", block=False)
    later.ask("count")
    later.stop() if ending == "stop" else later.kill()
    with pytest.raises(ActorDeadError, match="before it answered"):
        answer.get(timeout=DEADLINE)
    given[0].set("late")


def test_an_end_with_very_many_answers_to_give_lets_others_have_turns(system, later, tools):  # A4
    seen = []
    asked = [later.ask("later", block=False) for _ in range(10_000)]
    later.ask("count")

    def look(_):
        seen.append(sum(each.done() for each in asked))

    def end_it(_):
        later.kill()
        other.tell(("apply", look))

    other = system.spawn(tools.Hooked, [])
    system.spawn(tools.Hooked, []).tell(("apply", end_it))
    for each in asked:
        with pytest.raises(ActorDeadError, match="ended before it answered"):
            each.get(timeout=20)
    assert seen[0] < len(asked)


def test_a_second_answer_is_dropped_and_counted(system, later, given):
    answer = later.ask("hello", block=False)
    later.ask("count")
    given[0].set(1)
    given[0].set(2)
    given[0].set_exception(KeyError("3"))
    assert answer.get(timeout=DEADLINE) == 1
    assert system.dead_letters.counts["late"] == 2


def test_an_answer_to_an_asker_whose_time_is_over_is_dropped_and_counted(system, later, given):
    with pytest.raises(Timeout):
        later.ask("hello", timeout=0.01)
    given[0].set("late")
    assert system.dead_letters.counts["late"] == 1
    assert later.ask("count") == 0


@pytest.mark.parametrize("timeout", [0.01, None])
def test_nothing_is_owed_to_an_asker_that_has_given_up(later, given, eventually, timeout):
    patient = later.ask("hello", block=False)
    hasty = later.ask("hello", block=False, timeout=timeout)
    later.ask("count")
    if timeout is None:
        hasty.cancel()
    eventually(lambda: later.ask("count") == 1)
    given[0].set("an answer")
    assert patient.get(timeout=DEADLINE) == "an answer"


def test_for_a_tell_it_is_a_future_whose_result_is_dropped(system, later, given):
    later.tell("tell")
    assert later.ask("count") == 0
    given[0].set("dropped")
    assert given[0].get() == "dropped"
    assert later.is_alive()


def test_an_answer_has_no_get_hook(later, given):
    later.ask("hello", block=False)
    later.ask("count")
    with pytest.raises(TypeError, match="set"):
        given[0].set_get_hook(lambda _: 1)


@pytest.mark.parametrize("verb", ["reply_later", "forward"])
def test_there_has_to_be_a_message_in_hand(system, verb):
    class Early(Actor):
        wait_for_start = True

        def on_start(self):
            self.forward(self.actor_ref) if verb == "forward" else self.reply_later()

    with pytest.raises(RuntimeError, match=rf"{verb}\(\) has no message in hand"):
        system.spawn(Early)


def test_forward_takes_a_ref(doer):
    with pytest.raises(TypeError, match=r"forward\(\) takes a zanni.ActorRef, not str: 'ann'"):
        doer.ask(("do", lambda actor: actor.forward("ann")))


# --- pipe


def piped(doer, future):
    doer.ask(("do", lambda actor: actor.pipe(future)))


@pytest.mark.parametrize("early", [True, False])
def test_a_result_arrives_as_a_message(doer, eventually, early):
    future = Future()
    if early:
        future.set(7)
    piped(doer, future)
    if not early:
        assert doer.ask("sync") == []
        future.set(7)
    eventually(lambda: doer.ask("sync") == [7])


def test_a_failure_arrives_as_a_failure(doer, eventually):
    future, error = Future(), KeyError("x")
    piped(doer, future)
    future.set_exception(error)
    eventually(lambda: doer.ask("sync") == [Failure(error)])


def test_asks_calls_and_what_is_derived_of_them(system, doer, desk, eventually):
    def begin(actor):
        actor.pipe(desk.ask("one", block=False))
        actor.pipe(desk.ask("two", block=False).map(lambda answer: answer[0] * 2))
        actor.pipe(desk.ask(3, block=False).join(desk.ask(4, block=False)).map(len))
        actor.pipe(desk.ask("five", block=False).map(lambda answer: 1 // 0))

    doer.ask(("do", begin))
    seen = eventually(lambda: len(s := doer.ask("sync")) == 4 and s)
    assert ("one", doer) in seen
    assert "twotwo" in seen
    assert 2 in seen
    assert [type(each.exception) for each in seen if type(each) is Failure] == [ZeroDivisionError]


def test_futures_of_executors_and_tasks(system, doer, eventually):
    with ThreadPoolExecutor(1) as pool:
        piped(doer, pool.submit(lambda: "worked"))
        gate = threading.Event()
        held, dropped = pool.submit(gate.wait, DEADLINE), pool.submit(lambda: None)
        piped(doer, dropped)
        assert dropped.cancel()
        gate.set()
        assert held.result()
    seen = eventually(lambda: len(s := doer.ask("sync")) == 2 and s)
    assert "worked" in seen
    assert any(isinstance(each, Failure) for each in seen)

    class Async(Doer):
        async def begin(self):
            async def work():
                return "task"

            self.pipe(asyncio.create_task(work()))

    actor = system.spawn(Async)
    actor.call(Async.begin).get(timeout=DEADLINE)
    eventually(lambda: actor.ask("sync") == ["task"])


@pytest.mark.parametrize("future", ["text", None, pykka.ThreadingFuture(), Future()], ids=repr)
def test_what_does_not_tell_when_it_is_done_is_refused(doer, future):
    if isinstance(future, Future):
        future.set_get_hook(lambda _: 1)
    with pytest.raises(TypeError, match=r"pipe\(\) takes a future that tells"):
        piped(doer, future)
    assert doer.ask(("do", lambda actor: actor._cell.ties.pipes)) == set()


def test_nothing_arrives_after_the_end(system, doer):
    future = Future()
    piped(doer, future)
    doer.stop()
    future.set(7)
    assert len(system.dead_letters) == 0


@pytest.mark.parametrize("where", ["thread", "actor"])
def test_an_answer_goes_back_through_more_actors_than_the_stack_has_frames(system, where):
    class Hop(Actor):
        def __init__(self, following):
            super().__init__()
            self.following = following

        def on_receive(self, message):
            later = self.reply_later()
            asked = self.following.ask(message, block=False)
            asked.add_done_callback(lambda answer: later.set(answer.get() + 1))

    held = []
    ref = end = system.spawn(Doer)
    hops = sys.getrecursionlimit()
    for _ in range(hops):
        ref = system.spawn(Hop, ref)
    answer = ref.ask(("do", lambda actor: held.append(actor.reply_later())), block=False)
    while not held:
        end.ask("sync")
    if where == "thread":
        held[0].set(0)
    else:
        end.ask(("do", lambda _: held[0].set(0)))
    assert answer.get(timeout=DEADLINE) == hops


@pytest.mark.parametrize("where", ["thread", "actor"])
def test_futures_that_settle_one_another_may_be_more_than_the_stack_has_frames(system, where):
    first, *others = [Future() for _ in range(sys.getrecursionlimit())]
    before = first
    for each in others:
        before.add_done_callback(lambda done, each=each: each.set(done.get()))
        before = each
    if where == "thread":
        first.set("done")
    else:
        system.spawn(Doer).ask(("do", lambda _: first.set("done")))
    assert others[-1].get(timeout=DEADLINE) == "done"
