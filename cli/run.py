"""`zanni run`: one root actor and its system, until the root stops or a signal says so.

Guarantees:
- The first Ctrl-C or SIGTERM drains the system, the second ends it within a second; no process is
  left. SIGHUP, of a terminal that is closed, is as SIGTERM, unless nohup has it ignored.
- Exit codes: 0 the root stopped, or the program or SIGTERM drained the system; 1 the root failed,
  or gave up as a supervisor, or the name is that of another node; 2 bad usage; 130 Ctrl-C; 143
  SIGTERM, and the drain took too long.

Not while C code on core 0 holds the interpreter's lock: then no Python runs here that could act.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from ..actors import environment
from ..actors.actor import Actor
from ..actors.errors import NameInUse
from ..actors.future import Future
from ..actors.links import ChildFailed
from ..actors.logs import log_to_stderr
from ..actors.messages import can_be_found, type_name
from ..actors.oversight import Judge
from ..actors.process import Bury
from ..actors.system import ActorSystem
from ..transport.events import JoinRefused
from .outcome import End, Outcome
from .target import Arguments, load, offered

T = TypeVar("T")

HURRY = 0.8
"""Seconds that the system gets to end after the second signal."""

EXAMPLES = """\b
Examples:
  zanni run examples.census:Census --cores 2
  zanni run examples.census:Census --cores auto --path ~/src
  zanni run bank:Bank --name bank --listen tcp://127.0.0.1:7400
  zanni run bank:Teller --join tcp://127.0.0.1:7400 -- amount=20

\b
Exit codes:
    0  the root stopped, or the program or SIGTERM drained the system
    1  the root failed, or is a supervisor that gave up
    2  bad usage: a wrong target, argument, URL or setting
  130  Ctrl-C
  143  SIGTERM, and draining took too long
"""


class RunCommand(click.Command):
    """A command that keeps what stands after `--` apart; Click drops the mark itself."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before `--`; the rest is for the actor."""
        mark = args.index("--") if "--" in args else len(args)
        ctx.meta["rest"] = args[mark + 1 :]
        return super().parse_args(ctx, args[:mark])


@click.command(cls=RunCommand, epilog=EXAMPLES, context_settings={"ignore_unknown_options": True})
@click.argument("target", metavar="MODULE:CLASS")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- KEY=VALUE | VALUE]...")
@click.option("--cores", default="1", metavar="N|auto", help="Cores to run on; auto: all.")
@click.option("--listen", metavar="URL", help="Be reachable, as at tcp://127.0.0.1:7400.")
@click.option("--join", multiple=True, metavar="URL", help="Join a node; may be repeated.")
@click.option("--name", metavar="NODE", help="This node's name, the part after @ in addresses.")
@click.option("--keys", metavar="DIR", help="This node's key directory: see `zanni keys`.")
@click.option("--config", multiple=True, metavar="KEY=VALUE", help="A setting, as down_after=3.")
@click.option("--debug", is_flag=True, help="Show tracebacks, and log everything.")
@click.pass_context
def run(
    ctx: click.Context,
    target: str,
    options: tuple[str, ...],
    cores: str,
    listen: str | None,
    join: tuple[str, ...],
    name: str | None,
    keys: str | None,
    config: tuple[str, ...],
    debug: bool,
) -> None:
    """Run an actor until it stops, or until Ctrl-C, SIGTERM or SIGHUP (a terminal that is closed).

    The class is loaded from the working directory. What stands after `--` is for its constructor:
    KEY=VALUE by name, the rest by position, all of them text. `--key value` works too, where zanni
    itself has no such option.

    Joined nodes may spawn the actor classes that MODULE defines here, and no others.
    """
    if target.startswith("-"):
        raise click.UsageError(f"there is no option {target}; options of the actor follow its name")
    try:
        actor = load(target)
    except KeyboardInterrupt:
        ctx.exit(130)
    arguments = Arguments.parse(options, ctx.meta["rest"])
    arguments.check(actor, [parameter.name or "" for parameter in ctx.command.params])
    set_up_logging(debug)
    signals = Signals()
    environment.on_signals_to_end(signals)
    settings: dict[str, Any] = {
        "cores": _cores(cores),
        "listen": listen,
        "join": join,
        "keys": keys,
        "config": _settings(config),
        "observable": True,
    }
    module = sys.modules[target.partition(":")[0]]
    allowed = [cls for cls in offered(module).values() if can_be_found(type_name(cls))]
    system = start_system(name, settings, allowed)
    code = Life(system, signals, debug).run(
        functools.partial(actor, *arguments.positional, **arguments.keyword)
    )
    ctx.exit(code)


class Interrupted(Exception):
    """A signal arrived while the command waited."""


