"""What is told of a core's actors without asking them."""

import pytest

from zanni import Actor, Future
from zanni.actors.oversight import ChildRecord, Judge, Overseer, Oversight, in_words
from zanni.actors.survey import CHILDREN, STRIDE, survey

DEADLINE = 10.0
MANY = CHILDREN + 2 * STRIDE


class Plain(Judge, Actor):
    def on_receive(self, message):
        match message:
            case ("wait", future):
                return future.get()
            case ("spawn", cls):
                return self.spawn(cls)
            case ("oversee", cls):
                return self.spawn(cls, supervisor=self.actor_ref)
            case _:
                return message


def record(number):
    state = "stopped" if number % 100 == 99 else "running"
    return ChildRecord(
        id=f"c{number}",
        kind="worker",
        restart="permanent",
        state=state,
        class_name="some:Child",
        address=None,
        name=None,
        restarts=0,
        reason=None,
    )


class Crowd(Overseer, Actor):
    def _oversight(self):
        children = (record(number) for number in range(MANY))
        return Oversight("supervisor", "one_for_one", 3, 5.0, 1, children)


class Mute(Overseer, Actor):
    def _oversight(self):
        raise LookupError("not made yet")


@pytest.fixture
def look(system, in_core):
    """The rows of a survey, by their kind."""

    def look(*, everything=False):
        found = in_core(lambda: [row for row in survey(system.core, everything=everything) if row])
        return lambda kind: [row for row in found if row["row"] == kind]

    return look


def name_of(cls):
    return f"{cls.__module__}:{cls.__qualname__}"


def test_actors_that_nobody_supervises_are_counted_by_class(system, look):
    for _ in range(3):
        system.spawn(Plain)
    rows = look()
    assert rows("others") == [{"row": "others", "class": name_of(Plain), "count": 3}]
    assert rows("actor") == []
    assert rows("total") == [{"row": "total", "count": 3}]


def test_everything_is_told_one_by_one(system, look):
    ann = system.spawn(Plain, name="ann")
    child = ann.ask(("spawn", Plain), timeout=DEADLINE)
    rows = look(everything=True)
    assert rows("others") == []
    assert [(row["id"], row["name"], row["parent"]) for row in rows("actor")] == [
        (ann.address.id, "ann", None),
        (child.address.id, None, list(ann.address)),
    ]


def test_of_many_children_the_first_are_told_and_the_rest_counted_by_state(system, look):
    crowd = system.spawn(Crowd)
    rows = look()
    assert [row["id"] for row in rows("child")] == [f"c{number}" for number in range(CHILDREN)]
    rest = [record(number).state for number in range(CHILDREN, MANY)]
    assert {(row["of"], row["state"], row["count"]) for row in rows("more")} == {
        (crowd.address.id, state, rest.count(state)) for state in ("running", "stopped")
    }
    assert len(look(everything=True)("child")) == MANY


def test_it_pauses_once_in_a_stride_at_least(system, in_core):
    system.spawn(Crowd)
    for _ in range(2 * STRIDE):
        system.spawn(Plain)
    steps = in_core(lambda: list(survey(system.core, everything=False)))
    pauses = [number for number, row in enumerate(steps) if row is None]
    assert len(pauses) >= (MANY - CHILDREN) // STRIDE + 2


def test_one_that_cannot_be_looked_at_is_shown_without_children(system, look):
    system.spawn(Mute, name="mute")
    rows = look()
    assert [(row["name"], row["strategy"], row["recent"]) for row in rows("supervisor")] == [
        ("mute", "", None)
    ]
    assert rows("child") == []


def test_what_a_supervisor_tells_of_is_not_told_again(system, look):
    keeper = system.spawn(Plain)
    keeper.ask(("oversee", Mute), timeout=DEADLINE)
    pool = system.pool(Plain, 3)
    assert pool.is_alive()
    rows = look()
    assert len(rows("child")) == 3
    assert [row["count"] for row in rows("others")] == [1]  # the keeper


def test_one_whose_supervisor_is_an_actor_of_another_kind_is_told(system, look):
    keeper = system.spawn(Plain)
    keeper.ask(("oversee", Plain), timeout=DEADLINE)
    assert [row["count"] for row in look()("others")] == [2]


def test_states_of_actors(system, look, eventually):
    gate = Future()
    waits, idle = system.spawn(Plain, name="waits"), system.spawn(Plain, name="idle")
    waits.tell(("wait", gate))
    waits.tell("later")

    def states():
        return {row["name"]: row["state"] for row in look(everything=True)("actor")}

    eventually(lambda: states() == {"waits": "waiting", "idle": "idle"})
    assert [row["queued"] for row in look(everything=True)("actor")] == [1, 0]
    gate.set(1)
    assert idle.is_alive()


def test_a_pools_members_with_their_restarts(system, look, eventually):
    pool = system.pool(Plain, 2)
    pool.tell(("wait", 7))  # an int cannot be waited for: the member fails
    eventually(lambda: sum(row["restarts"] for row in look()("child")) == 1)
    (told,) = look()("supervisor")
    assert (told["kind"], told["strategy"]) == ("pool", "round_robin")
    reasons = [row["reason"] for row in look()("child") if row["restarts"]]
    assert "AttributeError" in reasons[0]


class Unspeakable(Exception):
    def __repr__(self):
        raise ValueError


def test_reasons_as_text():
    assert in_words("killed") == "killed"
    assert in_words(("shutdown", 1)) == "('shutdown', 1)"
    assert in_words(ValueError("no")) == "ValueError('no')"
    assert "Unspeakable" in in_words(Unspeakable())
    assert len(in_words(ValueError("x" * 10**6))) <= 200
