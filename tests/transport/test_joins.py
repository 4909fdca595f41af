"""Joining while a node runs: all of its cores are reached, at an address that the others can."""

import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from nodes import url_of
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew
from zanni_keys import QUICK, Keys

from zanni import ActorSystem, RemoteError
from zanni.actors.address import CoreAddress
from zanni.transport.gate import Open
from zanni.transport.joins import Joins
from zanni.transport.keyring import BadKeys
from zanni.transport.security import RefusedAddress

DEADLINE = 20.0
URL = "tcp://127.0.0.1:7400"


@pytest.fixture
def bank():
    with ActorSystem("bank", listen="tcp://127.0.0.1:0", config=QUICK) as bank:
        bank.spawn(crew.Counter, 7, name="ann")
        yield bank


@pytest.fixture
def teller():
    """A node of two cores that was started alone."""
    with ActorSystem("teller", cores=2, config=QUICK) as teller:
        yield teller


@pytest.mark.parametrize("core", [0, 1])
def test_all_cores_reach_and_are_reached_whichever_of_them_joins(bank, teller, core):
    joiner = teller.spawn(crew.Joiner, core=core)
    joiner.call(crew.Joiner.join, url_of(bank)).get(timeout=DEADLINE)
    ann = wait_for(lambda: teller.whereis("ann@bank"))
    watcher, far = bank.spawn(crew.Watcher), teller.spawn(crew.Watcher, core=1)
    assert far.ask(("ask", ann, "total"), timeout=DEADLINE) == 7
    there = teller.spawn(crew.Counter, 5, core=1)
    assert watcher.ask(("ask", there, "total"), timeout=DEADLINE) == 5


@pytest.mark.parametrize("core", [0, 1])
def test_every_core_tells_the_same_of_the_nodes_and_has_said_nothing_to_them(bank, teller, core):
    asked = teller.spawn(crew.Joiner, core=1)
    teller.spawn(crew.Joiner, core=core).call(crew.Joiner.join, url_of(bank)).get(timeout=DEADLINE)

    def told():
        return asked.call(crew.Joiner.nodes).get(timeout=DEADLINE)

    wait_for(lambda: [each["state"] for each in told()] == ["up", "up"])
    assert told() == teller.nodes()
    bank.stop()
    wait_for(lambda: [each["name"] for each in told()] == ["teller"])


def test_a_url_that_may_not_be_joined_is_refused_on_every_core(teller):
    for core in (0, 1):
        joiner = teller.spawn(crew.Joiner, core=core)
        with pytest.raises((RefusedAddress, RemoteError), match="loopback"):
            joiner.call(crew.Joiner.join, "tcp://10.0.0.1:7400").get(timeout=DEADLINE)


def test_with_keys_a_node_that_joins_later_is_reached_by_the_address_from_which_it_joins(tmp_path):
    keys = Keys(tmp_path)
    keys.link("bank", "teller")
    listen = "tcp://127.0.0.2:0"
    with (
        ActorSystem("bank", keys=tmp_path / "bank", listen=listen, config=QUICK) as bank,
        ActorSystem("teller", keys=tmp_path / "teller", cores=2, config=QUICK) as teller,
    ):
        joiner = teller.spawn(crew.Joiner, core=1)
        url = url_of(bank).replace("://", "://bank@")
        joiner.call(crew.Joiner.join, url).get(timeout=DEADLINE)
        wait_for(lambda: len(bank.nodes()) == 2)
        assert url_of(teller).startswith("tcp://127.0.0.2:")
        wait_for(lambda: 1 in teller.network.members.siblings)
        assert teller.network.members.siblings[1].control.startswith("tcp://127.0.0.2:")


class Alone:
    """Joins on core 0, without a network: whom they dial, and what hinders them."""

    def __init__(self):
        self.dialled, self.joined, self.errors = [], False, []
        core = SimpleNamespace(home=CoreAddress("a", 0, 1), post=lambda do, *given: do(*given))
        self.members = SimpleNamespace(
            gate=Open(),
            is_joined=lambda _: self.joined,
            associations=SimpleNamespace(dial=lambda url, **_: self.dialled.append(url)),
        )
        listeners = SimpleNamespace(bind_outside=self._bind_outside)
        self.joins = Joins(SimpleNamespace(core=core), self.members, listeners)

    def _bind_outside(self, joined):
        assert joined == [URL]
        if self.errors:
            raise self.errors.pop(0)


@pytest.mark.parametrize("error", [OSError("no port is free"), RefusedAddress("no way there")])
def test_a_node_that_cannot_be_answered_yet_dials_when_it_can(caplog, error):
    alone = Alone()
    alone.errors = [error, error]
    with caplog.at_level(logging.WARNING, "zanni"):
        alone.joins.join(URL)
    assert alone.dialled == []
    assert f"cannot join {URL} yet: {error}" in caplog.text
    alone.joins.step()
    assert alone.dialled == [URL]


def test_who_is_joined_is_dialled_again_only_when_it_is_lost():
    alone = Alone()
    alone.joins.join(URL)
    alone.joined = True
    alone.joins.step()
    assert alone.dialled == [URL]
    alone.joined = False
    alone.joins.step()
    assert alone.dialled == [URL] * 2


def test_who_may_not_link_any_more_is_not_dialled_until_it_may(monkeypatch):
    alone, keys = Alone(), [BadKeys("revoked"), BadKeys("revoked"), None]

    def key_to_join(join):
        found = keys.pop(0)
        if found is not None:
            raise found

    alone.members.gate = SimpleNamespace(checked_join=Open().checked_join, key_to_join=key_to_join)
    alone.joins.join(URL)
    alone.joins.step()
    assert alone.dialled == []
    alone.joins.step()
    assert alone.dialled == [URL]


def test_a_node_that_leaves_joins_nobody_any_more(bank):
    with ActorSystem("teller", join=url_of(bank), config=QUICK) as teller:
        wait_for(lambda: len(teller.nodes()) == 2)
    joins = teller.network.joins
    joins._members.associations = None  # nobody can be dialled by it
    joins.step()
