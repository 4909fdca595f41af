"""`async def` methods: same order, one message at a time, and a real suspension."""

import asyncio
import contextvars
import threading

import pytest

from zanni import Actor, ActorDeadError, ActorRef, ActorSystem, Down, Future, RemoteError
from zanni.actors.phase import Phase
from zanni.supervisors import Supervisor, child


class Mixed(Actor):
    """Plain and coroutine methods that write to one journal."""

    def __init__(self, journal=None):
        self.journal = [] if journal is None else journal

    async def on_receive(self, message):
        self.journal.append(f"begin {message}")
        await asyncio.sleep(0)
        self.journal.append(f"end {message}")
        return message

    def plain(self, message):
        self.journal.append(f"plain {message}")
        return message

    async def wait_for(self, future):
        return await future

    async def fail(self, error):
        await asyncio.sleep(0)
        raise error

    async def forward_to(self, ref, message):
        return await ref.ask(message, block=False)

    async def where(self):
        return threading.current_thread()

    def where_plain(self):
        return threading.current_thread()


def test_a_coroutine_answers_ask_call_and_proxy(system):
    mixed = system.spawn(Mixed)
    assert mixed.ask("one") == "one"
    assert mixed.call(Mixed.wait_for, settled("two")).get(timeout=10) == "two"
    assert mixed.proxy().on_receive("three").get(timeout=10) == "three"


def settled(value):
    future = Future()
    future.set(value)
    return future


def test_one_message_at_a_time_in_order(system):
    journal = []
    mixed = system.spawn(Mixed, journal)
    mixed.tell(1)
    mixed.cast(Mixed.plain, 2)
    mixed.tell(3)
    mixed.call(Mixed.plain, 4).get(timeout=10)
    assert journal == ["begin 1", "end 1", "plain 2", "begin 3", "end 3", "plain 4"]


def test_a_slow_coroutine_does_not_block_other_actors(system):
    gate = Future()
    slow, others = system.spawn(Mixed), [system.spawn(Mixed) for _ in range(10)]
    waiting = slow.call(Mixed.wait_for, gate)
    behind = slow.ask("behind", block=False)
    assert [ref.ask(n, timeout=10) for n, ref in enumerate(others)] == list(range(10))
    assert not waiting.done()
    assert not behind.done()
    gate.set("open")
    assert waiting.get(timeout=10) == "open"
    assert behind.get(timeout=10) == "behind"


def test_many_coroutines_wait_at_once(system):
    gate = Future()
    waiting = [system.spawn(Mixed).call(Mixed.wait_for, gate) for _ in range(200)]
    threads = threading.active_count()
    gate.set("open")
    assert [future.get(timeout=10) for future in waiting] == ["open"] * 200
    assert threading.active_count() <= threads + 1


def test_actors_await_one_another(system):
    plain, one, two = system.spawn(Mixed), system.spawn(Mixed), system.spawn(Mixed)

    class Between(Actor):
        async def on_receive(self, message):
            both = await asyncio.gather(
                one.ask(1, block=False), two.call(Mixed.forward_to, plain, 2)
            )
            mapped = await one.ask(3, block=False).map(lambda n: n * 10)
            return [*both, mapped]

    assert system.spawn(Between).ask("go", timeout=10) == [1, 2, 30]


def test_a_blocking_ask_in_a_coroutine_says_what_to_do(system):
    other = system.spawn(Mixed)

    class Blocks(Actor):
        async def on_receive(self, message):
            return other.ask(message)

    with pytest.raises(RuntimeError, match="await"):
        system.spawn(Blocks).ask(1, timeout=10)


