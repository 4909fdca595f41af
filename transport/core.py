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
import sys
from functools import partial
from typing import Any, Protocol

from ..actors.address import CoreAddress
from ..actors.config import Config
from ..actors.environment import (
    ChildProcess,
    Latch,
    exit_now,
    ignore_interrupt,
    inherited_socket,
    now,
    process_id,
    random_bits,
    start_thread,
)
from ..actors.errors import StartError
from ..actors.intensity import Intensity
from ..actors.messages import main_path, set_main_script
from ..actors.system import ActorSystem
from .endpoint import Endpoint
from .events import CoreDied, CoreGivenUp, CoreStarted

EXIT_WAIT = 0.05
"""Seconds that the loop may wait for the exit code of a child whose socket has closed."""


class Losses(Protocol):
    """Who wants to know of the children's ends."""

    def core_lost(self, home: CoreAddress, reason: str) -> None:
        """Owner only. That incarnation of that core is gone."""
        ...


class Child:
    """One child core, over all its incarnations."""

    def __init__(self, index: int, config: Config) -> None:
        self.index = index
        self.incarnation = 0
        self.state = "down"
        self.restarts = 0
        self.error: str | None = None
        self.process: ChildProcess | None = None
        self.heard = b""
        self.intensity = Intensity(config.restart_intensity, config.restart_period)

    @property
    def pid(self) -> int:
        """The process's id; 0 where there is none."""
        return 0 if self.process is None else self.process.pid


class Children:
    """The child cores of this node. Owner only, where nothing else is said."""

    def __init__(self, system: ActorSystem, endpoint: Endpoint, losses: Losses) -> None:
        self._system, self._endpoint, self._losses = system, endpoint, losses
        self._stopping = False
        self._started = False
        self._settled = Latch()
        self.all = [Child(index, system.config) for index in range(1, system.core_count)]

    def start(self) -> None:
        """Start every child; `wait_until_up` tells how that went."""
        try:
            for child in self.all:
                self._spawn(child)
        except OSError as error:
            self.all[0].error = f"the process could not be started: {error}"
            self._settled.release()

    def wait_until_up(self) -> None:
        """Not the loop's thread. Return when every child is up.

        Raises:
            StartError: one is not, in its own words.

        """
        seconds = self._system.config.start_timeout
        in_time = not self.all or self._settled.wait(seconds)
        for child in self.all:
            if child.error is not None:
                raise StartError(f"core {child.index}", child.error)
            if not in_time and child.state != "up":
                raise StartError(f"core {child.index}", f"it is not up after {seconds} seconds")
        self._started = True

    def _spawn(self, child: Child) -> None:
        child.incarnation = random_bits(63)
        child.state, child.heard, child.error = "starting", b"", None
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
        child.error = said.get("error")
        if child.error is None:
            child.state = "up"
            self._system.events.publish(CoreStarted(child.index, child.pid))
        if child.error is not None or all(each.state == "up" for each in self.all):
            self._settled.release()

    def _ended(self, child: Child, process: ChildProcess) -> None:
        self._endpoint.unwatch_fd(process.socket.fileno())
        process.close()
        code = process.wait(EXIT_WAIT)
        if code is None:  # its socket is closed, so it is no core of ours any more
            process.kill()
            code = process.wait(1.0)
        reason = f"signal:{-code}" if code is not None and code < 0 else f"exit:{code}"
        child.state = "down"
        if self._stopping:
            return
        if not self._started:
            child.error = child.error or f"its process ended while it started ({reason})"
            self._settled.release()
            return
        self._system.events.publish(CoreDied(child.index, reason))
        home = CoreAddress(self._system.name, child.index, child.incarnation)
        if child.intensity.exceeded(now()):
            child.state = "given up"
            self._system.events.publish(CoreGivenUp(child.index, child.restarts))
            self._losses.core_lost(home, reason)
            return
        self._losses.core_lost(home, reason)
        child.restarts += 1
        try:
            self._spawn(child)
        except OSError as error:
            child.state = "given up"
            child.error = f"the process could not be started: {error}"
            self._system.events.publish(CoreGivenUp(child.index, child.restarts))

    def restart(self, index: int) -> None:
        """End a child that is silent; its socket will tell, and it is started again."""
        process = self.all[index - 1].process
        if process is not None and not self._stopping:
            process.kill()

    def begin_stop(self) -> None:
        """Any thread. From now on an end is no loss, and nothing is started again."""
        self._stopping = True

    def stop(self, deadline: float) -> None:
        """Not the loop's thread. End every child, by force where it has not ended by `deadline`."""
        self._stopping = True
        running = [child.process for child in self.all if child.process is not None]
        for process in running:
            try:
                process.socket.send(b"stop\n")
            except OSError:  # it has ended by itself
                pass
        for process in running:
            if process.wait(max(deadline - now(), 0)) is None:
                process.kill()
                process.wait(1.0)

    def disown(self) -> None:
        """In a forked child: close our copies, or the cores would not see their parent end."""
        for child in self.all:
            if child.process is not None:
                child.process.close()

    def close(self) -> None:
        """Close the sockets of those that have ended."""
        for child in self.all:
            if child.process is not None and child.process.socket.fileno() >= 0:
                self._endpoint.unwatch_fd(child.process.socket.fileno())
                child.process.close()


def _code() -> str:
    """What a child runs: its path is ours, so that whatever we can import it can, too."""
    path = [str(entry) for entry in sys.path]
    return (
        f"import sys; sys.path[:] = {path!r}; from {__name__} import main; main(int(sys.argv[1]))"
    )


def _bootstrap(system: ActorSystem, child: Child) -> bytes:
    boot: dict[str, Any] = {
        "argv": sys.argv,
        "main_script": main_path(),
        "name": system.name,
        "index": child.index,
        "core_count": system.core_count,
        "incarnation": child.incarnation,
        "config": dataclasses.asdict(system.config),
        "run_directory": system.run_directory,
        "tcp_host": system.tcp_host,
        "cpus": system.cpus,
    }
    return json.dumps(boot).encode()


class ParentLine:
    """A child's end of the socket to its parent."""

    def __init__(self, fd: int) -> None:
        self._socket = inherited_socket(fd)
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

    def say(self, **what: object) -> None:
        """Tell the parent; nothing where it is gone, since `read_line` will end us."""
        try:
            self._socket.sendall(json.dumps(what).encode() + b"\n")
        except OSError:
            pass


_line: ParentLine | None = None


def report(error: BaseException | None) -> None:
    """In a child: tell the parent that this core is up, or why it is not."""
    if _line is not None:
        if error is None:
            _line.say(pid=process_id())
        else:
            _line.say(error=f"{type(error).__name__}: {error}")


def main(fd: int) -> None:
    """What a child process runs."""
    global _line  # noqa: PLW0603  (one parent per process)
    ignore_interrupt()
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
    return ActorSystem.of_core(
        name=boot["name"],
        index=boot["index"],
        core_count=boot["core_count"],
        incarnation=boot["incarnation"],
        config=Config(**boot["config"]),
        run_directory=boot["run_directory"],
        tcp_host=boot["tcp_host"],
        cpus=boot["cpus"],
    )


def _obey(line: ParentLine, system: ActorSystem) -> None:
    """Wait for the parent's word or its end, whatever else this process does."""
    if line.read_line() != b"stop" or not hasattr(system, "core"):
        exit_now(1)  # the parent is gone, or has given up before we were up
    system.core.stop()
    if line.read_line() is None:  # gone while we stop
        exit_now(1)
