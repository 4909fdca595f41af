"""Addresses with keys, between two bare endpoints: who comes through, and by which key."""

import pytest
from waiting import run_until

from zanni.transport.events import KEY_REFUSED, KEYS_WANTED, NO_KEYS, NO_NODE, WRONG_KEY
from zanni.transport.zeromq import ZeroMQEndpoint, new_pair

FRAMES = [b"header", b"batch"]


class Side:
    """An endpoint with keys, and the guard that it asks."""

    def __init__(self):
        self.pair = new_pair()
        self.allowed, self.asked, self.failures = set(), [], []
        self.got = []
        self.endpoint = ZeroMQEndpoint(self)

    def admits(self, key, address):
        self.asked.append((key, address))
        return key in self.allowed

    def failed(self, reason):
        self.failures.append(reason)

    def listen(self, url="tcp://127.0.0.1:0"):
        return self.endpoint.listen_guarded(
            url, lambda frames, key: self.got.append(([bytes(each) for each in frames], key))
        )


@pytest.fixture
def sides():
    made = []

    def make():
        made.append(Side())
        return made[-1]

    yield make
    for side in made:
        side.endpoint.close()


@pytest.fixture
def plain():
    endpoint = ZeroMQEndpoint()
    yield endpoint
    endpoint.close()


@pytest.mark.parametrize("kind", ["tcp", "ipc"])
def test_who_is_admitted_is_known_by_its_key(sides, tmp_path, kind):
    bank, teller = sides(), sides()
    bank.allowed.add(teller.pair.public)
    url = bank.listen() if kind == "tcp" else bank.listen(f"ipc://{tmp_path}/bank")
    link = teller.endpoint.connect(url, bank.pair.public)
    run_until(lambda: link.send(FRAMES), teller.endpoint, bank.endpoint)
    run_until(lambda: bank.got, bank.endpoint)
    assert bank.got == [(FRAMES, teller.pair.public)]
    [(key, address)] = bank.asked  # once a connection
    assert key == teller.pair.public
    assert address == "127.0.0.1" if kind == "tcp" else address.startswith("localhost:")
    assert teller.asked == []


def test_of_several_each_is_known_by_its_own(sides):
    bank, others = sides(), [sides() for _ in range(5)]
    bank.allowed.update(other.pair.public for other in others)
    url = bank.listen()
    for number, other in enumerate(others):
        link = other.endpoint.connect(url, bank.pair.public)
        run_until(lambda: link.send([b"%d" % number]), other.endpoint, bank.endpoint)  # noqa: B023
    run_until(lambda: len(bank.got) == 5, bank.endpoint)
    expected = [([b"%d" % number], other.pair.public) for number, other in enumerate(others)]
    assert sorted(bank.got) == expected


def reason_of(probe, wanted, *endpoints):
    run_until(lambda: probe.reason() == wanted, *endpoints)
    probe.close()
    probe.close()


def test_why_nobody_comes_through_is_told_apart(sides, plain):
    bank, teller, stranger = sides(), sides(), sides()
    bank.allowed.add(teller.pair.public)
    url, open_url = bank.listen(), plain.listen("tcp://127.0.0.1:0", lambda _: None)
    right, wrong = bank.pair.public, stranger.pair.public
    for endpoint, there, key, reason in (
        (stranger.endpoint, url, right, KEY_REFUSED),
        (teller.endpoint, url, wrong, WRONG_KEY),
        (teller.endpoint, open_url, right, NO_KEYS),
        (plain, url, None, KEYS_WANTED),
    ):
        link = endpoint.connect(there, key)
        reason_of(endpoint.probe(there, key), reason, endpoint, bank.endpoint)
        assert not link.send(FRAMES)
        link.close()
    link = teller.endpoint.connect(url, right)
    run_until(lambda: link.send(FRAMES), teller.endpoint, bank.endpoint)
    reason_of(teller.endpoint.probe(url, right), NO_NODE, teller.endpoint, bank.endpoint)


def test_when_the_guard_cannot_be_asked_any_more_nobody_comes_through(sides):
    bank, teller, late = sides(), sides(), sides()
    bank.allowed |= {teller.pair.public, late.pair.public}
    url = bank.listen()
    link = teller.endpoint.connect(url, bank.pair.public)
    run_until(lambda: link.send(FRAMES), teller.endpoint, bank.endpoint)
    asks = next(socket for socket, _ in bank.endpoint._listeners.values() if socket.type == 4)
    admits = bank.admits

    def admits_and_breaks(key, address):
        asks.close()
        return admits(key, address)

    bank.admits = admits_and_breaks
    other = late.endpoint.connect(url, bank.pair.public)
    run_until(lambda: bank.failures, bank.endpoint)
    bank.admits = admits
    for _ in range(50):
        assert not other.send(FRAMES)
        late.endpoint.wait(0.005)
        bank.endpoint.wait(0.005)
    run_until(lambda: link.send([b"still here"]), teller.endpoint, bank.endpoint)
    run_until(lambda: len(bank.got) == 2, bank.endpoint)


def test_new_keys_can_stand_in_a_command():
    for _ in range(200):
        assert not new_pair().public.startswith("-")
