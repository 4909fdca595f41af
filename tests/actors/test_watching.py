"""Watches: who hears of an end, and how often."""

import pytest

from zanni import Actor, Down
from zanni.actors.process import Unwatch
from zanni.actors.signalled import Signalled

pytestmark = pytest.mark.usefixtures("_states_follow_the_table")


def test_a_watch_ends_in_one_down(system, tools, watching, eventually):  # G6
    downs = watching()
    one, two, three = (system.spawn(tools.Hooked, []) for _ in range(3))
    downs.watch(one, two, three)
    error = KeyError("mine")
    one.stop()
    two.tell(("raise", error))
    two.wait(timeout=10)
    three.kill()
    assert downs.downs(3, eventually) == [
        Down(one, "normal"),
        Down(two, error),
        Down(three, "killed"),
    ]


def test_nothing_is_kept_of_an_end_that_was_heard_of(system, tools, eventually):
    watcher = system.spawn(tools.Watcher, [])

    def keeps_nothing():
        ref = system.spawn(tools.Recorder)
        watcher.tell(("watch", ref))
        watcher.ask("sync")
        ref.stop()
        assert watcher.ask("sync")[-1] == Down(ref, "normal")
        return watcher.process.ties.hastened is None

    eventually(keeps_nothing)  # at once, but where that turn was in a thread without the core


def test_a_watch_of_the_dead_is_noproc(system, tools, watching, eventually):  # G6
    downs = watching()
    ref = system.spawn(tools.Recorder)
    ref.stop()
    downs.watch(ref)
    assert downs.downs(1, eventually) == [Down(ref, "noproc")]


def test_watching_twice_is_watching_once(system, tools, watching, eventually):
    downs = watching()
    ref = system.spawn(tools.Recorder)
    downs.watch(ref, ref)
    ref.stop()
    assert downs.downs(1, eventually) == [Down(ref, "normal")]


def test_watching_again_before_the_down_is_handled_is_watching_once(system, tools, eventually):
    seen = []
    ref, watcher = system.spawn(tools.Recorder), system.spawn(tools.Watcher, seen)

    def turn(self):
        self.watch(ref)
        ref.stop()  # the Down is in the queue when this returns
        self.watch(ref)

    watcher.ask(("apply", turn), timeout=10)
    assert watcher.ask("sync") == [Down(ref, "normal")]
    assert watcher.ask("sync") == [Down(ref, "normal")]


def test_watching_anew_after_the_down_is_noproc(system, tools, watching, eventually):
    downs = watching()
    ref = system.spawn(tools.Recorder)
    downs.watch(ref)
    ref.stop()
    downs.downs(1, eventually)
    downs.watch(ref)
    assert downs.downs(2, eventually) == [Down(ref, "normal"), Down(ref, "noproc")]


def test_unwatch(system, tools, watching, eventually):
    downs = watching()
    watched, other = system.spawn(tools.Recorder), system.spawn(tools.Recorder)
    downs.watch(watched, other)
    downs.ref.tell(("unwatch", watched))
    downs.sync()
    watched.stop()
    other.stop()
    assert downs.downs(1, eventually) == [Down(other, "normal")]


def test_unwatch_takes_back_a_down_that_is_queued_already(system, tools):
    seen = []
    ref, watcher = system.spawn(tools.Recorder), system.spawn(tools.Watcher, seen)

    def turn(self):
        self.watch(ref)
        ref.stop()
        self.unwatch(ref)

    watcher.ask(("apply", turn), timeout=10)
    assert watcher.ask("sync") == []
    assert watcher.ask("sync") == []


def test_unwatch_of_what_was_not_watched_is_nothing(system, tools, watching):
    downs = watching()
    downs.ref.tell(("unwatch", system.spawn(tools.Recorder)))
    assert downs.sync() == []


def test_every_watcher_hears(system, tools, watching, eventually):
    watchers = [watching() for _ in range(5)]
    ref = system.spawn(tools.Recorder)
    for each in watchers:
        each.watch(ref)
    ref.stop()
    for each in watchers:
        assert each.downs(1, eventually) == [Down(ref, "normal")]


def test_who_is_killed_while_a_coroutine_of_it_is_watching_ends(system, tools, monkeypatch):
    real = Signalled.signal

    def signal(cell, signal):
        if type(signal) is Unwatch:  # just now, as the coroutine's thread may at any moment
            signal.watcher.actor.watch(other)
        real(cell, signal)

    watched, other = system.spawn(tools.Recorder), system.spawn(tools.Recorder)
    watcher = system.spawn(tools.Watcher, [])
    watcher.tell(("watch", watched))
    watcher.ask("sync")
    monkeypatch.setattr(Signalled, "signal", signal)
    exited = watcher.exited()
    watcher.kill()
    assert exited.get(timeout=5) == "killed"


def test_a_dead_watcher_is_forgotten(system, tools, watching):
    downs = watching()
    ref = system.spawn(tools.Recorder)
    downs.watch(ref)
    downs.ref.stop()
    ref.ask(1)
    assert not ref.process.ties.watchers
    before = dict(system.dead_letters.counts)
    ref.stop()
    assert dict(system.dead_letters.counts) == before


def test_nothing_comes_from_an_actor_after_its_down(system, tools, eventually):  # G7
    seen = []
    watcher = system.spawn(tools.Watcher, seen)

    class Chatty(Actor):
        def on_receive(self, message):
            for number in range(100):
                watcher.tell(number)
            self.exit("done")

        def on_stop(self):
            watcher.tell("last words")

    chatty = system.spawn(Chatty)
    watcher.tell(("watch", chatty))
    watcher.ask("sync")
    chatty.tell("go")
    eventually(lambda: Down(chatty, "done") in seen)
    assert watcher.ask("sync") == [*range(100), "last words", Down(chatty, "done")]


def test_an_actor_may_watch_itself_and_its_dead_self_gets_nothing(system, tools):
    watcher = system.spawn(tools.Watcher, seen := [])
    watcher.tell(("watch", watcher))
    watcher.ask("sync")
    assert watcher.stop(timeout=10) is True
    assert seen == []


def test_the_name_is_free_when_the_down_comes(system, tools, eventually):
    found = []

    class Heir(Actor):
        def on_receive(self, message):
            if isinstance(message, Down):
                found.append(self.system.whereis("ann"))
                found.append(self.system.spawn(tools.Recorder, name="ann"))
            else:
                self.watch(message)

    first = system.spawn(tools.Recorder, name="ann")
    system.spawn(Heir).ask(first)
    first.stop()
    eventually(lambda: len(found) == 2)
    assert found[0] is None
    assert found[1].is_alive()