def test_a_blocking_ask_in_a_loop_that_a_handler_runs_says_what_to_do(system):
    """Else the loop would be taken for that of the turns that run in its thread meanwhile."""
    gate = Future()
    stuck = system.spawn(Mixed)
    stuck.cast(Mixed.wait_for, gate)

    class Runs(Actor):
        def on_receive(self, wait):
            async def main():
                return wait()

            return asyncio.run(main())

    for wait in (
        lambda: stuck.ask(1),
        lambda: stuck.ask(1, timeout=10),
        lambda: stuck.ask(1, block=False).get(),
        stuck.stop,
    ):
        with pytest.raises(RuntimeError, match="await"):
            system.spawn(Runs).ask(wait, timeout=10)
    assert system.spawn(Runs).ask(lambda: "run", timeout=10) == "run"
    gate.set()


def test_a_stop_in_a_loop_that_a_handler_runs_is_not_begun(system):
    mixed = system.spawn(Mixed)

    class Runs(Actor):
        def on_receive(self, _message):
            async def main():
                return mixed.stop()

            return asyncio.run(main())

    with pytest.raises(RuntimeError, match="use 'await"):
        system.spawn(Runs).ask("go", timeout=10)
    assert mixed.ask("alive", timeout=10) == "alive"


def test_coroutines_share_a_thread_that_is_not_the_cores(system):
    one, two = system.spawn(Mixed), system.spawn(Mixed)
    thread = one.call(Mixed.where).get(timeout=10)
    assert two.call(Mixed.where).get(timeout=10) is thread
    assert one.call(Mixed.where_plain).get(timeout=10) is not thread


def test_an_error_of_a_coroutine(system):
    mixed = system.spawn(Mixed)
    with pytest.raises(KeyError, match="mine"):
        mixed.call(Mixed.fail, KeyError("mine")).get(timeout=10)
    exited = mixed.exited()
    error = KeyError("mine")
    mixed.cast(Mixed.fail, error)
    assert exited.get(timeout=10) is error


@pytest.mark.parametrize(
    "kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit]
)
def test_a_base_exception_of_a_coroutine_ends_that_actor_alone(system, kind):  # B6, B7
    asked, told, other = (system.spawn(Mixed) for _ in range(3))
    ends = [asked.exited(), told.exited()]
    with pytest.raises(RemoteError, match=kind.__name__):
        asked.call(Mixed.fail, kind()).get(timeout=10)
    told.cast(Mixed.fail, kind())
    for end in ends:
        assert isinstance(end.get(timeout=10), kind)
    assert other.ask("alive", timeout=10) == "alive"
    assert system.spawn(Mixed).ask("new", timeout=10) == "new"


def no_context(loop, coroutine):
    return asyncio.Task(coroutine, loop=loop)


@pytest.mark.parametrize(
    "factory", [no_context, getattr(asyncio, "eager_task_factory", no_context)]
)
def test_a_task_factory_that_a_handler_sets_is_for_its_own_tasks(system, factory):
    class Sets(Mixed):
        async def on_receive(self, message):
            asyncio.get_running_loop().set_task_factory(factory)
            return await asyncio.create_task(self.wait_for(settled(message)))

    assert system.spawn(Sets).ask("set", timeout=10) == "set"
    assert system.spawn(Mixed).ask("next", timeout=10) == "next"


async def next_round():
    await asyncio.sleep(0)


def test_a_coroutine_that_is_cancelled_before_it_begins_has_failed(system):
    journal = []
    other = system.spawn(Mixed, journal)
    end = other.exited()

    class Cancels(Actor):
        async def on_receive(self, message):
            answer = other.ask("first", block=False)
            while not (tasks := asyncio.all_tasks() - {asyncio.current_task()}):
                await next_round()
            for task in tasks:  # made in this round of the loop: it has not had its first step
                task.cancel()
            return answer

    answer = system.spawn(Cancels).ask("go", timeout=10)
    with pytest.raises(RemoteError, match="CancelledError"):
        answer.get(timeout=10)
    assert isinstance(end.get(timeout=10), asyncio.CancelledError)
    assert journal == []


