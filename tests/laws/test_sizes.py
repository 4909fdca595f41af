"""One noun per file, and no file grows beyond what a reader holds in mind."""

from pathlib import Path

LIMIT = 400


def test_every_file_of_the_package_is_below_the_limit(root: Path, package_files: list[str]) -> None:
    lines = {path: (root / path).read_text().count("\n") for path in package_files}
    assert {path: count for path, count in lines.items() if count >= LIMIT} == {}
