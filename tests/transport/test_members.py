"""The table of peers on a clock of its own: who is waited for, who is up, who is lost and when."""

import logging
from itertools import count
from types import SimpleNamespace

import pytest

from zanni.actors.address import CoreAddress
from zanni.actors.config import Config
from zanni.actors.observe import Events
from zanni.transport import control_lane as control_lane_module
from zanni.transport import members as members_module
from zanni.transport import peer as peer_module
from zanni.transport.codec import Envelope
from zanni.transport.control_lane import GIVE_UP
from zanni.transport.events import (
    NO_NODE,
    JoinFailing,
    JoinRefused,
    NodeJoined,
    NodeLost,
    NodeSuspected,
)
from zanni.transport.frame import Header, Kind, Lane, unpack_frames
from zanni.transport.handshake import OBSERVER, CorePlace, Identity, Refusal
from zanni.transport.members import Members
from zanni.transport.peer import State

US, SIBLING, OTHER = (CoreAddress(*home) for home in (("a", 0, 1), ("a", 1, 2), ("b", 0, 3)))
CONFIG = Config(heartbeat=1, suspect_after=5, down_after=15, start_timeout=30)


class FakeLink:
    def __init__(self):
        self.kinds = []
        self.closed = False

    def send(self, frames):
        self.kinds.append(unpack_frames(frames)[0].kind)
        return True

    def close(self):
        self.closed = True


def says(home):
    """What a core says of itself."""
    return Identity(home, f"ipc://{home.core}", "ipc://data")


class Table:
    """The members of core a/0, with a clock that goes by `pass_`, beating once a second."""

    def __init__(self, monkeypatch):
        self.moment = 100.0
        for module in (members_module, peer_module, control_lane_module):
            monkeypatch.setattr(module, "now", lambda: self.moment)
        self.system = SimpleNamespace(
            name="a", index=0, core_count=2, home=US, config=CONFIG, events=Events(), allowed=None
        )
        endpoint = SimpleNamespace(connect=lambda *_: FakeLink())
        listeners = SimpleNamespace(
            outside=None,
            inside=SimpleNamespace(control="ipc://0", data="ipc://data"),
            inside_of=lambda core: SimpleNamespace(control=f"ipc://{core}"),
        )
        host = SimpleNamespace(
            loss_reason=lambda _: "noconnection", next_ask=count(1).__next__, tell=self.tell
        )
        self.members = Members(self.system, endpoint, host, listeners, lambda _: None)
        self.dialled, self.told = [], 0
        self.members.associations = SimpleNamespace(
            dial=lambda url, **_: self.dialled.append(url),
            hang_up=lambda url: None,
            lost=lambda itself: None,
            close=lambda: None,
        )

    def tell(self):
        self.told += 1

    def adopt(self, home, *, by_confirm, separations=0):
        """What the end of a handshake does: the other's CONFIRM has come, or its WELCOME."""
        identity = says(home)._replace(separations=separations)
        link, confirm = FakeLink(), None if by_confirm else b"\x80"
        self.members.adopt(identity, link, own=home.node == "a", confirm=confirm)
        return self.members.current[home[:2]], link

    def pass_(self, seconds, heard=None):
        for _ in range(seconds):
            self.moment += 1
            if heard is not None:
                self.members.liveness.heard(heard, self.moment)
            self.members.step()


@pytest.fixture
def table(monkeypatch):
    return Table(monkeypatch)


@pytest.mark.parametrize("home", [SIBLING, OTHER])
@pytest.mark.parametrize("by_confirm", [True, False])
def test_who_is_up_stays_so_when_both_have_dialled(table, home, by_confirm):
    """The second handshake of a pair may end when the first one has long done its work."""
    peer, _ = table.adopt(home, by_confirm=True)
    assert peer.state is State.UP
    assert table.told == 1
    again, link = table.adopt(home, by_confirm=by_confirm)
    assert again is peer
    assert link.closed
    table.pass_(100, heard=home)
    assert (peer.state, table.members.dead, table.dialled) == (State.UP, {}, [])


@pytest.mark.parametrize("home", [SIBLING, CoreAddress("a", 1, 0), CoreAddress("b", 0, 0)])
def test_once_it_is_closed_every_peer_is_down(table, home):
    table.members.known[OTHER[:2]] = CorePlace(0, OTHER.incarnation, "ipc://0", "ipc://data")
    before = table.members.peer_of(home)
    assert before.state is State.CONNECTING
    table.members.close()
    assert before.state is table.members.peer_of(home).state is State.DOWN


