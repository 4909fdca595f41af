"""Playing schedules, one after the other, in this process."""

from contextlib import contextmanager

from simulation.schedule import Schedule
from simulation.taps import Tapped
from simulation.virtual import Installed

from zanni.actors import system


@contextmanager
def playing():
    """While it is entered, what it gives plays the schedule of a seed, and returns its outcome."""
    before = system.network_of.function
    try:
        with Installed(), Tapped():
            yield lambda seed, weather=None: Schedule(seed, weather).play()
    finally:
        system.network_of.fill(before)
