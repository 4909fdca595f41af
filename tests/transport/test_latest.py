"""What came last is remembered, and not much more."""

from zanni.transport.latest import Latest


def test_so_many_of_the_latest_are_remembered_and_at_most_twice_as_many():
    latest = Latest(10)
    for number in range(100):
        latest.add(number)
        assert all(each in latest for each in range(max(number - 9, 0), number + 1))
        assert sum(each in latest for each in range(number + 1)) <= 20
        assert number + 1 not in latest


def test_one_that_comes_again_takes_the_place_of_no_other():
    latest = Latest(3)
    for number in (1, 2, 2, 2, 2, 2, 2):
        latest.add(number)
    assert 1 in latest
