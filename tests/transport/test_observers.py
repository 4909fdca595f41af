"""Those who look at a core: what they are told, and that they are nobody to it."""

import itertools
import threading
from types import SimpleNamespace

import pytest
from waiting import wait_for

from zanni import Actor, ActorSystem
from zanni.actors.address import CoreAddress
from zanni.transport import observer as observer_module
from zanni.transport import observers as observers_module
from zanni.transport.endpoint import Link
from zanni.transport.events import NodeJoined, NodeLost
from zanni.transport.frame import (
    CONTROL_CAP,
    Header,
    Kind,
    Lane,
    Source,
    node_id,
    unpack_frames,
)
from zanni.transport.handshake import OBSERVER, CorePlace, Identity
from zanni.transport.observation import BadObservation, Question, pack_question, unpack_part
from zanni.transport.observer import observing
from zanni.transport.observers import LIFE, LIMIT, Observers

US = Source(node_id("bank"), 0, 11)
DEADLINE = 20.0


class FakeLink(Link):
    def __init__(self):
        self.sent = []
        self.open = True
        self.closed = False

    def send(self, frames):
        if self.open:
            self.sent.append(unpack_frames(frames))
        return self.open

    def close(self):
        self.closed = True

    def parts(self):
        return [unpack_part(body) for header, body in self.sent if header.kind is Kind.OBSERVE]


class Desk:
    """The observers of a core, with a clock and a loop of the test's own."""

    def __init__(self, monkeypatch, rows=()):
        self.moment = 100.0
        self.tick = 0.0
        monkeypatch.setattr(observers_module, "now", self.now)
        monkeypatch.setattr(observers_module, "survey", lambda _, everything: self.survey())
        self.rows = rows
        self.posted = []
        core = SimpleNamespace(
            post=lambda function, *args: self.posted.append(lambda: function(*args)),
            call_later=lambda _, function: self.posted.append(function),
        )
        record = {"index": 0, "state": "up"}
        system = SimpleNamespace(core=core, cores=lambda: [record, {**record, "index": 1}])
        listeners = SimpleNamespace(
            outside=CorePlace(0, 11, "tcp://0c", "tcp://0d"),
            inside_of=lambda core: CorePlace(core, 0, f"ipc://{core}c", f"ipc://{core}d"),
        )
        system.index = 0
        siblings = {1: CorePlace(1, 12, "tcp://1c", "tcp://1d")}
        self.observers = Observers(system, US, listeners, siblings)

    def now(self):
        self.moment += self.tick
        return self.moment

    def survey(self):
        yield from self.rows

    def adopt(self, number=1, *, own=True):
        link = FakeLink()
        home = CoreAddress(f"observer-{number}", 0, number)
        self.observers.adopt(Identity(home, "ipc://o", "ipc://o", OBSERVER), link, own=own)
        return link

    def take(self, kind, body, number=1, *, own=True, to=US.incarnation):
        name = f"observer-{number}"
        lane = Lane.CONTROL
        header = Header(kind, lane, 0, node_id(name), 0, number, to, 0, 0, 0, 0, len(body))
        return self.observers.take(header, body, own=own)

    def ask(self, what="actors", number=1, **options):
        question = pack_question(Question(number, what, everything=False))
        return self.take(Kind.OBSERVE, question, number, **options)

    def run(self, steps=1000):
        for _ in range(steps):
            if not self.posted:
                return
            self.posted.pop(0)()


@pytest.fixture
def desk(monkeypatch):
    return Desk(monkeypatch, [{"row": "actor", "id": number} for number in range(3)])


def test_an_answer_comes_in_one_part_where_it_fits(desk):
    link = desk.adopt()
    assert desk.ask()
    desk.run()
    (part,) = link.parts()
    assert (part.number, part.part, part.is_last, part.error) == (1, 1, True, None)
    assert [row["id"] for row in part.rows] == [0, 1, 2]
    header, _ = link.sent[0]
    assert (header.lane, header.source_incarnation, header.destination_incarnation) == (
        Lane.CONTROL,
        US.incarnation,
        1,
    )


