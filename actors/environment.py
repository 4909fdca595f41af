"""The seams: time, randomness, threads, descriptors, signals and processes are reached only here.

Everything else in the package takes them from this module, so that a whole cluster can run in one
thread on a virtual clock, from one seed. The linter forbids the modules behind it elsewhere.

Guarantees:
- `now` never goes back and knows nothing of the wall clock.
- `Waker.wake` and `Latch.release` may be called from any thread, any number of times; none is lost.
"""

from __future__ import annotations

import atexit
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

now: Callable[[], float] = time.monotonic
"""Seconds on a monotonic clock."""

LONGEST = 1e9
"""Seconds that are as good as for ever, and that a lock can still wait for."""


def bounded(seconds: float) -> float:
    """A timeout that a user gave, of `LONGEST` at most.

    Raises:
        TypeError: it is of no type that numbers have.
        ValueError: it is NaN.

    """
    try:
        if seconds == seconds:  # noqa: PLR0124  (what is not a number is not)
            return min(seconds, LONGEST)
    except TypeError:
        raise TypeError(f"a timeout is a number of seconds, or None, not {seconds!r}") from None
    raise ValueError(f"a timeout is a number of seconds, or None, not {seconds!r}")


def deadline_in(seconds: float) -> float:
    """The time of the clock in so many seconds, for a timeout that a user gave: see `bounded`."""
    return now() + bounded(seconds)


thread_id: Callable[[], int] = threading.get_ident
"""Which thread this is."""

system_thread_id: Callable[[], int] = threading.get_native_id
"""The same, as the operating system names it."""

pause: Callable[[float], None] = time.sleep
"""Do nothing for so many seconds. The watcher only: others wait on something."""

process_id: Callable[[], int] = os.getpid
"""The id of this process."""

exit_now: Callable[[int], None] = os._exit
"""End this process at once, without clean-up."""

process_cpu: Callable[[], float] = time.process_time
"""Seconds of CPU that this process has used, in all its threads."""


def thread_cpu(ident: int) -> float:
    """Seconds of CPU that a thread has used; all there ever were where that cannot be known.

    So such a thread never seems blocked.
    """
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(ident))
    except (AttributeError, OSError):  # macOS has no such clock; a thread may have ended
        return now()


def thread_frame(ident: int) -> FrameType | None:
    """The innermost frame of a thread's stack, as it is this moment."""
    return sys._current_frames().get(ident)


def stack_of(ident: int) -> str:
    """A thread's stack as text, innermost call last."""
    frame = thread_frame(ident)
    return "" if frame is None else "".join(traceback.format_stack(frame, 12)).rstrip()


switch_interval: Callable[[], float] = sys.getswitchinterval
"""Seconds after which a thread that computes lets others have the interpreter."""

set_switch_interval: Callable[[float], None] = sys.setswitchinterval
"""Set that, for the whole process."""

Local = threading.local
"""Base of objects whose attributes are each thread's own."""

make_lock = threading.Lock
"""A lock, for what several threads touch."""

make_rlock = threading.RLock
"""A lock that its holder may take again, as from a finaliser that runs inside."""


def make_shared_lock() -> threading.RLock:
    """As `make_rlock`, for what is the whole process's: in a forked child it is free."""
    lock = threading.RLock()
    os.register_at_fork(after_in_child=lock._at_fork_reinit)  # type: ignore[attr-defined]  # as in logging
    return lock


random_bytes: Callable[[int], bytes] = os.urandom
"""So many random bytes."""

_random = random.SystemRandom()


def random_bits(bits: int) -> int:
    """A random number of so many bits, not 0."""
    return _random.getrandbits(bits) or 1


def random_float() -> float:
    """A random number from 0 up to 1, for jitter."""
    return _random.random()


_importing_main = False


def importing_main() -> bool:
    """Whether this process is just importing its parent's main script, for a class of it."""
    return _importing_main


class ImportingMain:
    """Says, while it is entered, that the parent's main script is being imported."""

    def __enter__(self) -> None:
        global _importing_main  # noqa: PLW0603  (one main script per process)
        _importing_main = True

    def __exit__(self, *exc_info: object) -> None:
        global _importing_main  # noqa: PLW0603  (as above)
        _importing_main = False


def running_loop() -> Any | None:
    """The asyncio loop that runs in this thread; asyncio is not imported for the question."""
    # While another thread imports it, it is there without what it will have: no loop runs yet.
    get_running_loop = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    return None if get_running_loop is None else get_running_loop()


def current_task() -> object:
    """The asyncio task that runs in this thread, on its loop; None if there is none."""
    return sys.modules["asyncio"].current_task()


def start_thread(target: Callable[[], object], name: str) -> threading.Thread:
    """Run `target` in a thread that does not keep the interpreter from ending."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


class Latch:
    """Something to wait for once. Cheaper than an Event: one lock, made only when one waits."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is released; False when `timeout` seconds went by first."""
        if not self._lock.acquire(timeout=-1 if timeout is None else min(max(timeout, 0), LONGEST)):
            return False
        self.release()
        return True

    def release(self) -> None:
        """Any thread. Let every waiter go."""
        try:
            self._lock.release()
        except RuntimeError:  # released before
            pass

    unpark = release


