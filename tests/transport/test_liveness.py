import pytest

from zanni.transport.liveness import Change, Liveness, Verdict


@pytest.fixture
def liveness():
    made = Liveness(1.0, 5.0, 15.0)
    made.tick(0.0)
    made.heard("peer", 0.0)
    return made


def tick_until(liveness, end, start=1):
    return [change for second in range(start, end + 1) for change in liveness.tick(float(second))]


def test_a_peer_that_speaks_is_left_alone(liveness):
    for second in range(1, 100):
        liveness.heard("peer", float(second))
        assert liveness.tick(float(second)) == []


def test_silence_is_suspect_and_then_down_once_each(liveness):
    assert tick_until(liveness, 4) == []
    assert tick_until(liveness, 14, 5) == [Change("peer", Verdict.SUSPECT)]
    assert tick_until(liveness, 100, 15) == [Change("peer", Verdict.DOWN)]


def test_a_suspect_that_speaks_has_recovered(liveness):
    assert tick_until(liveness, 6) == [Change("peer", Verdict.SUSPECT)]
    liveness.heard("peer", 6.5)
    assert liveness.tick(7.0) == [Change("peer", Verdict.RECOVERED)]
    assert tick_until(liveness, 12, 8) == [Change("peer", Verdict.SUSPECT)]


@pytest.mark.parametrize("stall", [3.0, 14.5, 16.0, 3600.0])
def test_an_own_stall_counts_against_nobody(liveness, stall):
    assert liveness.tick(1.0 + stall) == []
    assert liveness.stalls == 1
    assert liveness.silence("peer", 1.0 + stall) <= 1.0 + 1.0
    quiet_from = int(1.0 + stall) + 1
    changes = tick_until(liveness, quiet_from + 20, quiet_from)
    assert [change.verdict for change in changes] == [Verdict.SUSPECT, Verdict.DOWN]


def test_a_tick_is_overdue_when_others_may_have_declared_this_core_down(liveness):
    for late, is_overdue in ((14.9, False), (15.0, True), (1.0, False)):
        due = liveness.overdue_at
        liveness.tick(due - 15.0 + late)
        assert liveness.was_overdue is is_overdue


def test_a_forgotten_peer_is_not_judged(liveness):
    liveness.forget("peer")
    assert tick_until(liveness, 30) == []
    assert liveness.silence("peer", 30.0) == 0.0
