"""`dispatcher = "asyncio"`: handlers, plain ones too, run on the core's asyncio loop."""

import asyncio
import contextvars
import threading

import pytest

from zanni import Actor, ActorDeadError, ActorSystem, Down, Future, RemoteError

variable = contextvars.ContextVar("variable", default="unset")


def where():
    """Say which loop runs here; raises where none does."""
    asyncio.get_running_loop()
    return threading.current_thread().name


class OnLoop(Actor):
    dispatcher = "asyncio"

    def __init__(self, journal=None):
        super().__init__()
        self.journal = [] if journal is None else journal
        self.background = None

    def on_start(self):
        self.journal.append(("start", where()))

    def on_stop(self):
        self.journal.append(("stop", where()))

    def on_failure(self, kind, value, traceback):
        self.journal.append(("failure", where()))

    def on_receive(self, message):
        match message:
            case ("raise", error):
                raise error
            case ("watch", ref):
                self.watch(ref)
            case ("block", ref):
                return ref.ask("blocking")
            case ("coroutine", future):
                return self.wait_for(future)
            case Down():
                self.journal.append(("down", where()))
            case "context":
                return variable.get()
            case _:
                self.journal.append((message, where()))
                return message
        return None

    def plain(self):
        return where()

    async def wait_for(self, future):
        return await future

    @property
    def attribute(self):
        return where()

    @attribute.setter
    def attribute(self, value):
        self.journal.append((value, where()))

    def begin(self, coroutine_function):
        self.background = asyncio.get_running_loop().create_task(coroutine_function())


@pytest.fixture
def loop_name(system):
    return system.spawn(OnLoop).call(OnLoop.plain).get(timeout=10)


def test_every_handler_runs_on_the_loop(system, loop_name, eventually):
    journal = []
    on_loop = system.spawn(OnLoop, journal)
    assert on_loop.ask("ask") == "ask"
    on_loop.tell("tell")
    assert on_loop.call(OnLoop.plain).get(timeout=10) == loop_name
    assert on_loop.proxy().plain().get(timeout=10) == loop_name
    assert on_loop.proxy().attribute.get(timeout=10) == loop_name
    on_loop.proxy().attribute = "set"
    other = system.spawn(OnLoop)
    on_loop.ask(("watch", other))
    other.stop()
    eventually(lambda: ("down", loop_name) in journal)
    on_loop.stop()
    assert journal == [
        (what, loop_name) for what in ("start", "ask", "tell", "set", "down", "stop")
    ]


def test_a_spawn_option_says_it_too(system, loop_name):
    class Plain(Actor):
        def on_receive(self, message):
            return threading.current_thread().name

    assert system.spawn(Plain).ask(1) != loop_name
    assert system.spawn(Plain, dispatcher="asyncio").ask(1) == loop_name

    class Usually(Plain):
        dispatcher = "asyncio"

    assert system.spawn(Usually).ask(1) == loop_name
    assert system.spawn(Usually, dispatcher="core").ask(1) != loop_name


def test_a_child_may_run_on_the_loop_too(system, loop_name, tools):
    parent = system.spawn(tools.Hooked, [])
    child = parent.ask(("apply", lambda self: self.spawn(OnLoop, dispatcher="asyncio")))
    assert child.call(OnLoop.plain).get(timeout=10) == loop_name
    parent.stop()
    assert not child.is_alive()


def test_one_message_at_a_time_in_order(system):
    gate, journal = Future(), []
    on_loop = system.spawn(OnLoop, journal)
    waiting = on_loop.ask(("coroutine", gate), block=False)
    for number in range(100):
        on_loop.tell(number)
    assert system.spawn(OnLoop).ask("another is not held up") == "another is not held up"
    assert len(journal) == 1
    gate.set("open")
    assert waiting.get(timeout=10) == "open"
    on_loop.stop()
    assert [what for what, _ in journal] == ["start", *range(100), "stop"]


def test_a_blocking_ask_in_a_plain_handler_says_what_to_do(system, tools):
    other = system.spawn(tools.Recorder)
    with pytest.raises(RuntimeError, match="await"):
        system.spawn(OnLoop).ask(("block", other))


