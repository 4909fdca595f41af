"""What a ref does: tell, ask, call, cast, stop, kill, and being a value."""

import asyncio
import copy
import functools
import gc
import pickle
import threading
import weakref
from concurrent.futures import CancelledError

import msgpack
import pykka
import pytest
from waiting import make_due

from zanni import Actor, ActorDeadError, ActorRef, Future, RemoteError, Timeout, msgpack_default
from zanni.actors.address import Address
from zanni.actors.process import Kill, Shutdown


class Account(Actor):
    def __init__(self, owner, balance=0):
        super().__init__()
        self.owner, self.balance = owner, balance

    def on_receive(self, message):
        return (self.owner, message)

    def withdraw(self, amount, *, fee=0):
        if amount > self.balance:
            raise ValueError("insufficient funds")
        self.balance -= amount + fee
        return self.balance

    async def deposit(self, amount):
        self.balance += amount
        return self.balance

    def _secret(self):
        return "secret"


@pytest.fixture
def account(system):
    return system.spawn(Account, "ann", balance=100)


def test_ask_gives_the_answer_of_on_receive(account):
    assert account.ask("hello") == ("ann", "hello")


def test_ask_without_block_gives_a_future(account):
    future = account.ask("hello", block=False)
    assert isinstance(future, Future)
    assert future.get(timeout=10) == ("ann", "hello")


def test_tell_gives_nothing_and_arrives(system, tools):
    recorder = system.spawn(tools.Recorder)
    assert recorder.tell("one") is None
    assert recorder.ask(("get",)) == ["one"]


def test_call_runs_the_named_method(account):
    assert account.call(Account.withdraw, 20).get() == 80
    assert account.call(Account.withdraw, 20, fee=1).get() == 59


def test_call_awaits_a_coroutine_method(account):
    assert account.call(Account.deposit, 5).get() == 105


def test_call_gives_the_methods_error_and_the_actor_lives(account):
    with pytest.raises(ValueError, match="insufficient funds"):
        account.call(Account.withdraw, 1000).get()
    assert account.is_alive()
    assert account.call(Account.withdraw, 0).get() == 100


def test_call_finds_the_method_of_the_subclass(system):
    class Generous(Account):
        def withdraw(self, amount, *, fee=0):
            return "as you like"

    assert system.spawn(Generous, "bob").call(Account.withdraw, 10**9).get() == "as you like"


def test_cast_has_no_answer_and_arrives_in_order(account):
    assert account.cast(Account.withdraw, 30) is None
    assert account.call(Account.withdraw, 0).get() == 70


def test_an_error_in_a_cast_ends_the_actor(account):
    exited = account.exited()
    account.cast(Account.withdraw, 1000)
    assert isinstance(exited.get(timeout=10), ValueError)


@pytest.mark.parametrize("method", [Account._secret, Actor.__init__, Account.__dict__["_secret"]])
def test_call_and_cast_refuse_private_names(account, method):
    with pytest.raises(ValueError, match="underscore"):
        account.call(method)
    with pytest.raises(ValueError, match="underscore"):
        account.cast(method)


@pytest.mark.parametrize(
    "method", [lambda self: 1, "withdraw", None, 3, property(), property(Account.withdraw)]
)
def test_call_refuses_what_is_no_method(account, method):
    with pytest.raises(ValueError, match="not a method"):
        account.call(method)
    assert account.is_alive()


def timed(function):
    """A decorator that leaves out functools.wraps."""

    def wrapper(self, *args):
        return function(self, *args)

    return wrapper


class Decorated(Actor):
    @timed
    def first(self):
        return "first"

    @timed
    def second(self):
        return "second"

    def wrapper(self):
        return "a method of that name"

    def add(self, one, two):
        return one + two

    add_two = functools.partialmethod(add, 2)

    @timed
    def _hidden(self): ...


class Overrides(Decorated):
    def second(self):
        return "another"


def test_a_method_under_a_decorator_is_called_by_the_name_that_its_class_has_it_by(system):
    for cls, second in ((Decorated, "second"), (Overrides, "another")):
        ref = system.spawn(cls)
        assert ref.call(Decorated.first).get(timeout=10) == "first"
        assert ref.call(Decorated.second).get(timeout=10) == second
        assert ref.call(cls.wrapper).get(timeout=10) == "a method of that name"
        assert ref.call(cls.add_two, 3).get(timeout=10) == 5
        with pytest.raises(ValueError, match="'_hidden' begins with an underscore"):
            ref.cast(cls._hidden)