def test_hooks_may_be_coroutines(system):
    journal = []

    class Hooks(Actor):
        async def on_start(self):
            await asyncio.sleep(0)
            journal.append("start")

        async def on_stop(self):
            await asyncio.sleep(0)
            journal.append("stop")

        async def on_failure(self, kind, value, traceback):
            await asyncio.sleep(0)
            journal.append("failure")

        def on_receive(self, message):
            journal.append(message)
            raise KeyError(message)

    assert system.spawn(Hooks).stop(timeout=10) is True
    failing = system.spawn(Hooks)
    exited = failing.exited()
    failing.tell("message")
    exited.get(timeout=10)
    assert journal == ["start", "stop", "start", "message", "failure"]


def test_a_kill_cancels_the_coroutine(system):
    entered, journal = threading.Event(), []
    ended = threading.Event()

    class Waits(Actor):
        async def on_receive(self, message):
            try:
                entered.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                journal.append("cancelled")
                raise
            finally:
                ended.set()

    waits = system.spawn(Waits)
    asked = waits.ask(1, block=False)
    assert entered.wait(10)
    exited = waits.exited()
    waits.kill()
    assert exited.get(timeout=10) == "killed"
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)
    assert ended.wait(10)
    assert journal == ["cancelled"]


def test_a_coroutine_of_an_actor_that_kills_itself_is_closed(system):
    class Kills(Actor):
        def on_receive(self, message):
            self.actor_ref.kill()
            return self.sleeps()  # begun and cancelled at once: no "never awaited" (a warning)

        async def sleeps(self):
            await asyncio.sleep(60)

    kills = system.spawn(Kills)
    exited = kills.exited()
    kills.tell(1)
    assert exited.get(timeout=10) == "killed"


def test_an_ask_whose_task_is_cancelled_is_handled_and_its_answer_counted(system, eventually):
    gate, journal = Future(), []
    mixed = system.spawn(Mixed, journal)

    async def main():
        first = mixed.call(Mixed.wait_for, gate)
        asking = asyncio.create_task(wait_for(mixed.ask("cancelled", block=False)))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        gate.set()
        await first
        return await mixed.ask("next", block=False)

    async def wait_for(future):
        return await future

    assert asyncio.run(main()) == "next"
    assert "begin cancelled" in journal
    assert system.dead_letters.statistics() == {"late": 1}
    letter = system.dead_letters.last[-1]
    assert (letter.message, letter.sender) == ("cancelled", mixed.address)


def test_a_future_that_others_await_too_outlives_a_cancelled_task():
    async def wait_for(future):
        return await future

    async def main():
        shared = Future()
        one, other = (asyncio.create_task(wait_for(shared)) for _ in range(2))
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.sleep(0)
        shared.set("shared")
        assert await other == "shared"
        with pytest.raises(asyncio.CancelledError):
            await one

    asyncio.run(main())


def test_an_error_that_comes_late_is_counted_too(system):
    gate = Future()
    mixed = system.spawn(Mixed)
    waiting = mixed.call(Mixed.wait_for, gate)
    failing = mixed.call(Mixed.fail, KeyError("late"))
    assert failing.cancel()
    gate.set()
    waiting.get(timeout=10)
    mixed.ask("all before is done")
    assert system.dead_letters.statistics() == {"late": 1}


def test_an_answer_to_a_closed_loop_is_counted(system):
    """A notebook's loop that was closed with a task in it: nobody is there to hear."""
    gate = Future()
    mixed = system.spawn(Mixed)
    answer = mixed.call(Mixed.wait_for, gate)
    loop = asyncio.new_event_loop()

    async def wait():
        await answer

    task = loop.create_task(wait())
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    gate.set("unheard")
    assert mixed.ask("alive", timeout=10) == "alive"
    assert system.dead_letters.statistics() == {"loop closed": 1}
    assert system.dead_letters.last[-1].message == "unheard"
    task._log_destroy_pending = False


@pytest.mark.parametrize("wait", ["ask", "stop", "wait"])
def test_what_would_block_a_loop_is_not_begun(system, wait):
    mixed = system.spawn(Mixed)

    async def main():
        with pytest.raises(RuntimeError, match="use 'await"):
            mixed.ask("x") if wait == "ask" else getattr(mixed, wait)()
        return await mixed.ask("alive", block=False)

    assert asyncio.run(main()) == "alive"