@pytest.mark.parametrize(
    "kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit]
)
def test_what_escapes_a_plain_handler_ends_that_actor_alone(system, kind, loop_name):  # B6, B7
    journal = []
    asked, told = system.spawn(OnLoop, journal), system.spawn(OnLoop)
    exited = told.exited()
    with pytest.raises(RemoteError, match=kind.__name__):
        asked.ask(("raise", kind()))
    told.tell(("raise", kind()))
    assert isinstance(exited.get(timeout=10), kind)
    assert system.spawn(OnLoop).call(OnLoop.plain).get(timeout=10) == loop_name
    assert ("failure", loop_name) in journal


def test_an_error_of_a_plain_handler(system):
    on_loop = system.spawn(OnLoop)
    with pytest.raises(KeyError, match="mine"):
        on_loop.ask(("raise", KeyError("mine")))
    assert on_loop.ask("alive") == "alive"


def test_context_variables_travel_to_the_loop(system):
    on_loop = system.spawn(OnLoop)
    token = variable.set("sender's")
    assert on_loop.ask("context") == "sender's"
    variable.reset(token)
    assert on_loop.ask("context") == "unset"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_the_loop_survives_a_task_that_leaves(system, kind, loop_name, caplog):
    async def leaves():
        raise kind

    on_loop = system.spawn(OnLoop)
    on_loop.call(OnLoop.begin, leaves).get(timeout=10)
    assert on_loop.call(OnLoop.plain).get(timeout=10) == loop_name
    assert "the loop goes on" in caplog.text

    async def retrieve(task):
        return task.exception()

    task = on_loop.proxy().background.get(timeout=10)
    assert isinstance(on_loop.call(OnLoop.wait_for, retrieve(task)).get(timeout=10), kind)


def test_a_class_with_an_unknown_dispatcher_is_refused(system):
    class Wrong(Actor):
        dispatcher = "threads"

    with pytest.raises(ValueError, match=r"Wrong\.dispatcher is 'core' or 'asyncio'.*'threads'"):
        system.spawn(Wrong)
    with pytest.raises(ValueError, match="dispatcher= is 'core'"):
        system.spawn(OnLoop, dispatcher=["asyncio"])
    assert system.actors() == []


# --- the end of a system whose coroutines do not end


class Endless(Actor):
    def __init__(self, journal):
        super().__init__()
        self.journal = journal

    async def on_receive(self, entered):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.journal.append("cleaned up")

    async def in_background(self, entered):
        self.task = asyncio.create_task(self.on_receive(entered))

    async def stubborn(self, entered):
        entered.set()
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.journal.append("not heeded")

    async def generator(self, entered):
        async def generate():
            try:
                while True:
                    yield 1
            finally:
                self.journal.append("cleaned up")

        self.kept = generate()
        await anext(self.kept)
        entered.set()


def test_what_a_killed_actor_cleans_up_is_not_broken_off_by_the_end_of_the_system(eventually):
    class Held(Endless):
        def __init__(self, journal):
            super().__init__(journal)
            self.loop_thread = self.system._start_loop()

        async def on_receive(self, entered):
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:  # it is cancelled: the loop is held up until it, too, is about to end
                eventually(lambda: self.loop_thread._stopping)
                for _ in range(10):
                    await asyncio.sleep(0)
                self.journal.append("cleaned up")

    journal, entered = [], threading.Event()
    with ActorSystem("ending", config={"drain_timeout": 0.05}) as system:
        system.spawn(Held, journal).tell(entered)
        assert entered.wait(10)
    assert journal == ["cleaned up"]


@pytest.mark.parametrize("what", ["on_receive", "in_background", "stubborn", "generator"])
def test_what_does_not_end_is_cancelled_when_the_system_stops(what, caplog):
    journal, entered = [], threading.Event()
    with ActorSystem("ending", config={"drain_timeout": 0.05, "kill_timeout": 0.5}) as system:
        asked = system.spawn(Endless, journal).call(getattr(Endless, what), entered)
        assert entered.wait(10)
    if what in ("on_receive", "stubborn"):
        with pytest.raises(ActorDeadError):
            asked.get(timeout=10)
    if what == "stubborn":
        assert journal == ["not heeded"] * len(journal) != []
        assert "did not end when cancelled" in caplog.text
    else:
        assert journal == ["cleaned up"]
    assert "destroyed" not in caplog.text
    assert not [record for record in caplog.records if record.name == "asyncio"]
