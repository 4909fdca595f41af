"""Child cores: how core 0 starts them, hears of their end and starts them again; and their main.

Parent and child share one socket pair. The parent writes one line of JSON that says what the child
is to be, and later perhaps `stop`; the child writes one line that says that it is up, or why it is
not. When either end closes, the other side knows that the process is gone:

Guarantees:
- A child never outlives its parent: it ends itself when the socket does.
- A child that ends is noticed by its socket, also where the host application reaps all children.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import logging
import sys
from collections.abc import Container
from functools import partial
from typing import Any, Protocol

from ..actors.address import CoreAddress
from ..actors.config import Config
from ..actors.core_setup import CoreSetup
from ..actors.environment import (
    ChildProcess,
    exit_now,
    inherited_socket,
    leave_signals_to_parent,
    now,
    process_id,
    random_bits,
    start_thread,
)
from ..actors.errors import StartError, Timeout
from ..actors.future import Future
from ..actors.intensity import Intensity
from ..actors.logs import Log, childrens_log, log_as
from ..actors.messages import main_path, set_main_script
from ..actors.network import CoreState
from ..actors.system import ActorSystem
from .endpoint import Endpoint
from .events import CoreDied, CoreGivenUp, CoreRemoved, CoreStarted
from .handshake import CorePlace, place_of

logger = logging.getLogger("zanni")

EXIT_WAIT = 0.05
"""Seconds that the loop may wait for the exit code of a child whose socket has closed."""


class Guardian(Protocol):
    """Who is told of the children."""

    def core_up(self, place: CorePlace) -> None:
        """Owner only. A core is up, and listens there for other nodes."""
        ...

    def core_lost(self, home: CoreAddress, reason: str) -> None:
        """Owner only. That incarnation of that core is gone."""
        ...


class Child:
    """One child core, over all its incarnations."""

    def __init__(self, index: int, config: Config) -> None:
        self.index = index
        self.incarnation = 0
        self.state: CoreState = "down"
        self.restarts = 0
        self.process: ChildProcess | None = None
        self.heard = b""
        self.intensity = Intensity(config.restart_intensity, config.restart_period)
        self.started: Future[None] = Future()
        """Hears when it is up for the first time, or why it is not."""
        self.removed: Future[None] = Future()
        """Hears when it has ended because it was to."""
        self.leaving = False

    @property
    def pid(self) -> int:
        """The process's id; 0 where there is none."""
        return 0 if self.process is None else self.process.pid

    def fail(self, text: str) -> None:
        """It has not come up."""
        self.started.reject(StartError(f"core {self.index}", text))


