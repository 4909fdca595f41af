"""Names: one living actor each, free when it ends."""

import pytest

from zanni import Actor, Future, NameInUse
from zanni.actors.registry import Names


@pytest.mark.parametrize("name", [3, None, b"ann"])
def test_whereis_takes_a_name(system, name):
    with pytest.raises(TypeError, match=f"whereis takes an actor's name, a str, not {name}"):
        system.whereis(name)


def test_whereis_finds_the_living(system, tools):
    ann = system.spawn(tools.Recorder, name="ann")
    assert system.whereis("ann") == ann
    assert system.whereis("bob") is None
    assert system.whereis("ann@test") == ann
    assert system.whereis("ann@elsewhere") is None
    assert system.whereis("ann").ask(1) == 1
    ann.stop()
    assert system.whereis("ann") is None


def test_a_name_that_is_taken(system, tools):
    ann = system.spawn(tools.Recorder, name="ann")
    with pytest.raises(NameInUse, match="ann"):
        system.spawn(tools.Recorder, name="ann")
    assert len(system.actors()) == 1
    assert system.whereis("ann") == ann
    ann.stop()
    assert system.spawn(tools.Recorder, name="ann").ask(1) == 1


def test_a_child_has_a_name_of_the_same_table(system, tools):
    parent = system.spawn(tools.Hooked, [])
    child = parent.ask(("apply", lambda self: self.spawn(tools.Recorder, name="ann")))
    assert system.whereis("ann") == child
    with pytest.raises(NameInUse):
        parent.ask(("apply", lambda self: self.spawn(tools.Recorder, name="ann")))
    parent.stop()
    assert system.whereis("ann") is None


def test_an_actor_finds_others_by_name(system, tools):
    system.spawn(tools.Recorder, name="ann")
    hooked = system.spawn(tools.Hooked, [])
    assert hooked.ask(("apply", lambda self: self.system.whereis("ann").ask(1))) == 1


def test_a_name_may_be_taken_while_its_last_holder_runs_on_stop(system, tools):
    gate = Future()

    class Slow(Actor):
        def on_stop(self):
            gate.get()

    first = system.spawn(Slow, name="ann")
    stopped = first.stop(block=False)
    system.spawn(Actor).ask(1)
    second = system.spawn(tools.Recorder, name="ann")
    gate.set()
    assert stopped.get(timeout=10) is True
    assert system.whereis("ann") == second
    with pytest.raises(NameInUse):
        system.spawn(tools.Recorder, name="ann")


def test_of_many_spawns_under_one_name_one_succeeds(system, tools, in_threads, switching):
    for _ in range(30):
        made, refused = [], []

        def spawns(made=made, refused=refused):
            try:
                made.append(system.spawn(tools.Recorder, name="ann"))
            except NameInUse:
                refused.append(1)

        in_threads(*[spawns] * 3)
        assert (len(made), len(refused)) == (1, 2)
        assert system.whereis("ann") == made[0]
        made[0].stop()


@pytest.mark.parametrize("name", ["", "a" * 256, "a@b", "new\nline", "\x1b[31m", 3, b"ann", ()])
def test_names_that_cannot_be(system, tools, name):
    with pytest.raises(ValueError, match="name"):
        system.spawn(tools.Recorder, name=name)
    assert system.actors() == []


@pytest.mark.parametrize("name", ["a" * 255, "Ann Lee", "ärger", "42", "a.b/c:d"])
def test_names_that_can_be(system, tools, name):
    assert system.whereis(system.spawn(tools.Recorder, name=name).name).ask(1) == 1


def test_an_actor_that_ends_before_its_name_is_bound_leaves_it_free(system, tools):
    ref, names = system.spawn(tools.Recorder), Names()
    names.reserve("ann", 7)
    names.release("ann", ref.address)
    with pytest.raises(NameInUse, match="being made"):
        names.reserve("ann", 7)
    names.bind("ann", ref)
    assert names.find("ann") is None
    names.reserve("ann", 7)


def test_a_late_word_of_the_end_of_the_last_holder_leaves_the_name_to_the_next(system, tools):
    first, second, names = system.spawn(tools.Recorder), system.spawn(tools.Recorder), Names()
    names.reserve("ann", 7)
    names.release("ann", first.address)
    names.bind("ann", second)
    assert names.find("ann") == second


def test_names_that_a_lost_core_or_its_actors_had_are_free(system, tools):
    ref, names = system.spawn(tools.Recorder), Names()
    for name, incarnation in (("ann", 7), ("bob", 7), ("carl", 8)):
        names.reserve(name, incarnation)
    names.bind("bob", ref)
    names.core_lost(7)
    names.reserve("ann", 9)
    assert names.find("bob") == ref
    with pytest.raises(NameInUse, match="being made"):
        names.reserve("carl", 9)
    names.core_lost(ref.address.incarnation)
    assert names.find("bob") is None
