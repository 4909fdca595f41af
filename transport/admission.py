"""Who may be adopted: what a core says of itself in a handshake, and how it judges another.

Guarantees:
- A start of a core that has ended in order is refused, for good; and so is one that was declared
  down, if it has misbehaved or does not know how to come back.
- At most one start of a core has its place: another one waits until it has shown that it is there,
  and is refused, or is declared down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from platform import node
from typing import Protocol

from ..actors.address import CoreAddress
from ..actors.environment import process_id
from ..actors.system import ActorSystem
from .aliases import Aliases
from .credit import Limits
from .frame import RETURNING
from .gate import Gate, Open
from .handshake import NODE, OBSERVER, BadHandshake, CorePlace, Holder, Identity, Refusal
from .peer import Peer
from .places import Listeners
from .probes import Probes


class Table(Protocol):
    """The members, as far as this goes."""

    @property
    def gate(self) -> Gate | Open:
        """Who is let in by which key."""
        ...

    @property
    def aliases(self) -> Aliases:
        """What cores are called here."""
        ...

    @property
    def dead(self) -> Mapping[CoreAddress, bool]:
        """The names of those that are down."""
        ...

    @property
    def current(self) -> Mapping[tuple[str, int], Peer]:
        """The adopted one of each core."""
        ...

    @property
    def siblings(self) -> Mapping[int, CorePlace]:
        """Where the other cores of this node listen for other nodes."""
        ...

    def is_silent(self, peer: Peer) -> bool:
        """Owner only. Whether a heartbeat of it is missing."""
        ...

    def lose(self, home: CoreAddress, reason: str) -> None:
        """Owner only. Declare it down."""
        ...


class Admission:
    """The judgement of one core. Owner only, all of it."""

    def __init__(self, system: ActorSystem, listeners: Listeners, table: Table) -> None:
        self._system, self._listeners, self._table = system, listeners, table
        self._holder = Holder(node(), process_id())
        self._probes = Probes(table, system)

    def me(self, *, own: bool, to: Identity | None = None) -> Identity:
        """See `Judge.me`."""
        aliases = self._table.aliases
        outside = self._listeners.outside
        place = self._listeners.inside if own or outside is None else outside
        if own:
            cores: tuple[CorePlace, ...] = () if outside is None else (outside,)
        else:
            cores = tuple(self._table.siblings.values())
        return Identity(
            self._system.home,
            place.control,
            place.data,
            frame_cap=self._system.config.frame_cap,
            message_limit=self._system.config.message_limit,
            cores=cores,
            credit=Limits.of(self._system.config),
            holder=self._holder,
            separations=max(aliases.separations(to.home), to.separations) if to else 0,
        )

    def judge(self, identity: Identity, *, own: bool) -> Refusal | None:
        """See `Judge.judge`."""
        if identity.role == OBSERVER:
            return None
        if identity.role != NODE:
            detail = f"the role {identity.role!r} is none: there are {NODE} and {OBSERVER}"
            return Refusal("role", detail)
        home = identity.home
        if self._is_dead(identity):
            return Refusal("dead", f"{home} was declared down here, for good: start it again")
        if own:
            if home.node != self._system.name:
                raise BadHandshake("another node on this node's own sockets")
            return None
        if home.node == self._system.name:
            return _name_in_use(self.me(own=own), "the node that was to be joined")
        unknown = self._table.gate.refusal_of(home.node)
        if unknown is not None:
            return unknown
        earlier = self._earlier(identity, own=own)
        return None if earlier is None else _name_in_use(earlier, "another node that is joined")

    def _is_dead(self, identity: Identity) -> bool:
        aliases, itself = self._table.aliases, identity.home
        may_return = identity.versions >= RETURNING or not aliases.separations(itself)
        return not may_return or aliases.home(itself) in self._table.dead

    def must_wait(self, identity: Identity, again: Callable[[], object], *, own: bool) -> bool:
        """See `Judge.must_wait`."""
        earlier = self._earlier(identity, own=own)
        return earlier is not None and not self._probes.is_alive(earlier, again)

    def _earlier(self, identity: Identity, *, own: bool) -> Peer | None:
        """Another start of the same core, which is not known to have ended."""
        current = self._table.current.get(identity.home[:2])
        if own or identity.role != NODE or self._is_dead(identity):
            return None
        if self._table.gate.refusal_of(identity.home.node) is not None:
            return None
        return None if current is None or current.itself == identity.home else current

    def forget(self, home: CoreAddress) -> None:
        """It is down."""
        self._probes.forget(home)


def _name_in_use(holder: Peer | Identity, who: str) -> Refusal:
    host, pid = holder.holder
    name = holder.home.node
    where = f" (process {pid} on {host})" if pid else ""
    detail = f"the name {name!r} is that of {who}{where}: start one of them under another name"
    return Refusal("name_in_use", detail, holder.holder)
