"""asyncio: a Task for each actor, an asyncio.Queue for its mailbox, a Future for a reply."""

import asyncio
import gc
from asyncio import Future, Queue, Task
from collections.abc import Callable, Coroutine
from threading import Thread
from time import perf_counter
from typing import Any

from ..m03_fan_in import share_of
from ..m06_memory import FIRST, sampled
from ..m07_skynet import leaves_of
from ..m08_big import PLAYERS, drawn_after
from ..machine import resident
from ..workload import percentiles
from . import Found

COUNT, PING, ACK, BYE, STOP = "count", "ping", "ack", "bye", "stop"
BEGIN, PONG, DONE, REPORT = "begin", "pong", "done", "report"

tasks: set[Task[Any]] = set()
"""The event loop itself keeps only weak references."""


def run(work: str, n: int, *arguments: Any, loop: Callable[[], Any] | None = None) -> Found:
    """Do the work on an event loop of that kind; the main thread has it, save for `ask_outside`."""
    with asyncio.Runner(loop_factory=loop) as runner:
        if work == "ask_outside":
            return ask_outside(runner.get_loop(), n)
        return runner.run(WORKS[work](n, *arguments))


def start(actor: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Queue:
    mailbox: Queue = Queue()
    task = asyncio.get_running_loop().create_task(actor(mailbox, *arguments))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return mailbox


async def ask(mailbox: Queue, message: Any) -> Any:
    reply: Future = asyncio.get_running_loop().create_future()
    mailbox.put_nowait((message, reply))
    return await reply


async def echo(mailbox):
    asked = 0
    while True:
        message, reply = await mailbox.get()
        if message is COUNT:
            reply.set_result(asked)
        else:
            asked += 1
            reply.set_result(message)


async def ask_inside(n: int) -> Found:
    echoing, answers = start(echo), Queue()
    start(asker, echoing, n, answers)
    return await answers.get()


async def asker(_mailbox, echoing, n, answers):
    started = perf_counter()
    total = 0
    for i in range(n):
        total += await ask(echoing, i)
    answer = [total, await ask(echoing, COUNT)]
    seconds = perf_counter() - started
    moments = [perf_counter()]
    for i in range(n // 10 + 1):
        await ask(echoing, i)
        moments.append(perf_counter())
    answers.put_nowait({"answer": answer, "seconds": seconds, **percentiles(moments)})


def ask_outside(loop, n: int) -> Found:
    """The loop has a thread; each ask is a call from this one into it."""
    thread = Thread(target=loop.run_forever)
    thread.start()

    def asked(message):
        return asyncio.run_coroutine_threadsafe(ask(echoing, message), loop).result()

    async def started_echo():
        return start(echo)

    echoing = asyncio.run_coroutine_threadsafe(started_echo(), loop).result()
    started = perf_counter()
    answer = [sum(asked(i) for i in range(n)), asked(COUNT)]
    seconds = perf_counter() - started
    moments = [perf_counter()]
    for i in range(n // 10 + 1):
        asked(i)
        moments.append(perf_counter())
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    return {"answer": answer, "seconds": seconds, **percentiles(moments)}


async def tell(n: int) -> Found:
    counting, answers = start(counter), Queue()
    started = perf_counter()
    start(producer, counting, n, answers)
    answer = await answers.get()
    return {"answer": answer, "seconds": perf_counter() - started}


async def counter(mailbox):
    count = 0
    while True:
        message, reply = await mailbox.get()
        if message is COUNT:
            reply.set_result(count)
        else:
            count += 1


async def producer(_mailbox, counting, n, answers):
    for _ in range(n):
        counting.put_nowait(("increment", None))
    answers.put_nowait(await ask(counting, COUNT))


async def fan_in(n: int) -> Found:
    share, answers = share_of(n), Queue()
    gathering = start(gatherer, 8 * share, answers)
    started = perf_counter()
    for number in range(8):
        start(sender, number, share, gathering)
    answer = await answers.get()
    return {"answer": answer, "seconds": perf_counter() - started}


async def sender(_mailbox, number, share, gathering):
    for i in range(share):
        gathering.put_nowait((number, i))


async def gatherer(mailbox, n, answers):
    following = [0] * 8
    senders = out_of_order = 0
    for _ in range(n):
        number, i = await mailbox.get()
        if i != following[number]:
            out_of_order += 1
        following[number] = i + 1
        senders += number
    answers.put_nowait([n, senders, out_of_order])


async def ring(hops: int, size: int) -> Found:
    ended_at = Queue()
    first = following = start(node, 0, None, ended_at)
    for index in range(size - 1, 0, -1):
        following = start(node, index, following, ended_at)
    first.put_nowait(following)
    await asyncio.sleep(0)
    started = perf_counter()
    first.put_nowait(hops)
    answer = await ended_at.get()
    return {"answer": answer, "seconds": perf_counter() - started}


async def node(mailbox, index, following, ended_at):
    if following is None:
        following = await mailbox.get()
    while True:
        left = await mailbox.get()
        if left > 0:
            following.put_nowait(left - 1)
        else:
            ended_at.put_nowait(index)


async def spawn(n: int) -> Found:
    answers = Queue()
    started = perf_counter()
    collecting = start(collector, n, answers)
    start(spawner, n, collecting, answers)
    answer = [await answers.get(), await answers.get()]
    return {"answer": answer, "seconds": perf_counter() - started}


async def spawner(mailbox, n, collecting, answers):
    actors = [start(pinged, collecting) for _ in range(n)]
    for actor in actors:
        actor.put_nowait(PING)
    collecting.put_nowait(mailbox)
    await mailbox.get()
    for actor in actors:
        actor.put_nowait(STOP)


async def pinged(mailbox, collecting):
    while await mailbox.get() is PING:
        collecting.put_nowait(ACK)
    collecting.put_nowait(BYE)


async def collector(mailbox, n, answers):
    spawning = await mailbox.get()
    for kind in (ACK, BYE):
        count = 0
        while count < n:
            count += await mailbox.get() is kind
        answers.put_nowait(count)
        spawning.put_nowait(count)


async def memory(n: int) -> Found:
    await ask(start(holder, FIRST - 1), COUNT)
    before = resident()
    started = perf_counter()
    actors = [start(holder, FIRST + index) for index in range(n)]
    for actor in actors:
        actor.put_nowait((PING, None))
    states = [await ask(actors[index], COUNT) for index in sampled(n)]
    seconds = perf_counter() - started
    answer = [sum(number for number, _ in states), sum(pings for _, pings in states)]
    return {"answer": answer, "seconds": seconds, "bytes": resident() - before}


async def holder(mailbox, number):
    pings = 0
    while True:
        message, reply = await mailbox.get()
        if message is COUNT:
            reply.set_result((number, pings))
        else:
            pings += 1


async def skynet(n: int) -> Found:
    answers = Queue()
    gc.freeze()
    started = perf_counter()
    start(skynet_actor, answers, 0, leaves_of(n))
    answer = await answers.get()
    return {"answer": answer, "seconds": perf_counter() - started}


async def skynet_actor(mailbox, parent, first, leaves):
    if leaves == 1:
        parent.put_nowait(first)
        return
    share = leaves // 10
    for each in range(first, first + leaves, share):
        start(skynet_actor, mailbox, each, share)
    total = 0
    for _ in range(10):
        total += await mailbox.get()
    parent.put_nowait(total)


async def big(n: int) -> Found:
    answers = Queue()
    refereeing = start(umpire, answers)
    players = [start(player, number, n, refereeing) for number in range(PLAYERS)]
    for mailbox in [refereeing, *players]:
        mailbox.put_nowait(players)
    await asyncio.sleep(0)
    started = perf_counter()
    for mailbox in players:
        mailbox.put_nowait(BEGIN)
    answer = await answers.get()
    return {"answer": answer, "seconds": perf_counter() - started}


async def player(mailbox, number, left, refereeing):
    players, x, received = await mailbox.get(), number, 0
    while True:
        message = await mailbox.get()
        if message is PONG or message is BEGIN:
            if left > 0:
                left -= 1
                x = drawn_after(x)
                players[x % PLAYERS].put_nowait(mailbox)
            else:
                refereeing.put_nowait(DONE)
        elif message is REPORT:
            refereeing.put_nowait((number + 1) * received)
        else:
            received += 1
            message.put_nowait(PONG)


async def umpire(mailbox, answers):
    players = await mailbox.get()
    for _ in players:
        await mailbox.get()
    for each in players:
        each.put_nowait(REPORT)
    total = 0
    for _ in players:
        total += await mailbox.get()
    answers.put_nowait(total)


WORKS = {
    "ask_inside": ask_inside,
    "tell": tell,
    "fan_in": fan_in,
    "ring": ring,
    "spawn": spawn,
    "memory": memory,
    "skynet": skynet,
    "big": big,
}
