"""`@message`: what it makes of a class."""

import copy
import dataclasses
import pickle
import sys

import pytest

from zanni import message
from zanni.actors.messages import find_message, import_type, is_registered, type_name


@message
class Deposit:
    amount: int
    note: str = "none"


@message
class Nothing:
    pass


@message
class Overdrawn(Exception):
    amount: int
    account: str = "ann"


class Bank:
    @message
    class Opened:
        name: str


def test_a_message_is_frozen_slotted_and_a_dataclass():
    deposit = Deposit(5)
    assert dataclasses.is_dataclass(deposit)
    assert (deposit.amount, deposit.note) == (5, "none")
    with pytest.raises(dataclasses.FrozenInstanceError):
        deposit.amount = 6
    assert not hasattr(deposit, "__dict__")
    assert deposit == Deposit(5)
    assert len({deposit, Deposit(5), Deposit(6)}) == 2
    assert Nothing() == Nothing()


def test_what_cannot_be_a_message_is_refused_with_the_remedy():
    @dataclasses.dataclass
    class Mutable:
        number: int

    with pytest.raises(TypeError, match=r"Mutable: .* take @dataclass away"):
        message(Mutable)
    for wrong in (3, lambda: None):
        with pytest.raises(TypeError, match="above a class"):
            message(wrong)


class Taking:
    """Classes that could not be made anew from their fields."""

    @staticmethod
    def init_var():
        class Price:
            net: int
            rate: dataclasses.InitVar[int] = 20

        return Price

    @staticmethod
    def own_init():
        class Meters:
            value: float

            def __init__(self, rate):
                object.__setattr__(self, "value", rate * 0.3)

        return Meters

    @staticmethod
    def exception():
        class Overdue(Exception):
            def __init__(self, rate):
                super().__init__(f"at {rate}")

        return Overdue


@pytest.mark.parametrize("make", [Taking.init_var, Taking.own_init, Taking.exception])
def test_a_class_that_could_not_be_made_anew_from_its_fields_is_no_message(make):
    with pytest.raises(TypeError, match=r"takes 'rate', which is no field: .* declare 'rate'"):
        message(make())


@message
class Amount:
    amount: int

    def __post_init__(self):
        if self.amount < 0:
            raise ValueError("below nothing")

    @property
    def words(self):
        return f"{self.amount}"

    @classmethod
    def of(cls, text):
        return cls(int(text))


@message
class Price(Amount):
    currency: str = "EUR"

    def __post_init__(self):
        super().__post_init__()

    @property
    def words(self):
        return f"{super().words} {self.currency}"

    @classmethod
    def of(cls, text):
        return super().of(text.removeprefix("EUR "))


def test_super_works_in_a_message():
    assert Price(5).words == "5 EUR"
    assert Price.of("EUR 7") == Price(7)
    with pytest.raises(ValueError, match="below nothing"):
        Price(-1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Price(1).other = 2


def test_a_message_matches_by_position():
    match Deposit(5):
        case Deposit(amount):
            assert amount == 5
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize("value", [Deposit(5), Nothing(), Bank.Opened("ann")])
def test_a_message_survives_copy_and_pickle(monkeypatch, value):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _this_module())
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value


def _this_module():
    module = type(sys)(__name__)
    module.__dict__.update(globals())
    return module


def test_an_exception_can_be_raised_and_caught_with_its_fields():
    with pytest.raises(Overdrawn) as caught:
        raise Overdrawn(5) from KeyError("why")
    assert caught.value.args == (5, "ann")
    assert (caught.value.amount, caught.value.account) == (5, "ann")
    assert isinstance(caught.value.__cause__, KeyError)
    caught.value.add_note("not frozen")
    assert "5" in str(caught.value)
    assert Overdrawn(5, account="bob").args == (5, "bob")


def test_an_exception_compares_by_identity_and_can_be_hashed():
    assert Overdrawn(5) != Overdrawn(5)
    assert len({Overdrawn(5), Overdrawn(5)}) == 2


def test_an_exception_survives_pickle(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _this_module())
    again = pickle.loads(pickle.dumps(Overdrawn(5, "bob")))
    assert (again.amount, again.account, again.args) == (5, "bob", (5, "bob"))


@message
class Refused(Exception):
    """Fields that `__init__` takes by name, and one that it does not take."""

    account: str
    amount: int = dataclasses.field(kw_only=True)
    seen: bool = dataclasses.field(init=False, default=False)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_an_exception_is_copied_whatever_its_init_takes(monkeypatch, again):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _this_module())
    error = Refused("ann", amount=5)
    error.seen = True
    error.add_note("noted")
    copied = again(error)
    assert copied is not error
    assert copied.args == error.args
    assert (copied.account, copied.amount, copied.seen) == ("ann", 5, True)
    assert copied.__notes__ == ["noted"]


def test_a_message_exception_of_a_handler_reaches_the_asker(system, tools):
    hooked = system.spawn(tools.Hooked, [])
    with pytest.raises(Overdrawn) as caught:
        hooked.ask(("raise", Overdrawn(7)))
    assert caught.value.amount == 7
    assert hooked.is_alive()


def test_messages_are_known_by_module_and_qualified_name():
    name = f"{__name__}:Bank.Opened"
    assert type_name(Bank.Opened) == name
    assert find_message(name) is Bank.Opened
    assert is_registered(Bank.Opened)
    assert not is_registered(Bank)
    assert find_message(f"{__name__}:Bank") is None


def test_a_message_is_shared_within_a_process(system, tools):  # D12
    recorder = system.spawn(tools.Recorder)
    mutable = ["as sent"]
    recorder.tell(mutable)
    assert recorder.ask(("get",))[0] is mutable


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("collections:Nobody", "no class"),
        ("collections:abc.nowhere.Nobody", "no class"),
        ("math:pi", "no class"),
        ("tests:f.<locals>.Inner", "top of its module"),
        ("__main__:Repl", "module of their own"),
    ],
)
def test_what_cannot_be_imported_says_why(name, text):
    with pytest.raises(LookupError, match=text):
        import_type(name)


@pytest.mark.parametrize("kind", ["SystemExit", "KeyboardInterrupt", "GeneratorExit"])
def test_a_module_that_ends_whoever_imports_it_cannot_be_imported(tmp_path, monkeypatch, kind):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "zanni_parting.py").write_text(f"raise {kind}(3)")
    with pytest.raises(LookupError, match=f"importing zanni_parting raised {kind}.3.: put what"):
        import_type("zanni_parting:Nobody")


def test_what_can_be_imported():
    assert import_type("collections:OrderedDict").__name__ == "OrderedDict"


def test_a_message_made_in_a_function_may_name_itself_and_what_comes_after_it():
    @message
    class Point:
        x: int

        def moved(self, by):
            return Point(self.x + by + step)

    step = 1
    assert Point(1).moved(2) == Point(4)
