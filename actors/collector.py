"""Python's garbage collector, while systems run: told to look less often.

It looks whenever 700 more objects were made than freed, as in each batch of messages or spawns, and
finds next to nothing: actors and messages are freed by their reference counts. Told to look at
20 000 it costs a fifth (docs/decisions/ has the measurement). A program that set a higher number,
or none, keeps it, and what was set here is undone when the last system has ended.
"""

from __future__ import annotations

import gc

_changed: list[tuple[int, int]] = []
"""What the first threshold was and was made, if it was changed."""


def relax(threshold: int) -> None:
    """Any thread. Have the collector look only when so many more objects were made than freed."""
    first, *others = gc.get_threshold()
    if 0 < first < threshold:
        _changed.append((first, threshold))
        gc.set_threshold(threshold, *others)


def restore() -> None:
    """Any thread. The last system has ended: put back what was changed, unless it was since."""
    while _changed:
        before, ours = _changed.pop()
        first, *others = gc.get_threshold()
        if first == ours:
            gc.set_threshold(before, *others)
