"""A class whose attributes collide with those of `Actor` is refused when it is made."""

import dataclasses
import inspect

import pytest

import zanni
from zanni import Actor
from zanni.actors.overrides import guarded
from zanni.supervisors import Supervisor

FIXED = [name for name, setting in guarded(Actor).items() if not setting]
SETTINGS = [name for name, setting in guarded(Actor).items() if setting and name[0] != "_"]


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("value", [lambda self: None, property(lambda self: 1), 7], ids=type)
def test_a_collision_is_refused_by_name(name, value):
    with pytest.raises(TypeError, match=rf"Ported\.{name} would hide .* Rename it") as caught:
        type("Ported", (Actor,), {name: value})
    assert "Ported cannot be an actor class" in str(caught.value)


def test_the_names_are_those_of_the_base():
    public = {name for name in vars(Actor) if not name.startswith(("_", "on_"))}
    assert public == {name for name in FIXED + SETTINGS if name in vars(Actor) and name[0] != "_"}
    assert {"exit", "after", "every", "watch", "stop", "spawn", "system", "sender"} <= {*FIXED}
    assert {"actor_ref", "actor_urn", "start", "_cell", "_stop"} <= {*FIXED}
    assert {"throughput", "crash_on_ask_error", "wait_for_start"} <= {*SETTINGS}


def test_all_collisions_are_named_at_once():
    with pytest.raises(TypeError, match=r"Ported\.exit, Ported\.watch would hide"):
        type("Ported", (Actor,), {"exit": 1, "watch": 2, "other": 3})


def test_a_collision_of_a_mixin_is_named_by_its_class():
    class Phone:
        def exit(self):
            return "hung up"

    with pytest.raises(TypeError, match=r"Ported cannot be an actor class: Phone\.exit would hide"):
        type("Ported", (Phone, Actor), {})


def test_a_mixin_that_comes_after_the_base_hides_nothing(system):
    class Phone:
        def exit(self):
            raise AssertionError

    class Ported(Actor, Phone):
        def on_receive(self, message):
            self.exit("done")

    ref = system.spawn(Ported)
    exited = ref.exited()
    ref.tell("go")
    assert exited.get(timeout=10) == "done"


def test_a_collision_further_down_is_refused():
    class Middle(Actor):
        pass

    with pytest.raises(TypeError, match=r"Ported\.spawn"):
        type("Ported", (Middle,), {"spawn": None})


def test_a_collision_in_a_subclass_of_a_supervisor_is_refused():
    with pytest.raises(TypeError, match=r"Ported\.exit"):
        type("Ported", (Supervisor,), {"exit": None})


def test_hooks_settings_and_special_methods_may_be_overridden():
    class Free(Actor):
        throughput = 1
        crash_on_ask_error = True

        def __init__(self):
            super().__init__()

        def __str__(self):
            return "free"

        def on_start(self): ...
        def on_stop(self): ...
        def on_restart(self, reason): ...
        def on_failure(self, *args): ...
        def on_receive(self, message): ...
        def on_fire(self): ...
        def leave(self): ...

    class Freer(Free):
        throughput = 2
        wait_for_start = True

        async def on_receive(self, message): ...

    assert Freer.throughput == 2


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_may_not_become_a_method(name):
    with pytest.raises(TypeError, match=rf"Ported\.{name} would hide"):
        type("Ported", (Actor,), {name: lambda self: 1})
    type("Ported", (Actor,), {name: getattr(Actor, name)})


@pytest.mark.parametrize(
    ("count", "error"), [(None, TypeError), (3.5, TypeError), (True, TypeError), (0, ValueError)]
)
def test_a_throughput_that_is_none_is_refused_with_its_class(count, error):
    with pytest.raises(error, match=r"Ported\.throughput takes"):
        type("Ported", (Actor,), {"throughput": count})


@pytest.mark.parametrize(
    ("seconds", "error"),
    [("0.01", TypeError), (True, TypeError), (0, ValueError), (float("nan"), ValueError)],
)
def test_a_handoff_that_is_no_time_is_refused_with_its_class(seconds, error):
    with pytest.raises(error, match=r"Ported\.handoff takes"):
        type("Ported", (Actor,), {"handoff": seconds})


@pytest.mark.parametrize("seconds", [None, 1, 0.005, float("inf")])
def test_a_handoff_is_a_time_or_none(seconds):
    assert type("Patient", (Actor,), {"handoff": seconds}).handoff == seconds


def test_an_init_that_hides_what_the_runtime_has_is_refused_by_name(system):
    class Sheet(Actor):
        def __init__(self):
            self._cell = "A1"

    with pytest.raises(TypeError, match=r"Sheet cannot be an actor class: self\._cell would hide"):
        system.spawn(Sheet, name="sheet")
    assert system.whereis("sheet") is None


def test_a_class_whose_instances_take_no_attributes_is_refused_by_name(system):
    @dataclasses.dataclass(frozen=True)
    class Frozen(Actor):
        size: int = 1

    class Number(Actor):
        def __new__(cls):
            return 1

    for cls in (Frozen, Number):
        with pytest.raises(TypeError, match=rf"{cls.__name__} cannot be an actor class: what its"):
            system.spawn(cls, name="it")
        assert system.whereis("it") is None


def test_arguments_of_the_class_go_on_to_other_bases():
    class Base:
        def __init_subclass__(cls, /, flavour=None, **kwargs):
            super().__init_subclass__(**kwargs)
            cls.flavour = flavour

    class Sweet(Actor, Base, flavour="sweet"):
        pass

    assert Sweet.flavour == "sweet"


def test_our_own_classes_can_be_subclassed():
    for made in vars(zanni).values():
        if inspect.isclass(made) and issubclass(made, Actor):
            type("Own", (made,), {})
