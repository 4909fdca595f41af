"""Children on other nodes: restarted there, and started elsewhere when their node is lost."""

import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from nodes import url_of
from waiting import wait_for

sys.path.insert(0, str(Path(__file__).parent))

from zanni_branches import CONFIG, PATIENT, Clerk, Shop, Team

from zanni import (
    ActorSystem,
    DecodeError,
    Members,
    NameInUse,
    NodeDown,
    Resize,
    SpawnError,
    StartError,
)
from zanni.supervisors import Supervisor, SupervisorReport, child, pool

WAIT = 20.0
BRANCHES = Path(__file__).with_name("zanni_branches.py")


@pytest.fixture
def shop():
    """The node of the supervisors; the branches join it."""
    with ActorSystem("shop", listen="tcp://127.0.0.1:0", config=CONFIG) as system:
        yield system


@pytest.fixture
def start_branches(start_node, shop):
    """Start branches 0 or 1 or both, and wait until they have joined the shop."""

    def start(*numbers):
        processes = [start_node(BRANCHES, f"branch-{number}", url_of(shop)) for number in numbers]
        for number, process in zip(numbers, processes, strict=True):
            wait_until_up(process)
            wait_for(lambda name=f"branch-{number}": is_joined(shop, name))
        return processes

    return start


def wait_until_up(process):
    assert process.stdout.readline() == b"up\n"


@contextmanager
def branch_here(shop, name):
    """A branch in this process, for what needs no kill."""
    with ActorSystem(name, join=url_of(shop), config=CONFIG) as system:
        system.allow(Clerk, Team)
        wait_for(lambda: is_joined(shop, name))
        yield system


@pytest.fixture
def near_branch(shop):
    with branch_here(shop, "branch-0") as system:
        yield system


def is_joined(system, name):
    return any(node["name"] == name and node["state"] == "up" for node in system.nodes())


def supervise(system, *children, **settings):
    members = {"children": lambda _: list(children), **settings}
    return system.spawn(type("Subject", (Supervisor,), members))


def ref_of(supervisor, id="clerk"):
    """The ref of a child that runs; None of one that does not."""
    infos = supervisor.call(Supervisor.which_children).get(timeout=WAIT)
    found = {info[0]: info[1] for info in infos}[id]
    return None if found == "restarting" else found


def moved(supervisor, before, id="clerk"):
    """The ref of the child that runs in the place of `before`."""

    def look():
        ref = ref_of(supervisor, id)
        return ref if ref != before else None

    return wait_for(look)


def ask(ref, method):
    return ref.call(method).get(timeout=WAIT)


def kinds(system):
    return [event.kind for event in list(system.events.last) if isinstance(event, SupervisorReport)]


def test_a_child_that_crashes_is_restarted_there_behind_the_same_ref(start_branches, shop):
    (branch,) = start_branches(0)
    bank = supervise(shop, child(Clerk, 5, id="clerk", name="clerk", node="branch-0"))
    clerk = ref_of(bank)
    assert (clerk.node, ask(clerk, Clerk.pid)) == ("branch-0", branch.pid)
    assert [ask(clerk, Clerk.bump) for _ in range(2)] == [6, 7]
    clerk.cast(Clerk.fail)
    waiting = [clerk.call(Clerk.bump) for _ in range(2)]  # they are queued behind it
    assert [each.get(timeout=WAIT) for each in waiting] == [6, 7]
    assert ask(clerk, Clerk.why) == "ValueError('out of order')"
    assert ref_of(bank) == clerk == shop.whereis("clerk@branch-0")
    assert kinds(shop) == ["started", "terminated", "started"]


def test_it_is_stopped_there_and_started_again_by_hand(near_branch, shop):
    bank = supervise(shop, child(Clerk, id="clerk", name="clerk", node="branch-0"))
    first = ref_of(bank)
    assert near_branch.actors() == [first]
    bank.call(Supervisor.terminate_child, "clerk").get(timeout=WAIT)
    assert shop.whereis("clerk@branch-0") is None
    again = bank.call(Supervisor.restart_child, "clerk").get(timeout=WAIT)
    assert (again.node, again != first) == ("branch-0", True)
    bank.stop()
    assert near_branch.actors() == []


