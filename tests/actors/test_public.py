"""Which attributes of an actor others reach by a path, and which they do not."""

import pykka
import pytest

from zanni import Actor
from zanni.actors.public import check_public, reach


class Desk:
    pykka_traversable = True

    def __init__(self):
        self.number = 5
        self.drawer = Drawer()


class Drawer:
    content = "secret"


class Clerk(Actor):
    def __init__(self):
        super().__init__()
        self.desk, self.drawer = Desk(), Drawer()
        self.lamp = pykka.traversable(Drawer())

    def work(self):
        return "done"


@pytest.fixture
def clerk(system):
    cell = system.spawn(Clerk).process
    cell.ref.ask("are you there")
    return cell.actor


@pytest.mark.parametrize(
    "path",
    [
        ["_cell"],
        ["__class__"],
        ["on_receive", "__func__", "__globals__"],
        ["work", "__self__"],
        ["desk", "_number"],
        ["_"],
    ],
)
def test_private_parts_are_not_for_others(path):
    with pytest.raises(AttributeError, match="is not public"):
        check_public(path)


@pytest.mark.parametrize("name", [name for name in dir(Actor) if not name.startswith("_")])
def test_what_every_actor_has_is_not_for_others_but_to_be_stopped(name):
    if name == "stop":
        check_public([name])
        return
    for path in ([name], [name, "anything"]):
        with pytest.raises(AttributeError, match="the runtime's own"):
            check_public(path)


def test_methods_and_attributes_of_the_class_are_for_others():
    for path in (["work"], ["desk", "number"], ["spawned"], ["desk", "system"]):
        check_public(path)


def test_a_path_leads_through_what_is_traversable(clerk):
    assert reach(clerk, ["work"])() == "done"
    assert reach(clerk, ["desk", "number"]) == 5
    assert reach(clerk, ["lamp", "content"]) == "secret"
    assert reach(clerk, []) is clerk


@pytest.mark.parametrize(
    "path", [["drawer", "content"], ["desk", "drawer", "content"], ["work", "x"]]
)
def test_and_through_nothing_else(clerk, path):
    with pytest.raises(AttributeError, match="is not traversable"):
        reach(clerk, path)


def test_neither_a_call_nor_an_assignment_does(system):
    ref = system.spawn(Clerk)
    for message in (
        pykka.messages.ProxyGetAttr(("drawer", "content")),
        pykka.messages.ProxySetAttr(("drawer", "content"), "changed"),
        pykka.messages.ProxyCall(("drawer", "content", "upper"), (), {}),
    ):
        with pytest.raises(AttributeError, match="is not traversable"):
            ref.ask(message)
    ref.ask(pykka.messages.ProxySetAttr(("desk", "number"), 6))
    assert ref.ask(pykka.messages.ProxyGetAttr(("desk", "number"))) == 6
    assert Drawer.content == "secret"
