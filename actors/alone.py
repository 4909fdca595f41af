"""The network of a system that has one core and no peers: nothing but a place to sleep."""

from __future__ import annotations

from typing import Protocol

from .address import Address, CoreAddress
from .config import Config
from .dispatcher import Core
from .environment import Alarm, process_id
from .errors import NodeDown
from .forked import Disowned
from .gone import GoneProcess
from .load import Meter
from .network import CoreReport, Network, NodeRecord, Poller
from .process import Process


class Host(Protocol):
    """What it needs of its system."""

    name: str
    home: CoreAddress
    core: Core
    meter: Meter
    config: Config
    network: Network


class Alone:
    """A `Network` of one."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.poller: Poller = Alarm()

    def start(self) -> None:
        """Any thread. Measure the load from now on."""
        self._host.core.post(self._beat)

    def _beat(self) -> None:
        if self._host.network is self:
            self._host.meter.measure()
            self._host.core.call_later(self._host.config.heartbeat, self._beat)

    def process(self, address: Address) -> Process:
        """Any thread. Nobody elsewhere can be reached."""
        error = NodeDown(f"{self._host.name!r} has no network to reach {address} by")
        return GoneProcess(self._host.core, address, error, "noconnection")

    def kernel(self, node: str | None, core: int) -> Process:
        """Any thread. Raises NodeDown."""
        raise NodeDown(
            f"{self._host.name!r} has one core and has joined no node: no {node or core}"
        )

    def replace_core(self, index: int, incarnation: int) -> None:
        """Owner only. There is no other core."""

    def join(self, url: str) -> None:
        """Any thread. Raises ValueError."""
        raise ValueError(
            f"{self._host.name!r} has no network to join {url} by: make it with listen= or join="
        )

    def cores(self) -> list[CoreReport]:
        """Any thread. The one core."""
        incarnation = self._host.home.incarnation
        actors = len(self._host.core.processes) - 1  # the kernel is none
        record = CoreReport(
            index=0,
            state="up",
            incarnation=incarnation,
            pid=process_id(),
            actors=actors,
            restarts=0,
            load={**self._host.meter.last},
        )
        return [record]

    def nodes(self) -> list[NodeRecord]:
        """Any thread. This node."""
        incarnation = self._host.home.incarnation
        return [NodeRecord(name=self._host.name, state="up", incarnation=incarnation, urls=[])]

    def resize(self, cores: int) -> None:
        """Nothing to add or remove: a system that gets more cores gets another network first."""

    def drain(self, seconds: float) -> None:
        """No child cores."""

    def disown(self, lock: Disowned) -> None:
        """In a forked child. There is nothing to let go of."""

    def stop(self, timeout: float) -> bool:
        """Nothing to stop."""
        return True