def test_a_method_of_a_class_that_is_no_base_is_called_by_its_own_name(system):
    class Greets:
        def first(self): ...

    assert system.spawn(Decorated).call(Greets.first).get(timeout=10) == "first"


def test_call_of_a_method_that_the_actor_lacks_tells_the_caller(account):
    def on_tuesdays(self): ...

    with pytest.raises(AttributeError, match="on_tuesdays"):
        account.call(on_tuesdays).get()
    assert account.is_alive()


def test_an_error_on_an_ask_is_the_askers_and_the_actor_lives(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    error = KeyError("mine")
    with pytest.raises(KeyError) as caught:
        hooked.ask(("raise", error))
    assert caught.value is error
    assert hooked.ask(("apply", lambda self: 1)) == 1


def test_the_traceback_of_the_handler_reaches_the_asker(account):
    with pytest.raises(ValueError, match="insufficient") as caught:
        account.call(Account.withdraw, 1000).get()
    assert caught.traceback[-1].name == "withdraw"


def test_crash_on_ask_error_ends_the_actor_too(system, tools):
    journal = []
    cls = type("Fragile", (tools.Hooked,), {"crash_on_ask_error": True})
    fragile = system.spawn(cls, journal)
    exited = fragile.exited()
    with pytest.raises(KeyError):
        fragile.ask(("raise", KeyError("mine")))
    assert isinstance(exited.get(timeout=10), KeyError)
    assert journal == ["start it", "failure it KeyError"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_base_exception_on_an_ask_is_a_remote_error_and_ends_the_actor(system, tools, kind):
    hooked = system.spawn(tools.Hooked, [])
    other = system.spawn(tools.Hooked, [])
    exited = hooked.exited()
    with pytest.raises(RemoteError, match=kind.__name__):
        hooked.ask(("raise", kind("no")))
    assert isinstance(exited.get(timeout=10), kind)
    assert other.ask(("apply", lambda self: "alive")) == "alive"


def test_messages_of_one_sender_arrive_in_order(system, tools):  # G1, G3
    recorder = system.spawn(tools.Recorder)
    for number in range(5000):
        recorder.tell(number)
    assert recorder.ask(("get",)) == list(range(5000))


def test_messages_of_several_threads_arrive_once_and_each_threads_in_order(  # G1, G3
    system, tools, in_threads, switching
):
    recorder = system.spawn(tools.Recorder)

    def sender(thread):
        return lambda: [recorder.tell((thread, number)) for number in range(1000)]

    in_threads(*(sender(thread) for thread in range(4)))
    seen = recorder.ask(("get",))
    assert len(seen) == 4000
    for thread in range(4):
        assert [n for t, n in seen if t == thread] == list(range(1000))


def test_tells_and_asks_of_one_actor_keep_their_order(system, tools):  # G3
    class Sender(Actor):
        def on_receive(self, target):
            for number in range(100):
                target.tell(number)
                if number % 10 == 0:
                    target.ask(f"ask {number}")

    recorder = system.spawn(tools.Recorder)
    system.spawn(Sender).ask(recorder)
    expected = []
    for number in range(100):
        expected += [number, f"ask {number}"] if number % 10 == 0 else [number]
    assert recorder.ask(("get",)) == expected


# Time


def test_a_timeout_of_an_ask_is_final(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    release = Future()
    with pytest.raises(Timeout):
        hooked.ask(("get", release), timeout=0.01)
    release.set("late")
    assert hooked.ask(("apply", lambda self: "next")) == "next"


def test_a_timeout_of_an_ask_without_block_is_final_too(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    release = Future()
    future = hooked.ask(("get", release), block=False, timeout=0.01)
    with pytest.raises(Timeout):
        future.get(timeout=10)
    release.set("late")
    hooked.ask(("apply", lambda self: None))
    with pytest.raises(Timeout):
        future.get()


def test_an_answer_and_an_error_that_come_late_are_counted(system, tools):  # G9
    hooked, begun, gate = system.spawn(tools.Hooked, []), threading.Event(), threading.Event()

    def answers(_):
        begun.set()
        return gate.wait(20)

    def fails(_):
        answers(_)
        raise KeyError("late")

    for count, acts in enumerate((answers, fails), 1):
        begun.clear()
        gate.clear()
        future = hooked.ask(("apply", acts), block=False, timeout=1000)
        assert begun.wait(20)
        make_due(system.core)
        with pytest.raises(Timeout):
            future.get(timeout=20)
        gate.set()
        assert hooked.ask(("apply", lambda _: "next"), timeout=20) == "next"
        assert system.dead_letters.counts == {"late": count}


def test_a_timeout_of_get_is_not_final(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    release = Future()
    future = hooked.ask(("get", release), block=False)
    with pytest.raises(Timeout):
        future.get(timeout=0.01)
    release.set("in time")
    assert future.get(timeout=10) == "in time"


def test_an_answer_in_time_is_not_followed_by_a_timeout(system, tools):
    recorder = system.spawn(tools.Recorder)
    future = recorder.ask(1, block=False, timeout=1000)
    assert future.get() == 1
    make_due(system.core)
    slow = recorder.ask(2, block=False)
    assert slow.get() == 2
    assert future.get() == 1


def test_the_handlers_own_timeout_is_the_handlers(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    with pytest.raises(Timeout, match="its own"):
        hooked.ask(("raise", Timeout("its own")), timeout=10)
    assert hooked.is_alive()


def test_cancel_drops_the_answer(system, tools):  # D4
    hooked = system.spawn(tools.Hooked, [])
    release = Future()
    future = hooked.ask(("get", release), block=False)
    assert future.cancel()
    release.set("late")
    hooked.ask(("apply", lambda self: None))
    with pytest.raises(CancelledError):
        future.get()
    assert not future.cancel()


# The dead


def test_a_tell_to_the_dead_raises_and_is_a_dead_letter(system, tools):  # D1
    recorder = system.spawn(tools.Recorder)
    assert recorder.stop()
    with pytest.raises(ActorDeadError):
        recorder.tell("hello")
    with pytest.raises(ActorDeadError):
        recorder.cast(tools.Recorder.on_receive, "hello")
    assert system.dead_letters.counts["dead"] == 2
    letter = system.dead_letters.last[0]
    assert (letter.message, letter.target, letter.reason) == ("hello", recorder.address, "dead")


def test_an_ask_to_the_dead_is_an_error_at_once(system, tools):  # D1
    recorder = system.spawn(tools.Recorder)
    recorder.stop()
    with pytest.raises(ActorDeadError):
        recorder.ask("hello")
    with pytest.raises(ActorDeadError):
        recorder.ask("hello", block=False).get()
    with pytest.raises(ActorDeadError):
        recorder.call(tools.Recorder.on_receive, 1).get()
    with pytest.raises(ActorDeadError):
        recorder.proxy()
    assert len(system.dead_letters) == 0  # the asker knows


def test_asks_queued_behind_the_end_are_errors_and_tells_dead_letters(system, tools):  # G9
    hooked = system.spawn(tools.Hooked, [])
    release = Future()
    first = hooked.ask(("get", release), block=False)
    hooked.tell(("exit", "enough"))
    queued = [hooked.ask(number, block=False) for number in range(3)]
    hooked.tell("nobody hears this")
    release.set("first")
    assert first.get() == "first"
    for future in queued:
        with pytest.raises(ActorDeadError, match="ended before that: 'enough'"):
            future.get(timeout=10)
    assert hooked.wait(timeout=10) == "noproc"
    assert [letter.message for letter in system.dead_letters.last] == ["nobody hears this"]


def test_an_ask_while_on_stop_runs_is_an_error(system):  # G9
    entered, release = threading.Event(), Future()

    class Slow(Actor):
        def on_stop(self):
            entered.set()
            release.get()

    slow = system.spawn(Slow)
    stopped = slow.stop(block=False)
    assert entered.wait(10)
    assert not slow.is_alive()
    asked = slow.ask("hello", block=False)
    release.set()
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)
    assert stopped.get(timeout=10) is True


def test_a_ref_of_an_earlier_life_does_not_reach_the_next(system, tools):  # D8, G8
    first = system.spawn(tools.Recorder, name="ann")
    pickled = pickle.dumps(first)
    first.stop()
    second = system.spawn(tools.Recorder, name="ann")
    assert first != second
    assert first.address != second.address
    with pytest.raises(ActorDeadError):
        first.tell("hello")
    stale = pickle.loads(pickled)
    assert stale == first
    assert not stale.is_alive()
    stale.tell("hello")
    with pytest.raises(ActorDeadError):
        stale.ask("hello")
    assert stale.wait(timeout=10) == "noproc"
    assert stale.stop() is False
    stale.kill()
    assert second.ask(("get",)) == []
    assert system.dead_letters.counts == {"dead": 1, "stale": 1}


# Stop and kill


def test_stop_keeps_its_place_in_the_queue(system, tools):
    seen = []
    recorder = system.spawn(tools.Recorder, seen)
    for number in range(1000):
        recorder.tell(number)
    assert recorder.stop() is True
    assert seen == list(range(1000))


def test_stop_of_the_dead_is_false(system, tools):
    recorder = system.spawn(tools.Recorder)
    assert recorder.stop() is True
    assert recorder.stop() is False
    assert recorder.stop(block=False).get() is False


def test_of_stops_at_once_each_is_true_or_false_and_none_hangs(system, tools, in_threads):
    recorder = system.spawn(tools.Recorder)
    answers = []
    in_threads(*[lambda: answers.append(recorder.stop(timeout=10))] * 4)
    assert len(answers) == 4
    assert True in answers


def test_a_timeout_of_stop_is_not_the_end_of_it(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    release = Future()
    hooked.tell(("get", release))
    with pytest.raises(Timeout):
        hooked.stop(timeout=0.01)
    release.set()
    assert hooked.wait(timeout=10) in ("normal", "noproc")


@pytest.mark.parametrize("block", [True, False])
@pytest.mark.parametrize("timeout", [float("nan"), "5"])
def test_a_stop_with_a_timeout_that_is_no_number_stops_nothing(system, tools, timeout, block):
    recorder = system.spawn(tools.Recorder)
    with pytest.raises((TypeError, ValueError), match="a timeout is a number of seconds"):
        recorder.stop(timeout=timeout, block=block)
    assert recorder.ask("alive", timeout=10) == "alive"


def test_kill_ends_without_the_queue_and_without_hooks(system, tools):
    journal, release = [], Future()
    hooked = system.spawn(tools.Hooked, journal)
    hooked.ask(("apply", lambda self: None))
    hooked.tell(("get", release))
    hooked.tell("queued")
    reason = hooked.exited()
    hooked.kill()
    assert reason.get(timeout=10) == "killed"
    assert journal == ["start it"]
    assert not hooked.is_alive()


def test_a_kill_is_the_reason_of_one_that_was_about_to_stop_too(system, tools, in_core):
    journal = []
    hooked = system.spawn(tools.Hooked, journal)
    hooked.ask(("apply", lambda self: None))
    reason = hooked.exited()

    def stop_and_kill():
        hooked.process.signal(Shutdown("shutdown"))
        hooked.process.signal(Kill())

    in_core(stop_and_kill)  # between the two it has no turn
    assert reason.get(timeout=10) == "killed"
    assert journal == ["start it"]


def test_a_kill_of_the_dead_is_nothing(system, tools):
    recorder = system.spawn(tools.Recorder)
    recorder.stop()
    recorder.kill()
    assert recorder.wait(timeout=10) == "noproc"


def test_wait_gives_the_reason(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    exited = hooked.exited()
    hooked.tell(("exit", ("shutdown", 3)))
    assert exited.get(timeout=10) == ("shutdown", 3)


def test_nothing_is_kept_of_an_end_that_nobody_waits_for_any_more(system, tools, eventually):
    recorder = system.spawn(tools.Recorder)
    kept, before = recorder.exited(), len(system.core.processes)
    for _ in range(10):
        with pytest.raises(Timeout):
            recorder.exited().get(timeout=0)
    gc.collect()  # the last error's traceback may be held by pytest
    eventually(lambda: len(system.core.processes) == before)
    eventually(lambda: len(recorder.process.ties.watchers) == 1)
    recorder.stop()
    assert kept.get(timeout=10) == "normal"


def test_an_end_is_told_to_callbacks_and_to_coroutines_though_nobody_holds_its_future(
    system, tools, eventually
):
    async def look(ref):
        seen.append(await ref.exited())

    async def look_and_stop():
        tasks = weakref.WeakSet([asyncio.ensure_future(look(ref)) for ref in refs])
        await asyncio.sleep(0)
        gc.collect()
        assert len(tasks) == len(refs)
        for ref in refs:
            ref.kill()
        await asyncio.to_thread(eventually, lambda: len(seen) == 1 + len(refs))

    refs = [system.spawn(tools.Recorder) for _ in range(3)]
    seen = []
    refs[0].exited().add_done_callback(lambda future: seen.append(future.get()))
    refs[0].exited().map(str).pass_on_to(told := Future())
    gc.collect()
    asyncio.run(look_and_stop())
    assert seen == ["killed"] * 4
    assert told.get(timeout=10) == "killed"


def test_wait_that_times_out_leaves_nothing_behind(system, tools):
    recorder = system.spawn(tools.Recorder)
    recorder.ask(1)
    before = len(system.core.processes)
    for _ in range(5):
        with pytest.raises(Timeout):
            recorder.wait(timeout=0)
        assert not recorder.actor_stopped.wait(timeout=0)
    recorder.ask(1)
    assert len(system.core.processes) == before


# A value


def test_refs_are_equal_by_address_and_hashable(system, tools):
    one, two = system.spawn(tools.Recorder), system.spawn(tools.Recorder)
    again = one.ask(("get",)) or system.ref_of(one.address, None)
    assert one == again
    assert hash(one) == hash(again)
    assert one != two
    assert len({one, again, two}) == 2
    assert one != one.address
    assert isinstance(one, pykka.ActorRef)


def test_a_ref_survives_pickle_and_copy(system, tools):
    recorder = system.spawn(tools.Recorder, name="ann")
    for again in (
        pickle.loads(pickle.dumps(recorder)),
        copy.copy(recorder),
        copy.deepcopy([recorder])[0],
    ):
        assert again == recorder
        assert again.name == "ann"
        assert again.ask(1) == 1


def test_a_pickled_ref_of_no_system_says_what_to_do(tools):
    from zanni import ActorSystem  # noqa: PLC0415

    with ActorSystem("gone") as system:
        pickled = pickle.dumps(system.spawn(tools.Recorder))
    with pytest.raises(LookupError, match="start one"):
        pickle.loads(pickled)


def test_msgpack_default_packs_refs_and_nothing_else(system, tools):
    recorder = system.spawn(tools.Recorder)
    packed = msgpack.packb({"ref": recorder}, default=msgpack_default)
    extension = msgpack.unpackb(packed)["ref"]
    assert isinstance(extension, msgpack.ExtType)
    *address, type_name = msgpack.unpackb(extension.data)
    assert tuple(address) == recorder.address
    assert type_name.endswith(":Recorder")
    with pytest.raises(TypeError, match="set"):
        msgpack.packb({1, 2}, default=msgpack_default)


def test_what_a_ref_knows(system, tools):
    recorder = system.spawn(tools.Recorder, name="ann")
    assert (recorder.name, recorder.node, recorder.core) == ("ann", "test", 0)
    assert recorder.address.id > 0
    assert recorder.actor_class is tools.Recorder
    assert system.spawn(tools.Recorder).name is None
    assert "Recorder" in repr(recorder)
    assert repr(recorder) != repr(system.spawn(tools.Recorder))


def test_a_ref_keeps_the_name_of_a_class_that_is_not_known_here(system):
    ref = ActorRef(system.process_of(Address("elsewhere", 0, 5, 1)), "shop:Till.Account")
    assert ref.actor_class.__name__ == "Account"
    assert ref.actor_class is ref.actor_class
    assert ref.type_name == "shop:Till.Account"


def test_a_ref_cannot_be_made_to_hang_by_the_end_of_its_system(tools):
    from zanni import ActorSystem  # noqa: PLC0415

    system = ActorSystem("short").start()
    recorder = system.spawn(tools.Recorder)
    system.stop()
    assert not recorder.is_alive()
    assert recorder.wait(timeout=10) == "noproc"
    assert recorder.stop(timeout=10) is False
    with pytest.raises(ActorDeadError):
        recorder.ask("hello", timeout=10)
    with pytest.raises(ActorDeadError):
        recorder.tell("hello")
    assert isinstance(recorder, ActorRef)
