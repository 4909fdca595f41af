"""What was seen of a node, put together: each supervisor below the one that keeps it running.

The result is what `zanni tree --json` prints; docs/observing.md tells of its fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from ..transport.observer import CoreSeen, NodeSeen

Json: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[int, int]
"""A core of the node, and an actor's id there."""


def forest(seen: NodeSeen) -> Json:
    """Put together what the cores told.

    Raises:
        KeyError, TypeError, ValueError: it is not what was to be told.

    """
    supervisors = {
        (core, row["id"]): _supervisor(seen.name, core, row)
        for core, row in _rows(seen, "supervisor")
    }
    roots = dict(supervisors)  # those that nobody keeps running, as far as is seen
    for core, row in _rows(seen, "child"):
        child = _child(row)
        supervisors[core, row["of"]]["children"].append(child)
        key = _key(seen.name, row["address"])
        if key in roots:
            child["supervisor"] = roots.pop(key)
    for core, row in _rows(seen, "more"):
        supervisors[core, row["of"]]["more"][row["state"]] = row["count"]
    return {"node": seen.name, "cores": [_core(seen.name, core, roots) for core in seen.cores]}


def _rows(seen: NodeSeen, kind: str) -> Iterator[tuple[int, Json]]:
    for core in seen.cores:
        for row in core.rows:
            if row["row"] == kind:
                yield core.record["index"], row


def _core(node: str, core: CoreSeen, roots: dict[Key, Json]) -> Json:
    index = core.record["index"]
    counts: Counter[str] = Counter()
    total, actors = None, []
    for row in core.rows:
        if row["row"] == "others":
            counts[row["class"]] += row["count"]
        elif row["row"] == "actor":
            counts[row["class"]] += 1
            actors.append(_actor(node, index, row))
        elif row["row"] == "total":
            total = row["count"]
    return {
        "core": index,
        "state": core.record["state"],
        "pid": core.record["pid"],
        "restarts": core.record["restarts"],
        "problem": core.problem,
        "actors": total,
        "supervisors": [each for (at, _), each in roots.items() if at == index],
        "unsupervised": dict(counts.most_common()),
        "unsupervised_actors": actors,
    }


def _supervisor(node: str, core: int, row: Json) -> Json:
    return {
        "kind": row["kind"],
        "class": row["class"],
        "name": row["name"],
        "ref": f"{node}/{core}/{row['id']}",
        "state": row["state"],
        "strategy": row["strategy"],
        "intensity": row["intensity"],
        "period": row["period"],
        "recent_restarts": row["recent"],
        "children": [],
        "more": {},
    }


def _child(row: Json) -> Json:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "restart": row["restart"],
        "class": row["class"],
        "name": row["name"],
        "ref": _ref(row["address"]),
        "state": row["state"],
        "restarts": row["restarts"],
        "reason": row["reason"],
        "supervisor": None,
    }


def _actor(node: str, core: int, row: Json) -> Json:
    return {
        "class": row["class"],
        "name": row["name"],
        "ref": f"{node}/{core}/{row['id']}",
        "state": row["state"],
        "parent": _ref(row["parent"]),
        "queued": row["queued"],
    }


def _ref(address: list[Any] | None) -> str | None:
    if address is None:
        return None
    node, core, _, identity = address
    return f"{node}/{core}/{identity}"


def _key(name: str, address: list[Any] | None) -> Key | None:
    """Which actor of this node it is, if it is one."""
    if address is None:
        return None
    node, core, _, identity = address
    return (core, identity) if node == name else None
