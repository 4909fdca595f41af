"""Joints: what a lower floor calls and a higher one fills in."""

import pytest

from zanni.actors.joint import Joint


def test_a_joint_does_what_it_was_filled_with_last():
    joint = Joint("transport")
    joint.fill(lambda *_args, **_kwargs: "first")
    joint.fill(lambda *args, **kwargs: (args, kwargs))
    assert joint(1, two=2) == ((1,), {"two": 2})


def test_a_joint_that_nobody_has_filled_in_says_what_is_missing_and_what_to_do():
    with pytest.raises(RuntimeError, match="no transport: import zanni, not its parts"):
        Joint("transport")("system")
