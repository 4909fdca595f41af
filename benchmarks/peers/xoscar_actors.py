"""xoscar: one pool of actors in this process, or one and a sub-pool in another process.

Within a pool the actors have local refs, which call each other's methods directly.
"""

import asyncio
import gc
from time import perf_counter
from typing import Any

import xoscar

from ..m03_fan_in import share_of
from ..m06_memory import FIRST, sampled
from ..m07_skynet import leaves_of
from ..m08_big import PLAYERS, drawn_after
from ..m09_pace import Answers
from ..m09_processes import KINDS, Tally, payloads
from ..m10_cpu import JOBS, job
from ..machine import resident
from ..workload import percentiles
from . import Found

FAR = 1
"""The pool of the other process."""


def run(work: str, n: int, *arguments: Any) -> Found:
    return asyncio.run(in_pools(WORKS[work], n, *arguments))


async def in_pools(work, n, *arguments):
    far = work in (tell_process, ask_process, open_loop, compute)
    pool = await xoscar.create_actor_pool("127.0.0.1", n_process=2 if far else 0)
    async with pool:
        return await work(pool.external_address, n, *arguments)


async def start(address, actor, *arguments, process=0):
    """Start it; the ref is a local one where the actor is."""
    where = xoscar.allocate_strategy.ProcessIndex(process)
    ref = await xoscar.create_actor(actor, *arguments, address=address, allocate_strategy=where)
    return ref if process else await xoscar.actor_ref(ref)


class Echo(xoscar.Actor):
    def __init__(self):
        self.asked = 0

    def echo(self, message):
        self.asked += 1
        return message

    def count(self):
        return self.asked


async def ask_outside(address, n):
    return await asks(await start(address, Echo), n)


async def ask_inside(address, n):
    asker = await start(address, Asker)
    return await asker.ask(n, await start(address, Echo))


class Asker(xoscar.Actor):
    async def ask(self, n, echo):
        return await asks(echo, n)


