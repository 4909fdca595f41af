"""What a core reports of itself."""

import time

from zanni import Actor, ActorSystem


class Sleeper(Actor):
    def on_receive(self, message):
        time.sleep(message)


def test_messages_and_turns_that_wait_are_counted(system, in_core):
    refs = [system.spawn(Sleeper) for _ in range(3)]

    def look():
        for ref in refs:
            for _ in range(5):
                ref.tell(0)
        return system.meter.measure()

    load = in_core(look)
    assert (load["queued"], load["messages"]) == (3, 15)


def test_the_delay_of_the_run_queue_is_measured(eventually):
    with ActorSystem("late", config={"heartbeat": 0.005}) as system:
        refs = [system.spawn(Sleeper) for _ in range(20)]

        def late():
            for ref in refs:
                ref.tell(0.001)
            return system.cores()[0]["load"]["delay"] > 0.001

        eventually(late)


def test_an_idle_core_has_no_delay(eventually):
    with ActorSystem("idle", config={"heartbeat": 0.005}) as system:
        eventually(lambda: system.meter.last is not None)
        eventually(lambda: system.cores()[0]["load"]["delay"] < 0.001)