def test_what_waits_for_whoever_will_be_there_is_for_who_is_adopted(table):
    table.members.known[OTHER[:2]] = CorePlace(0, OTHER.incarnation, "ipc://0", "ipc://data")
    waiting = table.members.peer_of(CoreAddress("b", 0, 0))
    waiting.data.post(b"a message")
    peer, _ = table.adopt(OTHER, by_confirm=True)
    assert peer.data.queued == len(b"a message")
    assert waiting.successor is peer


def test_so_many_that_are_down_are_remembered(table, monkeypatch):
    monkeypatch.setattr(members_module, "DEAD_LIMIT", 3)
    homes = [CoreAddress("b", 0, incarnation) for incarnation in range(1, 11)]
    for home in homes:
        table.members.lose(home, "it is so in a test")
    assert list(table.members.dead) == homes[-3:]


@pytest.mark.parametrize(("home", "seconds"), [(SIBLING, 30), (OTHER, 15)])
def test_who_is_adopted_and_never_heard_is_dialled_and_then_lost(table, home, seconds):
    peer, link = table.adopt(home, by_confirm=False)
    assert (peer.state, link.kinds) == (State.CONNECTING, [Kind.CONFIRM])
    table.pass_(seconds - 1)
    assert table.dialled
    assert home not in table.members.dead
    table.pass_(2)
    assert peer.state is State.DOWN
    assert home in table.members.dead


def test_who_has_not_adopted_us_yet_is_not_suspected_and_is_confirmed_again(table):
    """What is sent to it would be thrown away there, so it must not go before it is up."""
    peer, _ = table.adopt(SIBLING, by_confirm=False)
    table.pass_(10)
    assert peer.state is State.CONNECTING
    assert not [each for each in table.system.events.last if isinstance(each, NodeSuspected)]
    again, link = table.adopt(SIBLING, by_confirm=False)
    assert (again, link.kinds) == (peer, [Kind.CONFIRM])


def test_who_answers_late_has_as_much_time_as_any_to_be_heard(table):
    table.members.known[OTHER[:2]] = CorePlace(0, OTHER.incarnation, "ipc://0", "ipc://data")
    table.members.peer_of(OTHER)  # something is sent to it, and it is started again meanwhile
    table.pass_(14)
    peer, _ = table.adopt(OTHER, by_confirm=False)
    table.pass_(14)
    assert peer.state is State.CONNECTING
    table.pass_(2)
    assert peer.state is State.DOWN


def test_who_is_joined_is_so_while_silent_and_until_lost(table):
    """Of that alone, where nobody answers, it is told that it cannot be joined."""
    peer, _ = table.adopt(OTHER, by_confirm=True)
    table.pass_(14)
    assert table.members.is_joined("ipc://0")
    table.pass_(2)
    assert peer.state is State.DOWN
    assert not table.members.is_joined("ipc://0")
    table.members.unanswered("ipc://0", NO_NODE)
    told = [each for each in table.system.events.last if isinstance(each, JoinFailing)]
    assert told == [JoinFailing("ipc://0", NO_NODE)]


def test_who_is_silent_is_suspected_and_recovers(table):
    peer, _ = table.adopt(SIBLING, by_confirm=True)
    table.pass_(6)
    assert peer.state is State.SUSPECT
    table.pass_(1, heard=SIBLING)
    assert peer.state is State.UP
    table.pass_(100)  # its end is told by its socket alone
    assert peer.state is State.SUSPECT


@pytest.mark.parametrize("home", [SIBLING, OTHER])
def test_who_acknowledges_nothing_is_lost_though_it_speaks(table, home):
    """The end of a core of our own node is seen by its socket alone."""
    peer, _ = table.adopt(home, by_confirm=True)
    peer.control.post(b"a system message")
    peer.flush()
    table.pass_(int(GIVE_UP) - 1, heard=home)
    assert peer.state is State.UP
    table.pass_(1, heard=home)
    assert (home in table.members.dead) is (home is OTHER)


@pytest.mark.parametrize("home", [SIBLING, OTHER])
def test_who_takes_no_answers_is_lost_before_they_take_all_memory(table, home):
    peer, _ = table.adopt(home, by_confirm=True)
    error = bytes(CONFIG.peer_bytes)
    for _ in range(5):
        peer.data.answer(error, is_error=True)
    table.pass_(1, heard=home)
    assert peer.state is State.DOWN
    [lost] = [each for each in table.system.events.last if isinstance(each, NodeLost)]
    assert lost.reason == "it takes no answers"


def test_who_never_came_up_is_not_told_of_as_lost(table):
    for home, by_confirm in ((OTHER, False), (OTHER._replace(core=1), True)):
        table.adopt(home, by_confirm=by_confirm)
        table.members.lose(home, "as it is")
    told = [each[:2] for each in table.system.events.last]
    assert told == [("b", 1), ("b", 1)]


