"""Futures: settled once, waited for in threads, turns and coroutines."""

import asyncio
import contextlib
import gc
import logging
import queue
import threading
import weakref
from concurrent.futures import CancelledError

import pykka
import pytest
from greenlet import GreenletExit

from zanni import Actor, Future, Timeout
from zanni.actors.state import PARKED


def test_a_future_is_settled_once():
    future = Future()
    assert not future.done()
    assert future.resolve(1)
    assert not future.resolve(2)
    assert not future.reject(KeyError())
    assert not future.cancel()
    assert future.done()
    assert future.get() == 1
    with pytest.raises(queue.Full):
        future.set(3)
    with pytest.raises(queue.Full):
        future.set_exception(KeyError())


def test_only_one_of_many_threads_settles(in_threads, switching):
    for _ in range(50):
        future, winners = Future(), []

        def settle(number, future=future, winners=winners):
            return lambda: future.resolve(number) and winners.append(number)

        in_threads(*(settle(number) for number in range(3)))
        assert winners == [future.get()]


def test_every_waiter_is_woken(system):
    class Waiter(Actor):
        def on_receive(self, future):
            return future.get()

    future, got = Future(), queue.SimpleQueue()
    waiting = [system.spawn(Waiter).ask(future, block=False) for _ in range(10)]
    threads = [threading.Thread(target=lambda: got.put(future.get())) for _ in range(3)]
    for thread in threads:
        thread.start()
    future.set("here")
    assert [ask.get(timeout=10) for ask in waiting] == ["here"] * 10
    assert [got.get(timeout=10) for _ in threads] == ["here"] * 3


def test_a_turn_that_is_woken_in_vain_waits_on(system, tools, in_core, eventually):
    future, waiter = Future(), system.spawn(tools.Hooked, [])
    asked = waiter.ask(("get", future), block=False)
    for _ in range(2):
        eventually(lambda: waiter.process.state is PARKED or asked.done())
        in_core(waiter.process.unpark)
    eventually(lambda: waiter.process.state is PARKED or asked.done())
    future.set("here")
    assert asked.get(timeout=10) == "here"


def test_an_error_is_raised_each_time():
    future = Future()
    error = KeyError("mine")
    future.reject(error)
    for _ in range(2):
        with pytest.raises(KeyError) as caught:
            future.get()
        assert caught.value is error
    first = len(caught.traceback)
    with pytest.raises(KeyError) as caught:
        future.get()
    assert len(caught.traceback) == first  # it does not grow


def test_set_exception_takes_the_error_in_hand():
    future = Future()
    try:
        raise KeyError("in hand")
    except KeyError:
        future.set_exception()
    with pytest.raises(KeyError, match="in hand"):
        future.get()
    with pytest.raises(ValueError, match="none was given"):
        Future().set_exception()


def test_get_with_no_time_left_looks_once():
    future = Future()
    with pytest.raises(Timeout):
        future.get(timeout=0)
    future.set(1)
    assert future.get(timeout=0) == 1


def test_callbacks_are_called_once_also_late():
    future, called = Future(), []
    future.add_done_callback(called.append)
    future.set(1)
    future.add_done_callback(called.append)
    assert called == [future, future]


@pytest.mark.parametrize("kind", [KeyError, SystemExit, KeyboardInterrupt, GreenletExit])
def test_a_callback_that_raises_harms_nobody(system, tools, caplog, kind):
    """It is called on the core's thread; its error must not end the core, nor hide the answer."""
    hooked = system.spawn(tools.Hooked, [])
    gate = Future()
    called = threading.Event()

    def callback(_):
        called.set()
        raise kind("a callback's")

    with caplog.at_level(logging.ERROR):
        hooked.tell(("get", gate))
        hooked.tell(("exit", "enough"))
        for _ in range(2):
            future = hooked.ask("never handled", block=False)
            future.add_done_callback(callback)
        gate.set()
        hooked.wait(timeout=10)
    assert called.is_set()
    assert system.spawn(tools.Recorder).ask("alive", timeout=10) == "alive"
    assert "a callback's" in caplog.text


@pytest.mark.parametrize("kind", [KeyError, SystemExit])
def test_those_who_wait_behind_a_callback_that_raises_are_told(kind):
    future, called = Future(), []

    def callback(_):
        raise kind

    future.add_done_callback(callback)
    future.add_done_callback(called.append)
    future.set(1)
    assert called == [future]


def test_a_callback_cannot_wait_for_its_own_core(system, tools):
    """On the core's thread, outside of any turn, a wait would never end: it is refused."""
    recorder, caught = system.spawn(tools.Recorder), Future()

    def callback(_):
        try:
            recorder.ask("from a callback")
        except RuntimeError as error:
            caught.set(error)

    gate = Future()
    hooked = system.spawn(tools.Hooked, [])
    asked = hooked.ask(("get", gate), block=False, timeout=0.01)  # ends by the core's own timer
    asked.add_done_callback(callback)
    assert isinstance(caught.get(timeout=10), RuntimeError)
    assert recorder.ask(1, timeout=10) == 1
    gate.set()


