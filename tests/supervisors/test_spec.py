"""Specs are checked before anything starts; each refusal names the child, the field, a remedy."""

import functools

import pytest

from zanni.actors.actor import Actor
from zanni.actors.errors import SpecError, ZanniError
from zanni.supervisors import Backoff, ChildSpec, Supervisor, child
from zanni.supervisors.spec import check_all


class Worker(Actor):
    def __init__(self, *args, **kwargs):
        super().__init__()


def test_a_spec_is_data():
    spec = child(Worker, 1, 2, id="w", restart="transient", core=1, color="red")
    assert (spec.cls, spec.args, spec.kwargs) == (Worker, (1, 2), {"color": "red"})
    assert (spec.id, spec.restart, spec.core) == ("w", "transient", 1)
    with pytest.raises(AttributeError):
        spec.id = "other"


def test_the_defaults_are_otps():
    spec = child(Worker, id="w")
    assert (spec.restart, spec.shutdown, spec.significant) == ("permanent", None, False)
    assert (spec.queue, spec.backoff, spec.start_timeout) == ("keep", None, None)


def test_a_partial_stands_for_its_class():
    spec = child(functools.partial(functools.partial(Worker, name="ann"), core=7), id="w")
    assert spec.actor_class is Worker


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", 7),
        ("restart", "always"),
        ("restart", None),
        ("shutdown", -1),
        ("shutdown", "never"),
        ("shutdown", True),
        ("shutdown", float("nan")),
        ("shutdown", float("inf")),
        ("significant", "yes"),
        ("significant", True),  # of a permanent child
        ("backoff", 3),
        ("backoff", Backoff(min=-1)),
        ("core", -1),
        ("core", True),
        ("core", 1.5),
        ("core", "anywhere"),
        ("node", ""),
        ("node", 7),
        ("node", ()),
        ("node", ("n1", "")),
        ("node", ("n1", "n1")),
        ("node", {"n1", "n2"}),
        ("name", 7),
        ("start_timeout", 0),
        ("start_timeout", "soon"),
        ("queue", "drop"),
        ("near", None),
        ("supervisor", None),
        ("dispatcher", "thread"),
    ],
)
def test_a_bad_field_is_named_with_child_and_remedy(field, value):
    with pytest.raises(SpecError) as caught:
        child(Worker, **{"id": "w", field: value})
    assert caught.value.field == field
    assert caught.value.remedy
    assert f"child {'w' if field != 'id' else value!r}".replace("'", "") in str(
        caught.value
    ).replace("'", "")


@pytest.mark.parametrize("cls", [int, "Worker", Worker.__init__, functools.partial(int)])
def test_a_class_that_is_no_actor_is_refused(cls):
    with pytest.raises(SpecError, match=r"child 'w': cls: .*subclass of zanni\.Actor"):
        child(cls, id="w")


@pytest.mark.parametrize("shutdown", [0, 1, 2.5, "kill", "infinity", None])
def test_every_shutdown_that_is_right(shutdown):
    assert child(Worker, id="w", shutdown=shutdown).shutdown == shutdown


def test_everything_at_once_is_right():
    child(
        Worker,
        id="w",
        restart="transient",
        significant=True,
        backoff=Backoff(),
        core="least-loaded",
        node="n",
        name="w",
        start_timeout=1,
        queue="fresh",
    )


def test_two_children_of_one_id():
    with pytest.raises(SpecError, match="child 'w': id: two children"):
        check_all([child(Worker, id="w"), child(Worker, id="w")], "never", 1)


def test_two_children_of_one_name():
    one, two = child(Worker, id="1", name="ann"), child(Worker, id="2", name="ann")
    with pytest.raises(SpecError, match="child '2': name: two children claim 'ann'"):
        check_all([one, two], "never", 1)


def test_one_name_on_two_nodes_is_two_names():
    check_all([child(Worker, id=n, name="ann", node=n) for n in ("n1", "n2")], "never", 1)
    either = child(Worker, id="e", name="ann", node=("n2", "n3"))
    check_all([child(Worker, id="n1", name="ann", node="n1"), either], "never", 1)
    with pytest.raises(SpecError, match="child 'e': name: two children claim 'ann'"):
        check_all([child(Worker, id="n3", name="ann", node=["n3"]), either], "never", 1)


@pytest.mark.parametrize("node", [None, "n1", ("n1", "n2"), ["n2", "n1"]])
def test_every_node_that_is_right(node):
    expected = list(node) if isinstance(node, tuple | list) else [node]
    assert child(Worker, id="w", node=node).nodes == expected


def test_a_significant_child_needs_a_supervisor_that_cares():
    spec = child(Worker, id="w", restart="transient", significant=True)
    check_all([spec], "any_significant", 1)
    with pytest.raises(SpecError, match="child 'w': significant: set the supervisor's"):
        check_all([spec], "never", 1)


def test_a_class_in_place_of_a_spec():
    with pytest.raises(SpecError, match=r"write child\(SomeActor, id=\.\.\.\)"):
        check_all([Worker], "never", 1)


def test_a_spec_made_by_hand_is_checked_too():
    with pytest.raises(SpecError, match="restart"):
        check_all([ChildSpec(Worker, (), {}, "w", restart="x")], "never", 1)


def test_the_errors_hang_on_the_one_tree():
    assert issubclass(SpecError, ZanniError)
    assert Supervisor.strategy == "one_for_one"
    assert (Supervisor.intensity, Supervisor.period, Supervisor.auto_shutdown) == (1, 5.0, "never")
