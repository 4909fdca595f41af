"""What cores tell one another with each heartbeat: load, cores that are gone, where others listen.

from           to              map
any core       its siblings    load: [actors, queued, messages, delay, cpu],
                               place: [index, incarnation, control, data], if others can reach it
core 0         its siblings    cores: [[index, state, incarnation, pid, actors, restarts, load]...],
                               dead: [[index, incarnation]...],
                               allowed: [name...],
                               host: where each is to listen for other nodes, if it is;
                               then alone, in as many heartbeats as it takes:
                               nodes: [[name, index, incarnation, control, data]...],
                               states: {name: the state of core 0 there...} of these nodes,
                               part: [which of these parts it is, how many there are]
any core       other nodes     places: [[index, incarnation, control, data]...]
any core       any             types: [[name, id, fingerprint]...]: alone, see type_ids.py
                               got: [seq, seq of answers, unasked]: alone, see losses.py
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar, cast

from ..actors.address import CoreAddress
from ..actors.environment import now, process_id
from ..actors.network import IDLE, CoreReport, Load, NodeRecord
from ..actors.system import ActorSystem
from .bounds import check
from .core import Children
from .frame import Kind
from .handshake import CorePlace, place_of
from .members import Members
from .msgpack_typed import packb, unpackb
from .peer import Peer
from .places import Listeners
from .security import RefusedAddress
from .type_ids import offer_of

logger = logging.getLogger("zanni")

BODY_LIMIT = 64 * 1024
"""The most bytes that are read of what another node tells."""
OFFERS = 32
"""How many types a heartbeat tells of, at most."""
PLACES = 400
"""Of how many cores a heartbeat tells where they listen, at most: so it has room in a frame."""
LOAD_FIELDS = ("queued", "messages", "delay", "cpu")
RECORD_FIELDS = ("index", "state", "incarnation", "pid", "actors", "restarts", "load")
"""The fields of a `Load` and of a `CoreReport`, in the order in which they are told."""

_load_row = itemgetter(*LOAD_FIELDS)
_record_row = itemgetter(*RECORD_FIELDS)

T = TypeVar("T")


class BadHeartbeat(ValueError):
    """What came is no heartbeat of ours; the text says what is wrong with it."""


class Gossip:
    """What this core tells, and what it was told. Owner only, but for what only reads."""

    def __init__(
        self,
        system: ActorSystem,
        members: Members,
        listeners: Listeners,
        children: Children | None,
    ) -> None:
        self._system, self._members = system, members
        self._listeners, self._children = listeners, children
        self._told: list[CoreReport] = []
        self._dead: deque[tuple[int, int]] = deque(maxlen=64)
        self._parts: list[dict[str, Any]] = []
        """Those that have come of what core 0 tells of other nodes."""
        self._states: dict[str, str] = {}
        """In which state core 0 sees other nodes."""

    # Telling

    @property
    def _actors(self) -> int:
        return len(self._system.core.processes) - 1  # the kernel is none

    def bodies(self) -> tuple[list[bytes], list[bytes]]:
        """What to tell this node's cores, and what to tell other nodes, a heartbeat each."""
        load = _load_row(self._system.meter.last)
        own: dict[str, object] = {"load": [self._actors, *load]}
        if self._listeners.outside is not None:
            own["place"] = self._listeners.outside
        mine: list[dict[str, object]] = [own]
        if self._children is not None:
            own["cores"] = [*map(_record_row, self.cores())]
            own["dead"] = list(self._dead)
            own["allowed"] = self._system.allowed.names
            own["host"] = self._system.tcp_host
            parts = _parts([*self._members.known.items()])
            for number, part in enumerate(parts):
                nodes = [[node, *place] for (node, _), place in part]
                states = {node: self._state_of(node) for (node, core), _ in part if core == 0}
                mine.append({"nodes": nodes, "states": states, "part": [number, len(parts)]})
        others = [{"places": each} for each in _parts([*self._members.siblings.values()])]
        return [*map(packb, mine)], [*map(packb, others)]

    def tell(self, peers: Iterable[Peer]) -> None:
        """Send each peer its heartbeat, and the ids of the types that it named lately."""
        own, others = self.bodies()
        for peer in peers:
            for body in own if peer.own else others:
                peer.control.send_now(Kind.HEARTBEAT, body)
            offers = peer.codec.offers()
            for start in range(0, len(offers), OFFERS):
                types = [list(offer) for offer in offers[start : start + OFFERS]]
                peer.control.send_now(Kind.HEARTBEAT, packb({"types": types}))

    def note_dead(self, home: CoreAddress) -> None:
        """This start of a child core is gone: tell the others with the next heartbeat."""
        self._dead.append((home.core, home.incarnation))

    # Being told

    def take(self, peer: Peer, body: bytes | memoryview) -> None:
        """Take what a peer told.

        Raises:
            BadHeartbeat: it is not what the table says.

        """
        if len(body) > BODY_LIMIT and not peer.own:
            raise BadHeartbeat(f"a heartbeat of {len(body)} bytes")
        try:
            if not peer.own:
                check(body, len(body))  # or a few bytes that claim much would take half a GiB
            told = unpackb(body)
            if not isinstance(told, dict):
                raise BadHeartbeat("a heartbeat that is no map")
            self._take(peer, cast("dict[str, Any]", told))
        except BadHeartbeat:
            raise
        except Exception as error:  # whatever stands in it, in the place of what should
            raise BadHeartbeat(f"a heartbeat that cannot be read: {error}") from error

    def _take(self, peer: Peer, told: dict[str, Any]) -> None:
        for offer in told.get("types", ()):
            peer.codec.learn(offer_of(offer))
        if "got" in told:
            self._members.losses.take(peer, told["got"])
        if peer.own:
            if "load" in told:
                actors, *load = told["load"]
                peer.actors = int(actors)
                peer.load = _load_of(load)
            if "place" in told:
                self._take_place(place_of(told["place"]))
            if peer.home.core == 0 and "cores" in told:
                self._take_from_core_0(told)
            if peer.home.core == 0 and "nodes" in told:
                self._take_part(told)
        else:
            for place in map(place_of, told.get("places", ())):
                self._learn(peer.home.node, place)

    def _take_place(self, place: CorePlace) -> None:
        """Where a sibling listens for other nodes: they have to know at once."""
        siblings = self._members.siblings
        if siblings.get(place.core) != place:
            siblings[place.core] = place
            self.tell(tuple(self._members.current.values()))

    def _listen_at(self, host: str) -> None:
        """The node is joined with others by now: be reachable for them, as it is."""
        self._system.tcp_host = host
        try:
            self._listeners.bind_outside()
        except (OSError, RefusedAddress) as error:
            logger.warning("other nodes cannot reach core %d: %s", self._system.index, error)
        self.tell(tuple(self._members.current.values()))

    def _learn(self, node: str, place: CorePlace) -> None:
        """Where another core of a node listens; one that has ended listens nowhere."""
        members = self._members
        itself = CoreAddress(node, place.core, place.incarnation)
        if members.aliases.home(itself) not in members.dead:
            checked = members.gate.checked_url
            known = place._replace(control=checked(place.control), data=checked(place.data))
            members.known[node, place.core] = known

    def _take_from_core_0(self, told: dict[str, Any]) -> None:
        self._told = [
            cast("CoreReport", dict(zip(RECORD_FIELDS, row, strict=True))) for row in told["cores"]
        ]
        self._system.allowed.take(told["allowed"])
        if told["host"] is not None and self._system.tcp_host is None:  # before others are known
            self._listen_at(told["host"])
        for index, incarnation in told["dead"]:
            home = CoreAddress(self._system.name, index, incarnation)
            if home not in self._members.dead:
                self._members.lose(home, "its process has ended")

    def _take_part(self, told: dict[str, Any]) -> None:
        """Where others listen: known when the last part has come after all others."""
        number, count = told["part"]
        if number == 0:
            self._parts = []
        if number == len(self._parts):
            self._parts.append(told)
        if number == count - 1:
            parts, self._parts = self._parts, []
            if len(parts) == count:
                self._take_nodes(parts)

    def _take_nodes(self, parts: list[dict[str, Any]]) -> None:
        nodes = chain.from_iterable(part["nodes"] for part in parts)
        self._members.known = {
            (node, index): CorePlace(index, *rest) for node, index, *rest in nodes
        }
        states = chain.from_iterable(part.get("states", {}).items() for part in parts)
        self._states = dict(states)
        self._members.strangers.hear((node for node, _ in self._members.known), now())

    # Asking

    def cores(self) -> list[CoreReport]:
        """Any thread. See `Network.cores`."""
        system = self._system
        if self._children is None:
            return [self._as_it_is(record) for record in self._told]
        mine = CoreReport(
            index=0,
            state="up",
            incarnation=system.home.incarnation,
            pid=process_id(),
            actors=self._actors,
            restarts=0,
            load=system.meter.last,
        )
        records = [self._as_it_is(mine)]
        for child in self._children.all:
            peer = self._members.current.get((system.name, child.index))
            record = CoreReport(
                index=child.index,
                state=child.state,
                incarnation=child.incarnation,
                pid=child.pid,
                actors=0 if peer is None else peer.actors,
                restarts=child.restarts,
                load=IDLE if peer is None else peer.load,
            )
            records.append(self._as_it_is(record))
        return records

    def is_given_up(self, core: int) -> bool:
        """Any thread. Whether that core of this node stays down."""
        if self._children is None:
            return any(each["index"] == core and each["state"] == "given up" for each in self._told)
        return any(each.index == core and each.state == "given up" for each in self._children.all)

    def _as_it_is(self, record: CoreReport) -> CoreReport:
        """A copy, which is the caller's, with the state as this core knows it."""
        index, state = record["index"], record["state"]
        if index == self._system.index:
            state = "up"  # it may have been told last that it is "starting"
        if state == "up" and index >= self._system.open_cores:
            state = "closing"
        return {**record, "state": state, "load": {**record["load"]}}

    def nodes(self) -> list[NodeRecord]:
        """Any thread. See `Network.nodes`."""
        records = [self._own_node()]
        for (node, core), place in sorted(self._members.known.items()):
            if core == 0:
                itself = CoreAddress(node, core, place.incarnation)
                record = NodeRecord(
                    name=node,
                    state=self._state_of(node),
                    incarnation=self._members.aliases.home(itself).incarnation,
                    urls=[place.control],
                )
                records.append(record)
        return records

    def _own_node(self) -> NodeRecord:
        """This node by its core 0, whichever core is asked."""
        home, place = self._system.home, self._listeners.outside
        core_0 = self._members.current.get((home.node, 0))
        if core_0 is not None:
            home, place = core_0.home, self._members.siblings.get(0)
        urls = [] if place is None else [place.control]
        return NodeRecord(name=home.node, state="up", incarnation=home.incarnation, urls=urls)

    def _state_of(self, node: str) -> str:
        """As this core sees it; where it has not dealt with that node, as core 0 does."""
        peer = self._members.current.get((node, 0))
        return self._states.get(node, "known") if peer is None else peer.state.value


def _load_of(row: list[Any]) -> Load:
    told = dict(zip(LOAD_FIELDS, row, strict=True))
    return Load(
        queued=int(told["queued"]),
        messages=int(told["messages"]),
        delay=float(told["delay"]),
        cpu=float(told["cpu"]),
    )


def _parts(places: list[T]) -> list[list[T]]:
    """At least one, and none with more than `PLACES`."""
    return [places[start : start + PLACES] for start in range(0, len(places) or 1, PLACES)]
