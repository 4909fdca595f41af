"""The peers of one core: who is adopted, who is down for good, and where each listens.

Guarantees:
- At most one incarnation of a core is adopted at a time; before another one is, the earlier one is
  down, and its watchers and askers have been told.
- What was declared down stays down. A node that was declared down while it lived is joined again
  under another name (see aliases.py), when both sides know of the loss: nothing that was sent
  before it is delivered after it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from ..actors.address import ANY_INCARNATION, CoreAddress
from ..actors.environment import make_rlock, now
from ..actors.forked import Disowned
from ..actors.ref import ActorRef
from ..actors.system import ActorSystem
from .admission import Admission
from .aliases import Aliases
from .association import Associations
from .codec import Codec
from .control_lane import GIVE_UP
from .endpoint import Endpoint, Link
from .events import JoinFailing, JoinRefused, NodeJoined, NodeLost, NodeRecovered, NodeSuspected
from .farewell import Farewell
from .flow import Flow
from .frame import ACKNOWLEDGING, CONFIRMING, Header, Kind, Lane, source_of
from .gate import Gate, Open
from .handshake import OBSERVER, CorePlace, Identity, Refusal
from .host import Host
from .liveness import Liveness, Verdict
from .losses import Losses
from .observers import Observers
from .peer import Peer, State
from .places import Listeners
from .remote import PeerResolver, settle_leftovers
from .strangers import Strangers
from .succession import lose_who_lost_us, make_way
from .type_ids import TypeIds

logger = logging.getLogger("zanni")

DEAD_LIMIT = 10_000
"""How many incarnations that are down are remembered."""


class Members:
    """The table of peers. Owner only, but for `peer_of` and what only reads."""

    def __init__(
        self,
        system: ActorSystem,
        endpoint: Endpoint,
        host: Host,
        listeners: Listeners,
        due: Callable[[Peer], object],
        gate: Gate | None = None,
    ) -> None:
        self.gate = gate or Open()
        self._system, self._endpoint = system, endpoint
        self._host, self._listeners = host, listeners
        self._due = due
        self._closed = False
        self._lock: AbstractContextManager[object] = make_rlock()
        config = system.config
        self.aliases = Aliases()
        self.source = source_of(system.home)
        self.peers: dict[CoreAddress, Peer] = {}
        self.current: dict[tuple[str, int], Peer] = {}
        """The adopted one of each core."""
        self._adopted: dict[tuple[int, int, int], Peer] = {}
        self.dead: dict[CoreAddress, bool] = {}
        """The names of those that are down, and whether they ended in order."""
        self.known: dict[tuple[str, int], CorePlace] = {}
        """Where the cores of other nodes listen."""
        self.strangers = Strangers(config.heartbeat)
        self.siblings: dict[int, CorePlace] = {}
        """Where the other cores of this node listen for other nodes."""
        self._patience = 2 * config.heartbeat
        """Seconds of silence after which a peer may have been replaced by another incarnation."""
        self.liveness = Liveness[CoreAddress](
            config.heartbeat, config.suspect_after, config.down_after
        )
        self.flow = Flow(system, self.current, due)
        self.losses = Losses(system, self.current)
        self.associations = Associations(endpoint, lambda: self.source, self, self.gate.checked_url)
        self.refusals: dict[str, Refusal] = {}
        self._admission = Admission(system, listeners, self)
        self.farewell = Farewell(self, system)
        self._type_ids = TypeIds()
        self.observers = Observers(system, self.source, listeners, self.siblings)

    # Finding

    def peer_of(self, home: CoreAddress) -> Peer:
        """Any thread. The peer of an incarnation; one that is down where it can never be up."""
        peer = self.peers.get(home)
        if peer is not None:
            return peer
        if home.incarnation == ANY_INCARNATION:
            peer = self.current.get(home[:2])
            if peer is not None:
                return peer
        with self._lock:
            peer = self.peers.get(home)
            if peer is None:
                peer = self._new(home)
                if self._closed or home in self.dead or not self._may_be(home):
                    peer.close()
                else:
                    self.peers[home] = peer
        return peer

    def _may_be(self, home: CoreAddress) -> bool:
        system = self._system
        if home.node == system.name:
            return home.core != system.index and 0 <= home.core < system.core_count
        # A child core may hear of a node's places a moment later than of its refs.
        may_come = system.index > 0 and home.node not in self.strangers
        return may_come or any(node == home.node for node, _ in tuple(self.known))

    def _new(self, home: CoreAddress) -> Peer:
        itself = self.aliases.itself(home)
        return Peer(
            home,
            self.source,
            own=home.node == self._system.name,
            itself=itself,
            separations=self.aliases.separations(itself),
            due=self._due,
            freed=self.flow.freed,
            next_ask=self._host.next_ask,
            make_codec=self._new_codec,
            config=self._system.config,
        )

    def _new_codec(self, peer: Peer) -> Codec:
        config = self._system.config
        return Codec(
            PeerResolver(peer, self._host, self._system.allowed, self.aliases),
            ref_type=ActorRef,
            limit=config.frame_cap,
            message_limit=config.message_limit,
            tracebacks=peer.own,
            typed=not peer.own,
            type_ids=self._type_ids,
        )

    def by_header(self, header: Header) -> Peer | None:
        """The adopted peer that a frame claims to be from."""
        return self._adopted.get(header[3:6])  # its source, bare, since this is done for each frame

    def disown(self, lock: Disowned) -> None:
        """In a forked child: the table is the parent's, and so are the peers in it."""
        self._lock = lock
        for peer in {*self.peers.values(), *self.current.values()}:
            peer.disown(lock)

    # Handshakes

    def me(self, *, own: bool, to: Identity | None = None) -> Identity:
        """See `Judge.me`."""
        return self._admission.me(own=own, to=to)

    def judge(self, identity: Identity, *, own: bool) -> Refusal | None:
        """See `Judge.judge`."""
        return self._admission.judge(identity, own=own)

    def must_wait(self, identity: Identity, again: Callable[[], object], *, own: bool) -> bool:
        """See `Judge.must_wait`."""
        return self._admission.must_wait(identity, again, own=own)

    def is_silent(self, peer: Peer) -> bool:
        """Whether a heartbeat of it is missing."""
        return self.liveness.silence(peer.home, now()) >= self._patience

    def adopt(self, identity: Identity, link: Link, *, own: bool, confirm: bytes | None) -> None:
        """See `Judge.adopt`."""
        if identity.role == OBSERVER:
            self.observers.adopt(identity, link, own=own)
            return
        make_way(self, identity)
        home = self.aliases.home(identity.home)
        self._learn_places(identity, own=own)
        peer = self.peer_of(home)
        waiting = self.peers.pop(CoreAddress(home.node, home.core, ANY_INCARNATION), None)
        if waiting is not None:
            waiting.hand_over(peer)
        limit = identity.message_limit or self._system.config.message_limit
        peer.codec.message_limit = min(limit, self._system.config.message_limit)
        self.current[home[:2]] = peer
        self._adopted[peer.source] = peer
        if peer.state is not State.CONNECTING:
            # It was only silent, or both dialled: its links hold what it has not read yet. What is
            # lost of control is sent again, so that link may be replaced by one that works.
            if self.is_silent(peer):
                peer.attach(Lane.CONTROL, link)
            else:
                link.close()
            return
        peer.holder = identity.holder
        peer.born = now()  # it answers: however long it was waited for, it has its time from now on
        peer.control.is_acknowledged = identity.versions >= ACKNOWLEDGING
        peer.data.is_confirming = identity.versions >= CONFIRMING
        if confirm is not None or peer.control.link is None:
            peer.attach(Lane.CONTROL, link)
        else:
            link.close()
        if peer.data.link is None:
            key = None if own else self.gate.key_of(home.node)
            peer.attach(Lane.DATA, self._endpoint.connect(identity.data, key))
        peer.role = None if own else self.gate.role_of(home.node)
        peer.data.account.open(identity.credit)
        self.liveness.heard(home, now())
        if peer.own:
            # The end of one of our own processes is seen by its socket. Silence says only that a
            # handler computes for long, and nobody is to lose a core for that.
            self.liveness.keep(home)
        if confirm is None:
            self.open(peer)
            peer.control.send_now(Kind.HEARTBEAT, b"\x80")  # an empty map: it opens the other side
        else:
            peer.control.send_now(Kind.CONFIRM, confirm)

    def _learn_places(self, identity: Identity, *, own: bool) -> None:
        if own:
            if identity.cores:
                self.siblings[identity.home.core] = identity.cores[0]
            return
        home = identity.home
        place = CorePlace(home.core, home.incarnation, identity.control, identity.data)
        self.known[home[:2]] = place
        for each in identity.cores:
            self.known[home.node, each.core] = each

    def open(self, peer: Peer) -> None:
        """The peer has adopted us, too: what waits for it may go."""
        if peer.state is State.CONNECTING:
            peer.state, peer.is_joined = State.UP, True
            self._due(peer)
            self._host.tell()  # the other cores of its node and of ours have to find each other
            if not peer.own:
                self._system.events.publish(NodeJoined(*peer.home))
                logger.info("node %s is joined", peer.home)

    def refused(self, url: str | None, home: CoreAddress, refusal: Refusal) -> None:
        """See `Judge.refused`."""
        home = self.aliases.home(home)
        if url is None:
            # Of no current HELLO: it has declared us dead since, or the refusal is out of date.
            if refusal.reason == "dead" and home in self.peers:
                self.lose(home, "it has declared this core down")
            return
        if refusal.reason == "dead" and home in self.peers:  # it will not be heard again
            self.lose(home, "it has declared this core down")
        if self.dead.get(home):
            return  # it has said goodbye, and still answers while it ends
        if self.refusals.get(url) != refusal:
            self.refusals[url] = refusal
            self._system.events.publish(
                JoinRefused(url, refusal.reason, refusal.detail, *refusal.holder)
            )
            logger.warning("%s refuses this node: %s: %.300s", url, refusal.reason, refusal.detail)

    def unanswered(self, url: str, reason: str) -> None:
        """See `Judge.unanswered`."""
        self._system.events.publish(JoinFailing(url, reason))
        logger.warning("no answer from %s yet: %s; trying on", url, reason)

    # Ends

    def lose(
        self, home: CoreAddress, reason: str, *, in_order: bool = False, for_good: bool = False
    ) -> None:
        """Declare a core down, by this name or (`for_good`) altogether; tell who waits for it."""
        for_good = for_good or in_order
        with self._lock:
            peer = self.peers.pop(home, None)
            if home.incarnation != ANY_INCARNATION and home not in self.dead:
                self.dead[home] = in_order
                if len(self.dead) > DEAD_LIMIT:
                    del self.dead[next(iter(self.dead))]
        self.liveness.forget(home)
        self._admission.forget(home)
        if peer is None:
            return
        url = self._url_of(home)
        if url is not None:
            self.associations.hang_up(url)
        else:  # its node is lost already, and that was told
            in_order = True
        if self.current.get(home[:2]) is peer:
            del self.current[home[:2]]
        was_adopted = self._adopted.pop(peer.source, None) is peer
        self.associations.lost(peer.itself)
        if home.incarnation != ANY_INCARNATION and not (peer.own or for_good):
            with self._lock:
                self.aliases.renew(peer.itself, peer.separations + was_adopted)
        is_last = self._system.index == 0 and not any(key[0] == home.node for key in self.current)
        if not peer.own and (home.core == 0 or is_last):
            self.known = {key: place for key, place in self.known.items() if key[0] != home.node}
        left = peer.close()
        settle_leftovers(self._host, peer, left)
        peer.codec.let_go()
        if was_adopted and peer.is_joined:
            self._system.events.publish(NodeLost(*home, reason))
            if not peer.own:
                level = logging.INFO if in_order else logging.WARNING
                logger.log(level, "node %s is lost: %s", home, reason)

    # Time

    def step(self) -> None:
        """Once a heartbeat: judge who is silent, and give up or dial again who is not here yet."""
        self.look_at_keys()
        self.flow.step()
        self.losses.step()
        moment = now()
        for home, verdict in self.liveness.tick(moment):
            judged = self.peers.get(home)
            if verdict is Verdict.DOWN:
                self.lose(home, f"silent for {self._system.config.down_after} seconds")
            elif judged is None or judged.state is State.CONNECTING:
                pass  # it has not said anything yet: see below
            elif verdict is Verdict.SUSPECT:
                judged.state = State.SUSPECT
                silence = self.liveness.silence(home, moment)
                self._system.events.publish(NodeSuspected(home.node, home.core, silence))
            else:
                judged.state = State.UP
                self._system.events.publish(NodeRecovered(home.node, home.core))
        if self.liveness.was_overdue:
            lose_who_lost_us(self, self.liveness.stalled, moment)
        for peer in [*self._adopted.values()]:
            # The end of a core of our own is seen by its socket, and by nothing else.
            if not peer.control.step(self.liveness.stalled) and not peer.own:
                self.lose(peer.home, f"it acknowledged nothing for {GIVE_UP:g} seconds")
            elif peer.data.is_deaf:
                self.lose(peer.home, "it takes no answers")
        for peer in [*self.current.values()]:
            # It may have been started again at the same URL, and know nothing of us.
            if not peer.own and self.liveness.silence(peer.home, moment) > self._patience:
                self.dial(peer.home)
        for peer in [*self.peers.values()]:
            if peer.state is not State.CONNECTING:
                continue
            waited, limit = moment - peer.born, self._system.config.down_after
            if peer.own:  # a core that comes up takes its time
                limit = max(limit, self._system.config.start_timeout)
            unknown = not peer.own and peer.home.node not in {node for node, _ in self.known}
            if waited > limit or (unknown and self.strangers.finds(peer.home.node, peer.born)):
                self.lose(peer.home, "it could not be reached")
            elif waited > self._system.config.heartbeat:
                self.dial(peer.home)

    def is_joined(self, url: str) -> bool:
        """See `Judge.is_joined`."""
        known = self.known.items()
        return any(place.control == url and key in self.current for key, place in known)

    def dial(self, home: CoreAddress) -> None:
        """See that this core, in whatever incarnation, is asked who it is."""
        url = self._url_of(home)
        if url is not None:
            own = home.node == self._system.name
            key = None if own else self.gate.key_of(home.node)
            self.associations.dial(url, own=own, key=key)

    def lose_node(self, name: str, reason: str, *, for_good: bool = False) -> None:
        """Declare every core of a node down, as `lose` does."""
        for home in [*self.peers]:  # other threads add to it: see `peer_of`
            if home.node == name:
                self.lose(home, reason, for_good=for_good)

    def look_at_keys(self) -> None:
        """Let go of those whose keys are not allowed any more; roles may be others by now."""
        for entry in self.gate.step():
            self.lose_node(entry.name, "its key was revoked")
        for peer in [*self.peers.values()]:
            peer.role = None if peer.own else self.gate.role_of(peer.home.node)

    def _url_of(self, home: CoreAddress) -> str | None:
        if home.node == self._system.name:
            return self._listeners.inside_of(home.core).control
        place = self.known.get(home[:2])
        return None if place is None else place.control

    def close(self) -> None:
        """Let go of everything; who still waits is told that the peer is down."""
        self.associations.close()
        self.observers.close()
        with self._lock:
            self._closed = True  # from now on there are none: whoever asks hears so at once
        for home in list(self.peers):
            self.lose(home, "this system has stopped", in_order=True)
