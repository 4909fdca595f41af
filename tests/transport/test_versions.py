"""Two nodes that run two versions of one program, as a rolling upgrade has it."""

import importlib.util
import sys
from pathlib import Path

import pytest
from waiting import wait_for

from zanni import ActorSystem, DecodeError, EncodeError

DEADLINE = 20.0
QUICK = {"heartbeat": 0.1, "suspect_after": 0.5, "down_after": 2.0}

HEAD = """
import datetime, decimal, enum, time, uuid
from dataclasses import field
from typing import Any
from zanni import Actor, ActorRef, ActorSystem, message
"""
OLD = """
class Color(enum.Enum):
    RED = 1
    BLUE = 2

@message
class Item:
    name: str
    count: int

@message
class Order:
    items: list[Item]
    color: Color | None = None
    extra: Any = None

@message
class Shipped:
    order: Order

@message
class OutOfStock(Exception):
    item: Item
"""
NEW = """
class Color(enum.Enum):
    RED = 1
    GREEN = 3

@message
class Item:
    name: str
    price: decimal.Decimal = decimal.Decimal(0)
    count: int = 1

@message
class Order:
    note: str = ""
    color: Color | None = None
    items: list[Item] = field(default_factory=list)
    extra: Any = None

@message
class Shipped:
    order: Order
    late: bool = False

@message
class OutOfStock(Exception):
    item: Item
    soon: bool = False

@message
class Refund:
    order: Order
"""
STORE = """
class Store(Actor):
    def __init__(self):
        super().__init__()
        self.taken = []

    def on_receive(self, message):
        match message:
            case "taken":
                return repr(self.taken)
            case "lost":
                return self.system.dead_letters.statistics()
            case ("back", what):
                return MAKE[what]()
            case ("raise", name):
                raise OutOfStock(Item(name))
            case Order():
                self.taken.append(message)
                return message
            case _:
                return repr(message)

MAKE = {
    "unknown type": lambda: Refund(Order()),
    "unknown member": lambda: [Color.GREEN],
    "more fields": lambda: Shipped(Order(note="soon", items=[Item("nut")]), late=True),
}

if __name__ == "__main__":
    import sys
    import zanni_orders as me
    with ActorSystem("store", join=sys.argv[1], config={"heartbeat": 0.1}) as system:
        system.spawn(me.Store, name="store")
        while sum(node["state"] == "up" for node in system.nodes()) < 2:
            time.sleep(0.01)
        print("up", flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """The older version of the module, as this process has it."""
    path = tmp_path_factory.mktemp("old") / "zanni_orders.py"
    path.write_text(HEAD + OLD)
    spec = importlib.util.spec_from_file_location("zanni_orders", path)
    module = sys.modules["zanni_orders"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["zanni_orders"]


@pytest.fixture
def shop():
    with ActorSystem("shop", listen="tcp://127.0.0.1:0", config=QUICK) as system:
        yield system


@pytest.fixture
def store(old, shop, start_node, tmp_path):
    """The actor of the node that runs the newer version."""
    script = tmp_path / "zanni_orders.py"
    script.write_text(HEAD + NEW + STORE)
    process = start_node(script, shop.nodes()[0]["urls"][0])
    assert process.stdout.readline() == b"up\n"
    return wait_for(lambda: shop.whereis("store@store"))


@pytest.fixture
def hear(shop, store):
    """Wait until the other node has told anew what it calls some types."""
    codec = shop.network.members.current["store", 0].codec
    told, learn = [], codec.learn

    def note(offer):
        learn(offer)
        told.append(offer.name)

    codec.learn = note

    def hear():
        wait_for(lambda: told)
        told.clear()

    return hear


def test_fields_are_matched_by_name_in_both_directions(old, store, hear):
    order = old.Order([old.Item("bolt", 3)], old.Color.RED)
    for _ in range(3):
        assert store.ask(order, timeout=DEADLINE) == order
        hear()
    assert "note='', color=<Color.RED: 1>, items=[Item(name='bolt'" in store.ask("taken")
    shipped = store.ask(("back", "more fields"), timeout=DEADLINE)
    assert shipped == old.Shipped(old.Order([old.Item("nut", 1)]))
    with pytest.raises(old.OutOfStock) as caught:
        store.ask(("raise", "nut"), timeout=DEADLINE)
    assert caught.value.item == old.Item("nut", 1)


@pytest.mark.parametrize(
    ("make", "path", "detail"),
    [
        (lambda old: old.Order([old.Item("bolt", "3")]), "message.items[0].count", "'3' is no int"),
        (lambda old: old.Order([old.Item("a", 1), 5]), "message.items[1]", "5 is no Item"),
        (lambda old: old.Order([], old.Color.BLUE), "message.color", "'BLUE' is no member"),
        (lambda old: {"k": [old.Color.BLUE]}, "message['k'][0]", "'BLUE' is no member"),
    ],
)
def test_what_does_not_fit_there_is_named_with_its_path_and_the_actor_does_not_see_it(
    old, store, hear, make, path, detail
):
    for by_id in (False, True):
        if by_id:
            hear()
        with pytest.raises(DecodeError, match="message") as caught:
            store.ask(make(old), timeout=DEADLINE)
        assert caught.value.path == path
        assert detail in caught.value.detail
    assert store.ask("taken", timeout=DEADLINE) == "[]"


@pytest.mark.parametrize(
    ("what", "detail"),
    [
        ("unknown type", "zanni_orders:Refund is not declared with @message here"),
        ("unknown member", "'GREEN' is no member of zanni_orders:Color"),
    ],
)
def test_an_answer_that_does_not_fit_here_is_an_error_of_the_asker(old, store, what, detail):
    with pytest.raises(DecodeError) as caught:
        store.ask(("back", what), timeout=DEADLINE)
    assert detail in caught.value.detail


def test_a_tell_that_does_not_fit_is_a_dead_letter_there(old, store):
    store.tell(old.Order([5]))
    store.tell(old.Order([], old.Color.BLUE))
    wait_for(lambda: store.ask("lost", timeout=DEADLINE) == {"DecodeError": 2})
    assert store.ask("taken", timeout=DEADLINE) == "[]"


def test_what_cannot_be_encoded_is_not_sent(old, store):
    recursive = []
    recursive.append(recursive)
    with Path(__file__).open() as file:
        for bad in (lambda: 1, file, recursive, "\ud800", 2**64, {float("nan"): 1}):
            with pytest.raises(EncodeError, match=r"message\.extra"):
                store.tell(old.Order([], extra=bad))
            with pytest.raises(EncodeError, match=r"message\.extra"):
                store.ask(old.Order([], extra=bad))
    assert store.ask("taken", timeout=DEADLINE) == "[]"