async def asks(echo, n):
    started = perf_counter()
    total = 0
    for i in range(n):
        total += await echo.echo(i)
    answer = [total, await echo.count()]
    seconds = perf_counter() - started
    moments = [perf_counter()]
    for i in range(n // 10 + 1):
        await echo.echo(i)
        moments.append(perf_counter())
    return {"answer": answer, "seconds": seconds, **percentiles(moments)}


async def tell(address, n):
    producer, counter = await start(address, Producer), await start(address, Echo)
    started = perf_counter()
    answer = await producer.produce(n, counter)
    return {"answer": answer, "seconds": perf_counter() - started}


class Producer(xoscar.Actor):
    async def produce(self, n, counter):
        for i in range(n):
            await counter.echo.tell(i)
        return await counter.count()


async def fan_in(address, n):
    share, answer = share_of(n), asyncio.get_running_loop().create_future()
    gatherer = await start(address, Gatherer, 8 * share, answer)
    senders = [await start(address, Sender, number) for number in range(8)]
    started = perf_counter()
    for sender in senders:
        await sender.send_all.tell(share, gatherer)
    return {"answer": await answer, "seconds": perf_counter() - started}


class Sender(xoscar.Actor):
    def __init__(self, number):
        self.number = number

    async def send_all(self, share, gatherer):
        for i in range(share):
            await gatherer.gather.tell(self.number, i)


class Gatherer(xoscar.Actor):
    def __init__(self, n, answer):
        self.n, self.answer = n, answer
        self.following = [0] * 8
        self.count = self.senders = self.out_of_order = 0

    def gather(self, sender, i):
        if i != self.following[sender]:
            self.out_of_order += 1
        self.following[sender] = i + 1
        self.senders += sender
        self.count += 1
        if self.count == self.n:
            self.answer.set_result([self.count, self.senders, self.out_of_order])


async def ring(address, hops, size):
    ended_at = asyncio.get_running_loop().create_future()
    first = following = await start(address, Node, 0, None, ended_at)
    for index in range(size - 1, 0, -1):
        following = await start(address, Node, index, following, ended_at)
    await first.be_followed_by(following)
    started = perf_counter()
    await first.hop.tell(hops)
    return {"answer": await ended_at, "seconds": perf_counter() - started}


class Node(xoscar.Actor):
    def __init__(self, index, following, ended_at):
        self.index, self.following, self.ended_at = index, following, ended_at

    def be_followed_by(self, following):
        self.following = following

    async def hop(self, left):
        if left > 0:
            await self.following.hop.tell(left - 1)
        else:
            self.ended_at.set_result(self.index)


async def spawn(address, n):
    loop = asyncio.get_running_loop()
    ends = loop.create_future(), loop.create_future()
    collector = await start(address, Collector, n, *ends)
    spawner = await start(address, Spawner)
    started = perf_counter()
    await spawner.spawn(address, n, collector, ends[0])
    return {"answer": [await end for end in ends], "seconds": perf_counter() - started}


class Spawner(xoscar.Actor):
    async def spawn(self, address, n, collector, all_acks):
        actors = [await start(address, Pinged, collector) for _ in range(n)]
        for actor in actors:
            await actor.ping.tell()
        await all_acks
        for actor in actors:
            await actor.destroy()


class Pinged(xoscar.Actor):
    def __init__(self, collector):
        self.collector = collector

    async def ping(self):
        await self.collector.ack.tell()

    async def __pre_destroy__(self):
        await self.collector.bye.tell()


class Collector(xoscar.Actor):
    def __init__(self, n, all_acks, all_byes):
        self.n, self.all_acks, self.all_byes = n, all_acks, all_byes
        self.acks = self.byes = 0

    def ack(self):
        self.acks += 1
        if self.acks == self.n:
            self.all_acks.set_result(self.acks)

    def bye(self):
        self.byes += 1
        if self.byes == self.n:
            self.all_byes.set_result(self.byes)


async def memory(address, n):
    await (await start(address, Holder, FIRST - 1)).who()
    before = resident()
    started = perf_counter()
    actors = [await start(address, Holder, FIRST + index) for index in range(n)]
    for actor in actors:
        await actor.ping.tell()
    states = [await actors[index].who() for index in sampled(n)]
    seconds = perf_counter() - started
    answer = [sum(number for number, _ in states), sum(pings for _, pings in states)]
    return {"answer": answer, "seconds": seconds, "bytes": resident() - before}


class Holder(xoscar.Actor):
    def __init__(self, number):
        self.number, self.pings = number, 0

    def ping(self):
        self.pings += 1

    def who(self):
        return self.number, self.pings


async def skynet(address, n):
    total = asyncio.get_running_loop().create_future()
    top = await start(address, Top, total)
    gc.freeze()
    started = perf_counter()
    root = await start(address, Skynet, top, 0, leaves_of(n))
    await root.begin.tell(address)
    return {"answer": await total, "seconds": perf_counter() - started}


class Top(xoscar.Actor):
    def __init__(self, total):
        self.total = total

    def add(self, number):
        self.total.set_result(number)


class Skynet(xoscar.Actor):
    def __init__(self, parent, first, leaves):
        self.parent, self.first, self.leaves = parent, first, leaves
        self.waiting_for, self.sum = 10, 0

    async def begin(self, address):
        if self.leaves == 1:
            await self.end(self.first)
            return
        share = self.leaves // 10
        me = await xoscar.actor_ref(self.ref())
        for first in range(self.first, self.first + self.leaves, share):
            child = await start(address, Skynet, me, first, share)
            await child.begin.tell(address)

    async def add(self, number):
        self.sum += number
        self.waiting_for -= 1
        if self.waiting_for == 0:
            await self.end(self.sum)

    async def end(self, number):
        await self.parent.add.tell(number)
        # Not awaited: it waits for what the actor does now.
        self.ending = asyncio.ensure_future(self.ref().destroy())


async def big(address, n):
    total = asyncio.get_running_loop().create_future()
    umpire = await start(address, Umpire, total)
    players = [await start(address, Player, number, n, umpire) for number in range(PLAYERS)]
    for each in [umpire, *players]:
        await each.meet(players)
    started = perf_counter()
    for each in players:
        await each.pong.tell()
    return {"answer": await total, "seconds": perf_counter() - started}


class Player(xoscar.Actor):
    def __init__(self, number, left, umpire):
        self.number, self.left, self.umpire = number, left, umpire
        self.x, self.received = number, 0

    def meet(self, players):
        self.players, self.me = players, players[self.number]

    async def pong(self):
        if self.left > 0:
            self.left -= 1
            self.x = drawn_after(self.x)
            await self.players[self.x % PLAYERS].ping.tell(self.me)
        else:
            await self.umpire.done.tell()

    async def ping(self, sender):
        self.received += 1
        await sender.pong.tell()

    async def report(self):
        await self.umpire.add.tell((self.number + 1) * self.received)


class Umpire(xoscar.Actor):
    def __init__(self, total):
        self.total, self.finished, self.reports, self.sum = total, 0, 0, 0

    def meet(self, players):
        self.players = players

    async def done(self):
        self.finished += 1
        if self.finished == PLAYERS:
            for each in self.players:
                await each.report.tell()

    def add(self, number):
        self.reports += 1
        self.sum += number
        if self.reports == PLAYERS:
            self.total.set_result(self.sum)


async def tell_process(address, n, size, window):
    receiver = await start(address, Receiver, process=FAR)
    messages, half = payloads(size), window // 2
    started = perf_counter()
    for i in range(n):
        await receiver.receive.tell(messages[i % KINDS])
        if i % half == 0:
            await receiver.tally()
    answer = await receiver.tally()
    return {"answer": answer, "seconds": perf_counter() - started}


async def ask_process(address, n, size):
    receiver = await start(address, Receiver, process=FAR)
    messages = payloads(size)
    moments = [perf_counter()]
    for i in range(n):
        await receiver.receive(messages[i % KINDS])
        moments.append(perf_counter())
    answer = await receiver.tally()
    seconds = perf_counter() - moments[0]
    return {"answer": answer, "seconds": seconds, **percentiles(moments)}


async def open_loop(address, n, rate):
    echo = await start(address, Echo, process=FAR)
    await echo.echo("ready")
    answers, asked = Answers(n, rate), []

    async def ask(number):
        answers.take(await echo.echo(number))

    for number in range(n):
        await asyncio.sleep(answers.due(number) - perf_counter())
        asked.append(asyncio.ensure_future(ask(number)))
    await asyncio.gather(*asked)
    return answers.found()


class Receiver(xoscar.Actor):
    def __init__(self):
        self.all = Tally()

    def receive(self, payload):
        self.all.add(payload)
        return len(payload)

    def tally(self):
        return self.all.so_far()


async def compute(address, steps):
    began = perf_counter()
    sequential = sum(job(each, steps) for each in JOBS)
    before = perf_counter() - began
    workers = [await start(address, Worker, process=FAR + index) for index in range(2)]
    for worker in workers:
        await worker.work(0, 1)
    started = perf_counter()
    results = [workers[each % 2].work(each, steps) for each in JOBS]
    answer = [sequential, sum(await asyncio.gather(*results))]
    seconds = perf_counter() - started
    return {"answer": answer, "seconds": seconds, "sequential_seconds": before}


class Worker(xoscar.Actor):
    def work(self, start, steps):
        return job(start, steps)


WORKS = {
    "ask_outside": ask_outside,
    "ask_inside": ask_inside,
    "tell": tell,
    "fan_in": fan_in,
    "ring": ring,
    "spawn": spawn,
    "memory": memory,
    "skynet": skynet,
    "big": big,
    "tell_process": tell_process,
    "ask_process": ask_process,
    "open_loop": open_loop,
    "compute": compute,
}
