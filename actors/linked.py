"""Links: what a cell does when it links, is linked, and when a linked one ends.

Both sides hold the link, each in its ties, until one undoes it or ends for good; as refs and names,
links outlive a restart. An unlinked side takes no `Link` until its `Unlink` was obeyed: whatever
comes before that was sent before, and is undone at the other side.
"""

from __future__ import annotations

from .overtaking import Overtaking
from .process import Broken, Link, Process, Unlink, Unlinked
from .state import DEAD, SUSPENDED


class Linked(Overtaking):
    """A cell's half that keeps its links."""

    __slots__ = ()

    def link(self, process: Process) -> None:
        """Own turn only. See `Actor.link`."""
        self.core.call(self._link, process)

    def unlink(self, process: Process) -> None:
        """Own turn only. See `Actor.unlink`."""
        self.core.call(self._unlink, process)

    def _link(self, process: Process) -> None:
        address = process.address
        if self.state is DEAD or address == self.address:
            return
        links = self.need_ties().links
        if address not in links:
            links[address] = process
            process.signal(Link(self))

    def _unlink(self, process: Process) -> None:
        ties, address = self.ties, process.address
        if ties is not None and ties.links.pop(address, None) is not None:
            ties.unlinking[address] = ties.unlinking.get(address, 0) + 1
            process.signal(Unlink(self))

    def on_link(self, signal: Link) -> None:
        """Owner only. Another has linked itself to this one."""
        process = signal.process
        if self.state is DEAD:
            process.signal(Broken(self, "noproc"))
        elif process.address not in self.need_ties().unlinking:
            self.need_ties().links[process.address] = process

    def on_unlink(self, signal: Unlink) -> None:
        """Owner only. Another has undone the link."""
        if self.ties is not None:
            self.ties.links.pop(signal.process.address, None)
        signal.process.signal(Unlinked(self))

    def on_unlinked(self, signal: Unlinked) -> None:
        """Owner only. Another has obeyed that this one undid the link."""
        if self.ties is None:
            return
        unlinking, address = self.ties.unlinking, signal.process.address
        left = unlinking.pop(address, 0) - 1
        if left > 0:
            unlinking[address] = left

    def on_broken(self, signal: Broken) -> None:
        """Owner only. A linked one has ended: so does this one, or has a message instead."""
        ties, address = self.ties, signal.process.address
        if ties is None or address not in ties.links:
            return
        if getattr(self, "actor", self.actor_class).trap_exit:
            self.hasten(signal)  # `Exit` is made in its turn, as `Down`
            return
        del ties.links[address]
        normal = isinstance(signal.reason, str) and signal.reason == "normal"
        if not normal and self.state is not SUSPENDED:
            self.end_soon(signal.reason)