def test_map_filter_join_reduce(system, tools):
    recorder = system.spawn(tools.Recorder)
    numbers = recorder.ask([1, 2, 3], block=False)
    assert isinstance(numbers.map(len), Future)
    assert numbers.map(len).get() == 3
    assert numbers.filter(lambda n: n > 1).get() == [2, 3]
    assert numbers.reduce(lambda a, b: a + b).get() == 6
    other = recorder.ask("x", block=False)
    assert numbers.join(other).get() == [[1, 2, 3], "x"]
    assert pykka.get_all([numbers, other]) == [[1, 2, 3], "x"]


def test_a_derived_future_gives_the_source_its_error(system, tools):
    failed = system.spawn(tools.Hooked, []).ask(("raise", KeyError("mine")), block=False)
    with pytest.raises(KeyError):
        failed.map(lambda value: value).get()
    with pytest.raises(KeyError):
        failed.join(Future()).get()


def test_map_runs_once(system, tools):
    calls = []
    future = system.spawn(tools.Recorder).ask(1, block=False).map(calls.append)
    future.get()
    future.get()
    assert calls == [1]


def test_a_derived_future_is_done_when_its_sources_are_and_tells():
    one, two, called = Future(), Future(), []
    derived = one.map(str).join(two.map(str)).map("".join)
    derived.add_done_callback(lambda done: called.append(done.get()))
    one.set(1)
    assert not derived.done()
    assert called == []
    two.set(2)
    assert derived.done()
    assert called == ["12"]
    derived.add_done_callback(lambda done: called.append(done.get()))
    assert called == ["12", "12"]


def test_a_derived_future_that_failed_is_done_and_its_function_is_not_called_again():
    source, calls, told = Future(), [], []

    def bad(value):
        calls.append(value)
        raise KeyError(value)

    failing = source.map(bad)
    after = failing.map(str)
    failing.add_done_callback(told.append)
    source.set(1)
    assert told == [failing]
    for each in (after, failing, after):
        with pytest.raises(KeyError):
            each.get()

    async def main():
        return await after

    with pytest.raises(KeyError):
        asyncio.run(main())
    assert calls == [1]
    with pytest.raises(queue.Full):
        failing.set(2)


def test_a_derived_future_may_be_asked_for_again_after_a_timeout():
    source = Future()
    derived = source.map(str)
    with pytest.raises(Timeout):
        derived.get(timeout=0)
    source.set(1)
    assert derived.get(timeout=0) == "1"


def test_a_turn_that_waits_finds_what_a_callback_has_had_made(system, tools):
    source, calls = Future(), []
    derived = source.map(lambda value: calls.append(value) or "made")
    derived.add_done_callback(Future.get)  # told first
    waiting = system.spawn(tools.Hooked, []).ask(("get", derived), block=False)
    system.spawn(tools.Recorder).ask("the other one waits now")
    source.set(1)
    assert waiting.get(timeout=10) == "made"
    assert calls == [1]


@pytest.mark.parametrize("derive", [lambda future: future, lambda future: future.map(str)])
def test_a_future_with_a_get_hook_cannot_tell_before_it_was_got(derive):
    hooked, called = Future(), []
    hooked.set_get_hook(lambda _: 1)
    future = derive(hooked)
    assert not future.done()
    with pytest.raises(TypeError, match="get hook"):
        future.add_done_callback(called.append)
    future.get()
    assert future.done()
    future.add_done_callback(called.append)
    assert called == [future]


def test_a_get_hook_that_fails_is_called_again():  # Pykka's rule
    future, answers = Future(), [KeyError(), "here"]

    def hook(_):
        answer = answers.pop(0)
        if isinstance(answer, KeyError):
            raise answer
        return answer

    future.set_get_hook(hook)
    with pytest.raises(KeyError):
        future.get()
    assert future.get() == "here"


def test_a_get_hook_is_asked_once():
    future, asked = Future(), []
    future.set_get_hook(lambda timeout: asked.append(timeout) or "hooked")
    assert future.get(timeout=3) == "hooked"
    assert future.get() == "hooked"
    assert asked == [3]
    with pytest.raises(queue.Full):
        future.set(1)


# Coroutines of the program's own


def test_await_in_asyncio_run(system, tools):
    recorder = system.spawn(tools.Recorder)

    async def main():
        return await recorder.ask("hello", block=False)

    assert asyncio.run(main()) == "hello"


def test_await_of_a_done_future_and_await_twice():
    future = Future()
    future.set(1)

    async def main():
        return await future, await future

    assert asyncio.run(main()) == (1, 1)


def test_await_suspends_only_its_own_task(system, tools):
    gate = Future()
    hooked = system.spawn(tools.Hooked, [])

    async def main():
        waiting = asyncio.ensure_future(hooked.ask(("get", gate), block=False))
        await asyncio.sleep(0)
        assert not waiting.done()
        gate.set("open")  # by this very thread, while the other task waits
        return await waiting

    assert asyncio.run(asyncio.wait_for(main(), 10)) == "open"


