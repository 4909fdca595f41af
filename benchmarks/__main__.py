"""`python -m benchmarks`: Zanni and its peers, doing the same work in one interleaved run."""

import sys

import click
from rich.console import Console

from .catalogue import choose
from .runner import Measurement, run_all
from .table import table_of


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", metavar="M2,M4", default="", help="Only these, by name or number.")
@click.option("--runs", default=5, show_default=True, help="Timed runs of each side.")
@click.option("--quick", is_flag=True, help="One run of a tenth of the work, none discarded.")
@click.option("--long", is_flag=True, help="Those too that take minutes or gigabytes.")
@click.option("--scale", default=1.0, show_default=True, help="Multiply the work by this.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each run on stdout.")
def main(only: str, runs: int, quick: bool, long: bool, scale: float, as_json: bool) -> None:
    """Measure Zanni beside its peers; every measurement in a fresh process.

    A first round is thrown away. The clock stops only on an answer that arithmetic confirms; a
    wrong one is an error, and the exit status 1.
    """
    try:
        chosen = choose([name for name in only.replace(" ", "").split(",") if name], long=long)
    except LookupError as error:
        raise click.BadParameter(str(error), param_hint="--only") from None
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console.width = 120

    def tell(made: Measurement) -> None:
        if as_json:
            print(made.as_json(), flush=True)
        else:
            console.print(str(made), markup=False, highlight=False)

    if quick:
        runs, discarded, scale = 1, 0, scale / 10
    else:
        discarded = 1
    outcomes = list(run_all(chosen, runs=runs, discarded=discarded, scale=scale, tell=tell))
    console.print(table_of(outcomes))
    for name, lacks in sorted({each for outcome in outcomes for each in outcome.lacking.items()}):
        console.print(f"{name} was skipped: {lacks}", markup=False, highlight=False)
    errors = [error for outcome in outcomes for error in outcome.errors]
    for error in errors:
        console.print(error, style="red", markup=False, highlight=False)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