def test_a_killed_node_is_replaced_by_the_next_that_is_eligible(start_branches, shop):
    branches = start_branches(0, 1)
    nodes = ("branch-0", "branch-1")
    bank = supervise(shop, child(Clerk, 5, id="clerk", name="clerk", node=nodes), intensity=9)
    first = ref_of(bank)
    assert first.node == "branch-0"
    branches[0].send_signal(signal.SIGKILL)
    second = moved(bank, first)
    assert (second.node, ask(second, Clerk.bump)) == ("branch-1", 6)
    assert shop.whereis("clerk@branch-1") == second
    assert not first.is_alive()


def test_a_node_that_only_stood_still_ends_what_was_started_elsewhere_meanwhile(
    start_branches, shop
):
    branches = start_branches(0, 1)
    bank = supervise(shop, child(Clerk, id="clerk", node=("branch-0", "branch-1")))
    before = ref_of(bank)
    branches[0].send_signal(signal.SIGSTOP)
    assert moved(bank, before).node == "branch-1"
    branches[0].send_signal(signal.SIGCONT)
    assert branches[0].stdout.readline() == b"clerk stopped\n"


def test_without_a_backoff_the_attempts_count_and_the_supervisor_gives_up(near_branch, shop):
    bank = supervise(shop, child(Clerk, id="clerk", node="branch-0"))
    end = bank.exited()
    near_branch.stop()
    assert end.get(timeout=WAIT) == "shutdown"
    assert kinds(shop) == ["started", "terminated", "start_error", "gave_up"]


def test_a_node_that_stops_in_good_order_gives_its_children_up(near_branch, shop):
    with branch_here(shop, "branch-1"):
        bank = supervise(shop, child(Clerk, id="clerk", node=["branch-0", "branch-1"]))
        before = ref_of(bank)
        near_branch.stop()
        assert moved(bank, before).node == "branch-1"
        bank.stop()


def test_a_start_where_no_node_is_joined_fails_with_its_name(near_branch, shop):
    with pytest.raises(StartError, match="clerk") as caught:
        supervise(shop, child(Clerk, id="clerk", node="branch-1"))
    assert isinstance(caught.value.reason, NodeDown)
    assert "branch-1" in str(caught.value.reason)
    bank = supervise(shop, child(Clerk, id="clerk", node=("branch-1", "branch-0")))
    assert ref_of(bank).node == "branch-0"
    assert kinds(shop) == ["start_error", "started"]


def test_a_group_over_two_nodes_waits_for_the_one_that_was_killed(
    start_branches, near_branch, shop
):
    (branch,) = start_branches(1)
    specs = [
        child(Clerk, id=f"clerk-{number}", node=f"branch-{number}", backoff=PATIENT)
        for number in (0, 1)
    ]
    bank = supervise(shop, *specs, child(Clerk, id="near"), strategy="one_for_all")
    ids = ("near", "clerk-0", "clerk-1")
    near, first, second = (ref_of(bank, each) for each in ids)
    assert [ask(ref, Clerk.bump) for ref in (near, first, second)] == [1, 1, 1]
    branch.send_signal(signal.SIGKILL)
    wait_for(lambda: kinds(shop).count("start_error") > 2)  # not counted, else it would give up
    assert ref_of(bank, "near") is None  # it waits, stopped
    start_branches(1)
    wait_for(lambda: None not in {ref_of(bank, each) for each in ids})
    assert (ref_of(bank, "near"), ask(near, Clerk.bump)) == (near, 1)
    assert (ref_of(bank, "clerk-0"), ask(first, Clerk.bump)) == (first, 1)
    again = ref_of(bank, "clerk-1")
    assert (again != second, again.node, ask(again, Clerk.bump)) == (True, "branch-1", 1)
    assert near_branch.actors() == [first]


def test_a_supervisor_may_be_a_child_on_another_node(near_branch, shop):
    bank = supervise(shop, child(Team, id="team", node="branch-0"))
    clerk = ref_of(ref_of(bank, "team"))
    assert clerk == shop.whereis("clerk of the team@branch-0")
    for _ in range(Team.intensity + 1):  # the team gives up, and is started again
        clerk.cast(Clerk.fail)
    wait_for(lambda: shop.whereis("clerk of the team@branch-0") not in (None, clerk))
    assert ask(ref_of(ref_of(bank, "team")), Clerk.bump) == 1
    bank.stop()
    assert near_branch.actors() == []


