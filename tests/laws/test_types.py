"""What a user's type checker knows of an installed Zanni, and what it finds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """
from dataclasses import field
from typing import Any, assert_type

from zanni import Actor, ActorRef, ActorSystem, Future, message


@message
class Deposit:
    amount: int


@message
class Login:
    password: str = field(repr=False)
    user: str
    tries: int = field(default=0, kw_only=True)


Login("secret", "ann", tries=1)


class Account(Actor):
    def __init__(self, owner: str, balance: int = 0) -> None:
        super().__init__()
        self.owner, self.balance = owner, balance

    def on_receive(self, message: Any) -> int | None:
        match message:
            case Deposit(amount):
                assert_type(amount, int)
                self.balance += amount
            case _:
                pass
        return None

    def withdraw(self, amount: int) -> int:
        self.balance -= amount
        return self.balance

    def history(self) -> list[int]:
        assert_type(self.system.cores()[0]["index"], int)
        assert_type(self.system.nodes()[0]["name"], str)
        self.system.allow(Account)
        return [ref.core for ref in self.system.actors()]

    async def audit(self, year: int, *, note: str = "") -> str:
        return f"{self.owner} {year} {note}"


with ActorSystem("bank") as system:
    ann = system.spawn(Account, "ann", balance=100, name="ann")
    assert_type(ann, ActorRef[Account])
    ann.tell(Deposit(50))
    system.pool(Account, 3, "bob", router="random", core="here", dispatcher="pinned").stop()
    balance: int = ann.ask(Deposit(50))
    soon: Future[int] = ann.ask(Deposit(50), block=False)
    assert_type(ann.call(Account.withdraw, 20), Future[int])
    assert_type(ann.call(Account.withdraw, 20).get(), int)
    assert_type(ann.call(Account.withdraw, amount=20).get(timeout=1), int)
    assert_type(ann.call(Account.audit, 2026, note="all").get(), str)
    ann.cast(Account.withdraw, 20)
    ann.cast(Account.audit, 2026)
    history = ann.call(Account.history)
    assert_type(history.map(len).get(), int)
    assert_type(history.filter(bool).reduce(max, 0).get(), int)
    assert_type(history.reduce(max, 0).get(), int)
    left: int = ann.call(Account.withdraw, 20).get()
    ann.stop()
"""

BAD = """
from good import Account, Deposit, Login, ann, system

from zanni import ActorSystem

ann.call(Account.withdraw, "twenty")  # wrong
ann.call(Account.audit, "last year")  # wrong
ann.cast(Account.withdraw, "twenty")  # wrong
ann.call(Account.withdraw)  # wrong
left: str = ann.call(Account.withdraw, 20).get()  # wrong
ann.call(str.upper)  # wrong
system.spawn(Account, "bob", core="sprad")  # wrong
system.spawn(Account, "bob", dispatcher="asyncoi")  # wrong
system.pool(Account, 3, "bob", router="roundrobin")  # wrong
system.pool(Account, 3, "bob", mailbox=3)  # wrong
ActorSystem("bank", cores="autoo")  # wrong


class Pinned(Account):
    dispatcher = "pinnd"  # wrong


Deposit("fifty")  # wrong
Login("secret")  # wrong
"""

PLANTED = {number for number, line in enumerate(BAD.splitlines(), 1) if line.endswith("# wrong")}

PYRIGHT = """{"typeCheckingMode": "strict"}"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    (tmp_path / "pyrightconfig.json").write_text(PYRIGHT)
    return tmp_path


def check(project: Path, *command: str | Path) -> set[tuple[str, int]]:
    """Run a type checker, and return the lines in which it finds an error."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MYPY")}
    done = subprocess.run(
        [sys.executable, "-m", *command, "good.py", "bad.py"],
        cwd=project,
        env=plain | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in done.stdout.splitlines() if "error:" in line]
    print(done.stdout, done.stderr)  # shown when the test fails
    assert done.returncode == 1
    return {(Path(path).name, int(line)) for path, line, *_ in (e.split(":") for e in errors)}


def test_mypy_finds_what_is_wrong_and_nothing_else(project: Path, user_python: Path) -> None:
    found = check(project, "mypy", "--strict", "--python-executable", user_python)
    assert found == {("bad.py", line) for line in PLANTED}


def test_pyright_finds_what_is_wrong_and_nothing_else(project: Path, user_python: Path) -> None:
    found = check(project, "pyright", "--pythonpath", user_python)
    assert found == {("bad.py", line) for line in PLANTED}