class Children:
    """The child cores of this node. Owner only, where nothing else is said."""

    def __init__(self, system: ActorSystem, endpoint: Endpoint, guardian: Guardian) -> None:
        self._system, self._endpoint, self._guardian = system, endpoint, guardian
        self._stopping = False
        self.all: list[Child] = []

    def add(self, count: int) -> list[Child]:
        """Start so many more children; `wait_until_up` tells how that went."""
        first = len(self.all) + 1
        added = [Child(index, self._system.config) for index in range(first, first + count)]
        self.all += added
        for child in added:
            try:
                self._spawn(child)
            except OSError as error:
                child.fail(f"the process could not be started: {error}")
        return added

    def wait_until_up(self, added: list[Child]) -> None:
        """Any thread but the loop's, or a turn. Return when all of these are up.

        Raises:
            StartError: one is not, in its own words.

        """
        seconds = self._system.config.start_timeout
        deadline = now() + seconds
        for child in added:
            try:
                child.started.get(timeout=max(deadline - now(), 0.0))
            except Timeout:
                child.fail(f"it is not up after {seconds} seconds")
                child.started.get()

    def _spawn(self, child: Child) -> None:
        child.incarnation = random_bits(63)
        child.state, child.heard = "starting", b""
        process = child.process = ChildProcess(_code())
        process.socket.sendall(_bootstrap(self._system, child) + b"\n")
        process.socket.setblocking(False)
        self._endpoint.watch_fd(process.socket.fileno(), partial(self._readable, child))

    def _readable(self, child: Child) -> None:
        assert child.process is not None
        try:
            data = child.process.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._ended(child, child.process)
            return
        child.heard += data
        if not child.heard.endswith(b"\n"):
            return
        said = json.loads(child.heard)
        child.heard = b""
        error = said.get("error")
        if error is None:
            if said["outside"] is not None:
                self._guardian.core_up(place_of(said["outside"]))
            child.state = "up"
            self._system.events.publish(CoreStarted(child.index, child.pid))
            child.started.resolve(None)
        else:
            child.fail(error)

    def _ended(self, child: Child, process: ChildProcess) -> None:
        self._endpoint.unwatch_fd(process.socket.fileno())
        process.close()
        code = process.wait(EXIT_WAIT)
        if code is None:  # its socket is closed, so it is no core of ours any more
            process.kill()
            code = process.wait(1.0)
        reason = f"signal:{-code}" if code is not None and code < 0 else f"exit:{code}"
        child.state = "down"
        child.fail(f"its process ended while it started ({reason})")  # unless that is known
        home = self._home_of(child)
        if self._stopping or child.leaving:
            child.removed.resolve(None)
            self._guardian.core_lost(home, reason)  # it answers nothing that it was asked
            return
        if child.started.error is not None:
            return
        self._system.events.publish(CoreDied(child.index, reason))
        if child.intensity.exceeded(now()):
            child.state = "given up"
            self._system.events.publish(CoreGivenUp(child.index, child.restarts))
            self._guardian.core_lost(home, reason)
            return
        self._guardian.core_lost(home, reason)
        child.restarts += 1
        try:
            self._spawn(child)
        except OSError as error:
            child.state = "given up"
            logger.warning("core %s could not be started again: %s", child.index, error)
            self._system.events.publish(CoreGivenUp(child.index, child.restarts))

    def _home_of(self, child: Child) -> CoreAddress:
        return CoreAddress(self._system.name, child.index, child.incarnation)

    def dismiss(self, children: list[Child]) -> None:
        """Have the last ones end for good: `removed` of each hears of it."""
        for child in children:
            child.leaving = True
            if child.process is None or child.state in ("down", "given up"):
                child.removed.resolve(None)
                continue
            _ask_to_stop(child.process)

    def forget(self, children: list[Child]) -> None:
        """These have ended, or are ended now: nothing of them remains."""
        for child in reversed(children):
            process = child.process
            if process is not None and process.wait(0.0) is None:
                process.kill()
                process.wait(1.0)
            self._close(child)
            self.all.remove(child)
            self._guardian.core_lost(self._home_of(child), "the node was resized")
            self._system.events.publish(CoreRemoved(child.index))

    def end_lost(self, dead: Container[CoreAddress]) -> None:
        """End those that run and are dead to us; their sockets will tell, and they start again."""
        for child in self.all:
            process = child.process
            if child.state == "up" and process is not None and self._home_of(child) in dead:
                process.kill()

    def replace(self, index: int, incarnation: int) -> None:
        """End a core that is stuck; its socket will tell, and it starts again."""
        for child in self.all:
            if (child.index, child.incarnation) == (index, incarnation) and child.process:
                logger.warning("core %d is stuck in a handler that was killed: replaced", index)
                child.process.kill()

    def begin_stop(self) -> None:
        """Any thread. From now on an end is no loss, and nothing is started again."""
        self._stopping = True

    def stop(self, deadline: float) -> None:
        """Not the loop's thread. End every child, by force where it has not ended by `deadline`."""
        self._stopping = True
        running = [child.process for child in self.all if child.process is not None]
        for process in running:
            _ask_to_stop(process)
        for process in running:
            if process.wait(max(deadline - now(), 0)) is None:
                process.kill()
                process.wait(1.0)

    def disown(self) -> None:
        """In a forked child: close our copies of their sockets."""
        for child in self.all:
            if child.process is not None:
                child.process.close()

    def close(self) -> None:
        """Close the sockets of those that have ended."""
        for child in self.all:
            self._close(child)

    def _close(self, child: Child) -> None:
        if child.process is not None and child.process.socket.fileno() >= 0:
            self._endpoint.unwatch_fd(child.process.socket.fileno())
            child.process.close()


