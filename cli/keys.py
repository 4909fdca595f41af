"""`zanni keys`: who may link with a node over a network, and the keys by which it is known.

The files, and what their permissions have to be, are in `transport/keyring.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..transport.key import is_key
from ..transport.keyring import (
    PUBLIC,
    SECRET,
    BadKeys,
    Entry,
    Role,
    allow,
    read_allowed,
    read_pair,
    revoke,
    write_pair,
    wrong_with_public,
)

EXAMPLES = """\b
Examples, of two machines that are to link:
  bank$   zanni keys new bank-keys
  teller$ zanni keys new teller-keys
  bank$   zanni keys allow bank-keys teller teller.public.key
  teller$ zanni keys allow teller-keys bank bank.public.key
  bank$   zanni run bank:Bank --name bank --listen tcp://10.0.0.1:7400 --keys bank-keys
  teller$ zanni run bank:Teller --name teller --listen tcp://10.0.0.2:0 \\
              --join tcp://bank@10.0.0.1:7400 --keys teller-keys

\b
Exit codes:
    0  it is done
    1  it cannot be done; the text says why, and what to do
    2  bad usage
"""


def key_directory(_ctx: click.Context, _parameter: click.Parameter, text: str) -> Path:
    """A path; an empty one, as of a variable that is not set, is not the working directory."""
    if not text:
        raise click.BadParameter("it is empty: name a directory")
    return Path(text)


DIRECTORY = click.argument("directory", metavar="DIR", callback=key_directory)
NAME = click.argument("name", metavar="NAME")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as one JSON document.")


@click.group(epilog=EXAMPLES)
def keys() -> None:
    """Make key pairs, and say whose keys a node takes.

    DIR is a node's key directory, for `zanni run --keys DIR` and ActorSystem(keys=DIR). A node that
    runs takes up a change within a second: a key that is revoked loses its links at once.
    """


@keys.command()
@DIRECTORY
@AS_JSON
def new(directory: Path, as_json: bool) -> None:
    """Make a key directory, with a new pair of keys."""
    from ..transport.zeromq import new_pair  # noqa: PLC0415  (ZeroMQ is not needed for the rest)

    with plain_errors():
        write_pair(directory, new_pair())
    show_directory(directory, as_json)


@keys.command()
@DIRECTORY
@AS_JSON
def show(directory: Path, as_json: bool) -> None:
    """Show the public key, to be handed over, and whose keys are allowed."""
    show_directory(directory, as_json)


@keys.command("allow")
@DIRECTORY
@NAME
@click.argument("key", metavar="KEY|FILE|-")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.NODE.value,
    help="What it may do; a node may all.",
)
@AS_JSON
def allow_key(directory: Path, name: str, key: str, role: str, as_json: bool) -> None:
    """Take the public key of the node NAME, as text, from a file or from stdin.

    \b
    Roles:
      node    links as a node: messages, spawning, watching, supervising
      client  may ask for names, tell and ask
      admin   as a client, and may stop, spawn what is allowed, and look (zanni tree)
    """  # noqa: D301  (\b is Click's)
    with plain_errors():
        entry = Entry(name, Role(role), _key_of(key))
        replaced = allow(directory, entry)
    if replaced is not None and replaced.key != entry.key:
        click.echo(f"the key that {name!r} had before is revoked", err=True)
    show_directory(directory, as_json)


@keys.command("revoke")
@DIRECTORY
@NAME
@AS_JSON
def revoke_key(directory: Path, name: str, as_json: bool) -> None:
    """Take the key of the node NAME no longer; its links are dropped."""
    with plain_errors():
        revoke(directory, name)
    show_directory(directory, as_json)


def show_directory(directory: Path, as_json: bool) -> None:
    """Print what is in a key directory, but for the secret key."""
    with plain_errors():
        pair, allowed = read_pair(directory), read_allowed(directory)
    wrong = wrong_with_public(directory, pair)
    entries = [
        {"name": each.name, "role": each.role.value, "key": each.key} for each in allowed.entries
    ]
    if as_json:
        seen: dict[str, Any] = {
            "directory": str(directory),
            "public": pair.public,
            "public_file": str(directory / PUBLIC) if wrong is None else None,
            "allowed": entries,
            "problems": [*filter(None, [wrong]), *allowed.problems],
        }
        click.echo(json.dumps(seen, indent=2))
        return
    click.echo(f"public key  {pair.public}" + ("" if wrong else f"  ({directory / PUBLIC})"))
    for entry in entries:
        click.echo(f"{entry['role']:<10}  {entry['key']}  {entry['name']}")
    if not entries:
        click.echo(f"allowed     none yet: zanni keys allow {directory} NAME KEY")
    if wrong is not None:
        click.echo(f"not to be handed over: {wrong}", err=True)
    for problem in allowed.problems:
        click.echo(f"left out: {problem}", err=True)


def _key_of(given: str) -> str:
    """The key itself: given as text, or in a file, or on stdin."""
    if is_key(given):
        return given
    try:
        words = (_stdin() if given == "-" else Path(given).read_text()).split()
    except (OSError, UnicodeDecodeError):
        raise BadKeys(
            f"{given!r:.80} is neither a key nor a file with one: give the 40 characters, in "
            f"quotes, or the path of a {PUBLIC}"
        ) from None
    if len(words) == 1:
        return words[0]
    raise BadKeys(f"{given!r:.80} holds no public key" + _hint(words))


def _stdin() -> str:
    return "" if sys.stdin is None else sys.stdin.read()  # None: it was closed at our start


def _hint(words: list[str]) -> str:
    if len(words) == 2 and all(map(is_key, words)):
        return f": it is a {SECRET}, which nobody but its node may have; give its {PUBLIC}"
    return f": give a {PUBLIC}, as `zanni keys new` writes it"


@contextmanager
def plain_errors() -> Generator[None]:
    """Say what went wrong in a line."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