@pytest.mark.parametrize(
    ("setting", "why"),
    [({"wait_for_start": True}, "whose start"), ({"dispatcher": "pinned"}, "is pinned")],
)
def test_a_spawn_that_would_wait_is_not_begun_on_a_loop(system, setting, why):
    cls = type("Started", (Mixed,), setting)

    async def main():
        with pytest.raises(RuntimeError, match=f"to_thread.*{why}"):
            system.spawn(cls, name="started")
        assert system.whereis("started") is None
        ref = await asyncio.to_thread(system.spawn, cls, name="started")
        assert await ref.ask("alive", block=False) == "alive"

    asyncio.run(main())
    assert len(system.actors()) == 1


def test_a_stop_waits_for_the_coroutine_in_hand(system):
    gate, journal = Future(), []
    mixed = system.spawn(Mixed, journal)
    waiting = mixed.call(Mixed.wait_for, gate)
    stopped = mixed.stop(block=False)
    assert not stopped.done()
    gate.set("open")
    assert waiting.get(timeout=10) == "open"
    assert stopped.get(timeout=10) is True


def test_what_an_actor_may_do_it_may_do_in_a_coroutine(system, tools, eventually):
    seen = []

    class Doing(Actor):
        async def on_receive(self, message):
            match message:
                case ("watch", ref):
                    self.watch(ref)
                case ("timers",):
                    self.once = self.after(0.001, "once")
                    self.again = self.every(0.001, "again")
                case ("exit", reason):
                    self.exit(reason)
                case "again":
                    self.again.cancel()
                    seen.append(message)
                case _:
                    seen.append(message)

    doing, other = system.spawn(Doing), system.spawn(tools.Recorder)
    doing.ask(("watch", other))
    other.stop()
    doing.ask(("timers",))
    eventually(lambda: "once" in seen and "again" in seen and len(seen) >= 3)
    assert Down(other, "normal") in seen
    exited = doing.exited()
    doing.tell(("exit", "enough"))
    assert exited.get(timeout=10) == "enough"


def test_a_timer_set_in_a_coroutine_fires_while_the_core_sleeps(system):
    """The core sleeps without a bound when the timer is set from the other thread."""
    fired = threading.Event()

    class Self(Actor):
        async def on_receive(self, future):
            self._cell.core.call_later(0.001, fired.set)
            await future

    gate = Future()
    asked = system.spawn(Self).ask(gate, block=False)
    assert fired.wait(10)
    gate.set()
    asked.get(timeout=10)


def test_context_variables_are_each_messages_own(system):
    variable = contextvars.ContextVar("variable", default="unset")

    class Sets(Actor):
        async def on_receive(self, message):
            before = variable.get()
            variable.set(message)
            await asyncio.sleep(0)
            return before, variable.get()

    sets = system.spawn(Sets)
    assert sets.ask(1) == ("unset", 1)
    assert sets.ask(2) == ("unset", 2)


def test_a_system_with_a_coroutine_at_work_ends(eventually):
    with ActorSystem("busy", config={"drain_timeout": 0.05, "kill_timeout": 5}) as system:
        entered = threading.Event()

        class Waits(Actor):
            async def on_receive(self, message):
                entered.set()
                await asyncio.Event().wait()

        asked = system.spawn(Waits).ask(1, block=False)
        assert entered.wait(10)
    with pytest.raises(ActorDeadError):
        asked.get(timeout=10)


def test_async_with():
    async def main():
        async with ActorSystem("async") as system:
            return await system.spawn(Mixed).ask("hello", block=False)

    assert asyncio.run(main()) == "hello"


def test_async_with_passes_the_error_on():
    async def main():
        async with ActorSystem("async") as system:
            system.spawn(Mixed)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        asyncio.run(main())


