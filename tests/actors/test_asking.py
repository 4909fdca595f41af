"""Asking another core's kernel."""

import pytest

from zanni import NodeDown
from zanni.actors.asking import look_up
from zanni.actors.errors import ConnectionLost


@pytest.mark.parametrize("end", ["found", NodeDown("it")])
def test_what_is_only_looked_up_is_asked_for_again_where_that_was_lost(end):
    ends = [ConnectionLost("once"), ConnectionLost("twice"), end]
    requests = []

    class Kernel:
        def deliver(self, message, sender, reply, headers):
            requests.append(message)
            end = ends.pop(0)
            reply.reject(end) if isinstance(end, Exception) else reply.resolve(end)

    if isinstance(end, Exception):
        with pytest.raises(NodeDown, match="it"):
            look_up(Kernel(), "a name")
    else:
        assert look_up(Kernel(), "a name") == "found"
    assert requests == ["a name"] * 3
