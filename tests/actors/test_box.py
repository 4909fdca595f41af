"""The queue of a mailbox by itself: who is let in, what comes late, and what has to go."""

from collections import OrderedDict

import pytest

from zanni import Mailbox
from zanni.actors.box import Box


@pytest.fixture
def put():
    def put(box, message, *, may_wait=False):
        return box.put((message, None, None, None), may_wait=may_wait)

    return put


def messages(items):
    return [item[0] for item in items]


def test_what_is_taken_out_makes_room_for_one_that_waits(put):
    box = Box(Mailbox(1, "wait"))
    put(box, "first")
    room = put(box, "second", may_wait=True).room
    assert not room.done()
    assert messages(box.remove(lambda item: item[0] == "first")) == ["first"]
    assert room.get(timeout=0) is None
    assert messages(box) == ["second"]


def test_who_waits_for_room_is_let_in_in_turn_and_found_as_fast_when_many_have_gone(put):
    box = Box(Mailbox(1, "wait"))
    rooms = [put(box, number, may_wait=True).room for number in range(5)]
    assert box.give_up(rooms[2])
    assert messages(box) == [0, 1, 3, 4]
    assert isinstance(box._waiting, OrderedDict)  # a dict's iterator passes over what has gone


def test_what_is_sent_while_its_own_thread_is_in_the_box_comes_late_and_comes(put):
    """As by a finaliser or a signal handler."""
    box = Box(Mailbox(5))
    put(box, "one")
    box._busy = True
    assert put(box, "late").queued
    box._busy = False
    assert len(box) == 2
    assert messages(box) == ["one", "late"]


def test_of_less_rank_than_all_that_wait_a_message_is_the_one_to_be_dropped(put):
    box = Box(Mailbox(2, "drop_old", priority=int))
    for _ in range(2):
        assert put(box, 1).queued
    done = put(box, 5)
    assert (done.queued, messages(done.dropped)) == (False, [5])
    assert box.statistics().overflowed == 1
    assert messages(box) == [1, 1]


def test_what_was_set_aside_and_is_not_any_more_takes_no_room_of_the_stash():
    box, item = Box(Mailbox(max_bytes=1000)), (b"x" * 400, None, None, None)
    for _ in range(20):
        assert box.set_aside(item)
        assert box.set_aside(item)
        assert not box.set_aside(item)
        box.forget_aside(1)
        box.forget_aside(0)
        assert box.set_aside(item)
        box.clear_aside()
