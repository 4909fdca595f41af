"""A node that is not joined: a child core finds that out from what core 0 tells."""

import contextlib
import sys
from pathlib import Path

import pytest
from nodes import url_of
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew

from zanni import ActorSystem, NodeDown
from zanni.transport.strangers import Strangers

DEADLINE = 20.0
PATIENT = {"heartbeat": 0.1, "down_after": 600.0}


@pytest.fixture
def strangers():
    return Strangers(heartbeat=1.0)


def test_none_is_a_stranger_before_core_0_has_told_of_all_others(strangers):
    assert not strangers.finds("bank", since=5.0)
    strangers.hear(["teller"], 4.0)
    assert not strangers.finds("bank", since=5.0)
    strangers.hear(["teller"], 5.9)  # it may have been written before the ref came
    assert not strangers.finds("bank", since=5.0)
    assert "bank" not in strangers


def test_one_that_core_0_does_not_tell_of_is_a_stranger_until_it_does(strangers):
    strangers.hear(["teller"], 6.0)
    assert strangers.finds("bank", since=5.0)
    assert "bank" in strangers
    strangers.hear(["teller", "bank"], 7.0)
    assert "bank" not in strangers


def test_a_ref_of_a_node_that_is_not_joined_is_of_no_use_and_of_use_once_it_is():
    """Two nodes have joined a third, which gives the one a ref of the other."""
    with ActorSystem("hub", listen="tcp://127.0.0.1:0", config=PATIENT) as hub:
        url = url_of(hub)
        listen = "tcp://127.0.0.1:0"
        with (
            ActorSystem("bank", listen=listen, join=url, config=PATIENT) as bank,
            ActorSystem("teller", cores=2, join=url, config=PATIENT) as teller,
        ):
            ann = bank.spawn(crew.Counter, 7, name="ann")
            found = wait_for(lambda: hub.whereis("ann@bank"))
            asker = teller.spawn(crew.Watcher, core=1, name="asker")
            there = wait_for(lambda: hub.whereis("asker@teller"))
            for _ in range(2):
                with pytest.raises(NodeDown, match="its node is not joined"):
                    there.ask(("ask", found, "total"), timeout=DEADLINE)
            teller.join(url_of(bank))

            def is_reached():
                with contextlib.suppress(NodeDown):
                    return asker.ask(("ask", ann, "total"), timeout=DEADLINE) == 7

            wait_for(is_reached)
