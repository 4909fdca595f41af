"""What the node does for its remote processes and for what comes in from elsewhere."""

from __future__ import annotations

from typing import Protocol

from ..actors.address import Address, CoreAddress
from ..actors.dispatcher import Core
from ..actors.observe import DeadLetters
from ..actors.process import Process
from .peer import Peer


class Host(Protocol):
    """The node, as far as they go."""

    @property
    def core(self) -> Core:
        """Any thread. The core of this process."""
        ...

    @property
    def dead_letters(self) -> DeadLetters:
        """Any thread. Where lost messages are counted."""
        ...

    def peer_of(self, home: CoreAddress) -> Peer:
        """Any thread. The peer of that incarnation; one that is down where it is known dead."""
        ...

    @property
    def overflow(self) -> str:
        """Any thread. What becomes of a message that finds no room: `Config.peer_overflow`."""
        ...

    @property
    def sleeping(self) -> bool:
        """Any thread. Whether the loop sleeps, so that it has to be woken for what is posted."""
        ...

    def next_ask(self) -> int:
        """Any thread. A number for an ask, new for each."""
        ...

    def posted(self, peer: Peer) -> None:
        """Any thread. Something was posted to the peer: see that it is sent."""
        ...

    def tell(self) -> None:
        """Owner only. Have the peers hear at once, before the next heartbeat, what is new here."""
        ...

    def loss_reason(self, home: CoreAddress) -> str:
        """Any thread. `stale` where another incarnation lives there now, else `noconnection`."""
        ...

    def gone(self, identifier: int) -> Process:
        """Any thread. What stands for an actor that this core no longer has."""
        ...

    def process(self, address: Address) -> Process:
        """Any thread. The process of an actor elsewhere."""
        ...

    def process_of(self, address: Address) -> Process:
        """Any thread. The process of an actor here or elsewhere."""
        ...

    def ref_of(self, address: Address, type_name: str | None) -> object:
        """Any thread. The ref of an actor here or elsewhere."""
        ...

    def note_end(self, address: Address) -> None:
        """Any thread. It became known that this actor has ended."""
        ...

    def has_ended(self, address: Address) -> bool:
        """Any thread. Whether that is known."""
        ...
