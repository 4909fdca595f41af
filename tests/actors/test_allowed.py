"""What other nodes may have spawned: the classes that were allowed, and nothing like them."""

import functools

import pytest

from zanni import Actor, ActorSystem, SpawnError
from zanni.actors.allowed import Allowed
from zanni.actors.messages import type_name


class Clerk(Actor):
    pass


class Chief(Clerk):
    class Deputy(Actor):
        pass


def test_what_is_allowed_is_found_by_its_name():
    allowed = Allowed("bank")
    allowed.add([Clerk, Chief.Deputy])
    allowed.add([Clerk])
    assert allowed.find(type_name(Clerk)) is Clerk
    assert allowed.find(type_name(Chief.Deputy)) is Chief.Deputy


@pytest.mark.parametrize(
    "name", [type_name(Chief), "Clerk", "os:system", "", ":", "x" * 10_000, 7, None, ["Clerk"]]
)
def test_anything_else_is_refused_with_the_remedy(name):
    allowed = Allowed("bank")
    allowed.add([Clerk])
    with pytest.raises(SpawnError, match=r"'bank'.*call system\.allow\(.*are: .*:Clerk$") as caught:
        allowed.find(name)
    assert caught.value.type == "PermissionError"
    assert len(caught.value.text) < 1000


def test_nothing_is_allowed_at_first():
    with pytest.raises(SpawnError, match="are: none"):
        Allowed("bank").find(type_name(Clerk))


@pytest.mark.parametrize("what", [int, Clerk(), "Clerk", functools.partial(Clerk), None])
def test_what_is_no_actor_class_is_refused_and_nothing_is_allowed(what):
    system = ActorSystem("bank")  # before its start, too
    with pytest.raises(TypeError, match=r"allow\(\) takes subclasses of zanni\.Actor"):
        system.allow(Clerk, what)
    with pytest.raises(SpawnError, match="are: none"):
        system.allowed.find(type_name(Clerk))


def test_a_class_that_nobody_can_name_is_refused():
    class Local(Actor):
        pass

    with pytest.raises(ValueError, match=r"Local: put the class at the top of a module"):
        ActorSystem("bank").allow(Local)
