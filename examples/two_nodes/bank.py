"""A bank: accounts under a supervisor, each with a name that other nodes find it by.

zanni run examples.two_nodes.bank:Bank --name bank --listen tcp://127.0.0.1:7400
"""

from typing import Any

from zanni import Actor
from zanni.supervisors import Supervisor, child


class Account(Actor):
    def __init__(self, balance: int) -> None:
        super().__init__()
        self.balance = balance

    def get_balance(self) -> int:
        return self.balance

    def deposit(self, amount: int) -> int:
        self.balance += amount
        return self.balance

    def withdraw(self, amount: int) -> int:
        if amount > self.balance:
            raise ValueError("insufficient funds")  # reaches the caller; the account lives on
        self.balance -= amount
        return self.balance


class Bank(Supervisor):
    """The root. Its arguments come from a command line, so they may be text."""

    def __init__(self, accounts: int | str = 4, balance: int | str = 100) -> None:
        super().__init__()
        self.accounts, self.balance = int(accounts), int(balance)

    def children(self) -> list[Any]:
        names = [f"account-{number}" for number in range(self.accounts)]
        print(f"bank: open, {', '.join(names)} with {self.balance} each", flush=True)
        return [child(Account, self.balance, id=name, name=name) for name in names]