class Alarm:
    """Sleep and wake for one loop without descriptors: the poller of a system with no transport."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def poll(self) -> None:
        """Nothing to take in."""

    def wait(self, timeout: float | None) -> None:
        """Sleep until `wake`, or for `timeout` seconds."""
        self._lock.acquire(timeout=-1 if timeout is None else min(max(timeout, 0), LONGEST))

    def wake(self) -> None:
        """Any thread. End this wait or the next."""
        try:
            self._lock.release()
        except RuntimeError:  # a wake-up is pending already
            pass

    def close(self) -> None:
        """Nothing to give back."""


class Waker:
    """A descriptor that becomes readable by `wake`, for loops that sleep on sockets."""

    __slots__ = ("_write_fd", "fd")

    def __init__(self) -> None:
        self.fd, self._write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def wake(self) -> None:
        """Any thread. Make the descriptor readable; also after `close`, to no effect."""
        try:
            os.write(self._write_fd, b"\0")
        except (BlockingIOError, OSError):  # full: it is readable already; closed: nobody sleeps
            pass

    def drain(self) -> None:
        """Owner only. Make it unreadable again."""
        try:
            while len(os.read(self.fd, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Owner only. Give the descriptors back."""
        read_fd, self.fd = self.fd, -1
        write_fd, self._write_fd = self._write_fd, -1
        if read_fd >= 0:
            os.close(read_fd)
            os.close(write_fd)


_HANG_UP = set() if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else {signal.SIGHUP}
_TO_END = frozenset({signal.SIGINT, signal.SIGTERM} | _HANG_UP)
"""What a terminal or a process manager sends to all of a group; not SIGHUP if nohup ignores it."""


def on_signals_to_end(handler: Callable[[str], None]) -> None:
    """Main thread only. Call `handler` with the name, such as "SIGTERM", when one arrives.

    It is called in a thread of its own. Python runs handlers in the main thread alone, and when the
    kernel hands a signal to another one, does not end what the main thread waits for.
    """
    read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(write_fd, False)
    signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    for number in _TO_END:
        signal.signal(number, _do_nothing)

    def listen() -> None:
        while True:
            for number in os.read(read_fd, 64):
                if number in _TO_END:
                    handler(signal.Signals(number).name)

    start_thread(listen, "zanni-signals")


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """In place of what a signal does by default."""


def leave_signals_to_parent() -> None:
    """Main thread only. Do nothing at the signals to end, which the mask of our start held back.

    By handlers, since what is ignored would be so in the programs that actors start, too.
    """
    for number in _TO_END:
        signal.signal(number, _do_nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TO_END)


class ChildProcess:
    """A Python process of our own, with a socket between us that ends when either of us does.

    `spawn`, never `fork`: the child is a fresh interpreter. It inherits that one socket and the
    standard streams; signals to end are masked until the child has said what it wants of them.
    """

    def __init__(self, code: str, environ: Mapping[str, str] | None = None) -> None:
        self.socket, theirs = socket.socketpair()
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # as multiprocessing does
        command = [sys.executable, *flags, "-c", code, str(theirs.fileno())]
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _TO_END)
        try:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and code)
                command,
                pass_fds=[theirs.fileno()],
                env=None if environ is None else {**os.environ, **environ},
                stdin=subprocess.DEVNULL,
            )
        except BaseException:
            self.socket.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            theirs.close()
        self.pid: int = self._process.pid

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait up to `timeout` seconds; the exit code (negative: a signal), or None while it runs.

        A child that the host application has reaped counts as 0, as `subprocess` has it.
        """
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """SIGKILL, to this child and nobody else."""
        self._process.kill()

    def close(self) -> None:
        """Close our end of the socket: the child ends itself when it notices."""
        self.socket.close()


def inherited_socket(fd: int) -> socket.socket:
    """In a child: the socket to the parent."""
    return socket.socket(fileno=fd)


def first_words(
    place: tuple[str, int] | str, said: bytes = b"", count: int = 0, patience: float = 0.1
) -> bytes | None:
    """The first bytes, up to `count`, from what listens at an address and port, or at a path.

    None where nothing does. No step of it takes longer than `patience` seconds.
    """
    words = None
    try:
        with socket.socket(_family(place)) as probe:
            probe.settimeout(patience)
            probe.connect(place)
            words = b""
            probe.sendall(said)
            while len(words) < count and (more := probe.recv(count - len(words))):
                words += more
    except (TimeoutError, BlockingIOError):  # it has not come to take the ones before us
        return words or b""
    except OSError:
        pass
    return words


def _family(place: tuple[str, int] | str) -> socket.AddressFamily:
    if isinstance(place, str):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in place[0] else socket.AF_INET


def number_of(host: str) -> str:
    """The IP address of a host's name, looked up now. Raises `OSError` where there is none."""
    return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])


def address_towards(number: str) -> str:
    """Our IP address that is nearest to that one; nothing is sent. Raises `OSError`: no way."""
    with socket.socket(_family((number, 9)), socket.SOCK_DGRAM) as probe:
        probe.connect((number, 9))
        return str(probe.getsockname()[0])


def on_exit(function: Callable[[], None]) -> None:
    """Call `function` when the interpreter ends; daemon threads still run then."""
    atexit.register(function)


def after_fork_in_child(function: Callable[[], None]) -> None:
    """Call `function` in every forked child."""
    os.register_at_fork(after_in_child=function)
