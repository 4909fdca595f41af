"""Threads: one for each actor, with a SimpleQueue for its mailbox and one for the replies to it."""

from collections.abc import Callable
from queue import SimpleQueue
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


def run(work: str, n: int, *arguments: Any) -> Found:
    return WORKS[work](n, *arguments)


def start(actor: Callable[..., Any], *arguments: Any) -> SimpleQueue:
    mailbox: SimpleQueue = SimpleQueue()
    Thread(target=actor, args=(mailbox, *arguments), daemon=True).start()
    return mailbox


def asker_of(mailbox: SimpleQueue) -> Callable[[Any], Any]:
    """A function for one thread that asks that actor."""
    replies: SimpleQueue = SimpleQueue()

    def ask(message):
        mailbox.put((message, replies))
        return replies.get()

    return ask


def echo(mailbox):
    asked = 0
    while True:
        message, reply = mailbox.get()
        if message is COUNT:
            reply.put(asked)
        else:
            asked += 1
            reply.put(message)


def ask_outside(n: int) -> Found:
    ask = asker_of(start(echo))
    started = perf_counter()
    answer = [sum(ask(i) for i in range(n)), ask(COUNT)]
    seconds = perf_counter() - started
    moments = [perf_counter()]
    for i in range(n // 10 + 1):
        ask(i)
        moments.append(perf_counter())
    return {"answer": answer, "seconds": seconds, **percentiles(moments)}


def ask_inside(n: int) -> Found:
    answers = SimpleQueue()
    start(lambda _mailbox: answers.put(ask_outside(n)))
    return answers.get()


def tell(n: int) -> Found:
    counting, answers = start(counter), SimpleQueue()
    started = perf_counter()
    start(producer, counting, n, answers)
    answer = answers.get()
    return {"answer": answer, "seconds": perf_counter() - started}


def counter(mailbox):
    count = 0
    while True:
        message, reply = mailbox.get()
        if message is COUNT:
            reply.put(count)
        else:
            count += 1


def producer(_mailbox, counting, n, answers):
    for _ in range(n):
        counting.put(("increment", None))
    answers.put(asker_of(counting)(COUNT))


def fan_in(n: int) -> Found:
    share, answers = share_of(n), SimpleQueue()
    gathering = start(gatherer, 8 * share, answers)
    started = perf_counter()
    for number in range(8):
        start(sender, number, share, gathering)
    answer = answers.get()
    return {"answer": answer, "seconds": perf_counter() - started}


def sender(_mailbox, number, share, gathering):
    for i in range(share):
        gathering.put((number, i))


def gatherer(mailbox, n, answers):
    following = [0] * 8
    senders = out_of_order = 0
    for _ in range(n):
        number, i = mailbox.get()
        if i != following[number]:
            out_of_order += 1
        following[number] = i + 1
        senders += number
    answers.put([n, senders, out_of_order])


def ring(hops: int, size: int) -> Found:
    ended_at = SimpleQueue()
    first = following = start(node, 0, None, ended_at)
    for index in range(size - 1, 0, -1):
        following = start(node, index, following, ended_at)
    first.put(following)
    started = perf_counter()
    first.put(hops)
    answer = ended_at.get()
    return {"answer": answer, "seconds": perf_counter() - started}


def node(mailbox, index, following, ended_at):
    if following is None:
        following = mailbox.get()
    while True:
        left = mailbox.get()
        if left > 0:
            following.put(left - 1)
        else:
            ended_at.put(index)


def spawn(n: int) -> Found:
    answers = SimpleQueue()
    started = perf_counter()
    collecting = start(collector, n, answers)
    start(spawner, n, collecting)
    answer = [answers.get(), answers.get()]
    return {"answer": answer, "seconds": perf_counter() - started}


def spawner(mailbox, n, collecting):
    collecting.put(mailbox)
    actors = [start(pinged, collecting) for _ in range(n)]
    for actor in actors:
        actor.put(PING)
    mailbox.get()
    for actor in actors:
        actor.put(STOP)


def pinged(mailbox, collecting):
    while mailbox.get() is PING:
        collecting.put(ACK)
    collecting.put(BYE)


def collector(mailbox, n, answers):
    spawning = mailbox.get()
    for kind in (ACK, BYE):
        count = 0
        while count < n:
            count += mailbox.get() is kind
        answers.put(count)
        spawning.put(count)


def memory(n: int) -> Found:
    asker_of(start(holder, FIRST - 1))(COUNT)
    before = resident()
    started = perf_counter()
    actors = [start(holder, FIRST + index) for index in range(n)]
    for actor in actors:
        actor.put((PING, None))
    states = [asker_of(actors[index])(COUNT) for index in sampled(n)]
    seconds = perf_counter() - started
    answer = [sum(number for number, _ in states), sum(pings for _, pings in states)]
    return {"answer": answer, "seconds": seconds, "bytes": resident() - before}


def holder(mailbox, number):
    pings = 0
    while True:
        message, reply = mailbox.get()
        if message is COUNT:
            reply.put((number, pings))
        else:
            pings += 1


def skynet(n: int) -> Found:
    answers = SimpleQueue()
    started = perf_counter()
    start(skynet_actor, answers, 0, leaves_of(n))
    answer = answers.get()
    return {"answer": answer, "seconds": perf_counter() - started}


def skynet_actor(mailbox, parent, first, leaves):
    if leaves == 1:
        parent.put(first)
        return
    share = leaves // 10
    for each in range(first, first + leaves, share):
        start(skynet_actor, mailbox, each, share)
    parent.put(sum(mailbox.get() for _ in range(10)))


def big(n: int) -> Found:
    answers = SimpleQueue()
    refereeing = start(umpire, answers)
    players = [start(player, number, n, refereeing) for number in range(PLAYERS)]
    for mailbox in [refereeing, *players]:
        mailbox.put(players)
    started = perf_counter()
    for mailbox in players:
        mailbox.put(BEGIN)
    answer = answers.get()
    return {"answer": answer, "seconds": perf_counter() - started}


def player(mailbox, number, left, refereeing):
    players, x, received = mailbox.get(), number, 0
    while True:
        message = mailbox.get()
        if message is PONG or message is BEGIN:
            if left > 0:
                left -= 1
                x = drawn_after(x)
                players[x % PLAYERS].put(mailbox)
            else:
                refereeing.put(DONE)
        elif message is REPORT:
            refereeing.put((number + 1) * received)
        else:
            received += 1
            message.put(PONG)


def umpire(mailbox, answers):
    players = mailbox.get()
    for _ in players:
        mailbox.get()
    for each in players:
        each.put(REPORT)
    answers.put(sum(mailbox.get() for _ in players))


WORKS: dict[str, Callable[..., Found]] = {
    "ask_outside": ask_outside,
    "ask_inside": ask_inside,
    "tell": tell,
    "fan_in": fan_in,
    "ring": ring,
    "spawn": spawn,
    "memory": memory,
    "skynet": skynet,
    "big": big,
}
