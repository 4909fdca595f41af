"""The order in which the nodes of a child are tried."""

import pytest

from zanni import ConnectionLost, NodeDown, ShuttingDown, SpawnError
from zanni.supervisors.eligible import Eligible


class Cluster:
    """Nodes that are there, or fail as they are told."""

    def __init__(self, **errors):
        self.errors = errors
        self.tried = []

    def spawn(self, node):
        self.tried.append(node)
        if node in self.errors:
            raise self.errors[node]
        return node


@pytest.mark.parametrize("node", [None, "a"])
def test_without_a_choice_there_is_one_node(node):
    cluster, nodes = Cluster(), Eligible([node])
    nodes.failed(node)
    assert nodes.start(cluster.spawn) == node
    cluster.errors[node] = NodeDown("it")
    with pytest.raises(NodeDown, match="it"):
        nodes.start(cluster.spawn)
    assert cluster.tried == [node, node]


def test_they_are_tried_as_the_spec_says_until_one_is_there():
    cluster, nodes = Cluster(a=NodeDown("a"), b=ShuttingDown("b")), Eligible("abc")
    assert nodes.start(cluster.spawn) == "c"
    assert nodes.start(cluster.spawn) == "c"  # those that failed come after it from now on
    assert cluster.tried == ["a", "b", "c", "c"]


def test_the_one_that_failed_longest_ago_comes_first():
    cluster, nodes = Cluster(), Eligible("abc")
    for failed in ("a", "c", "b", "a"):
        nodes.failed(failed)
    nodes.failed("elsewhere")  # its own node's core, say: it is none of these
    assert [nodes.start(cluster.spawn), nodes.failed("c")] == ["c", None]
    assert nodes.start(cluster.spawn) == "b"


def test_where_none_is_there_the_last_says_so():
    cluster, nodes = Cluster(a=NodeDown("a"), b=NodeDown("b")), Eligible("ab")
    with pytest.raises(NodeDown, match="b"):
        nodes.start(cluster.spawn)
    assert cluster.tried == ["a", "b"]
    cluster.errors.clear()
    assert nodes.start(cluster.spawn) == "a"


def test_where_it_may_have_been_started_it_is_not_started_elsewhere_at_once():
    cluster, nodes = Cluster(a=ConnectionLost("a")), Eligible("abc")
    with pytest.raises(ConnectionLost):
        nodes.start(cluster.spawn)
    assert cluster.tried == ["a"]


def test_a_child_that_fails_to_start_is_for_the_next_attempt_elsewhere():
    cluster, nodes = Cluster(a=SpawnError("ValueError", "odd")), Eligible("ab")
    with pytest.raises(SpawnError):
        nodes.start(cluster.spawn)
    assert cluster.tried == ["a"]
    assert nodes.start(cluster.spawn) == "b"
