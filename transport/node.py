"""The network of one core: its sockets, its peers, and, on core 0, the node's other cores.

Guarantees:
- Only the thread that holds the core touches sockets; what other threads send is queued, and the
  loop is woken. No wake-up is lost: the loop says that it sleeps before it looks at the queues for
  the last time, and whoever queues looks whether it sleeps after.
- Whatever a peer sends, no exception leaves `poll` or `wait`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from ..actors.address import ANY_INCARNATION, KERNEL_ID, Address, CoreAddress
from ..actors.dispatcher import Core
from ..actors.environment import now
from ..actors.errors import NodeDown, Timeout
from ..actors.forked import Disowned
from ..actors.future import Future
from ..actors.kernel import StopRequest
from ..actors.network import CoreReport, NodeRecord
from ..actors.observe import DeadLetters
from ..actors.process import Process
from ..actors.system import ActorSystem
from .core import Children, disown, report
from .endpoint import Endpoint, Frames
from .gate import Gate
from .gossip import Gossip
from .handshake import CorePlace
from .intake import Intake
from .joins import Joins
from .latest import Latest
from .members import Members
from .peer import Peer, State
from .places import Listeners
from .remote import RemoteProcess
from .resize import Resizer

logger = logging.getLogger("zanni")

PATIENCE = 0.5
"""Seconds that a stopping system waits for its own loop, which a handler may hold up."""
ENDED_LIMIT = 10_000
"""How many actors elsewhere are remembered as ended."""


class Node:
    """A `Network`, and the `Poller` of its core's loop."""

    def __init__(self, system: ActorSystem, endpoint: Endpoint, gate: Gate | None = None) -> None:
        self._system = system
        self._endpoint = endpoint
        self.overflow = system.config.peer_overflow
        self.next_ask = count(1).__next__
        self._peers_due: deque[Peer] = deque()
        self._refused: set[Peer] = set()
        self.sleeping = False
        self._called = False
        self._stepping = False
        self._closed = False
        self._ended = Latest[Address](ENDED_LIMIT)
        self._draining: list[Future[object]] = []
        """What the child cores will answer when their actors have ended."""
        self.listeners = Listeners(system, endpoint, self._receive, gate)
        due = self._peers_due.append
        self.members = Members(system, endpoint, self, self.listeners, due, gate)
        self.joins = Joins(self, self.members, self.listeners)
        self.children = Children(system, endpoint, self) if system.index == 0 else None
        self.gossip = Gossip(system, self.members, self.listeners, self.children)
        self.intake = Intake(system, self, self.members, self.gossip)

    # The poller

    @property
    def poller(self) -> Node:
        """The core's loop sleeps here."""
        return self

    def poll(self) -> None:
        """Owner only. See `Poller.poll`."""
        self._flush()
        self._endpoint.poll()

    def wait(self, timeout: float | None) -> None:
        """Owner only. See `Poller.wait`."""
        self._called = False
        self.sleeping = True
        self._flush()
        self._endpoint.wait(timeout)
        self.sleeping = False

    def wake(self) -> None:
        """Any thread. See `Poller.wake`."""
        self._endpoint.wake()

    def close(self) -> None:
        """Owner only. See `Poller.close`."""
        if self._closed:
            return
        self._closed = True
        self.members.close()
        self._endpoint.close()
        self.listeners.remove()

    def posted(self, peer: Peer) -> None:
        """Any thread. See `Host.posted`."""
        if self._system.core.holds():
            if peer.is_full:
                self._flush_peer(peer)
        elif self.sleeping:
            if self._called:  # as in `Core.wake`
                self.sleeping = False
            self._called = True
            self._endpoint.wake()

    def _flush(self) -> None:
        if self._refused:
            refused, self._refused = self._refused, set()
            for peer in refused:
                self._flush_peer(peer)
        due = self._peers_due
        while due:
            peer = due.popleft()
            if peer.state is State.CONNECTING:
                self.members.dial(peer.home)
            else:
                self._flush_peer(peer)
        associations = self.members.associations
        if associations.busy:
            associations.pump()
            if not self._stepping:
                self._stepping = True
                self.core.call_later(0.05, self._step_handshakes)

    def _flush_peer(self, peer: Peer) -> None:
        if not peer.flush():
            self._refused.add(peer)
            if peer.data.is_paused:
                self._endpoint.wake()

    def _step_handshakes(self) -> None:
        self._stepping = False
        delay = self.members.associations.step()
        if delay is not None and not self._closed:
            self._stepping = True
            self.core.call_later(max(delay, 0.05), self._step_handshakes)

    # Beginning and end

    def start(self) -> None:
        """Not the loop's thread. See `Network.start`.

        Raises:
            OSError: an address is taken; the text names it.
            RefusedAddress: an address may not be used, and why.
            StartError: a child core did not come up, in its own words.

        """
        try:
            self.on_loop(self._bind)
            if self.children is not None:
                children = self.children
                self.on_loop(lambda: children.add(self._system.core_count - 1))
                children.wait_until_up(children.all)
                for url in self._system.joins:
                    self.join(url)
        except BaseException as error:
            report(error)
            if self.children is None:
                self.core.stop()
                return
            self.children.stop(now())
            self.on_loop(self.children.close)
            self.listeners.remove()
            raise
        report(None, self.listeners.outside)

    def _bind(self) -> None:
        for url in self._system.joins:
            self.members.gate.checked_join(url)
        self.listeners.bind()
        if self._system.index > 0:
            self.members.dial(CoreAddress(self._system.name, 0, ANY_INCARNATION))
        self._beat()

    def on_loop(self, function: Callable[[], object], timeout: float | None = None) -> None:
        """Any thread but the loop's, or a turn. Have the loop call it, and wait; raise its error.

        After `timeout` seconds it is not waited for any more: a handler holds the loop up.
        """
        done: Future[object] = Future()

        def call() -> None:
            try:
                done.resolve(function())
            except BaseException as error:
                done.reject(error)

        self.core.post(call)
        with suppress(Timeout):
            done.get(timeout=timeout)

    def resize(self, cores: int) -> None:
        """Any thread but the loop's, or a turn. See `Network.resize`."""
        assert self.children is not None
        resizer = Resizer(self._system, self, self.children)
        if cores > self._system.core_count:
            self.on_loop(self.listeners.bind_inside)
            resizer.grow(cores)
        elif cores < self._system.core_count:
            resizer.shrink(cores)

    def replace_core(self, index: int, incarnation: int) -> None:
        """Owner only. See `Network.replace_core`."""
        if self.children is not None:
            self.children.replace(index, incarnation)

    def drain(self, seconds: float) -> None:
        """Any thread. See `Network.drain`."""
        if self.children is None:
            return
        self.children.begin_stop()
        for child in self.children.all:
            if child.state == "up":
                answer: Future[object] = Future()
                self.kernel(None, child.index).deliver(StopRequest(seconds), None, answer, None)
                self._draining.append(answer)

    def stop(self, timeout: float) -> bool:
        """Not the loop's thread. See `Network.stop`."""
        deadline = now() + timeout
        until = deadline - min(self._system.config.kill_timeout, timeout) / 2
        drained = True
        if self.children is not None:
            self.children.begin_stop()
            drained = self._await_drain(until)
        self._take_leave(until)
        if self.children is not None:
            self.children.stop(deadline)
            self.on_loop(self.children.close, PATIENCE)
        return drained

    def disown(self, lock: Disowned) -> None:
        """In a forked child. See `Network.disown`."""
        self.members.disown(lock)
        disown(self.children)

    def _await_drain(self, until: float) -> bool:
        draining, self._draining = self._draining, []
        drained = True
        for answer in draining:
            try:
                drained = answer.get(timeout=max(until - now(), 0.01)) is True and drained
            except Exception:  # it is killed below
                drained = False
                logger.debug("a core did not answer the request to stop", exc_info=True)
        return drained

    def _take_leave(self, until: float) -> None:
        """Have the other nodes take in what was accepted for them, and say goodbye."""
        left: Future[None] = Future()
        self.on_loop(lambda: self._say_goodbye(left), PATIENCE)
        if not self.members.farewell.is_leaving:  # a handler holds the loop up
            return
        try:
            left.get(timeout=max(until - now(), PATIENCE))
        except Timeout:
            logger.debug("some node has not answered the goodbye")

    def _say_goodbye(self, left: Future[None]) -> None:
        self.joins.clear()
        self._flush()
        self.members.observers.say_goodbye()
        others = [peer for peer in self.members.current.values() if not peer.own]
        self.members.farewell.leave(others, left)

    # Others

    @property
    def core(self) -> Core:
        """Any thread. The core of this process."""
        return self._system.core

    @property
    def dead_letters(self) -> DeadLetters:
        """Any thread. Where lost messages are counted."""
        return self._system.dead_letters

    def process(self, address: Address) -> Process:
        """Any thread. See `Network.process`."""
        return RemoteProcess(address, self)

    def process_of(self, address: Address) -> Process:
        """Any thread. See `Host.process_of`."""
        return self._system.process_of(address)

    def ref_of(self, address: Address, type_name: str | None) -> object:
        """Any thread. See `Host.ref_of`."""
        return self._system.ref_of(address, type_name)

    def gone(self, identifier: int) -> Process:
        """Any thread. See `Host.gone`."""
        return self._system.process_of(Address(*self._system.home, identifier))

    def peer_of(self, home: CoreAddress) -> Peer:
        """Any thread. See `Host.peer_of`."""
        return self.members.peer_of(home)

    def loss_reason(self, home: CoreAddress) -> str:
        """Any thread. See `Host.loss_reason`."""
        current = self.members.current.get(home[:2])
        return "noconnection" if current is None or current.home == home else "stale"

    def note_end(self, address: Address) -> None:
        """Any thread. See `Host.note_end`."""
        self._ended.add(address)

    def has_ended(self, address: Address) -> bool:
        """Any thread. See `Host.has_ended`."""
        return address in self._ended

    def kernel(self, node: str | None, core: int) -> Process:
        """Any thread. See `Network.kernel`."""
        system = self._system
        if node is None or node == system.name:
            if core == system.index:
                return self.core.processes[KERNEL_ID]
            if not 0 <= core < system.core_count or self.gossip.is_given_up(core):
                raise NodeDown(
                    f"core {core} of node {system.name!r} is not up: {self._cores_in_words()}"
                )
            return RemoteProcess(Address(system.name, core, ANY_INCARNATION, KERNEL_ID), self)
        joined = self._joined_cores()
        if (node, core) not in joined:
            # By that core: while a node is lost, others of its cores may still be there.
            others = {name for name, index in joined if index == core} - {system.name}
            raise NodeDown(f"node {node!r} is not joined, or lost; joined are: {sorted(others)}")
        return RemoteProcess(Address(node, core, ANY_INCARNATION, KERNEL_ID), self)

    def _joined_cores(self) -> set[tuple[str, int]]:
        """The cores that can be asked; a child core knows of others from its core 0."""
        joined = set(self.members.current)
        return joined if self._system.index == 0 else joined.union(self.members.known)

    def _cores_in_words(self) -> str:
        return ", ".join(f"{each['index']} is {each['state']}" for each in self.cores())

    def join(self, url: str) -> None:
        """Any thread. See `Network.join`."""
        self.joins.join(url)

    def cores(self) -> list[CoreReport]:
        """Any thread. See `Network.cores`."""
        return self.gossip.cores()

    def nodes(self) -> list[NodeRecord]:
        """Any thread. See `Network.nodes`."""
        return self.gossip.nodes()

    def _receive(self, frames: Frames, own: bool, key: str | None) -> None:
        self.intake.receive(frames, own, key)

    # Time

    def _beat(self) -> None:
        """Once a heartbeat, and by its own timer again."""
        if self._closed:
            return
        self.core.call_later(self._system.config.heartbeat, self._beat)
        self._system.meter.measure()
        self.members.step()
        self.members.observers.step()
        if self.children is not None:
            self.children.end_lost(self.members.dead)
        self.joins.step()
        self.members.associations.end_unwanted()
        self.tell()

    def tell(self) -> None:
        """Owner only. See `Host.tell`."""
        self.gossip.tell(list(self.members.current.values()))

    def core_up(self, place: CorePlace) -> None:
        """Owner only. See `Guardian.core_up`."""
        self.members.siblings[place.core] = place

    def core_lost(self, home: CoreAddress, reason: str) -> None:
        """Owner only. See `Guardian.core_lost`."""
        self.gossip.note_dead(home)
        self.members.siblings.pop(home.core, None)
        self.members.lose(home, reason)
        self._system.names.core_lost(home.incarnation)
        self.tell()