def test_a_long_answer_is_made_in_steps_and_other_work_comes_between(desk):
    desk.rows = [{"row": "actor", "id": number} for number in range(100)]
    desk.tick = 0.0003  # each look at the clock
    link = desk.adopt()
    desk.ask()
    seen = []
    while desk.posted:
        seen.append(len(link.parts()))
        desk.run(1)
    parts = link.parts()
    assert [part.part for part in parts] == list(range(1, len(parts) + 1))
    assert [part.is_last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert [row["id"] for part in parts for row in part.rows] == list(range(100))
    assert len(parts) > 20
    assert max(after - before for before, after in itertools.pairwise(seen)) <= 1


def test_a_large_answer_keeps_to_the_cap_of_a_frame(desk):
    desk.rows = [{"row": "actor", "text": "x" * 200} for _ in range(5000)]
    link = desk.adopt()
    desk.ask()
    desk.run()
    assert sum(len(part.rows) for part in link.parts()) == 5000
    assert all(len(body) < CONTROL_CAP // 2 for _, body in link.sent)


def test_steps_without_a_row_send_nothing_but_a_sign_now_and_then(desk):
    desk.rows = [None] * 4000
    desk.tick = 0.0002
    link = desk.adopt()
    desk.ask()
    desk.run(10_000)
    parts = link.parts()
    assert all(not part.rows for part in parts)
    assert 1 < len(parts) <= 4000 * 0.0004 / observers_module.BEAT + 2
    assert parts[-1].is_last


def test_a_part_that_the_link_refuses_is_offered_again(desk):
    link = desk.adopt()
    link.open = False
    desk.ask()
    desk.run(10)
    assert link.sent == []
    link.open = True
    desk.run()
    assert [len(part.rows) for part in link.parts()] == [3]


def test_a_new_question_ends_the_answer_to_the_one_before(desk):
    link = desk.adopt()
    link.open = False
    desk.ask()
    desk.run(5)
    question = pack_question(Question(2, "cores", everything=False))
    desk.take(Kind.OBSERVE, question)
    link.open = True
    desk.run()
    assert [part.number for part in link.parts()] == [2]


def test_the_cores_are_told_with_where_they_can_be_asked(desk):
    inside, outside = desk.adopt(1, own=True), desk.adopt(2, own=False)
    desk.ask("cores", 1)
    desk.ask("cores", 2, own=False)
    desk.run()
    for link, urls in ((inside, ["ipc://0c", "ipc://1c"]), (outside, ["tcp://0c", "tcp://1c"])):
        assert [row["control"] for row in link.parts()[0].rows] == urls


def test_only_what_is_declared_may_be_asked(desk):
    link = desk.adopt()
    desk.ask("secrets")
    desk.run()
    (part,) = link.parts()
    assert "may ask for cores, actors" in part.error
    assert part.rows == []


def test_an_answer_that_fails_says_so(desk, monkeypatch, caplog):
    monkeypatch.setattr(observers_module, "pack_row", lambda _: 1 // 0)
    link = desk.adopt()
    desk.ask()
    desk.run()
    (part,) = link.parts()
    assert part.is_last
    assert "ZeroDivisionError" in part.error
    assert "could not be made" in caplog.text


@pytest.mark.parametrize(
    "kind", [Kind.DATA, Kind.CONTROL, Kind.HEARTBEAT, Kind.GOODBYE], ids=lambda kind: kind.name
)
def test_an_observer_may_send_questions_only(desk, kind):
    link = desk.adopt()
    assert not desk.take(kind, b"\x80")
    assert link.sent == []


def test_questions_of_strangers_and_to_another_life_are_none(desk):
    desk.adopt()
    assert not desk.ask(number=2)
    assert not desk.ask(to=99)
    assert not desk.ask(own=False)
    assert desk.posted == []


def test_a_bad_question_is_told_to_who_counts_them(desk):
    desk.adopt()
    with pytest.raises(BadObservation):
        desk.take(Kind.OBSERVE, b"\xc1")


def test_who_asks_nothing_any_more_is_forgotten(desk):
    link = desk.adopt()
    desk.moment += LIFE / 2
    desk.ask()
    desk.run()
    desk.moment += LIFE - 1
    desk.observers.step()
    assert not link.closed
    desk.moment += 2
    desk.observers.step()
    assert link.closed
    assert not desk.ask()


def test_for_one_more_than_the_limit_the_one_that_asked_longest_ago_is_forgotten(desk):
    links = []
    for number in range(1, LIMIT + 1):
        desk.moment += 0.01
        links.append(desk.adopt(number))
    desk.ask(number=1)
    desk.moment += 0.01
    desk.adopt(LIMIT + 1)
    assert [number for number, link in enumerate(links, 1) if link.closed] == [2]


def test_who_shakes_hands_again_is_answered_on_the_new_link_alone(desk):
    before, after = desk.adopt(), desk.adopt()
    assert before.closed
    desk.ask()
    desk.run()
    assert len(after.parts()) == 1


def test_the_end_is_told_to_all(desk):
    link = desk.adopt()
    desk.observers.say_goodbye()
    assert [header.kind for header, _ in link.sent] == [Kind.GOODBYE]
    desk.observers.close()
    assert link.closed


# A real system, and a real observer


class Idle(Actor):
    pass


@pytest.fixture(params=["inside", "tcp"])
def bank(request):
    """A system with an actor on each of its two cores, and where an observer finds it."""
    with ActorSystem("bank", cores=2, listen="tcp://127.0.0.1:0") as system:
        system.spawn(Idle, name="ann")
        inside = system.network.listeners.inside.control
        yield SimpleNamespace(
            system=system, url=inside if request.param == "inside" else system.nodes()[0]["urls"][0]
        )


def test_an_observer_sees_all_cores_and_is_no_node(bank):
    for _ in range(3):
        with observing(bank.url) as observer:
            for everything in (False, True, False):
                seen = observer.look(bank.url, everything=everything)
                assert seen.name == "bank"
                assert [core.problem for core in seen.cores] == [None, None]
                assert [core.record["index"] for core in seen.cores] == [0, 1]
                assert seen.cores[0].rows[-1] == {"row": "total", "count": 1}
    system = bank.system
    assert [record["name"] for record in system.nodes()] == ["bank"]
    assert not [each for each in system.events.last if isinstance(each, NodeJoined | NodeLost)]
    assert set(system.network.members.current) == {("bank", 1)}
    assert system.network.intake.statistics()["bad_frames"] == 0


def test_a_core_that_is_started_again_is_seen_again(bank, monkeypatch):
    monkeypatch.setattr(observer_module, "PATIENCE", 1.0)
    pid = bank.system.cores()[1]["pid"]
    with observing(bank.url) as observer:
        observer.look(bank.url, everything=False)
        bank.system.network.on_loop(bank.system.network.children.all[0].process.kill)

        def is_back():
            core = observer.look(bank.url, everything=False).cores[1]
            return core.problem is None and core.record["pid"] != pid

        wait_for(is_back)


def test_several_look_at_once(bank):
    totals = []

    def look():
        with observing(bank.url) as observer:
            for _ in range(5):
                seen = observer.look(bank.url, everything=False)
                totals.append([core.rows[-1]["count"] for core in seen.cores])

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert totals == [[1, 0]] * 20
