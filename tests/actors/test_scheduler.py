"""Placement: by the last reports, and by what was placed since."""

from collections import Counter

import pytest

from zanni import ActorSystem
from zanni.actors.network import CoreReport, Load
from zanni.actors.scheduler import Scheduler


def record(index, *, cpu=0.0, delay=0.0, actors=0, state="up"):
    load = Load(queued=0, messages=0, delay=delay, cpu=cpu)
    return CoreReport(
        index=index, state=state, incarnation=1, pid=1, actors=actors, restarts=0, load=load
    )


class Reports:
    def __init__(self, *records):
        self.records = list(records)

    def cores(self):
        return self.records


class Home:
    name = "home"

    def __init__(self, *records, index=0):
        self.network = Reports(*records)
        self.index = index
        self.core_count = self.open_cores = len(records)


def place(*records, word="least-loaded"):
    return Scheduler(Home(*records)).place(word, None)


def test_the_less_busy_core_is_chosen_however_many_actors_it_has():
    assert place(record(0, cpu=0.9), record(1, cpu=0.1, actors=1000)) == 1


def test_a_core_whose_turns_wait_counts_as_busy():
    assert place(record(0, cpu=0.5), record(1, cpu=0.1, delay=0.02)) == 0


def test_of_equally_busy_cores_the_one_with_fewer_actors_is_chosen():
    assert place(record(0, cpu=0.04, actors=9), record(1, cpu=0.01, actors=3)) == 1


def test_a_core_that_is_not_up_is_not_chosen():
    assert place(record(0, cpu=1.0), record(1, state="down")) == 0


def test_a_burst_between_two_reports_does_not_all_go_to_one_core():
    home = Home(record(0, actors=10), record(1))
    scheduler = Scheduler(home)
    went = Counter(scheduler.place("least-loaded", None) for _ in range(110))
    assert min(went.values()) >= 50


def test_a_burst_spills_over_from_the_core_that_was_idle():
    home = Home(record(0, cpu=0.3), record(1, cpu=0.0))
    scheduler = Scheduler(home)
    went = Counter(scheduler.place("least-loaded", None) for _ in range(200))
    assert went[1] > went[0] > 0


def test_a_new_report_counts_afresh():
    home = Home(record(0), record(1))
    scheduler = Scheduler(home)
    for _ in range(500):
        scheduler.place("least-loaded", None)
    home.network.records = [record(0, cpu=0.9), record(1, cpu=0.01)]
    assert scheduler.place("least-loaded", None) == 1


def test_a_core_without_reports_places_at_home():
    home = Home(index=3)
    assert Scheduler(home).place("least-loaded", None) == 3


def test_spread_takes_each_core_in_turn():
    home = Home(record(0), record(1), record(2), index=1)
    scheduler = Scheduler(home)
    assert [scheduler.place("spread", None) for _ in range(4)] == [1, 2, 0, 1]


@pytest.mark.parametrize("core", [3, -1, True, 1.0, "elsewhere"])
def test_what_is_no_core_is_refused(core):
    with pytest.raises(ValueError, match="core"):
        place(record(0), record(1), word=core)


def test_a_system_on_one_core_reports_its_load(eventually):
    with ActorSystem("solo", config={"heartbeat": 0.01}) as system:

        def busy():
            sum(range(20_000))
            return system.cores()[0]["load"]["cpu"] > 0

        eventually(busy)
        load = system.cores()[0]["load"]
        assert load["delay"] >= 0
        assert load["queued"] >= 0


def test_a_core_that_is_being_removed_takes_no_new_actors():
    home = Home(record(0), record(1, state="closing"), index=1)
    home.open_cores = 1
    scheduler = Scheduler(home)
    for core in (None, "here", "spread", "least-loaded"):
        assert scheduler.place(core, None) == 0
    with pytest.raises(ValueError, match="being removed"):
        scheduler.place(1, None)
