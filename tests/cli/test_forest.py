"""What the cores told, put together, and as lines; whatever it is that they told."""

import io
from typing import Any

import pytest
from rich.console import Console

from zanni.cli.forest import forest
from zanni.cli.tree_view import view
from zanni.transport.observer import CoreSeen, NodeSeen


def core(index: int, *rows: dict[str, Any], problem: str | None = None) -> CoreSeen:
    record = {"row": "core", "index": index, "state": "up", "pid": 40 + index, "restarts": 0}
    return CoreSeen(record, list(rows), problem)


def supervisor(identity: int, **more: Any) -> dict[str, Any]:
    fixed = {"row": "supervisor", "kind": "supervisor", "class": "shop:Team", "name": None}
    fixed |= {"state": "idle", "strategy": "one_for_one", "intensity": 1, "period": 5.0}
    return {"id": identity, **fixed, "recent": 0, **more}


def child(of: int, id: str, core: int | None, identity: int = 0, **more: Any) -> dict[str, Any]:
    address = None if core is None else [more.pop("node", "bank"), core, 7, identity]
    fixed = {"row": "child", "kind": "worker", "restart": "permanent", "state": "running"}
    fixed |= {"class": "shop:Worker", "name": None, "restarts": 0, "reason": None}
    return {"of": of, "id": id, "address": address, **fixed, **more}


def actor(identity: int, parent: list[Any] | None = None) -> dict[str, Any]:
    fixed = {"row": "actor", "class": "shop:Clerk", "name": None, "state": "idle", "queued": 2}
    return {"id": identity, "parent": parent, **fixed}


def lines(*cores: CoreSeen) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=1000, highlight=False).print(view(forest(NodeSeen("bank", [*cores]))))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_supervisor_stands_below_the_one_that_keeps_it_running_on_whatever_core() -> None:
    top, middle = supervisor(1), supervisor(5)
    seen = forest(
        NodeSeen(
            "bank",
            [
                core(0, supervisor(2), child(2, "worker", 0, 3)),
                core(1, middle, child(5, "low", 0, 2), top, child(1, "mid", 1, 5)),
            ],
        )
    )
    first, second = seen["cores"]
    assert first["supervisors"] == []
    (root,) = second["supervisors"]
    assert root["ref"] == "bank/1/1"
    low = root["children"][0]["supervisor"]["children"][0]["supervisor"]
    assert low["children"][0]["ref"] == "bank/0/3"


def test_a_child_on_another_node_is_no_supervisor_of_ours() -> None:
    seen = forest(NodeSeen("bank", [core(0, supervisor(1), child(1, "a", 0, 1, node="shop"))]))
    (root,) = seen["cores"][0]["supervisors"]
    assert root["children"][0]["ref"] == "shop/0/1"
    assert root["children"][0]["supervisor"] is None


def test_children_that_were_counted_are_told_by_state() -> None:
    rows = [{"row": "more", "of": 1, "state": "running", "count": 900}]
    rows += [{"row": "more", "of": 1, "state": "restarting", "count": 3}]
    assert lines(core(0, supervisor(1), child(1, "a", 0, 2), *rows))[2:] == [
        "    └── Team  idle  one_for_one  0 of 1 restarts in 5 s  bank/0/1",
        "        ├── a  Worker  running  bank/0/2",
        "        └── and 900 running, 3 restarting",
    ]


def test_a_child_with_all_that_may_be_said_of_it() -> None:
    told = child(1, "a", None, restart="transient", state="restarting", name="ann")
    told |= {"restarts": 2, "reason": "ValueError('no')"}
    assert lines(core(0, supervisor(1), told))[3] == (
        "        └── a  Worker 'ann'  restarting  transient  restarted 2 times"
        "  last end: ValueError('no')"
    )


def test_a_pool_and_a_core_with_a_problem() -> None:
    pool = supervisor(1, kind="pool", strategy="random", intensity=None, period=None)
    assert lines(core(0, pool), core(1, problem="it is down")) == [
        "bank  2 cores",
        "├── core 0  up  process 40",
        "│   └── Team  idle  random  bank/0/1",
        "└── core 1  up  process 41  it is down",
    ]


def test_actors_stand_below_who_spawned_them() -> None:
    below_child, below_actor = actor(7, ["bank", 0, 7, 2]), actor(3, ["bank", 1, 7, 4])
    alone = actor(9, ["bank", 0, 7, 1000])
    assert lines(
        core(0, supervisor(1), child(1, "a", 0, 2), below_child, alone),
        core(1, actor(4), below_actor),
    )[1:] == [
        "├── core 0  up  process 40",
        "│   ├── Team  idle  one_for_one  0 of 1 restarts in 5 s  bank/0/1",
        "│   │   └── a  Worker  running  bank/0/2",
        "│   │       └── Clerk  idle  2 queued  bank/0/7",
        "│   └── unsupervised: 2 Clerk",
        "│       └── Clerk  idle  2 queued  bank/0/9",
        "└── core 1  up  process 41",
        "    └── unsupervised: 2 Clerk",
        "        └── Clerk  idle  2 queued  bank/1/4",
        "            └── Clerk  idle  2 queued  bank/1/3",
    ]


def test_many_generations_of_actors() -> None:
    generations = [actor(1), *(actor(n, ["bank", 0, 7, n - 1]) for n in range(2, 201))]
    assert len(lines(core(0, *generations))) == 3 + 200


def test_texts_are_shown_as_they_are_and_cannot_control_the_terminal() -> None:
    told = child(1, "[red]a[/red]\n\x1b[2J", 0, 2, reason="\u202eback", name="ö")
    line = lines(core(0, supervisor(1), told))[3]
    assert "[red]a[/red]\\n\\x1b[2J  Worker 'ö'  running" in line
    assert "\\u202eback" in line


@pytest.mark.parametrize(
    "rows",
    [
        [child(1, "a", 0, 2)],
        [{"id": 1}],
        [{"row": "supervisor"}],
        [supervisor(1), child(1, "a", 0, 2) | {"address": [1]}],
        [supervisor(1), child(1, "a", 0, 2) | {"address": 7}],
        [supervisor([])],
        [{"row": "others", "class": "x", "count": None}],
    ],
    ids=str,
)
def test_what_makes_no_sense_is_an_error_of_a_known_kind(rows: list[Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        forest(NodeSeen("bank", [core(0, *rows)]))


def test_supervisors_that_claim_one_another_end() -> None:
    claims = [supervisor(1), child(1, "a", 0, 2), supervisor(2), child(2, "b", 0, 1)]
    assert lines(core(0, *claims, supervisor(3), child(3, "c", 0, 3))) == [
        "bank  1 core",
        "└── core 0  up  process 40",
    ]
