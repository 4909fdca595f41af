"""A whole program in Zanni: start, ask the last core one thing, print the answer, stop."""

import sys

from zanni import Actor, ActorSystem


class Account(Actor):
    def on_receive(self, message):
        return 100 + message


if __name__ == "__main__":
    cores = int(sys.argv[1])
    with ActorSystem(cores=cores) as system:
        account = system.spawn(Account, core=cores - 1)
        print(account.ask(50), flush=True)
