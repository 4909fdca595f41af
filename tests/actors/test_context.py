"""Context variables travel with a message within the process, and are nobody else's."""

import asyncio
import contextvars
import os
import subprocess
import sys
from pathlib import Path

import pytest

from zanni import Actor

variable = contextvars.ContextVar("variable", default="unset")


class Reader(Actor):
    """Says what it sees; passes the question on to the next one, if there is one."""

    def __init__(self, following=None):
        super().__init__()
        self.following, self.seen = following, []

    def on_receive(self, message):
        match message:
            case "seen":
                return self.seen
            case ("set", value):
                variable.set(value)
                return self.following and self.following.ask("get")
            case "get":
                return variable.get()
            case "pass on":
                return self.following.ask("get")
            case _:
                self.seen.append(variable.get())
                return None

    def read(self):
        return variable.get()

    async def read_and_set(self, value):
        before = variable.get()
        variable.set(value)
        await asyncio.sleep(0)
        return before, await self.following.ask("get", block=False)


@pytest.fixture
def reader(system):
    return system.spawn(Reader, system.spawn(Reader))


@pytest.fixture
def set_here():
    token = variable.set("sender's")
    yield
    variable.reset(token)


@pytest.mark.usefixtures("set_here")
def test_a_handler_sees_its_senders_variables(reader):
    reader.tell("tell")
    assert reader.ask("seen") == ["sender's"]
    assert reader.ask("get") == "sender's"
    assert reader.ask("get", block=False).get(timeout=10) == "sender's"
    assert reader.call(Reader.read).get(timeout=10) == "sender's"
    assert reader.proxy().read().get(timeout=10) == "sender's"
    reader.cast(Reader.on_receive, "cast")
    assert reader.ask("seen") == ["sender's"] * 2


@pytest.mark.usefixtures("set_here")
def test_they_travel_on_to_whom_it_asks(reader):
    assert reader.ask("pass on") == "sender's"


def test_what_a_handler_sets_travels_and_ends_with_its_turn(system, reader):
    assert reader.ask(("set", "handler's")) == "handler's"
    assert reader.ask("get") == "unset"
    assert system.spawn(Reader).ask("get") == "unset"
    assert variable.get() == "unset"


@pytest.mark.usefixtures("set_here")
def test_what_a_handler_sets_is_not_its_senders(reader):
    assert reader.ask(("set", "handler's")) == "handler's"
    assert variable.get() == "sender's"
    assert reader.ask("get") == "sender's"


def test_a_parked_handler_keeps_its_own(system, reader):
    """Each waits for the next, all at once on one core; each sees what its own sender had set."""
    readers = [system.spawn(Reader, reader) for _ in range(20)]
    asked = []
    for number, each in enumerate(readers):
        token = variable.set(number)
        asked.append(each.ask("pass on", block=False))
        variable.reset(token)
    assert [future.get(timeout=10) for future in asked] == list(range(20))


@pytest.mark.usefixtures("set_here")
def test_a_coroutine_sees_them_and_sends_its_own(reader):
    answer = reader.call(Reader.read_and_set, "coroutine's").get(timeout=10)
    assert answer == ("sender's", "coroutine's")
    assert reader.ask("get") == "sender's"


def test_tasks_that_ask_at_once_are_told_apart(reader):
    async def ask(number):
        variable.set(number)
        await asyncio.sleep(0)
        return await reader.ask("pass on", block=False)

    async def main():
        return await asyncio.gather(*(ask(number) for number in range(20)))

    assert asyncio.run(main()) == list(range(20))


@pytest.mark.usefixtures("set_here")
def test_the_actor_is_the_sender_of_what_its_handler_does_in_a_thread(system, tools):
    class Threaded(Actor):
        async def on_receive(self, message):
            ref, text = message
            await asyncio.to_thread(ref.tell, text)

    class Named(Actor):
        def on_receive(self, message):
            seen.append((message, self.sender, variable.get()))

    seen = []
    named, threaded = system.spawn(Named), system.spawn(Threaded)
    threaded.ask((named, "text"))
    named.stop()
    assert seen == [("text", threaded, "sender's")]


def test_headers_are_made_only_where_a_variable_is_set(system):
    found = []

    class Looks(Actor):
        def on_receive(self, message):
            found.append(self._cell.current[3])

        async def tells(self):
            self.actor_ref.tell("from a coroutine")

    def send():
        looks = system.spawn(Looks)
        looks.tell("from here")
        looks.ask("from here")
        looks.call(Looks.tells).get(timeout=10)
        looks.stop()

    contextvars.Context().run(send)
    assert found == [None] * 3


PROGRAM = """
import sys
from zanni import Actor, ActorSystem

class Reader(Actor):
    def on_receive(self, message):
        return variable.get()

class Setter(Actor):
    def on_receive(self, reader):
        variable.set("handler's")
        return reader.ask(1)

with ActorSystem() as system:
    reader, setter = system.spawn(Reader), system.spawn(Setter)
    system.spawn(Actor).tell("nothing of ours needs the module")
    assert "contextvars" not in sys.modules
    import contextvars
    variable = contextvars.ContextVar("variable", default="unset")
    assert setter.ask(reader) == "handler's"
    assert reader.ask(1) == "unset"
    variable.set("main's")
    assert reader.ask(1) == "main's"
"""


def test_a_program_without_context_variables_is_spared_the_look():
    """Until it imports `contextvars` there are none; from then on nothing is missed."""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    command = [sys.executable, "-c", PROGRAM]
    subprocess.run(command, env=environ, timeout=30, check=True)
