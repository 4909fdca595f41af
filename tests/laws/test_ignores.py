"""Whoever silences a checker says why, on the same line."""

import re
import tokenize
from pathlib import Path

import pytest

IGNORE = re.compile(r"(type|pyright): ignore(\[[^]]*\])?|noqa(: *[A-Z]+\d+(, *[A-Z]+\d+)*)?")


def without_reason(comment: str) -> bool:
    return IGNORE.search(comment) is not None and not IGNORE.sub("", comment).strip("# ()")


@pytest.mark.parametrize(
    ("comment", "bare"),
    [
        ("# type: ignore[misc]", True),
        ("# type: ignore", True),
        ("# pyright: ignore[reportX]  # type: ignore[misc]", True),
        ("# noqa: S110, N807", True),
        ("# type: ignore[misc]  # as new, the lock too", False),
        ("# noqa: S110, N807  (the text can travel)", False),
        ("# a comment", False),
    ],
)
def test_a_bare_ignore_is_seen(comment: str, bare: bool) -> None:
    assert without_reason(comment) is bare


def test_every_ignore_says_why(root: Path, tree: list[str]) -> None:
    found = []
    for path in tree:
        if path.endswith(".py") and not path.startswith(("tests/", "src/")):
            with (root / path).open("rb") as file:
                found += [
                    f"{path}:{token.start[0]} {token.string}"
                    for token in tokenize.tokenize(file.readline)
                    if token.type == tokenize.COMMENT and without_reason(token.string)
                ]
    assert found == []
