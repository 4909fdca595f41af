"""The pure part: who is stopped and started when one child ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zanni.supervisors.strategy import (
    Member,
    Start,
    Stop,
    is_orderly,
    is_restarted,
    steps,
)

# Not in alphabetical order: start order is not the order of ids.
FIVE = [Member(each, "permanent") for each in ("delta", "alpha", "echo", "bravo", "charlie")]


def plan(strategy, members, failed):
    return [f"{type(step).__name__} {step.id}" for step in steps(strategy, members, failed)]


def test_one_for_one_touches_nobody_else():
    assert plan("one_for_one", FIVE, "echo") == ["Start echo"]


def test_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order():
    assert plan("one_for_all", FIVE, "echo") == [
        "Stop charlie",
        "Stop bravo",
        "Stop alpha",
        "Stop delta",
        "Start delta",
        "Start alpha",
        "Start echo",
        "Start bravo",
        "Start charlie",
    ]


def test_rest_for_one_leaves_those_before_it_alone():
    assert plan("rest_for_one", FIVE, "echo") == [
        "Stop charlie",
        "Stop bravo",
        "Start echo",
        "Start bravo",
        "Start charlie",
    ]


def test_rest_for_one_of_the_last_is_itself():
    assert plan("rest_for_one", FIVE, "charlie") == ["Start charlie"]


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_temporary_siblings_are_stopped_and_not_started_transient_ones_are(strategy):
    members = [Member("a", "permanent"), Member("b", "temporary"), Member("c", "transient")]
    assert plan(strategy, members, "a") == ["Stop c", "Stop b", "Start a", "Start c"]


@given(
    strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
    kinds=st.lists(st.sampled_from(["permanent", "transient", "temporary"]), min_size=1),
    data=st.data(),
)
def test_whatever_the_children_stops_come_first_and_in_reverse(strategy, kinds, data):
    members = [Member(str(n), kind) for n, kind in enumerate(kinds)]
    failed = data.draw(st.sampled_from([m for m in members if m.restart != "temporary"] or [None]))
    if failed is None:
        return
    made = steps(strategy, members, failed.id)
    stops = [int(step.id) for step in made if isinstance(step, Stop)]
    starts = [int(step.id) for step in made if isinstance(step, Start)]
    assert made == [Stop(str(n)) for n in stops] + [Start(str(n)) for n in starts]
    assert stops == sorted(stops, reverse=True)
    assert starts == sorted(starts)
    assert int(failed.id) in starts
    assert int(failed.id) not in stops
    assert set(starts) - {int(failed.id)} <= set(stops)


@pytest.mark.parametrize(
    ("reason", "orderly"),
    [
        ("normal", True),
        ("shutdown", True),
        (("shutdown", "moved"), True),
        (["shutdown", "moved"], True),  # as a tuple may look after a hop
        (("shutdown",), False),
        ("killed", False),
        ("noproc", False),
        ("noconnection", False),
        (ValueError("x"), False),
        (None, False),
    ],
)
def test_which_ends_are_orderly(reason, orderly):
    assert is_orderly(reason) is orderly
    assert is_restarted("permanent", reason)
    assert is_restarted("transient", reason) is not orderly
    assert not is_restarted("temporary", reason)
