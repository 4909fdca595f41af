"""C7 and C8: very many children, and what is left of them: nothing."""

import subprocess
import sys

import pytest

PARTS = """
import ctypes
import gc
import logging
import sys
import time

from zanni import Actor, ActorSystem, Future
from zanni.supervisors import DynamicSupervisor, child

logging.getLogger("zanni").setLevel(logging.ERROR)  # a turn that tells 100 000 children is long
WAIT = 500
libc = ctypes.CDLL(None)


class Leaf(Actor):
    def __init__(self, load):
        super().__init__()
        self.load = load


class Many(DynamicSupervisor):
    def template(self):
        return child(Leaf, id="leaf", restart="temporary")


def resident():
    gc.collect()
    if hasattr(libc, "malloc_trim"):  # what malloc keeps for the next time is not ours
        libc.malloc_trim(0)
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def started(many, number, load):
    asked = [many.call(Many.start_child, load) for _ in range(number)]
    return [each.get(timeout=WAIT) for each in asked]


def main(number):
    with ActorSystem("many") as system:
        run(system, number)
    print("done")


if __name__ == "__main__":
    main(int(sys.argv[1]))
"""

LEFT = """
SIZE = 1_000_000


def come_and_go(many, number):
    for n in range(number):
        ref = many.call(Many.start_child, bytearray(SIZE)).get(timeout=WAIT)
        if n % 2:
            many.call(Many.terminate_child, ref).get(timeout=WAIT)
        else:
            ref.stop(timeout=WAIT)
            ref.wait(timeout=WAIT)


def run(system, number):
    many = system.spawn(Many)
    come_and_go(many, 50)
    base = resident()
    come_and_go(many, number)
    assert many.call(Many.which_children).get(timeout=WAIT) == []
    left = resident() - base
    print(f"{number} children with {SIZE} bytes each have left {left} bytes")
    assert left < 20 * SIZE, left
"""

LINEAR = """
def life(system, number):
    many = system.spawn(Many)
    began = time.perf_counter()
    refs = started(many, number, None)
    middle = time.perf_counter()
    full = resident()
    ended = time.perf_counter()
    assert many.stop(timeout=WAIT)
    took = middle - began, time.perf_counter() - ended
    assert not any(ref.is_alive() for ref in refs)
    assert system.actors() == []
    return took, full


def run(system, number):
    life(system, 1000)
    before = resident()
    few = min(sum(life(system, 1000)[0]) for _ in range(3))
    (start, stop), full = life(system, number)
    print(
        f"{number} children, each: start {start / number * 1e6:.0f} us, stop"
        f" {stop / number * 1e6:.0f} us, {(full - before) // number} bytes;"
        f" of 1000: start and stop {few / 1000 * 1e6:.0f} us"
    )
    assert start + stop < 10 * few * number / 1000
"""


def run(tmp_path, part, number, timeout):
    script = tmp_path / "program.py"
    head, guard, tail = PARTS.partition("def main(number):\n")
    script.write_text(f"{head}{part}\n\n{guard}{tail}")
    done = subprocess.run(
        [sys.executable, script, str(number)],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert (done.returncode, done.stdout[-5:]) == (0, "done\n"), done.stderr
    print(done.stdout)


def test_a_thousand_children_with_large_arguments_leave_nothing(tmp_path):
    run(tmp_path, LEFT, 1000, 110)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_hundred_thousand_children_with_large_arguments_leave_nothing(tmp_path):
    run(tmp_path, LEFT, 100_000, 890)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_hundred_thousand_children_take_a_hundred_times_as_long_as_a_thousand(tmp_path):
    """At most ten times that, which leaves room for caches and the machine's other work."""
    run(tmp_path, LINEAR, 100_000, 590)
