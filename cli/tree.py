"""`zanni tree`: the supervisors of a running system, and their children.

What it does is in `tree_look.py`, which is loaded when it is asked for: it needs ZeroMQ and rich.
"""

from __future__ import annotations

import click

EXAMPLES = """\b
Examples:
  zanni tree
  zanni tree bank --watch
  zanni tree tcp://127.0.0.1:7400 --all
  zanni tree tcp://bank@10.0.0.1:7400 --keys my-keys
  zanni tree bank --json | jq '.cores[].supervisors[].children[] | select(.restarts > 0)'

\b
Exit codes:
    0  it was shown; with --watch: the system has ended
    1  there is no such system, or it does not answer
    2  bad usage, as a wrong URL; or several systems run here, and none was named
  130  Ctrl-C
"""


@click.command(epilog=EXAMPLES)
@click.argument("target", required=False, metavar="[NODE|URL]")
@click.option("--all", "everything", is_flag=True, help="List every actor and child one by one.")
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON document.")
@click.option("--watch", is_flag=True, help="Show it anew each second, until Ctrl-C.")
@click.option("--keys", metavar="DIR", help="The key directory to show at a URL: `zanni keys`.")
@click.pass_context
def tree(
    ctx: click.Context,
    target: str | None,
    everything: bool,
    as_json: bool,
    watch: bool,
    keys: str | None,
) -> None:
    """Show a running system: its supervisors, their children, states, restarts and reasons.

    NODE is the name of a system that runs on this machine for this user; it may be left out if only
    one does. A system elsewhere, or of another user, is named by a URL at which it listens.

    The system goes on undisturbed: no actor is asked, and none hears of it.
    """
    from .tree_look import Look  # noqa: PLC0415  (see above)

    try:
        Look(target, everything=everything, as_json=as_json, keys=keys).show(again=watch)
    except KeyboardInterrupt:
        ctx.exit(130)
