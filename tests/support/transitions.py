"""What holds every cell to the table of states."""

from zanni.actors.lifecycle import Lifecycle
from zanni.actors.state import LEAVES_TO

__name__ = "zanni.actors.transitions"  # else the watcher would take it for code of users'


def checked_state(unknown):
    """What stands in for a cell's slot `state`, and adds to `unknown` what `LEAVES_TO` has not."""
    slot = Lifecycle.__dict__["state"]

    def leave_to(cell, after):
        try:
            before = slot.__get__(cell)
        except AttributeError:  # it is being made
            before = after
        if after is not before and after not in LEAVES_TO[before]:
            unknown.add(f"{type(cell).__name__}: {before.name} -> {after.name}")
        slot.__set__(cell, after)

    return property(slot.__get__, leave_to)
