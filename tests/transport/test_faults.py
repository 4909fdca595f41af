"""Faults across cores: whatever a handler does, the asker hears of it, and the core goes on."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import zanni_faults as crew

from zanni import ActorDeadError, ActorSystem, NodeDown, RemoteError, SpawnError
from zanni.transport.credit import Limits

DEADLINE = 20.0
BUDGET = Limits().size


@pytest.fixture(scope="module")
def system():
    with ActorSystem("faulty", cores=2) as system:
        yield system


@pytest.fixture
def there(system):
    return system.spawn(crew.Faulty, core=1)


@pytest.mark.parametrize(
    ("what", "kind"),
    [("needs much", "NeedsMuch"), ("locked", "Locked")],
)
def test_an_error_that_cannot_travel_is_a_remote_error(there, what, kind):  # B10
    with pytest.raises(RemoteError) as caught:
        there.ask(what, timeout=DEADLINE)
    assert caught.value.type == kind
    assert "zanni_faults" in caught.value.traceback_text
    assert there.ask("alive", timeout=DEADLINE) == "alive"


def test_a_group_of_errors_arrives_as_one(there):  # B12
    with pytest.raises(ExceptionGroup) as caught:
        there.ask("group", timeout=DEADLINE)
    value, inner = caught.value.exceptions
    assert (type(value), value.args) == (ValueError, (1,))
    assert [error.type for error in inner.exceptions] == ["Locked"]
    assert there.ask("alive", timeout=DEADLINE) == "alive"


@pytest.mark.parametrize(("what", "kind"), [("noted", ValueError), ("noted of ours", RemoteError)])
def test_an_error_arrives_with_its_notes(there, what, kind):
    with pytest.raises(kind) as caught:
        there.ask(what, timeout=DEADLINE)
    assert caught.value.__notes__ == [
        "how it came about",
        "in\ntwo lines, with a lone \\ud800",
    ]


def test_an_error_with_a_long_chain_of_causes_arrives(there):  # B12
    with pytest.raises(ValueError, match="2999"):
        there.ask("chained", timeout=DEADLINE)
    assert there.ask("alive", timeout=DEADLINE) == "alive"


@pytest.mark.parametrize(("what", "kind"), [("exit", "SystemExit"), ("interrupt", "Keyboard")])
def test_a_base_exception_ends_the_actor_and_not_its_core(system, there, what, kind):  # B6
    other = system.spawn(crew.Faulty, core=1)
    exited = there.exited()
    with pytest.raises(RemoteError, match=kind):
        there.ask(what, timeout=DEADLINE)
    assert isinstance(exited.get(timeout=DEADLINE), RemoteError)
    assert other.ask("alive", timeout=DEADLINE) == "alive"
    assert [record["restarts"] for record in system.cores()] == [0, 0]


def test_an_error_in_init_elsewhere_frees_the_name(system):  # B1
    for _ in range(20):
        with pytest.raises(SpawnError) as caught:
            system.spawn(crew.BadStart, "__init__", core=1, name="ann")
        assert caught.value.type == "Locked"
    system.spawn(crew.BadStart, None, core=1, name="ann").stop(timeout=DEADLINE)


@pytest.mark.parametrize(("where", "kind"), [("exit", "SystemExit"), ("interrupt", "Keyboard")])
def test_a_base_exception_in_init_elsewhere_is_a_spawn_error_as_any_other(system, where, kind):
    with pytest.raises(SpawnError, match=kind):
        system.spawn(crew.BadStart, where, core=1, name="ann")
    system.spawn(crew.BadStart, None, core=1, name="ann").stop(timeout=DEADLINE)


def test_an_error_in_init_elsewhere_whose_text_cannot_be_made(system):
    with pytest.raises(SpawnError) as caught:
        system.spawn(crew.BadStart, "mute", core=1)
    assert caught.value.args == ("Mute", "<its text cannot be made: KeyError>")


def test_an_error_in_on_start_elsewhere_ends_it_and_frees_the_name(system):  # B1
    for _ in range(20):
        ref = system.spawn(crew.BadStart, "on_start", core=1, name="bob")
        reason = ref.wait(timeout=DEADLINE)
        assert reason == "noproc" or reason.type == "NeedsMuch"
    system.spawn(crew.BadStart, None, core=1, name="bob").stop(timeout=DEADLINE)


def test_the_name_of_an_actor_that_ends_at_once_elsewhere_is_free(system):  # B1
    for _ in range(20):
        system.spawn(crew.BadStart, "on_start", core=1, name="eve")
        end = time.monotonic() + DEADLINE
        while system.whereis("eve") is not None:
            assert time.monotonic() < end, "the name is still taken"
            time.sleep(0.001)


def test_a_message_is_what_it_was_when_it_was_told(there):  # D12
    message = ["keep", {"numbers": [1, 2]}]
    for number in range(3):
        message[1]["numbers"].append(number)
        there.tell(tuple(message))
    message[1]["numbers"].clear()
    assert there.ask("kept", timeout=DEADLINE) == [
        {"numbers": [1, 2, 0]},
        {"numbers": [1, 2, 0, 1]},
        {"numbers": [1, 2, 0, 1, 2]},
    ]


def test_a_ref_that_was_never_given_out_finds_nobody(system, there):  # D11
    for change in ({"id": 1 << 50}, {"core": 7}, {"incarnation": 99}, {"node": "x" * 10_000_000}):
        forged = system.ref_of(there.address._replace(**change), there.type_name)
        forged.tell("hello")
        with pytest.raises((ActorDeadError, NodeDown)):
            forged.ask("hello", timeout=DEADLINE)
        assert forged.wait(timeout=DEADLINE) in ("noproc", "noconnection")
    assert there.ask("alive", timeout=DEADLINE) == "alive"


def test_asks_of_a_core_that_dies_and_of_one_that_is_dead():  # D2
    with ActorSystem("dying", cores=2) as system:
        waits, faulty = (system.spawn(kind, core=1) for kind in (crew.Waits, crew.Faulty))
        answers = [waits.ask(number, block=False) for number in range(10)]
        assert faulty.ask("alive", timeout=DEADLINE) == "alive"
        os.kill(system.cores()[1]["pid"], signal.SIGKILL)
        for answer in answers:  # without a timeout of their own
            with pytest.raises(NodeDown):
                answer.get(timeout=DEADLINE)
        with pytest.raises(NodeDown):
            faulty.ask("alive")
        faulty.tell("lost")
        assert faulty.wait(timeout=DEADLINE) == "noconnection"
        assert system.dead_letters.counts["noconnection"] == 1


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def telling():
    """Tell an actor thrice as much as may wait for its core."""
    patient = {"suspect_after": 60.0, "down_after": 120.0}
    with ActorSystem("telling", cores=3, config=patient) as system:

        def telling(ref):
            other = system.spawn(crew.Faulty, core=2)
            assert other.ask("alive", timeout=DEADLINE) == "alive"
            peer = system.network.members.current[ref.address[:2]]
            before, most, payload, told = resident(), 0, b"x" * 2048, 3 * BUDGET // 2048
            for number in range(told):
                ref.tell((number, payload))
                most = max(most, peer.statistics()["queued_bytes"])
                if number % 10_000 == 0:  # it holds up nobody else
                    assert other.ask("still alive", timeout=DEADLINE) == "still alive"
            assert most <= BUDGET + 4096  # and one message
            assert resident() - before < 2 * BUDGET
            return told

        yield SimpleNamespace(system=system, tell=telling)


def test_a_slow_consumer_elsewhere_costs_its_sender_a_bounded_memory(telling):  # A7
    slow = telling.system.spawn(crew.Consumer, 0.001, core=1)
    telling.tell(slow)
    slow.kill()
    assert slow.wait(timeout=DEADLINE) in ("killed", "noproc")


def test_a_core_that_reads_nothing_costs_its_sender_a_bounded_memory(telling):  # A7, G11
    consumer = telling.system.spawn(crew.Consumer, 0, core=1)
    pid = consumer.call(crew.Consumer.pid).get(timeout=DEADLINE)
    os.kill(pid, signal.SIGSTOP)
    try:
        told = telling.tell(consumer)
    finally:
        os.kill(pid, signal.SIGCONT)
    peer = telling.system.network.members.current[consumer.address[:2]]
    end = time.monotonic() + DEADLINE
    while peer.statistics()["queued_bytes"] > BUDGET // 2:  # until then an ask finds no room
        assert time.monotonic() < end, "it takes nothing"
        time.sleep(0.001)
    seen = consumer.call(crew.Consumer.numbers).get(timeout=DEADLINE)
    assert seen == sorted(set(seen))
    assert len(seen) + telling.system.dead_letters.counts["overflow"] == told
    assert len(seen) < told


def test_a_thread_that_waits_for_a_dying_core_is_woken():
    with ActorSystem("dying", cores=2) as system:
        waits, errors = system.spawn(crew.Waits, core=1), []

        def ask():
            try:
                waits.ask("for ever")
            except NodeDown as error:
                errors.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        while not system.network.members.current["dying", 1].data.pending:
            time.sleep(0.001)
        os.kill(system.cores()[1]["pid"], signal.SIGKILL)
        for thread in threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()
        assert len(errors) == 3