def test_a_child_whose_supervisors_node_is_killed_stops_and_its_name_is_free(start_node):
    with ActorSystem("branch", listen="tcp://127.0.0.1:0", config=CONFIG) as branch:
        branch.allow(Clerk)
        shop = start_node(BRANCHES, "shop", url_of(branch), "supervise")
        wait_until_up(shop)
        clerk = branch.whereis("clerk")
        assert ask(clerk, Clerk.bump) == 1
        clerk.cast(Clerk.fail)
        assert ask(clerk, Clerk.bump) == 1  # restarted from there
        with pytest.raises(NameInUse):
            branch.spawn(Clerk, name="clerk")
        shop.send_signal(signal.SIGKILL)
        wait_for(lambda: branch.whereis("clerk") is None)
        wait_for(lambda: branch.actors() == [])
        branch.spawn(Clerk, name="clerk").stop()
        # A new life of it, with a child of the same name.
        start_node(BRANCHES, "shop", url_of(branch), "supervise")
        assert ask(wait_for(lambda: branch.whereis("clerk")), Clerk.bump) == 1


@pytest.mark.parametrize("core", [0, 1])
def test_a_supervisor_on_another_node_starts_a_child_that_is_allowed_there(core):
    with (
        ActorSystem("branch", cores=2, listen="tcp://127.0.0.1:0", config=CONFIG) as branch,
        ActorSystem("shop", join=url_of(branch), config=CONFIG) as shop,
    ):
        wait_for(lambda: is_joined(shop, "branch"))
        branch.allow(Team)
        team = shop.spawn(Team, node="branch", core=core)
        spec = child(Clerk, 5, id="another", name="another", backoff=PATIENT)
        with pytest.raises(DecodeError, match=r"args\[0\]\.cls: .*system\.allow\(Clerk\) there"):
            team.call(Supervisor.start_child, spec).get(timeout=WAIT)
        branch.allow(Clerk)

        def start():
            try:
                return team.call(Supervisor.start_child, spec).get(timeout=WAIT)
            except DecodeError:  # core 1 hears of it with the next heartbeat
                assert core == 1
                return None

        clerk = wait_for(start)
        assert (clerk.node, clerk.core, ask(clerk, Clerk.bump)) == ("branch", core, 6)
        clerk.cast(Clerk.fail)
        assert ask(clerk, Clerk.bump) == 6
        assert shop.whereis("another@branch") == clerk


def members_of(group):
    return group.ask(Members(), timeout=WAIT)


@pytest.mark.parametrize("router", ["round_robin", "smallest_mailbox"])
def test_the_members_of_a_pool_may_be_on_another_node(near_branch, shop, router):
    group = shop.pool(Clerk, 3, 5, node="branch-0", router=router, name="clerks")
    assert (group.node, {ref.node for ref in members_of(group)}) == ("shop", {"branch-0"})
    assert [ask(group, Clerk.bump) for _ in range(3)] == [6, 6, 6]
    before = members_of(group)
    before[0].cast(Clerk.fail)
    assert ask(before[0], Clerk.bump) == 6  # started again, behind the same ref
    assert members_of(group) == before
    assert group.ask(Resize(1), timeout=WAIT) == 1
    assert wait_for(lambda: near_branch.actors() == members_of(group))
    group.stop()
    assert near_branch.actors() == []


def test_what_is_sent_to_a_pool_waits_while_the_node_of_its_members_is_lost(start_branches, shop):
    (branch,) = start_branches(0)
    bank = supervise(shop, pool(Clerk, 2, 5, id="clerk", node="branch-0"))
    group = ref_of(bank)
    assert ask(group, Clerk.pid) == branch.pid
    branch.kill()
    wait_for(lambda: members_of(group) == [])
    answer = group.call(Clerk.pid)
    (again,) = start_branches(0)
    assert answer.get(timeout=WAIT) == again.pid
    assert ref_of(bank) == group


def test_a_pool_on_a_node_that_is_not_there_or_does_not_allow_it(near_branch, shop):
    with pytest.raises(NodeDown, match="'branch-7' is not joined"):
        shop.pool(Clerk, 2, node="branch-7")
    with pytest.raises(SpawnError, match=r"system\.allow\(Shop\)"):
        shop.pool(Shop, 2, node="branch-0")
    assert near_branch.actors() == []