class Signals:
    """The signals so far, and the wait that the next one ends."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self._heeded = 0
        self._next = environment.Latch()

    def __call__(self, name: str) -> None:
        """A thread of its own. One has arrived."""
        self.received.append(name)
        self._next.release()

    def wait(self, future: Future[T]) -> T:
        """Main thread only. Wait for the future; raises Interrupted for a signal before or then."""
        self._next = done = environment.Latch()
        future.add_done_callback(lambda _: done.release())
        if len(self.received) == self._heeded:
            done.wait()
        if len(self.received) > self._heeded:
            self._heeded = len(self.received)
            raise Interrupted
        return future.get()


class Usher(Judge, Actor):
    """Spawns the root and supervises it, and so sees its end, however soon that comes."""

    _is_listed = False

    def __init__(self, root: Callable[..., Actor], ended: Future[End]) -> None:
        super().__init__()
        self._root, self._ended = root, ended

    def on_start(self) -> None:
        """Spawn the root; what its constructor or its start raises is the reason of its end."""
        try:
            self.system.spawn(self._root, supervisor=self.actor_ref)
        except Exception as error:
            self._ended.resolve(End(None, error))
        except BaseException:  # killed meanwhile
            self.on_stop()
            raise

    def on_receive(self, message: object) -> None:
        """Tell of the root's end, which is final."""
        if isinstance(message, ChildFailed):
            if message.crash is not None:
                self.system.crashes.report(message.crash, "it is the root, so the system ends")
            message.ref.process.signal(Bury())
            self._ended.resolve(End(message.ref, message.reason))

    def on_stop(self) -> None:
        """Tell that the program has stopped its system, unless the root had ended before."""
        self._ended.resolve(End(None, "shutdown"))


class Life:
    """A started system from its root's spawn to the exit code."""

    def __init__(self, system: ActorSystem, signals: Signals, debug: bool) -> None:
        self._system = system
        self._signals = signals
        self._debug = debug
        self._hurried = environment.Latch()

    def run(self, root: Callable[..., Actor]) -> int:
        """Run the root to its end, stop the system, and say how it went."""
        ended: Future[End] = Future()
        outcome = Outcome()
        self._system.events.subscribe(outcome.hear)
        self._system.events.subscribe(functools.partial(end_if_refused, ended))
        self._system.spawn(Usher, root, ended)
        try:
            end = self._signals.wait(ended)
        except Interrupted:
            end = End(None, "shutdown")
        drained = self._stop()
        if self._signals.received:
            return self._interrupted(drained)
        return outcome.report(end, debug=self._debug)

    def _stop(self) -> bool:
        """Drain the system; one more signal cuts that short. False when it did not drain."""
        stopped: Future[bool] = Future()

        def stop() -> None:
            try:
                stopped.set(self._system.stop())
            except BaseException as error:
                stopped.set_exception((type(error), error, error.__traceback__))

        environment.start_thread(stop, "zanni-stop")
        try:
            return self._signals.wait(stopped)
        except Interrupted:
            pass
        environment.start_thread(self._hurry, "zanni-hurry")
        self._hurried.wait(HURRY)
        return False

    def _hurry(self) -> None:
        self._system.stop(timeout=0)
        self._hurried.release()

    def _interrupted(self, drained: bool) -> int:
        after_sigterm = 0 if drained else 143
        code = 130 if self._signals.received[0] == "SIGINT" else after_sigterm
        if not drained:  # a turn that never ends must not hold up the interpreter's exit
            flush_what_is_open()
            environment.exit_now(code)
        return code


def end_if_refused(ended: Future[End], event: object) -> None:
    """Any thread. A node whose name is another's is of no use to anyone: it ends."""
    if isinstance(event, JoinRefused) and event.reason == "name_in_use":
        ended.resolve(End(None, NameInUse(event.detail, event.host, event.pid)))


def start_system(
    name: str | None, settings: dict[str, Any], allowed: Iterable[type[Actor]]
) -> ActorSystem:
    """Make and start the system; a URL, port, name or setting that will not do is bad usage."""
    try:
        system = ActorSystem(**settings) if name is None else ActorSystem(name, **settings)
        system.allow(*allowed)
        system.start()
    except (ValueError, OSError, NameInUse) as error:
        raise click.UsageError(str(error)) from error
    return system


def flush_what_is_open() -> None:
    """Have printed what can be: a stream may be closed, or its disk full, or nobody reads it."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()


def set_up_logging(debug: bool) -> None:
    """Log to stderr: in colour on a terminal, else, and from child cores, as plain lines."""
    level = logging.DEBUG if debug else logging.WARNING
    if sys.stderr is not None and sys.stderr.isatty():
        from rich.console import Console  # noqa: PLC0415  (not needed for plain lines)
        from rich.logging import RichHandler  # noqa: PLC0415  (as above)

        handler: logging.Handler = RichHandler(console=Console(stderr=True), show_path=False)
        handler.setFormatter(logging.Formatter("%(message)s", "[%X]"))
        log_to_stderr(level, handler)
    else:
        log_to_stderr(level)


def _cores(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise click.BadParameter(
            f"{text!r} is neither a number from 1 on nor 'auto'", param_hint="--cores"
        )
    return int(text)


def _settings(pairs: Iterable[str]) -> dict[str, float | str]:
    settings: dict[str, float | str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(
                f"{pair!r} is not of the form KEY=VALUE", param_hint="--config"
            )
        try:
            settings[key] = float(value)
        except ValueError:  # one that is a word, or wrong: the config knows
            settings[key] = value
    return settings
