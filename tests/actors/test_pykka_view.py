"""Pykka's registry sees Zanni's actors, and Pykka's own beside them."""

import pykka
import pytest

from zanni import Actor, Members


class Here(Actor):
    def on_receive(self, message):
        return message


class PykkasOwn(pykka.ThreadingActor):
    pass


@pytest.fixture(autouse=True)
def _all_stopped():
    yield
    pykka.ActorRegistry.stop_all()
    from zanni.actors.defaults import default_system  # noqa: PLC0415

    default_system().stop()


def test_an_actor_that_no_system_runs_has_a_ref_of_its_own():
    one, two = Here(), Here()
    assert one.actor_ref == one.actor_ref
    assert one.actor_ref != two.actor_ref
    assert one.actor_inbox.empty()


def test_the_registry_lists_the_living(system):
    one, two = system.spawn(Here), system.spawn(Here)
    assert pykka.ActorRegistry.get_all() == [one, two]
    assert pykka.ActorRegistry.get_by_class(Here) == [one, two]
    assert pykka.ActorRegistry.get_by_urn(one.actor_urn) == one
    one.stop()
    assert pykka.ActorRegistry.get_all() == [two]


def test_broadcast_reaches_all(system):
    class Keeps(Actor):
        def __init__(self, seen):
            self.seen = seen

        def on_receive(self, message):
            self.seen.append(message)

    seen = []
    refs = [system.spawn(Keeps, seen) for _ in range(3)]
    pykka.ActorRegistry.broadcast("hello", target_class=Keeps)
    for ref in refs:
        ref.stop()
    assert seen == ["hello"] * 3


def test_a_pool_is_listed_as_itself_and_what_is_for_all_reaches_each_member_once(system):
    seen = []

    class Keeps(Actor):
        def on_receive(self, message):
            seen.append((message, self.actor_ref))
            return len(seen)

    pool = system.pool(Keeps, 3)
    members = pool.ask(Members())
    registry = pykka.ActorRegistry
    assert registry.get_by_class(Keeps) == members
    assert set(registry.get_all()) == {pool, *members}
    registry.broadcast("all")
    registry.broadcast("some", target_class=Keeps)
    for member in members:
        member.ask("last", timeout=10)
    for message in ("all", "some"):
        assert {ref for said, ref in seen if said == message} == {*members}
        assert sum(said == message for said, _ in seen) == 3
    registry.stop_all()
    assert not pool.is_alive()
    assert registry.get_all() == []


def test_pykkas_own_actors_live_beside(system):
    zanni_ref, pykka_ref = system.spawn(Here), PykkasOwn.start()
    assert set(pykka.ActorRegistry.get_all()) == {zanni_ref, pykka_ref}
    assert pykka.ActorRegistry.stop_all() == [True, True]
    assert pykka.ActorRegistry.get_all() == []


def test_unregister_and_register(system):
    ref = system.spawn(Here)
    pykka.ActorRegistry.unregister(ref)
    assert pykka.ActorRegistry.get_all() == []
    assert ref.ask(1) == 1
    pykka.ActorRegistry.register(ref)
    assert pykka.ActorRegistry.get_all() == [ref]


def test_start_uses_the_default_system(system):
    ref = Here.start()
    assert ref.node == "default"
    assert ref.ask(1) == 1
    assert Here.start().node == "default"
    assert ref.stop() is True


def test_the_default_system_comes_again_after_its_end():
    from zanni.actors.defaults import default_system  # noqa: PLC0415

    first = Here.start()
    default_system().stop()
    assert not first.is_alive()
    assert Here.start().ask(1) == 1


def test_urns_are_uuids_and_each_actors_own(system):
    import uuid  # noqa: PLC0415

    urns = {system.spawn(Here).actor_urn for _ in range(100)}
    assert len(urns) == 100
    assert {uuid.UUID(urn).version for urn in urns} == {4}


def test_an_inbox_is_empty_but_for_the_message_in_hand(system):
    class Looks(Actor):
        def on_receive(self, message):
            return self.actor_inbox.empty()

    class Asks(Actor):
        handoff = 60.0

        def on_receive(self, ref):
            return [ref.ask(1, block=False), ref.ask(2, block=False)]

    looks = system.spawn(Looks)
    assert looks.ask(1) is True
    answers = system.spawn(Asks).ask(looks)  # both were queued before the first was handled
    assert [answer.get(timeout=10) for answer in answers] == [False, True]


def test_actor_stopped_and_inbox(system):
    ref = system.spawn(Here)
    assert not ref.actor_stopped.is_set()
    assert ref.actor_inbox.empty()
    assert not ref.actor_stopped.wait(timeout=0)
    ref.stop()
    assert ref.actor_stopped.wait(timeout=10)
    assert ref.actor_stopped.is_set()
    assert ref.actor_inbox is None


def test_threads_that_start_actors_at_once_share_the_default_system(in_threads):
    refs = []
    in_threads(*[lambda: refs.append(Here.start())] * 8)
    assert len({ref.address.home for ref in refs}) == 1
