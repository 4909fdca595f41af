"""What an actor knows while it handles a message: the sender, itself and the system."""

import asyncio

from zanni import Actor, Future


def test_sender(system, tools):
    class Asks(Actor):
        def on_receive(self, message):
            return self.sender

        def who(self):
            return self.sender

        async def who_async(self):
            await asyncio.sleep(0)
            return self.sender

    class Between(Actor):
        def on_receive(self, target):
            return (target.ask(1), target.call(Asks.who).get(), target.call(Asks.who_async).get())

        async def later(self, target):
            await asyncio.sleep(0)
            return await target.ask(1, block=False)

    asks, between = system.spawn(Asks), system.spawn(Between)
    assert asks.ask(1) is None
    assert between.ask(asks) == (between, between, between)
    assert between.call(Between.later, asks).get() == between


def test_sender_is_still_there_after_a_wait(system):
    class Asks(Actor):
        def on_receive(self, future):
            before = self.sender
            future.get()
            return (before, self.sender)

    class Between(Actor):
        def on_receive(self, message):
            target, future = message
            return target.ask(future)

    gate, asks, between = Future(), system.spawn(Asks), system.spawn(Between)
    asked = between.ask((asks, gate), block=False)
    gate.set()
    assert asked.get(timeout=10) == (between, between)


def test_sender_is_none_in_hooks_and_of_timers(system):
    senders = []

    class Child(Actor):
        def on_start(self):
            senders.append(self.sender)
            self.after(0, "tick")

        def on_receive(self, message):
            senders.append(self.sender)
            self.exit()

        def on_stop(self):
            senders.append(self.sender)

    class Parent(Actor):
        def on_receive(self, message):
            return self.spawn(Child)

    system.spawn(Parent).ask(1).wait(timeout=10)
    system.spawn(Actor).ask(1)
    assert senders == [None, None, None]


def test_actor_ref_and_system(system):
    class Knows(Actor):
        def __init__(self):
            self.early = self.actor_ref

        def on_receive(self, message):
            return self.early, self.actor_ref, self.system

    ref = system.spawn(Knows)
    assert ref.ask(1) == (ref, ref, system)