def test_who_says_that_we_are_dead_is_lost_at_once(table):
    peer, _ = table.adopt(OTHER, by_confirm=True)
    table.members.refused("ipc://0", OTHER, Refusal("name_in_use", "as it is"))
    assert peer.state is State.UP
    table.members.refused("ipc://0", OTHER, Refusal("dead", "as it is"))
    assert peer.state is State.DOWN


def test_an_observer_is_adopted_as_no_peer(table):
    identity = Identity(OTHER, "ipc://o", "ipc://o", OBSERVER)
    assert table.members.judge(identity, own=True) is None
    table.members.adopt(identity, FakeLink(), own=True, confirm=None)
    assert (table.members.peers, table.members.current, table.members.known) == ({}, {}, {})
    assert list(table.system.events.last) == []


def test_a_role_that_is_not_known_is_refused(table):
    refusal = table.members.judge(Identity(OTHER, "ipc://o", "ipc://o", "admin"), own=False)
    assert refusal.reason == "role"
    assert "'admin'" in refusal.detail


def lost(caplog):
    return [record.levelname for record in caplog.records if "is lost" in record.getMessage()]


@pytest.mark.parametrize(("in_order", "level"), [(True, "INFO"), (False, "WARNING")])
def test_a_node_that_ends_in_order_is_no_warning(table, caplog, in_order, level):
    caplog.set_level(logging.INFO, "zanni")
    for home in (OTHER, OTHER._replace(core=1)):
        table.adopt(home, by_confirm=True)
    table.members.lose(OTHER, "as it is", in_order=in_order)
    assert lost(caplog) == [level]
    table.pass_(16)  # its other core says nothing any more
    assert OTHER._replace(core=1) in table.members.dead
    assert lost(caplog) == [level, "INFO"]


def test_a_core_that_is_silent_while_its_node_lives_is_a_warning(table, caplog):
    caplog.set_level(logging.INFO, "zanni")
    for home in (OTHER, OTHER._replace(core=1)):
        table.adopt(home, by_confirm=True)
    table.pass_(16, heard=OTHER)
    assert lost(caplog) == ["WARNING"]


@pytest.mark.parametrize(("reason", "is_lost"), [("dead", True), ("name_in_use", False)])
def test_of_refusals_that_come_late_only_that_of_the_dead_counts(table, reason, is_lost):
    """It may be the answer to a HELLO of long ago: they have adopted each other since."""
    table.adopt(OTHER, by_confirm=True)
    table.members.refused(None, OTHER, Refusal(reason, "as it was then"))
    assert (OTHER in table.members.dead) is is_lost


def test_a_node_that_answers_while_it_ends_refuses_nobody(table):
    for home, lost in ((OTHER, "in_order"), (OTHER._replace(incarnation=9), "for_good")):
        table.adopt(home, by_confirm=True)
        table.members.lose(home, "as it is", **{lost: True})
        refusal = table.members.judge(says(home), own=False)
        table.members.refused("ipc://0", home, refusal)
        told = [each for each in table.system.events.last if isinstance(each, JoinRefused)]
        assert [each.reason for each in told] == ([] if lost == "in_order" else ["dead"])


# Those that come back


def test_who_was_lost_while_it_lived_comes_back_by_another_name(table):
    earlier, _ = table.adopt(OTHER, by_confirm=True)
    table.pass_(16)
    assert earlier.state is State.DOWN
    assert table.members.judge(says(OTHER), own=False) is None
    assert table.members.me(own=False, to=says(OTHER)).separations == 1
    peer, _ = table.adopt(OTHER, by_confirm=True, separations=1)
    assert peer.state is State.UP
    assert (peer.itself, peer.separations) == (OTHER, 1)
    assert peer.home != OTHER
    assert table.members.peer_of(OTHER) is not peer  # of which refs from before are
    assert table.members.peer_of(OTHER).state is State.DOWN
    assert table.system.events.last[-1] == NodeJoined(*peer.home)


def test_nothing_that_was_sent_before_the_loss_is_of_the_link_after_it(table):
    earlier, _ = table.adopt(OTHER, by_confirm=True)
    table.members.lose(OTHER, "as it is")
    peer, _ = table.adopt(OTHER, by_confirm=True, separations=1)
    header = Header(Kind.HEARTBEAT, Lane.CONTROL, 0, *peer.source, earlier.link_name, 0, 0, 0, 0, 0)
    assert table.members.by_header(header) is peer
    assert peer.link_name != earlier.link_name
    assert earlier.source == peer.source


def test_who_has_lost_us_is_lost_here_before_it_is_adopted_again(table):
    """It was cut off one way, or this core stood still: nothing here has told of a loss."""
    earlier, _ = table.adopt(OTHER, by_confirm=True)
    peer, _ = table.adopt(OTHER, by_confirm=False, separations=1)
    assert (earlier.state, peer.separations) == (State.DOWN, 1)
    (lost,) = [each for each in table.system.events.last if isinstance(each, NodeLost)]
    assert (lost.incarnation, lost.reason) == (OTHER.incarnation, "it has declared this core down")


