"""Names as any core of the node sees them: the table of core 0, which others have to ask.

Guarantees:
- A name that was reserved for one who was killed before it knew is given back.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

from .address import CoreAddress
from .arguments import checked_actor_name
from .asking import begin_ask, look_up
from .errors import ActorDeadError, NodeDown
from .future import Future
from .kernel import BindName, ReleaseName, ReserveName, WhereIs, answer_from_names
from .network import Network
from .ref import ActorRef
from .registry import Names


class NamesHome(Protocol):
    """What names need of their system."""

    name: str
    index: int
    home: CoreAddress
    network: Network
    names: Names


class Naming:
    """The node's names, for one of its cores."""

    def __init__(self, home: NamesHome) -> None:
        self._home = home

    def whereis(self, name: str) -> ActorRef[Any] | None:
        """Any thread. See `ActorSystem.whereis`."""
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # users
            raise TypeError(f"whereis takes an actor's name, a str, not {name!r:.80}")
        name, _, node = name.partition("@")
        if not node or node == self._home.name:
            return cast("ActorRef[Any] | None", self._ask(WhereIs(name)))
        try:
            kernel = self._home.network.kernel(node, 0)
            return cast("ActorRef[Any] | None", look_up(kernel, WhereIs(name)))
        except NodeDown:
            return None

    def release(self, name: str, ref: ActorRef[Any] | None) -> None:
        """Any thread. Free a name; does not wait."""
        self._tell(ReleaseName(name, ref))

    def reserve(self, name: str) -> None:
        """Any thread that may wait. Take a name for an actor that is about to be made.

        Raises:
            ValueError, TypeError: it is no name.
            NameInUse: a living actor has it, or another is being made.

        """
        request = ReserveName(checked_actor_name(name), self._home.home.incarnation)
        if self._home.index == 0:
            answer_from_names(self._home.names, request)
            return

        def give_back(reserved: Future[Any]) -> None:
            if reserved.error is None:
                self.release(name, None)

        reserved = begin_ask(self._home.network.kernel(None, 0), request)
        try:
            reserved.get()
        except BaseException:
            reserved.add_done_callback(give_back)
            raise

    def bind(self, name: str, ref: ActorRef[Any]) -> None:
        """Any thread that may wait. The actor of a reserved name is there."""
        self._ask(BindName(name, ref))

    def bind_later(self, name: str, ref: ActorRef[Any]) -> None:
        """Any thread. As `bind`; does not wait."""
        self._tell(BindName(name, ref))

    def _ask(self, request: WhereIs | BindName) -> object:
        if self._home.index == 0:
            return answer_from_names(self._home.names, request)
        kernel = self._home.network.kernel(None, 0)
        if isinstance(request, WhereIs):
            return look_up(kernel, request)
        return begin_ask(kernel, request).get()

    def _tell(self, request: BindName | ReleaseName) -> None:
        if self._home.index == 0:
            answer_from_names(self._home.names, request)
            return
        try:
            self._home.network.kernel(None, 0).deliver(request, None, None, None)
        except (NodeDown, ActorDeadError):
            pass  # the node is ending, and its table with it
