"""More cores, or fewer, while the node runs.

Fewer: the last cores take no new actors from the first step on. Then it is asked who lives there.
Members of a pool are replaced elsewhere by their pool, and what they spawned ends with them. If
anyone else is there, all is as before. Else the cores are drained and end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Protocol

from ..actors.environment import now
from ..actors.errors import ConnectionLost, CoreInUse, NodeDown, Timeout
from ..actors.future import Future
from ..actors.kernel import CoreCount, ListHolders, ListMovable, StopRequest
from ..actors.parking import current_sender
from ..actors.pool import Move
from ..actors.process import Process
from ..actors.ref import ActorRef
from ..actors.system import ActorSystem
from .core import Child, Children

PATIENCE = 5.0
"""Seconds that a core may take to answer, as a handler may hold it."""
NAMED = 10
"""How many of those who hold a core the error names."""


class Node(Protocol):
    """What resizing needs of the node."""

    def kernel(self, node: str | None, core: int) -> Process:
        """Any thread. The kernel of a core."""
        ...

    def on_loop(self, function: Any, timeout: float | None = None) -> None:
        """Have the loop call it, and wait."""
        ...


class Resizer:
    """On core 0. Each step waits: for any thread but the loop's, or a turn, one at a time."""

    def __init__(self, system: ActorSystem, node: Node, children: Children) -> None:
        self._system, self._node, self._children = system, node, children

    def grow(self, count: int) -> None:
        """Have so many cores, which are more. Raises StartError: one did not come up."""
        before = self._system.core_count
        self._announce(existing=count, open_=before)  # or the cores would not know the new ones
        added: list[Child] = []
        try:
            self._node.on_loop(lambda: added.extend(self._children.add(count - before)))
            self._children.wait_until_up(added)
        except BaseException:
            self._end(added, 0.0)
            self._announce(existing=before, open_=before)
            raise
        self._announce(existing=count, open_=count)

    def shrink(self, count: int) -> None:
        """Have so many cores, which are fewer. Raises CoreInUse, Timeout: all is as it was."""
        before = self._system.core_count
        leaving = self._children.all[count - 1 :]
        self._announce(existing=before, open_=count)
        try:
            moving = self._movable(range(before), count)
            self._refuse_holders(moving, range(count, before))
        except BaseException:
            self._announce(existing=before, open_=before)
            raise
        self._drain(moving, range(count, before))
        self._end(leaving, self._system.config.kill_timeout)
        self._announce(existing=count, open_=count)

    def _movable(self, cores: range, first: int) -> dict[ActorRef[Any], ActorRef[Any]]:
        """The members that have to move, each with its pool."""
        answers = [_result(answer) for answer in self._ask(cores, ListMovable(first))]
        return {member: pool for pairs in answers if pairs for member, pool in pairs}

    def _refuse_holders(self, moving: Iterable[ActorRef[Any]], cores: range) -> None:
        ids: dict[int, list[int]] = defaultdict(list)
        for member in moving:
            ids[member.core].append(member.address.id)
        asked = [each for core in cores for each in self._ask([core], ListHolders(ids[core]))]
        answers = [_result(answer) for answer in asked]
        count = sum(each[0] for each in answers if each)
        if not count:
            return
        found = [pair for each in answers if each for pair in each[1]]
        named = ", ".join(_described(*pair) for pair in found[:NAMED])
        more = f" and {count - NAMED} more" if count > NAMED else ""
        raise CoreInUse(
            f"nothing was changed, as {named}{more} cannot move: stop them first "
            '(only members of pools with core="spread" or "least-loaded" move, by themselves)',
            [ref for ref, _ in found],
        )

    def _drain(self, moving: dict[ActorRef[Any], ActorRef[Any]], cores: range) -> None:
        config = self._system.config
        deadline = now() + config.drain_timeout
        ends = [member.exited() for member in moving]
        for member, pool in moving.items():
            pool.process.deliver(Move(member), None, Future(), None)
        for end in ends:
            _wait(end, deadline - now())
        left = max(deadline - now(), 0.1)
        for answer in self._ask(cores, StopRequest(left)):
            _wait(answer, deadline + config.kill_timeout - now())

    def _end(self, leaving: list[Child], seconds: float) -> None:
        self._node.on_loop(lambda: self._children.dismiss(leaving))
        deadline = now() + seconds
        for child in leaving:
            _wait(child.removed, deadline - now())
        self._node.on_loop(lambda: self._children.forget(leaving))

    def _announce(self, *, existing: int, open_: int) -> None:
        """Tell all cores how many there are; one that is held up hears it before what follows."""
        self._system.set_cores(existing, open_)
        up = [child.index for child in self._children.all if child.state == "up"]
        deadline = now() + PATIENCE
        for answer in self._ask(up, CoreCount(existing, open_)):
            _wait(answer, deadline - now())

    def _ask(self, cores: Iterable[int], request: object) -> list[Future[Any]]:
        self._system.check_running()  # once it stops, nobody would answer
        answers: list[Future[Any]] = []
        for core in cores:
            answer: Future[Any] = Future()
            answers.append(answer)
            try:
                self._node.kernel(None, core).deliver(request, current_sender(), answer, None)
            except NodeDown as error:
                answer.reject(error)
        return answers


def _described(ref: ActorRef[Any], name: str | None) -> str:
    kind = ref.type_name.rpartition(":")[2].rpartition(".")[2]
    return f"{kind} at {ref.address}" if name is None else f"{kind} {name!r} at {ref.address}"


def _result(answer: Future[Any]) -> Any:
    """What a core has answered; None where it is lost, and its actors with it."""
    try:
        return answer.get(timeout=PATIENCE)
    except ConnectionLost:
        raise  # nothing was changed
    except NodeDown:
        return None
    except Timeout:
        raise Timeout(
            f"nothing was changed: a core has not answered within {PATIENCE:g} seconds, "
            "as a handler holds it or it is being started"
        ) from None


def _wait(answer: Future[Any], seconds: float) -> None:
    try:
        answer.get(timeout=max(seconds, 0.0))
    except (NodeDown, Timeout):
        pass  # it is lost, or will be ended by force