def test_both_agree_on_the_larger_number_of_losses(table):
    for separations, agreed in ((3, 3), (0, 4)):  # its WELCOME may be one of before its last loss
        peer, _ = table.adopt(OTHER, by_confirm=False, separations=separations)
        assert peer.separations == agreed
        table.members.lose(peer.home, "as it is")


def test_who_was_never_up_is_no_loss_of_both(table):
    table.members.known[OTHER[:2]] = CorePlace(0, OTHER.incarnation, "ipc://0", "ipc://data")
    table.members.peer_of(OTHER)
    table.pass_(16)
    assert table.members.peer_of(OTHER).state is State.DOWN
    peer, _ = table.adopt(OTHER, by_confirm=True)
    assert (peer.separations, peer.state) == (0, State.UP)
    assert peer.home != OTHER


def test_an_earlier_version_that_was_lost_is_refused_for_good(table):
    table.adopt(OTHER, by_confirm=True)
    old = says(OTHER)._replace(versions=(1, 2))
    assert table.members.judge(old, own=False) is None
    table.members.lose(OTHER, "as it is")
    assert table.members.judge(old, own=False).reason == "dead"


def test_a_core_of_our_own_node_that_is_lost_does_not_come_back(table):
    table.adopt(SIBLING, by_confirm=True)
    table.members.lose(SIBLING, "its process has ended")
    assert table.members.judge(says(SIBLING), own=True).reason == "dead"


@pytest.mark.parametrize(("seconds", "is_lost"), [(13.9, False), (14, True)])
def test_who_stood_still_for_so_long_that_others_have_lost_it_loses_them(table, seconds, is_lost):
    sibling, _ = table.adopt(SIBLING, by_confirm=True)
    peer, _ = table.adopt(OTHER, by_confirm=True)
    table.pass_(1, heard=OTHER)
    table.moment += seconds
    table.pass_(1)
    assert (peer.state is State.DOWN) is is_lost
    assert sibling.state is State.UP
    assert table.members.judge(says(OTHER), own=False) is None


def test_who_stood_still_and_was_joined_again_at_once_loses_nobody_more(table):
    """What others had sent meanwhile is read before the timer of the heartbeat is looked at."""
    table.adopt(OTHER, by_confirm=True)
    table.pass_(1, heard=OTHER)
    table.moment += 16
    peer, _ = table.adopt(OTHER, by_confirm=True, separations=1)
    table.pass_(1)
    assert peer.state is State.UP


def test_a_node_of_which_no_core_is_left_is_known_no_more(table):
    """Core 1 may have told where its core 0 listens when that was lost already."""
    other = OTHER._replace(core=1, incarnation=4)
    for home in (OTHER, other):
        table.adopt(home, by_confirm=True)
    places = dict(table.members.known)
    table.members.lose(OTHER, "it is to be lost")
    assert table.members.known == {}
    table.members.known = places
    table.members.lose(other, "it is to be lost")
    assert table.members.known == {}


def test_of_who_is_lost_no_buffers_are_kept(table):
    """A ref keeps the peer, and may be kept for ever: a buffer is as large as a message was."""
    peer, _ = table.adopt(OTHER, by_confirm=True)
    [envelope] = peer.codec.decode(peer.codec.encode(Envelope(1, None, 0, None, "text", None)))
    assert (len(peer.codec._packers), len(peer.codec._unpackers)) == (1, 1)
    table.members.lose(OTHER, "it is to be lost")
    assert (peer.codec._packers, peer.codec._unpackers) == ([], [])
    assert list(peer.codec.decode(peer.codec.encode(envelope))) == [envelope]


class Meeting:
    """A gate, and a name, at each look of which another thread sends to a core never met before."""

    def __init__(self, table):
        self.members, self.incarnations = table.members, count(100)

    def meet(self):
        self.members.peer_of(OTHER._replace(incarnation=next(self.incarnations)))

    def step(self):
        return [SimpleNamespace(name=self)]

    def role_of(self, node):
        self.meet()
        return f"role of {node}"

    def __eq__(self, name):
        self.meet()
        return name == "a"

    __hash__ = None


def test_keys_are_looked_at_while_other_threads_meet_new_cores(table):
    others = [table.adopt(home, by_confirm=True)[0] for home in (OTHER, OTHER._replace(core=1))]
    sibling, _ = table.adopt(SIBLING, by_confirm=True)
    table.members.gate = Meeting(table)
    table.members.look_at_keys()
    assert [peer.role for peer in others] == ["role of b", "role of b"]
    assert sibling.state is State.DOWN
