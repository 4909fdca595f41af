"""Waist 4: what every endpoint promises, over each of them."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Protocol

import pytest
from waiting import run_until, wait_for

from zanni.transport.clock import VirtualClock
from zanni.transport.endpoint import Endpoint, Frames, Link
from zanni.transport.events import NO_NODE, NOTHING_LISTENS
from zanni.transport.faulty import FaultyNetwork
from zanni.transport.memory import MemoryNetwork
from zanni.transport.zeromq import ZeroMQEndpoint

DEADLINE = 10.0  # seconds


class World(Protocol):
    """One kind of endpoint: how they are made, and addresses that are free."""

    def endpoint(self) -> Endpoint: ...

    def url(self) -> str: ...

    made: list[Endpoint]


class MemoryWorld:
    def __init__(self) -> None:
        self.network = MemoryNetwork()
        self.made: list[Endpoint] = []

    def endpoint(self) -> Endpoint:
        self.made.append(self.network.endpoint())
        return self.made[-1]

    def url(self) -> str:
        return "tcp://127.0.0.1:0"


class VirtualWorld:
    def __init__(self) -> None:
        self.network = FaultyNetwork(VirtualClock(), Random(1))
        self.made: list[Endpoint] = []

    def endpoint(self) -> Endpoint:
        self.made.append(self.network.endpoint(str(len(self.made))))
        return self.made[-1]

    def url(self) -> str:
        return "tcp://127.0.0.1:0"


class ZeroMQWorld:
    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.names = itertools.count()
        self.made: list[Endpoint] = []

    def endpoint(self) -> Endpoint:
        self.made.append(ZeroMQEndpoint())
        return self.made[-1]

    def url(self) -> str:
        if self.folder is None:
            return "tcp://127.0.0.1:0"
        return f"ipc://{self.folder}/{next(self.names)}"


WORLDS: dict[str, Callable[[Path], World]] = {
    "memory": lambda _: MemoryWorld(),
    "virtual": lambda _: VirtualWorld(),
    "tcp": lambda _: ZeroMQWorld(None),
    "ipc": ZeroMQWorld,
}


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made = WORLDS[request.param](tmp_path)
    yield made
    for endpoint in made.made:
        endpoint.close()


def in_real_time(world: World) -> None:
    if isinstance(world, VirtualWorld):
        pytest.skip("it is about real time or threads: a virtual clock has neither")


def send(link: Link, frames: Frames, *endpoints: Endpoint) -> None:
    run_until(lambda: link.send(frames), *endpoints)


def plain(frames: Frames) -> list[bytes]:
    return [bytes(frame) for frame in frames]


class Pair:
    """A sender, and a receiver that keeps what it got."""

    def __init__(self, world: World) -> None:
        self.here, self.there = world.endpoint(), world.endpoint()
        self.got: list[list[bytes]] = []
        self.url = self.there.listen(world.url(), lambda frames: self.got.append(plain(frames)))
        self.link = self.here.connect(self.url)

    def wait_for(self, count: int) -> None:
        run_until(lambda: len(self.got) >= count, self.there)


def test_messages_arrive_whole_and_in_order(world: World) -> None:
    pair = Pair(world)
    sent = [[b"header", str(number).encode(), b"payload"] for number in range(2000)]
    for frames in sent:
        send(pair.link, frames, pair.here, pair.there)
    pair.wait_for(len(sent))
    assert pair.got == sent


def test_a_link_to_nobody_refuses(world: World) -> None:
    here, there = world.endpoint(), world.endpoint()
    url = there.listen(world.url(), lambda _frames: None)
    there.close()
    link = here.connect(url)
    assert not link.send([b"header", b"batch"])
    here.wait(0.01)
    assert not link.send([b"header", b"batch"])


def test_a_link_may_be_made_before_its_peer_listens(world: World) -> None:
    here, first, second = world.endpoint(), world.endpoint(), world.endpoint()
    url = first.listen(world.url(), lambda _frames: None)
    first.close()
    link = here.connect(url)
    assert not link.send([b"too early"])
    got: list[list[bytes]] = []
    second.listen(url, lambda frames: got.append(plain(frames)))
    send(link, [b"header", b"batch"], here)
    run_until(lambda: bool(got), second)
    assert got == [[b"header", b"batch"]]


def test_wait_ends_when_a_link_that_refused_has_room(world: World) -> None:
    here, first, second = world.endpoint(), world.endpoint(), world.endpoint()
    url = first.listen(world.url(), lambda _frames: None)
    first.close()
    link = here.connect(url)
    assert not link.send([b"too early"])
    second.listen(url, lambda _frames: None)
    begun = time.monotonic()
    here.wait(DEADLINE)
    assert time.monotonic() - begun < DEADLINE
    assert link.send([b"header", b"batch"])


def test_a_full_link_refuses_and_loses_nothing_that_it_took(world: World) -> None:
    pair = Pair(world)
    send(pair.link, [b"header", b"0"], pair.here)
    taken = 1
    batch = b"x" * 100_000
    while pair.link.send([b"header", b"%d " % taken + batch]):
        taken += 1
        assert taken < 10_000, "nothing bounds what a link takes"
    pair.wait_for(taken)
    assert [int(frames[1].split()[0]) for frames in pair.got] == list(range(taken))
    send(pair.link, [b"header", b"more"], pair.here, pair.there)


def test_a_stalled_peer_costs_the_others_nothing(world: World) -> None:
    pair = Pair(world)
    stalled = world.endpoint()
    link = pair.here.connect(stalled.listen(world.url(), lambda _frames: None))
    send(link, [b"header", b"first"], pair.here)
    batch = b"x" * 100_000
    while link.send([b"header", batch]):
        pass
    for number in range(1000):
        send(pair.link, [b"header", str(number).encode()], pair.here, pair.there)
    pair.wait_for(1000)
    assert [int(frames[1]) for frames in pair.got] == list(range(1000))


def test_large_frames_arrive(world: World) -> None:
    pair = Pair(world)
    batch = os.urandom(16 * 1024 * 1024)
    send(pair.link, [b"header", batch, b"", b"payload"], pair.here)
    pair.wait_for(1)
    assert pair.got == [[b"header", batch, b"", b"payload"]]


def test_poll_takes_in_what_is_there(world: World) -> None:
    in_real_time(world)
    pair = Pair(world)
    for number in range(200):
        send(pair.link, [b"header", b"%d" % number], pair.here, pair.there)
    ends = time.monotonic() + DEADLINE
    while len(pair.got) < 200:
        assert time.monotonic() < ends
        pair.there.poll()
    pair.there.poll()
    assert len(pair.got) == 200


def test_one_endpoint_may_listen_on_many_addresses(world: World) -> None:
    pair = Pair(world)
    others: list[list[bytes]] = []
    url = pair.there.listen(world.url(), lambda frames: others.append(plain(frames)))
    other = pair.here.connect(url)
    send(other, [b"control"], pair.here)
    send(pair.link, [b"data"], pair.here)
    run_until(lambda: bool(others and pair.got), pair.there)
    assert (pair.got, others) == ([[b"data"]], [[b"control"]])


def test_wake_from_another_thread_ends_a_wait(world: World) -> None:
    in_real_time(world)
    endpoint = world.endpoint()
    waiting = threading.Event()

    def wake() -> None:
        waiting.wait(DEADLINE)
        endpoint.wake()

    waker = threading.Thread(target=wake)
    waker.start()
    begun = time.monotonic()
    waiting.set()
    endpoint.wait(DEADLINE)
    assert time.monotonic() - begun < DEADLINE
    waker.join(DEADLINE)


def test_a_wake_before_the_wait_ends_it_once(world: World) -> None:
    in_real_time(world)
    endpoint = world.endpoint()
    endpoint.wake()
    endpoint.wake()
    begun = time.monotonic()
    endpoint.wait(DEADLINE)
    assert time.monotonic() - begun < DEADLINE
    begun = time.monotonic()
    endpoint.wait(0.02)
    assert time.monotonic() - begun >= 0.015


def test_a_taken_address_is_an_os_error(world: World) -> None:
    if isinstance(world, ZeroMQWorld) and world.folder is not None:
        pytest.skip("a second ipc bind steals: who listens holds a lock")
    pair = Pair(world)
    with pytest.raises(OSError, match="cannot listen on"):
        world.endpoint().listen(pair.url, lambda _frames: None)


def test_what_listens_is_told_from_what_does_not(world: World) -> None:
    pair = Pair(world)
    assert wait_for(pair.here.probe(pair.url).reason) == NO_NODE
    pair.there.close()
    assert wait_for(pair.here.probe(pair.url).reason) == NOTHING_LISTENS


def test_a_watched_descriptor_is_reported_by_wait_and_by_poll(world: World) -> None:
    in_real_time(world)
    endpoint = world.endpoint()
    read_fd, write_fd = os.pipe()
    seen: list[bytes] = []
    endpoint.watch_fd(read_fd, lambda: seen.append(os.read(read_fd, 100)))
    try:
        endpoint.poll()
        assert seen == []
        os.write(write_fd, b"wait")
        endpoint.wait(DEADLINE)
        os.write(write_fd, b"poll")
        endpoint.poll()
        assert seen == [b"wait", b"poll"]
        endpoint.unwatch_fd(read_fd)
        os.write(write_fd, b"unseen")
        endpoint.wait(0)
        endpoint.poll()
        assert seen == [b"wait", b"poll"]
    finally:
        os.close(read_fd)
        os.close(write_fd)


def test_an_endpoint_may_be_closed_by_what_it_receives(world: World) -> None:
    here, there = world.endpoint(), world.endpoint()
    got: list[Frames] = []

    def receive(frames: Frames) -> None:
        got.append(frames)
        there.close()

    link = here.connect(there.listen(world.url(), receive))
    send(link, [b"last"], here)
    run_until(lambda: bool(got), there)
    assert len(got) == 1


def test_a_link_closes_and_another_can_be_made(world: World) -> None:
    pair = Pair(world)
    send(pair.link, [b"first"], pair.here)
    pair.wait_for(1)
    pair.link.close()
    again = pair.here.connect(pair.url)
    send(again, [b"second"], pair.here)
    pair.wait_for(2)
    assert pair.got == [[b"first"], [b"second"]]


def test_close_is_prompt_with_a_peer_that_takes_nothing(world: World) -> None:
    pair = Pair(world)
    send(pair.link, [b"first"], pair.here)
    while pair.link.send([b"header", b"x" * 100_000]):
        pass
    begun = time.monotonic()
    pair.here.close()
    pair.here.close()
    assert time.monotonic() - begun < DEADLINE


def test_many_senders_each_keep_their_order(world: World) -> None:
    in_real_time(world)
    there = world.endpoint()
    got: list[tuple[int, int]] = []

    def receive(frames: Frames) -> None:
        got.append((int(bytes(frames[0])), int(bytes(frames[1]))))

    url = there.listen(world.url(), receive)
    endpoints = [world.endpoint() for _ in range(4)]

    def run(name: int) -> None:
        link = endpoints[name].connect(url)
        for number in range(500):
            send(link, [b"%d" % name, b"%d" % number], endpoints[name])

    threads = [threading.Thread(target=run, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    run_until(lambda: len(got) == 2000, there)
    for thread in threads:
        thread.join(DEADLINE)
    for name in range(4):
        assert [number for sender, number in got if sender == name] == list(range(500))


def test_a_path_that_is_too_long_is_named_so(tmp_path: Path) -> None:
    endpoint = ZeroMQEndpoint()
    try:
        with pytest.raises(OSError, match="107 bytes"):
            endpoint.listen(f"ipc://{tmp_path}/{'x' * 108}", lambda _frames: None)
    finally:
        endpoint.close()


def test_a_cut_address_refuses_until_it_is_healed() -> None:
    world = MemoryWorld()
    pair = Pair(world)
    send(pair.link, [b"lost"], pair.here)
    world.network.cut(pair.url)
    assert not pair.link.send([b"refused"])
    world.network.heal(pair.url)
    send(pair.link, [b"after"], pair.here)
    pair.wait_for(1)
    assert pair.got == [[b"after"]]
    for endpoint in world.made:
        endpoint.close()
