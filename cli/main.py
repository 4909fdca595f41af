"""The command `zanni`: a group of commands, each in a file of its own."""

from __future__ import annotations

import sys

import click

from .keys import keys
from .run import run
from .tree import tree

EXAMPLES = """\b
Examples:
  zanni run examples.census:Census --cores 2
  zanni run bank:Bank --name bank --listen tcp://127.0.0.1:7400
  zanni run bank:Teller --join tcp://127.0.0.1:7400 -- amount=20
  zanni tree bank --watch
"""


def print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print the package's version, taken from its face, which is loaded whenever this file is."""
    if wanted:
        package = str(__package__).partition(".")[0]
        click.echo(f"{package} {sys.modules[package].__version__}")
        context.exit()


@click.group(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Run actors on all cores and many machines."""


main.add_command(keys)
main.add_command(run)
main.add_command(tree)

if __name__ == "__main__":
    main(prog_name="zanni")
