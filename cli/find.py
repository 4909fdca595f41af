"""Which running system a command is about: one of this machine by its name, or any by its URL."""

from __future__ import annotations

from typing import NamedTuple

import click

from ..transport.run_directory import Running, base_directory, running
from ..transport.security import EXAMPLE, RefusedAddress, check_url


class Found(NamedTuple):
    """A system, and how it was found."""

    url: str
    node: Running | None
    """None: by its URL."""

    @property
    def title(self) -> str:
        """What to call it."""
        return self.url if self.node is None else _title(self.node)

    def has_ended(self) -> bool:
        """Whether it is known to run no more."""
        return self.node is not None and self.node not in running()


def find(target: str | None) -> Found:
    """Find the system of that name or URL; None: the only one that runs here for this user.

    Raises:
        click.ClickException: there is none.
        click.UsageError: it is no URL that can be used, or there are several.

    """
    if target is not None and "://" in target:
        try:
            return Found(check_url(target), None)
        except RefusedAddress as error:
            raise click.UsageError(str(error)) from error
    try:
        nodes = running()
    except OSError as error:
        raise click.ClickException(str(error)) from error
    chosen = [node for node in nodes if target in (None, node.name)]
    if not chosen:
        raise click.ClickException(_none(target, nodes))
    if len(chosen) > 1:
        which = "run here" if target is None else "have that name"
        lines = "".join(f"\n  {node.name}  {node.url}  (process {node.pid})" for node in chosen)
        raise click.UsageError(
            f"{len(chosen)} systems {which}; say which one, by name or URL:{lines}"
        )
    return Found(chosen[0].url, chosen[0])


def _none(target: str | None, nodes: list[Running]) -> str:
    what = "no system" if target is None else f"no system {target!r}"
    if nodes:
        return f"{what} runs here; there are: {', '.join(map(_title, nodes))}"
    return (
        f"{what} runs here for this user (looked in {base_directory()}). Name one that listens by "
        f"its URL, as {EXAMPLE}; a script's with one core needs ActorSystem(observable=True)"
    )


def _title(node: Running) -> str:
    return f"{node.name} (process {node.pid})"
