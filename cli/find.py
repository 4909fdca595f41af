"""Which running system a command is about: one of this machine by its name, or any by its URL."""

from __future__ import annotations

from typing import NamedTuple

import click

from ..transport.gate import Gate
from ..transport.run_directory import Running, base_directory, running
from ..transport.security import EXAMPLE, check_url


class Found(NamedTuple):
    """A system, and how it was found."""

    url: str
    node: Running | None
    """None: by its URL."""
    key: str | None = None
    """What it has to show, where keys are used."""

    @property
    def title(self) -> str:
        """What to call it."""
        return self.url if self.node is None else _title(self.node)

    def has_ended(self) -> bool:
        """Whether it is known to run no more."""
        return self.node is not None and self.node not in running()


def find(target: str | None, gate: Gate | None = None) -> Found:
    """Find the system of that name or URL; None: the only one that runs here for this user.

    With a gate it is one at a URL, whose key is allowed there.

    Raises:
        click.ClickException: there is none.
        click.UsageError: it is no URL that can be used, or there are several.

    """
    if target is not None and "://" in target:
        try:
            if gate is None:
                return Found(check_url(target), None)
            join = gate.checked_join(target)
            return Found(join.url, None, gate.key_to_join(join))
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    if gate is not None:
        raise click.UsageError("keys are for a system at a URL, as tcp://bank@10.0.0.1:7400")
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