@pytest.mark.parametrize("when", ["while it starts", "when it has just started"])
def test_an_async_with_that_is_cancelled_while_it_starts_leaves_nothing(eventually, when):
    made = ActorSystem("cancelled")

    async def enter():
        async with made:
            pytest.fail("it was entered")

    async def main():
        entering = asyncio.create_task(enter())
        await asyncio.sleep(0)
        if when == "when it has just started":  # and the loop, held up here, does not know yet
            eventually(
                lambda: "zanni-in-thread" not in {each.name for each in threading.enumerate()}
            )
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering

    asyncio.run(main())
    eventually(lambda: made._phase is Phase.STOPPED)


def test_the_cells_of_a_notebook():
    """Each cell is a task of a loop that runs in the main thread; the system outlives them."""
    held = {}

    async def first_cell():
        held["system"] = await ActorSystem("notebook").__aenter__()
        held["mixed"] = held["system"].spawn(Mixed)
        held["asked"] = held["mixed"].ask("first", block=False)

    async def second_cell():
        first = await held["asked"]
        return first, await held["mixed"].call(Mixed.plain, "second")

    async def last_cell():
        return await asyncio.to_thread(held["system"].stop)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(first_cell())
    assert loop.run_until_complete(second_cell()) == ("first", "second")
    assert loop.run_until_complete(last_cell()) is True
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_a_plain_with_on_an_asyncio_thread_says_what_to_do():
    async def main():
        with ActorSystem("plain"):
            pytest.fail("it was entered")

    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(main())


def test_a_stop_on_an_asyncio_thread_says_what_to_do_and_does_nothing():
    async def main():
        system = ActorSystem("plain").start()
        with pytest.raises(RuntimeError, match="to_thread"):
            system.stop()
        assert await system.spawn(Mixed).ask("alive", block=False) == "alive"
        assert await asyncio.to_thread(system.stop) is True

    asyncio.run(main())


class Lives(Actor):
    """Its first life waits as it was told to, is killed, and does more as that is broken off."""

    def __init__(self, notes):
        self.notes, self.seen = notes, []

    def on_start(self):
        self.notes.append("start")

    async def on_receive(self, message):
        match message:
            case ("await", entered, gate, act):
                try:
                    entered.set()
                    await asyncio.sleep(60)
                finally:
                    await gate
                    self.do(act)
            case ("leave to a task", entered, gate, act):
                task = asyncio.create_task(self.later(gate, act))
                entered.set()
                await asyncio.shield(task)
            case ("fail", *_):
                raise ValueError(message)
            case _:
                self.seen.append(message)
                return list(self.seen)
        return None

    async def later(self, gate, act):
        await gate
        self.do(act)

    def block(self, entered, gate, act):
        entered.set()
        assert gate.wait(10)
        self.do(act)

    def do(self, act):
        try:
            act(self)
        except BaseException as error:
            self.notes.append(type(error).__name__)
        else:
            self.notes.append("done")


class OnLoop(Lives):
    dispatcher = "asyncio"


class Several(Lives):
    reentrant = True


class Tree(Supervisor):
    intensity = 10

    def __init__(self, cls, notes):
        self.spec = child(cls, notes, id="it", name="it")

    def children(self):
        return [self.spec]


def acts(recorder):
    return {
        "tell": lambda self: recorder.tell("late"),
        "ask": lambda self: recorder.ask("late", block=False, timeout=10),
        "call": lambda self: recorder.call(type(recorder).tell, "late"),
        "cast": lambda self: recorder.cast(type(recorder).tell, "late"),
        "tell itself": lambda self: self.actor_ref.tell("late"),
        "after": lambda self: self.after(0, "late"),
        "exit": lambda self: self.exit("late"),
        "stop": lambda self: self.stop(),
        "spawn": lambda self: self.spawn(Mixed, name="late"),
        "watch": lambda self: self.watch(recorder),
        "become": lambda self: self.become(print),
    }


