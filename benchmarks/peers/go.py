"""Go: `bench.go`, built by the `go` on the PATH."""

from pathlib import Path

from . import Found
from .programs import built, found_by

SOURCE = Path(__file__).with_name("bench.go")


def run(work: str, n: int, *arguments: int) -> Found:
    return found_by(command(work, n, *arguments))


def command(work: str, *numbers: int) -> list[str]:
    folder = built(lambda made: ["go", "build", "-o", str(made / "bench"), str(SOURCE)], SOURCE)
    return [str(folder / "bench"), work, *(str(number) for number in numbers)]
