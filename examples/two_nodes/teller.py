"""A teller: moves money between the accounts of a bank on another node, for as long as it is there.

    zanni run examples.two_nodes.teller:Teller --name teller --join tcp://127.0.0.1:7400

Kill the bank and start it again: the teller is told so, waits, and goes on.
"""

import random
from typing import Any

from examples.two_nodes.bank import Account
from zanni import Actor, ActorDeadError, ActorRef, Down, NodeDown, Timeout, message

LOST = (ActorDeadError, NodeDown, Timeout)
PATIENCE = 5.0  # seconds for an answer from the other node


@message
class Work:
    """To itself, again and again: do the next piece of work."""


class Teller(Actor):
    def __init__(
        self, accounts: int | str = 4, transfers: int | str = 100, pause: float | str = 0.5
    ) -> None:
        super().__init__()
        self.names = [f"account-{number}@bank" for number in range(int(accounts))]
        self.transfers, self.pause = int(transfers), float(pause)
        self.accounts: list[ActorRef[Account]] = []

    def on_start(self) -> None:
        say("looking for the bank")
        self.every(self.pause, Work())

    def on_receive(self, message: Work | Down) -> None:
        match message:
            case Down(_, reason):
                say(f"the bank is gone ({reason}), looking for it")
                self.accounts = []
            case Work():
                self.work()

    def work(self) -> None:
        try:
            if self.accounts:
                self.transfer_some()
            else:
                self.find_accounts()
        except LOST as error:
            say(f"no answer from the bank ({type(error).__name__})")

    def find_accounts(self) -> None:
        found: list[ActorRef[Any] | None] = [self.system.whereis(name) for name in self.names]
        self.accounts = [ref for ref in found if ref is not None]
        if len(self.accounts) < len(self.names):
            self.accounts = []  # not there, or not all of it yet: the timer comes round again
            return
        self.watch(self.accounts[0])
        say(f"found the bank, with {self.count()} in all")

    def transfer_some(self) -> None:
        refused = sum(not self.transfer() for _ in range(self.transfers))
        say(f"{self.transfers} transfers, {refused} refused, {self.count()} in all")

    def transfer(self) -> bool:
        """Move some money from one account to another; False when there is too little."""
        source, target = random.sample(self.accounts, 2)
        amount = random.randint(1, 50)
        try:
            source.call(Account.withdraw, amount).get(timeout=PATIENCE)
        except ValueError:  # what `withdraw` raised over there
            return False
        target.call(Account.deposit, amount).get(timeout=PATIENCE)
        return True

    def count(self) -> int:
        """Add up what is in all accounts; each is asked before the first answer is waited for."""
        balances = [account.call(Account.get_balance) for account in self.accounts]
        return sum(balance.get(timeout=PATIENCE) for balance in balances)


def say(text: str) -> None:
    print(f"teller: {text}", flush=True)
