"""A tree as plain text is what rich prints."""

import io
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from zanni.cli.tree_view import lines


def a_tree(label: str, branches: list[Tree]) -> Tree:
    tree = Tree(Text(label))
    tree.children += branches
    return tree


labels = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=5)
trees = st.recursive(
    labels.map(lambda label: a_tree(label, [])),
    lambda inner: st.builds(a_tree, labels, st.lists(inner, max_size=4)),
    max_leaves=20,
)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@given(tree=trees)
def test_the_lines_of_a_tree_are_those_of_rich(encoding: str, tree: Tree) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding)
    console = Console(file=file, width=1000)
    console.print(tree)
    file.seek(0)
    assert list(lines(tree, ascii_only=encoding == "ascii")) == file.read().splitlines()


def test_the_first_lines_are_there_before_the_rest_is_made() -> None:
    class Unprintable(Text):
        def __str__(self) -> str:
            raise AssertionError("nobody has asked for this line")

    tree = a_tree("root", [a_tree("first", []), Tree(Unprintable("second"))])
    assert list(islice(lines(tree, ascii_only=True), 2)) == ["root", "+-- first"]