@pytest.mark.parametrize("act", acts(None))
@pytest.mark.parametrize("way", ["await", "leave to a task"])
@pytest.mark.parametrize("cls", [Lives, OnLoop, Several])
def test_what_a_coroutine_does_that_was_broken_off_has_no_effect(  # B13
    system, tools, eventually, cls, way, act
):
    entered, gate, notes = threading.Event(), Future(), []
    recorder = system.spawn(tools.Recorder)
    system.spawn(Tree, cls, notes)
    it = system.whereis("it")
    it.tell((way, entered, gate, acts(recorder)[act]))
    assert entered.wait(10)
    it.kill()
    assert it.ask("new", timeout=10) == ["new"]
    gate.set()
    eventually(lambda: len(notes) > 2)
    assert notes == ["start", "start", "Killed"]
    assert it.ask("newer", timeout=10) == ["new", "newer"]
    assert recorder.ask(("get",)) == []
    assert system.whereis("late") is None


@pytest.mark.parametrize("act", acts(None))
def test_what_a_plain_handler_does_on_the_loop_that_was_killed_has_no_effect(
    system, tools, eventually, act
):
    entered, gate, notes = threading.Event(), threading.Event(), []
    recorder = system.spawn(tools.Recorder)
    system.spawn(Tree, OnLoop, notes)
    it = system.whereis("it")
    it.cast(OnLoop.block, entered, gate, acts(recorder)[act])
    assert entered.wait(10)
    it.kill()
    assert recorder.ask(("get",), timeout=10) == []  # so the kill has come, too
    gate.set()
    assert it.ask("new", timeout=10) == ["new"]
    assert notes == ["start", "Killed", "start"]
    assert recorder.ask(("get",)) == []


def test_what_a_failure_has_broken_off_does_nothing_to_the_next_life(system, tools, eventually):
    entered, gate, notes = threading.Event(), Future(), []
    seen = []

    class Tells(Several):
        def on_failure(self, kind, value, traceback):
            seen.append(self.actor_ref)  # what ends by itself is not cut off

    system.spawn(Tree, Tells, notes)
    it = system.whereis("it")
    it.tell(("await", entered, gate, lambda self: self.exit("late")))
    assert entered.wait(10)
    it.tell(("fail",))
    eventually(lambda: len(notes) > 1)
    assert it.ask("new", timeout=10) == ["new"]
    gate.set()
    eventually(lambda: len(notes) > 2)
    assert notes == ["start", "start", "Killed"]
    assert it.ask("newer", timeout=10) == ["new", "newer"]
    assert seen == [it]


def test_nothing_comes_from_a_coroutine_after_the_down_of_its_actor(
    system, tools, eventually
):  # G7
    entered, gate, notes, seen = threading.Event(), Future(), [], []
    watcher, it = system.spawn(tools.Watcher, seen), system.spawn(Lives, notes)
    watcher.ask(("apply", lambda self: self.watch(it)))
    it.tell(("await", entered, gate, lambda self: watcher.tell("from the dead")))
    assert entered.wait(10)
    it.kill()
    assert it.wait(timeout=10) in ("killed", "noproc")
    gate.set()
    eventually(lambda: notes == ["start", "Killed"])
    assert watcher.ask("sync") == [Down(it, "killed")]


@pytest.mark.usefixtures("switching")
@pytest.mark.parametrize("reentrant", [False, True])
def test_all_that_a_coroutine_sends_comes_before_its_end(system, reentrant):  # G7
    class Sends(Actor):
        async def on_receive(self, ref):
            entered.set()
            while True:
                ref.tell("a message")
                await asyncio.sleep(0)

    class Hears(Actor):
        def on_receive(self, message):
            if isinstance(message, ActorRef):
                self.last = None
                self.watch(message)
            elif message == "last":
                return self.last
            else:
                self.last = message
            return None

    Sends.reentrant = reentrant
    hears = system.spawn(Hears)
    for _ in range(50):
        entered = threading.Event()
        sends = system.spawn(Sends)
        hears.ask(sends)
        sends.tell(hears)
        assert entered.wait(10)
        sends.kill()
        sends.wait(timeout=10)
        system.spawn(Mixed).ask("the loop has come to it", timeout=10)
        assert hears.ask("last") == Down(sends, "killed")
