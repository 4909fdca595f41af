"""`python -m simulation SEED...` plays these schedules, and shows what happened in each."""

import argparse
import sys

from simulation.mutants import MUTANTS, mutated
from simulation.play import playing
from simulation.schedule import WEATHERS


def main():
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("seeds", nargs="+", type=int)
    parser.add_argument("--count", type=int, default=1, help="play so many, from each seed up")
    parser.add_argument("--quiet", action="store_true", help="show only those that break a promise")
    parser.add_argument("--weather", choices=WEATHERS, help="what the weather is to be")
    parser.add_argument("--mutant", choices=MUTANTS, help="leave a rule of the protocol out")
    options = parser.parse_args()
    broken = 0
    with mutated(options.mutant), playing() as play:
        for first in options.seeds:
            for seed in range(first, first + options.count):
                outcome = play(seed, options.weather)
                broken += bool(outcome.violations)
                if outcome.violations or not options.quiet:
                    print(outcome, flush=True)
    print(broken, "broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