def _ask_to_stop(process: ChildProcess) -> None:
    try:
        process.socket.send(b"stop\n")
    except OSError:  # it has ended by itself
        pass


def _code() -> str:
    """What a child runs: its path is ours, so that whatever we can import it can, too."""
    path = [str(entry) for entry in sys.path]
    return (
        f"import sys; sys.path[:] = {path!r}; from {__name__} import main; main(int(sys.argv[1]))"
    )


def _bootstrap(system: ActorSystem, child: Child) -> bytes:
    setup = CoreSetup(
        name=system.name,
        index=child.index,
        core_count=system.core_count,
        open_cores=system.open_cores,
        incarnation=child.incarnation,
        config=system.config,
        cpus=system.cpus,
        keys=system.keys,
        run_directory=system.run_directory,
        tcp_host=system.tcp_host,
    )
    boot = {
        "argv": sys.argv,
        "main_script": main_path(),
        "log": childrens_log(),
        "setup": dataclasses.asdict(setup),
    }
    return json.dumps(boot).encode()


class ParentLine:
    """A child's end of the socket to its parent."""

    def __init__(self, fd: int) -> None:
        self._socket = inherited_socket(fd)
        self._socket.set_inheritable(False)  # or our end would not be seen before our programs'
        self._heard = b""

    def read_line(self) -> bytes | None:
        """The next line; None when the parent is gone."""
        while b"\n" not in self._heard:
            try:
                data = self._socket.recv(65536)
            except OSError:
                return None
            if not data:
                return None
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        return line

    def close(self) -> None:
        """Close our copy of it."""
        self._socket.close()

    def say(self, **what: object) -> None:
        """Tell the parent; nothing where it is gone, since `read_line` will end us."""
        try:
            self._socket.sendall(json.dumps(what).encode() + b"\n")
        except OSError:
            pass


_line: ParentLine | None = None


def report(error: BaseException | None, outside: CorePlace | None = None) -> None:
    """In a child: tell the parent that this core is up, and where for others; or why it is not."""
    if _line is not None:
        if error is None:
            _line.say(pid=process_id(), outside=outside)
        else:
            _line.say(error=f"{type(error).__name__}: {error}")


def disown(children: Children | None) -> None:
    """In a forked child: close our copies, or neither parent nor core would see the other end."""
    if children is not None:
        children.disown()
    elif _line is not None:
        _line.close()


def main(fd: int) -> None:
    """What a child process runs."""
    global _line  # noqa: PLW0603  (one parent per process)
    leave_signals_to_parent()
    line = _line = ParentLine(fd)
    text = line.read_line()
    if text is None:
        return
    try:
        system = _system_of(json.loads(text))
    except Exception as error:
        report(error)
        raise
    start_thread(partial(_obey, line, system), "zanni-parent")
    gc.collect()
    gc.freeze()  # what there is now, stays; in a program's own process that would not be for us
    system.run()


def _system_of(boot: dict[str, Any]) -> ActorSystem:
    sys.argv[:] = boot["argv"]
    set_main_script(boot["main_script"])
    if boot["log"] is not None:
        log_as(Log(*boot["log"]))
    setup = boot["setup"]
    config = Config(**setup.pop("config"))
    return ActorSystem.of_core(CoreSetup(config=config, **setup))


def _obey(line: ParentLine, system: ActorSystem) -> None:
    """Wait for the parent's word or its end, whatever else this process does."""
    if line.read_line() != b"stop" or not hasattr(system, "core"):
        exit_now(1)  # the parent is gone, or has given up before we were up
    start_thread(partial(_end, system), "zanni-end")
    while line.read_line() is not None:  # told again: a stop was hurried
        pass
    exit_now(1)  # the parent is gone while we stop


def _end(system: ActorSystem) -> None:
    system.network.stop(system.config.kill_timeout)
    system.core.stop()
