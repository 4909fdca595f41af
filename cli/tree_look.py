"""What `zanni tree` does: find the system, look at it, and print what was seen, once or again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import click
from rich.console import Console
from rich.live import Live

from ..actors.arguments import checked_keys
from ..actors.observe import Events
from ..transport.gate import Gate
from ..transport.observer import PATIENCE, HasEnded, NotSeen, Observer, Silent, observing
from ..transport.security import RefusedAddress
from .find import Found, find
from .forest import Json, forest
from .tree_view import lines, view

INTERVAL = 1.0
"""Seconds between two looks."""
WIDE = 10_000
"""Characters in a line where there is no terminal: no line is broken."""

Show: TypeAlias = Callable[[Json], None]


class Look:
    """One use of the command.

    Raises as `find`.
    """

    def __init__(
        self, target: str | None, *, everything: bool, as_json: bool, keys: str | None
    ) -> None:
        try:
            directory = checked_keys(keys)
            self._gate = None if directory is None else Gate(Path(directory), Events())
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        self._found = find(target, self._gate)
        self._everything, self._as_json = everything, as_json

    def show(self, *, again: bool) -> None:
        """Print what is seen; `again` and again, until the system has ended.

        Raises:
            click.ClickException: the system does not answer, or nothing can be printed.
            BrokenPipeError: nobody reads what is printed any more; Click ends quietly then.

        """
        with ExitStack() as stack:
            observer = self._observer(stack)
            try:
                if again:
                    self._watch(observer)
                else:
                    self._printer(indent=2)(self._look(observer))
            except NotSeen as error:
                raise click.ClickException(_in_words(self._found, error)) from error
            except BrokenPipeError:
                raise
            except OSError as error:
                raise click.ClickException(f"cannot print: {error}") from error

    def _observer(self, stack: ExitStack) -> Observer:
        try:
            return stack.enter_context(observing(self._found.url, self._gate, self._found.key))
        except (OSError, RefusedAddress) as error:
            raise click.ClickException(f"cannot look at anything: {error}") from error

    def _watch(self, observer: Observer) -> None:
        with self._shown_live() as show:
            try:
                while True:
                    show(self._look(observer))
                    observer.rest(INTERVAL)
            except NotSeen as error:
                if not (isinstance(error, HasEnded) or self._found.has_ended()):
                    raise
        click.echo(f"{self._found.title} has ended", err=True)

    def _look(self, observer: Observer) -> Json:
        seen = observer.look(self._found.url, everything=self._everything)
        try:
            return forest(seen)
        except (KeyError, TypeError, ValueError) as error:
            raise click.ClickException(
                f"{self._found.title} answers what cannot be read here ({error!r}): is it of "
                "another version of Zanni?"
            ) from error

    @contextmanager
    def _shown_live(self) -> Generator[Show]:
        """On a terminal, one tree that changes; elsewhere one print after another."""
        console = Console(highlight=False)
        if self._as_json or not console.is_terminal:
            yield self._printer(indent=None)
        else:
            with Live(console=console, auto_refresh=False) as live:
                yield lambda seen: live.update(view(seen), refresh=True)

    def _printer(self, indent: int | None) -> Show:
        if self._as_json:
            return lambda seen: click.echo(json.dumps(seen, indent=indent))
        on_terminal = sys.stdout is not None and sys.stdout.isatty()  # None: closed at our start
        console = Console(highlight=False, width=None if on_terminal else WIDE)
        if console.is_terminal:  # or what is to be taken for one, as FORCE_COLOR says
            return lambda seen: console.print(view(seen))

        def show(seen: Json) -> None:
            plain = lines(view(seen), ascii_only=console.options.ascii_only)
            console.file.writelines(f"{line}\n" for line in plain)
            console.file.flush()

        return show


def _in_words(found: Found, error: NotSeen) -> str:
    if found.node is None:
        return str(error)
    if isinstance(error, HasEnded) or found.has_ended():
        return f"{found.title} has ended"
    if isinstance(error, Silent):
        return (
            f"{found.title} runs, and does not answer within {PATIENCE:g} seconds: it is stopped, "
            "or held up by code in C"
        )
    return f"{found.title} cannot be seen: {error}"
