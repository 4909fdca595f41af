"""spawn: what it takes, what it refuses, and that what it refuses leaves nothing behind."""

import functools
import signal
import threading

import pykka
import pytest

from zanni import Actor, ActorSystem, Future, NodeDown

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")


class Account(Actor):
    def __init__(self, owner, *notes, balance=0, name=None, core=None):
        self.owner, self.notes, self.balance = owner, notes, balance
        self.name, self.core = name, core

    def on_receive(self, message):
        return getattr(self, message)


class NotAnActor:
    pass


class PykkasOwn(pykka.ThreadingActor):
    pass


def test_arguments_reach_init(system):
    ref = system.spawn(Account, "ann", 1, 2, balance=5)
    assert [ref.ask(name) for name in ("owner", "notes", "balance")] == ["ann", (1, 2), 5]


def test_arguments_that_collide_go_through_a_partial(system):
    partial = functools.partial(Account, "ann", balance=5, name="inner", core=7)
    ref = system.spawn(functools.partial(partial, 1), 2, balance=6, name="outer")
    expected = {"owner": "ann", "notes": (1, 2), "balance": 6, "name": "inner", "core": 7}
    assert {name: ref.ask(name) for name in expected} == expected
    assert ref.name == "outer"


@pytest.mark.parametrize("start_timeout", [7, "seven"])
def test_what_only_a_supervisor_says_of_a_child_is_otherwise_an_argument(
    system, tools, start_timeout
):
    class Patient(Actor):
        def __init__(self, start_timeout):
            self.start_timeout = start_timeout

    parent = system.spawn(tools.Hooked, [])
    for spawn in (
        functools.partial(system.spawn, Patient),
        lambda **given: parent.ask(("apply", lambda self: self.spawn(Patient, **given))),
    ):
        made = spawn(start_timeout=start_timeout)
        assert made.proxy().start_timeout.get(timeout=10) == start_timeout


def test_a_child_takes_a_partial_too(system, tools):
    parent = system.spawn(tools.Hooked, [])
    partial = functools.partial(Account, "ann", name="inner")
    child = parent.ask(("apply", lambda self: self.spawn(partial, name="outer")))
    assert (child.ask("name"), child.name) == ("inner", "outer")


@pytest.mark.parametrize(
    "what",
    [NotAnActor, PykkasOwn, NotAnActor(), int, 3, None, "Account", lambda: None, len],
)
def test_what_is_no_actor_class(system, tools, what):
    with pytest.raises(TypeError, match=r"subclass of zanni\.Actor"):
        system.spawn(what)
    with pytest.raises(TypeError, match=r"subclass of zanni\.Actor"):
        system.spawn(functools.partial(what) if callable(what) else what, name="ann")
    parent = system.spawn(tools.Hooked, [])
    with pytest.raises(TypeError, match=r"subclass of zanni\.Actor"):
        parent.ask(("spawn", what))
    assert system.actors() == [parent]
    assert system.whereis("ann") is None


def test_an_actor_instead_of_its_class(system):
    with pytest.raises(TypeError, match="pass Account and its arguments"):
        system.spawn(Account("ann"))
    pykka.ActorRegistry.stop_all()
    assert system.actors() == []
    _stop_the_default_system()


def _stop_the_default_system():
    from zanni.actors.defaults import default_system  # noqa: PLC0415

    default_system().stop()


def test_wrong_arguments_for_init(system):
    with pytest.raises(TypeError, match="owner"):
        system.spawn(Account, name="ann")
    with pytest.raises(TypeError, match="colour"):
        system.spawn(Account, "ann", colour="red", name="ann")
    assert system.whereis("ann") is None
    assert system.actors() == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"core": 1}, "no core 1"),
        ({"core": -1}, "no core -1"),
        ({"core": True}, "core="),
        ({"core": "nearby"}, "least-loaded"),
        ({"core": 1.0}, "core="),
        ({"dispatcher": "thread"}, "dispatcher"),
    ],
)
def test_options_that_cannot_be(system, tools, options, text):
    with pytest.raises(ValueError, match=text):
        system.spawn(tools.Recorder, **options)
    parent = system.spawn(tools.Hooked, [])
    with pytest.raises(ValueError, match=text):
        parent.ask(("apply", lambda self: self.spawn(tools.Recorder, **options)))
    assert system.actors() == [parent]


