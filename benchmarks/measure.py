"""One measurement, in this process: `python -m benchmarks.measure M2 zanni 500000`.

Prints its figures as a line of JSON; a failed check is a traceback and exit status 1.
"""

import json
import sys

from .catalogue import find


def measure(name: str, side_name: str, n: int) -> None:
    side = next(each for each in find(name).sides if each.name == side_name)
    figures = side.run(n)
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))
