"""Messages that are passed on between cores keep their sender and their asker."""

import sys
from pathlib import Path

import pytest
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew

from zanni import ActorDeadError, ActorSystem, Timeout

DEADLINE = 20.0


@pytest.fixture(scope="module")
def system():
    with ActorSystem("desks", cores=3) as system:
        yield system


@pytest.mark.parametrize("asker_core", [0, 1, 2])
@pytest.mark.parametrize("desk_core", [0, 1, 2])
@pytest.mark.parametrize("clerk_core", [0, 1])
def test_the_sender_stays_whichever_way_it_goes(system, asker_core, desk_core, clerk_core):
    clerk = system.spawn(crew.Counter, core=clerk_core)
    desk = system.spawn(crew.Desk, clerk, core=desk_core)
    asker = system.spawn(crew.Watcher, core=asker_core)
    assert asker.ask(("ask", desk, "sender"), timeout=DEADLINE) == asker
    assert desk.ask("sender", timeout=DEADLINE) is None


def test_through_several_desks(system):
    ref = system.spawn(crew.Counter, core=0)
    for core in (1, 2, 1, 0, 2):
        ref = system.spawn(crew.Desk, ref, core=core)
    asker = system.spawn(crew.Watcher, core=1)
    assert asker.ask(("ask", ref, "sender"), timeout=DEADLINE) == asker
    with pytest.raises(crew.Overdrawn):
        ref.call(crew.Desk.fail, "declared").get(timeout=DEADLINE)


def test_forwarding_to_the_gone_and_what_cannot_travel(system):
    gone = system.spawn(crew.Counter, core=2)
    gone.stop(timeout=DEADLINE)
    desk = system.spawn(crew.Desk, gone, core=1)
    with pytest.raises(ActorDeadError):
        desk.ask("hello", timeout=DEADLINE)


def test_nothing_is_owed_to_an_asker_elsewhere_whose_time_is_over(system):
    later = system.spawn(crew.Later, core=1)
    patient = later.ask("hello", block=False)
    with pytest.raises(Timeout):
        later.ask("hello", timeout=0.05)
    wait_for(lambda: later.ask("count", timeout=DEADLINE) == 1)
    later.ask("answer two", timeout=DEADLINE)
    assert patient.get(timeout=DEADLINE) == 0


def test_an_answer_given_later_and_one_that_is_never_given(system):
    later = system.spawn(crew.Later, core=1)
    answers = [later.ask(number, block=False) for number in range(3)]
    later.ask("answer two", timeout=DEADLINE)
    assert [answer.get(timeout=DEADLINE) for answer in answers[:2]] == [0, 1]
    later.kill()
    with pytest.raises(ActorDeadError, match="before it answered"):
        answers[2].get(timeout=DEADLINE)


def test_a_deadline_crosses_as_what_is_left(system):
    here, there = system.spawn(crew.Counter, core=0), system.spawn(crew.Counter, core=1)
    asker = system.spawn(crew.Watcher, core=2)
    assert there.ask("deadline", timeout=DEADLINE) <= DEADLINE
    assert there.ask("deadline") is None
    for ref in (here, there):
        left = asker.ask(("ask", ref, "deadline"), timeout=DEADLINE)
        assert DEADLINE - 10 < left <= DEADLINE
        desk = system.spawn(crew.Desk, ref, core=2)
        assert DEADLINE - 10 < desk.ask("deadline", timeout=DEADLINE) <= DEADLINE
        assert asker.ask(("ask", ref, "deadline")) is None


def test_a_nested_ask_elsewhere_ends_with_its_askers_time(system):
    later = system.spawn(crew.Later, core=1)
    asker = system.spawn(crew.Watcher, core=2)
    with pytest.raises(Timeout):
        asker.ask(("ask", later, "never"), timeout=0.1)
    assert asker.ask("downs", timeout=DEADLINE) == []