@pytest.mark.parametrize("core", [None, 0, "here", "spread", "least-loaded"])
def test_placement_on_one_core(system, tools, core):
    assert system.spawn(tools.Recorder, core=core).core == 0


def test_near(system, tools):
    first = system.spawn(tools.Recorder)
    assert system.spawn(tools.Recorder, near=first).ask(1) == 1
    with pytest.raises(ValueError, match="not both"):
        system.spawn(tools.Recorder, near=first, core=0)
    with ActorSystem("other") as other, pytest.raises((ValueError, NodeDown), match="other"):
        system.spawn(tools.Recorder, near=other.spawn(tools.Recorder))


def test_near_and_supervisor_take_refs(system, tools):
    with pytest.raises(TypeError, match=r"supervisor= takes the ref .* not 'boss'"):
        system.spawn(tools.Recorder, supervisor="boss")
    with pytest.raises((TypeError, ValueError), match="near="):
        system.spawn(tools.Recorder, near="boss")
    assert system.actors() == []


def test_who_gives_no_verdict_is_no_supervisor(system, tools):
    plain = system.spawn(tools.Recorder)
    with pytest.raises(TypeError, match="Recorder, which supervises nobody"):
        system.spawn(tools.Recorder, name="ann", supervisor=plain)
    assert system.whereis("ann") is None
    assert system.actors() == [plain]


def test_a_pool_lets_end_who_is_none_of_its_members(system, tools):
    stranger = system.spawn(tools.Hooked, [], supervisor=system.pool(tools.Recorder, 1))
    stranger.tell(("raise", KeyError("mine")))
    assert isinstance(stranger.wait(timeout=10), KeyError)


def test_spawn_takes_one_positional_at_least(system):
    with pytest.raises(TypeError):
        system.spawn()


def test_an_attribute_that_init_reads_of_itself(system):
    class Early(Actor):
        def __init__(self):
            self.ref, self.whose = self.actor_ref, self.system

        def on_receive(self, message):
            return self.ref

    ref = system.spawn(Early)
    assert ref.ask(1) == ref


def test_init_may_ask_others(system, tools):
    recorder = system.spawn(tools.Recorder)

    class Asks(Actor):
        def __init__(self):
            self.answer = recorder.ask("hello")

        def on_receive(self, message):
            return self.answer

    assert system.spawn(Asks).ask(1) == "hello"
    hooked = system.spawn(tools.Hooked, [])
    assert hooked.ask(("spawn", Asks), timeout=10).ask(1) == "hello"


class StartsNever(Actor):
    """Waits in its `on_start` for what never comes."""

    wait_for_start = True

    def __init__(self, then=print):
        self.then = then

    def on_start(self):
        self.then(self)
        Future().get()


def test_a_start_whose_spawner_was_killed_comes_to_nothing(system, tools, eventually):
    def spawn(spawner):
        spawner.system.spawn(StartsNever, lambda it: starting.append(it.actor_ref), name="ann")

    starting, spawner = [], system.spawn(tools.Hooked, [])
    spawner.tell(("apply", spawn))
    eventually(lambda: starting)
    spawner.kill()
    assert starting[0].wait(timeout=10) in ("killed", "noproc")
    assert system.spawn(tools.Recorder, name="ann").ask(1) == 1


@pytest.fixture
def interrupt(eventually):
    """Interrupt the main thread once, as Ctrl-C does; a signal just before it waits is in vain."""
    raised, over = [], threading.Event()

    def handle(*_):
        if not raised:
            raised.append(True)
            raise KeyboardInterrupt

    def try_it():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return raised

    def interrupt():
        eventually(try_it)
        over.set()

    before = signal.signal(signal.SIGINT, handle)
    yield interrupt
    assert over.wait(10)  # what was sent in vain has come
    signal.signal(signal.SIGINT, before)


def test_a_start_whose_spawner_was_interrupted_comes_to_nothing(
    system, tools, eventually, interrupt
):
    def interrupt_spawner(actor):
        starting.append(actor.actor_ref)
        outcome = actor._cell.ties.starting
        eventually(lambda: outcome._waiters)
        interrupt()

    starting = []
    with pytest.raises(KeyboardInterrupt):
        system.spawn(StartsNever, interrupt_spawner, name="ann")
    assert starting[0].wait(timeout=10) in ("killed", "noproc")
    assert system.spawn(tools.Recorder, name="ann").ask(1) == 1
