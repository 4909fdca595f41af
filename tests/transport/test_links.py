"""Links between real processes: as within a core, and a lost one is "noconnection"."""

import os
import signal
import sys
from pathlib import Path

import pytest
from ports import free_url
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

import zanni_crew as crew

from zanni import ActorSystem, Exit
from zanni.transport.events import NodeJoined

DEADLINE = 20.0
QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 2.0}


@pytest.fixture(scope="module")
def system():
    with ActorSystem("linked", cores=3) as system:
        yield system


def spawn(system, core, **options):
    return system.spawn(crew.Linker, core=core, **options)


def link(one, *others):
    """Signals and messages go different ways: wait until the other side knows of the link."""
    for other in others:
        before = other.ask("links", timeout=DEADLINE)
        one.ask(("link", other), timeout=DEADLINE)
        wait_for(lambda: other.ask("links", timeout=DEADLINE) > before)  # noqa: B023


@pytest.mark.parametrize(("linker", "dying"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_the_end_of_one_is_the_others(system, linker, dying):
    pair = [spawn(system, 0), spawn(system, 1)]
    link(pair[linker], pair[1 - linker])
    end = pair[1 - dying].exited()
    pair[1 - dying].ask("sync", timeout=DEADLINE)
    pair[dying].tell(("exit", "odd"))
    assert end.get(timeout=DEADLINE) == "odd"


def test_between_two_other_cores_and_with_an_error(system):
    one, other = spawn(system, 1), spawn(system, 2)
    link(one, other)
    end = other.exited()
    one.tell(("raise", KeyError("x")))
    assert repr(end.get(timeout=DEADLINE)) == "KeyError('x')"


def test_a_normal_end_ends_nobody_and_an_unlinked_one_neither(system):
    here, there, third = spawn(system, 0), spawn(system, 1), spawn(system, 1)
    link(here, there, third)
    there.stop(timeout=DEADLINE)
    here.ask(("unlink", third), timeout=DEADLINE)
    end = third.exited()
    third.kill()
    assert end.get(timeout=DEADLINE) == "killed"
    assert here.ask("sync", timeout=DEADLINE) == []
    wait_for(lambda: not here.process.ties.unlinking)
    assert not here.process.ties.links


def test_who_traps_exits_gets_one_message_after_all_that_was_said(system):
    trapper, leaver = spawn(system, 0, trap_exit=True), spawn(system, 1)
    link(trapper, leaver)
    leaver.tell(("say and exit", trapper, 2000))
    wait_for(lambda: Exit(leaver, "odd") in (trapper.ask("sync", timeout=DEADLINE)))
    seen = trapper.ask("sync")
    assert seen == [*range(2000), Exit(leaver, "odd")]


def test_linking_the_gone_is_noproc(system):
    trapper, gone = spawn(system, 0, trap_exit=True), spawn(system, 1)
    gone.stop(timeout=DEADLINE)
    trapper.ask(("link", gone), timeout=DEADLINE)
    seen = wait_for(lambda: trapper.ask("sync", timeout=DEADLINE))
    assert seen == [Exit(gone, "noproc")]


def test_a_lost_core_is_noconnection_whoever_linked_and_once():
    with ActorSystem("losing", cores=2) as system:
        trapper, plain, asked = spawn(system, 0, trap_exit=True), spawn(system, 0), spawn(system, 0)
        there = spawn(system, 1)
        link(trapper, there)
        link(plain, there)
        link(there, asked)
        ends = [ref.exited() for ref in (plain, asked)]
        os.kill(there.ask("pid", timeout=DEADLINE), signal.SIGKILL)
        assert [end.get(timeout=DEADLINE) for end in ends] == ["noconnection", "noconnection"]
        wait_for(lambda: trapper.ask("sync"))
        trapper.ask(("link", there), timeout=DEADLINE)  # it is known to be lost now
        wait_for(lambda: len(trapper.ask("sync")) == 2)
        assert trapper.ask("sync") == [Exit(there, "noconnection")] * 2


def test_links_between_nodes_and_a_goodbye():
    url = free_url()
    with ActorSystem("teller", join=url, config=QUICK) as teller:
        with ActorSystem("bank", listen=url, config=QUICK) as bank:
            wait_for(lambda: any(isinstance(e, NodeJoined) for e in list(teller.events.last)))
            ann, bob = bank.spawn(crew.Linker, name="ann"), bank.spawn(crew.Linker, name="bob")
            found = {name: teller.whereis(f"{name}@bank") for name in ("ann", "bob")}
            one, trapper = spawn(teller, None), spawn(teller, None, trap_exit=True)
            one.ask(("link", found["ann"]))
            trapper.ask(("link", found["bob"]))
            end = ann.exited()
            bob.ask("sync")
            one.tell(("exit", "odd"))
            assert end.get(timeout=DEADLINE) == "odd"
            wait_for(lambda: bob.process.ties and bob.process.ties.links)
            assert trapper.ask("sync") == []
        seen = wait_for(lambda: trapper.ask("sync"))
        assert [(type(each), each.reason) for each in seen] in (
            [(Exit, "noconnection")],
            [(Exit, "normal")],
        )
