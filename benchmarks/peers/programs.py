"""Programs in other languages: built once for each text of theirs, run for each measurement."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import Found

CACHE = Path(__file__).parents[2] / ".cache" / "benchmarks"


def built(command: Callable[[Path], list[str]], *sources: Path) -> Path:
    """The folder with what `command(folder)` makes of the sources, by now or before.

    Raises:
        OSError: the compiler refuses it; the text is the compiler's.

    """
    name = sources[0].name
    text = b"".join(source.read_bytes() for source in sources)
    folder = CACHE / f"{name}-{hashlib.sha256(text).hexdigest()[:16]}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=CACHE))
        finished = subprocess.run(command(making), capture_output=True, text=True, check=False)
        if finished.returncode != 0:
            raise OSError(f"{name} cannot be built: {finished.stdout}{finished.stderr}")
        try:
            making.rename(folder)
        except OSError:  # another process was as quick
            shutil.rmtree(making)
    return folder


def found_by(command: list[str]) -> Found:
    """What the program prints as its last line.

    Raises:
        OSError: it failed; the text is its last words.

    """
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = finished.stdout.splitlines()
    if finished.returncode != 0 or not lines:
        said = finished.stderr.strip() or "it said nothing"
        raise OSError(f"exit status {finished.returncode}: {said}")
    return json.loads(lines[-1])