def test_await_raises_the_handlers_error(system, tools):
    hooked = system.spawn(tools.Hooked, [])

    async def main():
        await hooked.ask(("raise", KeyError("mine")), block=False)

    with pytest.raises(KeyError, match="mine"):
        asyncio.run(main())


def test_await_of_a_final_timeout(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    gate = Future()

    async def main():
        await hooked.ask(("get", gate), block=False, timeout=0.01)

    with pytest.raises(Timeout):
        asyncio.run(main())
    gate.set()


def test_derived_futures_can_be_awaited(system, tools):
    one, two = system.spawn(tools.Recorder), system.spawn(tools.Recorder)

    async def main():
        mapped = one.ask(20, block=False).map(lambda n: n + 1)
        joined = one.ask("a", block=False).join(two.ask("b", block=False))
        filtered = one.ask([1, 2], block=False).filter(lambda n: n > 1)
        nested = one.ask([1, 2], block=False).map(sum).map(str)
        return await mapped, await joined, await filtered, await nested

    assert asyncio.run(main()) == (21, ["a", "b"], [2], "3")


def test_await_of_a_derived_future_suspends(system, tools):
    gate = Future()
    hooked = system.spawn(tools.Hooked, [])

    async def main():
        mapped = hooked.ask(("get", gate), block=False).map(lambda n: n + 1)
        waiting = asyncio.ensure_future(mapped)
        await asyncio.sleep(0)
        gate.set(1)
        return await waiting

    assert asyncio.run(asyncio.wait_for(main(), 10)) == 2


def test_await_of_a_get_hook_does_not_block_the_loop():
    gate = threading.Event()
    future = Future()
    future.set_get_hook(lambda _: gate.wait(10))

    async def main():
        waiting = asyncio.ensure_future(future)
        await asyncio.sleep(0)
        gate.set()
        return await waiting

    assert asyncio.run(main()) is True


def test_many_awaits_at_once(system, tools):
    recorder = system.spawn(tools.Recorder)

    async def main():
        return await asyncio.gather(*(recorder.ask(n, block=False) for n in range(500)))

    assert asyncio.run(main()) == list(range(500))


def test_cancelling_a_task_drops_its_ask(system, tools):  # D4
    gate = Future()
    hooked = system.spawn(tools.Hooked, [])
    asked = []

    async def main():
        asked.append(hooked.ask(("get", gate), block=False))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asked[0], 0.01)

    asyncio.run(main())
    gate.set("late")
    hooked.ask(("apply", lambda self: None))
    with pytest.raises(CancelledError):
        asked[0].get(timeout=10)


def test_a_reply_to_a_closed_loop_is_no_error(system, tools):
    gate = Future()
    hooked = system.spawn(tools.Hooked, [])

    async def main():
        future = hooked.ask(("get", gate), block=False)
        iterator = future.__await__()
        next(iterator)
        return future, iterator

    _future, _iterator = asyncio.run(main())
    gate.set("nobody is there")
    assert hooked.ask(("apply", lambda self: "alive"), timeout=10) == "alive"


def test_a_blocking_wait_on_an_asyncio_thread_says_what_to_do(system, tools):
    recorder = system.spawn(tools.Recorder)
    future = Future()

    async def main():
        with pytest.raises(RuntimeError, match="await"):
            recorder.ask("hello")
        with pytest.raises(RuntimeError, match="await"):
            future.get()
        with pytest.raises(RuntimeError, match="await"):
            future.get(timeout=1)

    asyncio.run(main())


def test_an_ask_that_raises_for_the_asyncio_thread_sends_nothing(system, tools):
    recorder = system.spawn(tools.Recorder)

    async def main():
        for _ in range(100):
            with contextlib.suppress(RuntimeError):
                recorder.ask("hello")
                raise AssertionError("it waited")

    asyncio.run(main())
    assert recorder.ask(("get",)) == []


def test_await_without_a_loop_says_what_to_do():
    with pytest.raises(RuntimeError, match="get"):
        next(Future().__await__())


# Memory


def test_a_future_that_nobody_waits_for_is_freed(system, tools):
    recorder = system.spawn(tools.Recorder)
    future = recorder.ask(1, block=False)
    recorder.ask(2)
    freed = weakref.ref(future)
    del future
    gc.collect()
    assert freed() is None


def test_a_timed_out_get_leaves_no_waiter():
    future = Future()
    for _ in range(10):
        with pytest.raises(Timeout):
            future.get(timeout=0)
    assert not future._waiters


def test_what_a_future_was_settled_with_is_passed_on():
    source, failing, derived = Future(), Future(), Future()
    replies = [Future(), Future(), Future()]
    source.pass_on_to(replies[0])
    failing.pass_on_to(replies[1])
    derived.map(lambda value: value + 1).pass_on_to(replies[2])
    assert not any(reply.done() for reply in replies)
    source.set("value")
    failing.set_exception(ValueError("it failed"))
    derived.set(1)
    assert replies[0].get() == "value"
    assert isinstance(replies[1].error, ValueError)
    assert replies[2].get() == 2
    assert source.error is None
