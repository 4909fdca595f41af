"""The garbage collector is told to look less often while systems run, and put back after."""

import gc

import pytest

from zanni import ActorSystem


@pytest.fixture(autouse=True)
def _as_it_was():
    before = gc.get_threshold()
    gc.set_threshold(700, 11, 12)
    yield
    gc.set_threshold(*before)


def test_it_looks_less_often_while_a_system_runs():
    with ActorSystem("one"):
        assert gc.get_threshold() == (20_000, 11, 12)
    assert gc.get_threshold() == (700, 11, 12)


def test_the_last_system_puts_it_back():
    one, two = ActorSystem("one").start(), ActorSystem("two", config={"gc_threshold": 30_000})
    two.start()
    one.stop()
    assert gc.get_threshold()[0] == 30_000
    two.stop()
    assert gc.get_threshold()[0] == 700


def test_it_is_a_setting():
    with ActorSystem("one", config={"gc_threshold": 5000}):
        assert gc.get_threshold()[0] == 5000
    with ActorSystem("one", config={"gc_threshold": 1}):
        assert gc.get_threshold()[0] == 700


@pytest.mark.parametrize("chosen", [0, 50_000])
def test_what_the_program_chose_is_kept(chosen):
    gc.set_threshold(chosen, 11, 12)
    with ActorSystem("one"):
        assert gc.get_threshold()[0] == chosen
    assert gc.get_threshold()[0] == chosen


def test_what_the_program_chooses_meanwhile_is_kept():
    with ActorSystem("one"):
        gc.set_threshold(900)
    assert gc.get_threshold()[0] == 900
